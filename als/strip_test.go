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

// A log line, a heading or a progress line with bad news in it is no noise, and
// what is no list of patches is not an empty one.
func TestBadNewsIsNoNoise(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"[info] mysql on 10.0.0.11 is down", "[info] mysql: STOPPED", "-----> mysql is dead", "[debug] redis_server has crashed",
		"[info] 2 of 4 nodes are missing", "[info] no answer from 10.0.0.12", "[info] 10.0.0.12 is offline", "mysql on 10.0.0.12 gone...  ok", "[info] process killed", "[info] the list is incomplete", "[info] 10.0.0.12: not running"} {
		if s, err := ReadStatus([]byte("Node 10.0.0.10\n  base RUNNING\n" + bad + "\n")); err == nil {
			t.Errorf("%q: %v", bad, s)
		}
	}
	for _, out := range []string{`{"error":[]}`, `{"errors":[]}`, `{"nodes":[]}`, `{"":[]}`} {
		if l, err := ReadPatches([]byte(out)); err == nil {
			t.Errorf("%s: %v", out, l)
		}
	}
	for _, out := range []string{`[]`, `{"patches":[]}`, `{"updates":[]}`} {
		if _, err := ReadPatches([]byte(out)); err != nil {
			t.Errorf("%s: %v", out, err)
		}
	}
	if p, err := ReadUpgrade([]byte("10.0.0.12  complete (failed at the restart)\n")); err == nil {
		t.Error(p)
	}
	if n, err := ReadNodes([]byte("10.0.0.10 base ok\n")); err == nil {
		t.Error(n)
	}
}
