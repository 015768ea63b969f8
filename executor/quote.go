package executor

import (
	"errors"
	"fmt"
	"strings"
)

// Quote returns argv as one line that a POSIX shell reads back as the same
// words. No argument reaches a shell in any other way. Quote puts every word in
// single quotes, even a harmless one: without a decision there is no wrong
// decision. argv must hold no NUL; Run and Exec refuse one.
func Quote(argv []string) string {
	n := 0
	for _, arg := range argv {
		n += len(arg) + len(`'' `)
	}
	var b strings.Builder
	b.Grow(n)
	for i, arg := range argv {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteByte('\'')
		b.WriteString(strings.ReplaceAll(arg, `'`, `'\''`))
		b.WriteByte('\'')
	}
	return b.String()
}

// anyShell returns a line for /bin/sh as one that every login shell reads alike:
// csh, tcsh and fish have other rules for quotes, backslashes, exclamation marks
// and line ends, so the line has none of them inside its quotes. A shell that
// can't read it carries out nothing of it.
func anyShell(line string) string {
	var b strings.Builder
	b.Grow(len(line) + len(line)/4)
	b.WriteString(`exec /bin/sh -c 'eval "$(printf %b "$1")"' alsb '`)
	for i := range len(line) {
		if c := line[i]; c < ' ' || c >= 0x7f || c == '\'' || c == '\\' || c == '!' {
			fmt.Fprintf(&b, `\0%03o`, c)
		} else {
			b.WriteByte(c)
		}
	}
	b.WriteByte('\'')
	return b.String()
}

// checkArgv refuses an argv that no shell can run unchanged.
func checkArgv(argv []string) error {
	if len(argv) == 0 || argv[0] == "" {
		return errors.New("the command is empty")
	}
	if strings.HasPrefix(argv[0], "-") {
		return errors.New("the command begins with a dash")
	}
	for _, arg := range argv {
		if strings.ContainsRune(arg, 0) {
			return errors.New("the command holds a NUL byte")
		}
	}
	return nil
}
