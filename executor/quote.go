package executor

import (
	"errors"
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
