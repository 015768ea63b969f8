package executor_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"alsbot/executor"
)

const secret = `s3cret "$HOME" \t'x`

// startWithInput is start with a line for the command's stdin.
func (s script) startWithInput(t testing.TB, stdin, id string, argv ...string) string {
	t.Helper()
	s.stdin = stdin
	return s.call(t, "start", id, "0", "1000", "0", "", executor.Quote(argv), s.withShell(executor.RunnerScript), s.withShell(executor.ChildScript), "input")
}

// A command's input arrives complete or the command doesn't begin. It is read
// once, and is in no file, no argv and no environment while the command runs.
func TestScriptInput(t *testing.T) {
	t.Parallel()
	for _, shell := range shells {
		t.Run(shell[0], func(t *testing.T) {
			t.Parallel()
			need(t, shell[0])
			testInput(t, shell)
		})
	}
}

func testInput(t *testing.T, shell []string) {
	s := newScript(t, shell...)
	gate := filepath.Join(t.TempDir(), "gate")
	argv := []string{"/bin/sh", "-c", "IFS= read -r key; read -r more && echo more; while [ ! -e " + gate + " ]; do sleep 0.05; done; echo ${#key}"}
	for _, part := range []string{"", secret} {
		if got := s.startWithInput(t, part, "a", argv...); !strings.Contains(got, "error=request") {
			t.Errorf("with a part of its input: %q", got)
		}
	}
	if got := s.call(t, "poll", "a", "0", "9", "0", "0"); !strings.Contains(got, "state=prepared") {
		t.Errorf("after a part of its input: %q", got)
	}
	if got := s.startWithInput(t, secret+"\n", "a", argv...); !strings.Contains(got, "state=running") {
		t.Errorf("with its input: %q", got)
	}
	// A caller that had no answer starts it again: it attaches.
	if got := s.startWithInput(t, "other\n", "a", argv...); !strings.Contains(got, "state=running") {
		t.Errorf("again: %q", got)
	}
	if checkSecretAbsent(t, s.home, true) == 0 {
		t.Error("there was nothing to look at")
	}
	write(t, gate, "", 0o644)
	if state, out := s.finish(t, "a"); state != "finished 0" || out != fmt.Sprintf("%d\n", len(secret)) {
		t.Errorf("%s: %q", state, out)
	}
	checkSecretAbsent(t, s.home, false)
	// Without input, stdin is empty.
	s.start(t, "b", "/bin/sh", "-c", "read -r key || echo none")
	if state, out := s.finish(t, "b"); state != "finished 0" || out != "none\n" {
		t.Errorf("%s: %q", state, out)
	}
}

// checkSecretAbsent looks for the secret in the files under dir and, with
// processes, in the command lines and environments of all processes.
func checkSecretAbsent(t *testing.T, dir string, processes bool) (looked int) {
	t.Helper()
	patterns := []string{dir + "/runs/*/*", dir + "/runs/*/.*"}
	if processes {
		patterns = append(patterns, "/proc/[0-9]*/cmdline", "/proc/[0-9]*/environ")
	}
	for _, pattern := range patterns {
		files, err := filepath.Glob(pattern)
		must(t, err)
		for _, file := range files {
			b, err := os.ReadFile(file)
			if err != nil {
				continue // it has ended
			}
			looked++
			if bytes.Contains(b, []byte(secret)) {
				t.Errorf("%s has it", file)
			}
		}
	}
	return looked
}

// The node's side is killed before each of its lines in turn. No file keeps any
// of the input, and the same start again neither loses the command nor runs it
// twice.
func TestScriptInputKilled(t *testing.T) {
	t.Parallel()
	need(t, "dash")
	node := scriptsThatDie(executor.NodeScript, "start() {", "look\n")
	runner := scriptsThatDie(executor.RunnerScript, "read -r boot", "rc=$?")
	if len(node) < 10 || len(runner) < 10 {
		t.Fatalf("%d and %d lines to die at: the test looks in the wrong place", len(node), len(runner))
	}
	begun := 0
	for i, text := range append(node, runner...) {
		s := newScript(t, "dash")
		must(t, os.Mkdir(filepath.Join(s.home, "runs"), 0o700))
		ledger := filepath.Join(s.home, "ledger")
		command := executor.Quote([]string{"/bin/sh", "-c", `IFS= read -r key; echo "${#key}" >>` + ledger})
		scripts := [2]string{text, executor.RunnerScript}
		if i >= len(node) {
			scripts = [2]string{executor.NodeScript, text}
		}
		cmd := exec.CommandContext(t.Context(), "dash", "-c", scripts[0], "alsb", "start", "runs", "me", "N", "a", "0", "1000", "0", "", command, scripts[1], executor.ChildScript, "input")
		cmd.Dir, cmd.Env, cmd.Stdin = s.home, []string{"HOME=" + s.home, "SHELL=/bin/dash", "PATH=" + os.Getenv("PATH")}, strings.NewReader(secret+"\n")
		_ = cmd.Run() // it kills itself
		checkSecretAbsent(t, s.home, false)
		s.startWithInput(t, secret+"\n", "a", "/bin/sh", "-c", `IFS= read -r key; echo "${#key}" >>`+ledger)
		state, _ := s.finish(t, "a")
		checkSecretAbsent(t, s.home, false)
		ran, err := os.ReadFile(ledger)
		switch {
		case state == "finished 0" && string(ran) == fmt.Sprintf("%d\n", len(secret)):
			begun++
		case strings.HasPrefix(state, "lost") || strings.HasPrefix(state, "notbegun"):
			if err == nil && strings.Count(string(ran), "\n") > 1 {
				t.Errorf("%d: it ran twice", i)
			}
		default:
			t.Errorf("%d: %s: %q %v\n%s", i, state, ran, err, text)
		}
	}
	if begun < len(node) {
		t.Errorf("only %d of %d starts that came again did the work", begun, len(node))
	}
}

// scriptsThatDie returns copies of a script. Each one kills itself with SIGKILL
// before another line between the texts from and to.
func scriptsThatDie(text, from, to string) []string {
	a := strings.Index(text, from)
	b := a + strings.Index(text[a:], to)
	var all []string
	here := false // in a here-document
	lines := strings.SplitAfter(text[a:b], "\n")
	for i := 1; i < len(lines); i++ {
		before := strings.TrimSpace(lines[i-1])
		here = (here || strings.Contains(before, "<<")) && before != "END"
		mutated := text[:a] + strings.Join(lines[:i], "") + "kill -KILL $$\n" + strings.Join(lines[i:], "") + text[b:]
		if here || strings.HasSuffix(before, "||") || strings.HasSuffix(before, "&&") || exec.Command("dash", "-n", "-c", mutated).Run() != nil {
			continue
		}
		all = append(all, mutated)
	}
	return all
}
