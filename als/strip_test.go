package als

import (
	"strings"
	"testing"
)

// What a reader passes over is what people are not shown either: a control
// sequence ends on its line. Else a stray one hides every line up to the next.
func TestNoControlSequenceHidesALine(t *testing.T) {
	t.Parallel()
	const shown = "Node 10.0.0.10\n  base RUNNING\n"
	for _, hide := range []string{"\x1b]0;", "\x1b]8;;http://x\n", "\x1bP", "\x1b_", "\x1b^", "\x1bX", "\x1b[", "\x1b[38;5", "\u009d", "\x9d", "\x90"} {
		for _, end := range []string{"", "\x07", "\x1b\\", "\u009c", "\x9c"} {
			out := strings.Replace(shown, "\n  base", hide+"\n  mysql FATAL\n"+end+"  base", 1)
			s, err := ReadStatus([]byte(out))
			if err == nil && s.Of("10.0.0.10", "mysql") != "FATAL" {
				t.Errorf("%q is read as %v", out, s)
			}
		}
	}
	for _, out := range []string{"10.0.0.10 base\x1b] mysql\n", "10.0.0.10 base\x1bP mysql\n", "10.0.0.10 base\x1b[ mysql\n", "10.0.0.10 base \x1b\n"} {
		if n, err := ReadNodes([]byte(out)); err == nil {
			t.Errorf("%q is read as %v", out, n)
		}
	}
}

// A carriage return overwrites as much as follows it.
func TestACarriageReturnHidesNoMoreThanItOverwrites(t *testing.T) {
	t.Parallel()
	for out, want := range map[string]string{
		"10.0.0.10 base\r\n":                       "base",
		"  0 %\r 50 %\r100 %\r10.0.0.10 base\n":    "base",
		"looking...\r\x1b[K10.0.0.10 base\n":       "base",
		"10.0.0.10 base mysql\r10.0.0.10 base\n":   "base mysql",
		"10.0.0.10 base mysql\r\r\n":               "base mysql",
		"10.0.0.1X base mysql\r10.0.0.10\n":        "base mysql",
		"10.0.0.10 base é\r10.0.0.10 base dea x\n": "base dea x",
	} {
		n, err := ReadNodes([]byte(out))
		if err != nil || len(n) != 1 || strings.Join(n[0].Roles, " ") != want {
			t.Errorf("%q is read as %v, %v", out, n, err)
		}
	}
}
