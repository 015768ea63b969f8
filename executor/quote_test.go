package executor_test

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"

	"alsbot/executor"
)

// roundTrip lets a shell print the words of a quoted line, with a NUL after
// each.
func roundTrip(t *testing.T, shell, argv []string) {
	t.Helper()
	script := "printf '%s\\0' " + executor.Quote(argv)
	cmd := exec.Command(shell[0], append(shell[1:len(shell):len(shell)], "-c", script)...)
	got, err := cmd.CombinedOutput()
	if want := strings.Join(argv, "\x00") + "\x00"; err != nil || string(got) != want {
		t.Errorf("%s: %q became %q (%v)", shell[0], want, got, err)
	}
}

func TestQuote(t *testing.T) {
	t.Parallel()
	if got := executor.Quote([]string{"kato", "it's", ""}); got != `'kato' 'it'\''s' ''` {
		t.Error(got)
	}
	for _, shell := range shells {
		t.Run(shell[0], func(t *testing.T) {
			need(t, shell[0])
			roundTrip(t, shell, []string{"", "'", "''", `\`, `\'`, "$(touch x)", "`id`", "a\nb\n", "-n", "!!", "\x01\x7f\x80\x81\x88\xff", "ä€😀", "*", "~", "a b", "#", "\\0", "%s"})
		})
	}
}

func TestArgvRefused(t *testing.T) {
	t.Parallel()
	x := newExecutor(t)
	for _, argv := range [][]string{nil, {""}, {"-x"}, {"a\x00"}, {"a", "b\x00c"}} {
		_, err := x.Exec(t.Context(), executor.Target{Name: "node 1"}, argv, &bytes.Buffer{})
		checkRefused(t, err, executor.Setup, "the command")
		_, err = x.Run(t.Context(), executor.Target{Name: "node 1"}, executor.Command{ID: "a", Argv: argv}, newSink())
		checkRefused(t, err, executor.Setup, "the command")
	}
	for _, id := range []string{"", "-a", "A", "a/b", "..", "a\n", strings.Repeat("a", 65)} {
		_, err := x.Run(t.Context(), executor.Target{Name: "node 1"}, executor.Command{ID: id, Argv: sh("true")}, newSink())
		checkRefused(t, err, executor.Setup, "is not an ID")
		checkRefused(t, x.Cancel(t.Context(), executor.Target{Name: "node 1"}, id, 0), executor.Setup, "is not an ID")
		checkRefused(t, x.Clean(t.Context(), executor.Target{Name: "node 1"}, id), executor.Setup, "is not an ID")
	}
}

func FuzzQuote(f *testing.F) {
	need(f, "dash")
	need(f, "busybox")
	for _, seed := range []string{"", "'", "a'b", "\\", "$x", "\xff\x81", "a\n"} {
		f.Add(seed, "second")
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		if strings.ContainsRune(a+b, 0) {
			return
		}
		for _, shell := range shells[:3] {
			roundTrip(t, shell, []string{a, b})
		}
	})
}
