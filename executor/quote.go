package executor

import (
	"errors"
	"strings"
)

// Quote writes argv as one line for a POSIX shell that reads it back as the
// same words. It is the only way by which an argument meets a shell. Every
// word is put in single quotes, also a harmless one: what is never decided
// cannot be decided wrongly. argv holds no NUL; Run and Exec refuse one.
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

// checkArgv refuses what no shell can run as it stands.
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
