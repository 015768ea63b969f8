package executor_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"alsbot/executor"
)

// shells are the shells that a node's /bin/sh may be.
var shells = [][]string{{"dash"}, {"bash", "--posix"}, {"busybox", "sh"}, {"mksh"}}

// TestMain closes what the caller of the tests has left open: the shells would
// inherit it, and free descriptor numbers decide where a shell keeps its own.
func TestMain(m *testing.M) {
	for fd := 3; fd < 1024; fd++ {
		syscall.CloseOnExec(fd)
	}
	runSideBySide(6)
	m.Run()
}

// runSideBySide lets n tests run at a time unless -parallel says otherwise:
// most of them wait, for a node or a poll.
func runSideBySide(n int) {
	flag.Parse()
	chosen := false
	flag.Visit(func(f *flag.Flag) { chosen = chosen || f.Name == "test.parallel" })
	if !chosen {
		_ = flag.Set("test.parallel", strconv.Itoa(n)) // the flag exists, and n is a number
	}
}

// script runs the node's side in one shell, without SSH.
type script struct {
	shell []string
	home  string
	stdin string // of the calls
}

func newScript(t testing.TB, shell ...string) script {
	s := script{shell: shell, home: t.TempDir()}
	awaitRunners(t, filepath.Join(s.home, "runs"))
	return s
}

// withShell makes every part of a run use this shell.
func (s script) withShell(text string) string {
	return strings.ReplaceAll(text, "/bin/sh -c", strings.Join(s.shell, " ")+" -c")
}

func (s script) call(t testing.TB, verb, id string, args ...string) string {
	t.Helper()
	argv := append(append([]string{}, s.shell...), "-c", s.withShell(executor.NodeScript), "alsb", verb, "runs", "me", "N", id)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, argv[0], append(argv[1:], args...)...)
	cmd.Cancel = func() error {
		t.Errorf("%s %s %s does not return", s.shell, verb, id)
		return cmd.Process.Kill()
	}
	cmd.WaitDelay = time.Second
	cmd.Dir, cmd.Stdin = s.home, strings.NewReader(s.stdin)
	cmd.Env = []string{"HOME=" + s.home, "SHELL=/bin/" + s.shell[0], "PATH=" + os.Getenv("PATH"), "LC_ALL=C.UTF-8", "TIME_STYLE=full-iso"}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil || stderr.Len() > 0 {
		t.Errorf("%s %s: %v %s", s.shell, verb, err, &stderr)
	}
	return string(out)
}

func (s script) start(t testing.TB, id string, argv ...string) string {
	t.Helper()
	return s.call(t, "start", id, "0", "1000", "0", "", executor.Quote(argv), s.withShell(executor.RunnerScript), s.withShell(executor.ChildScript))
}

// finish polls until the run has ended and returns its state and output. A
// command whose runner was killed may take a while.
func (s script) finish(t testing.TB, id string) (state, out string) {
	t.Helper()
	for range 100 {
		reply := s.call(t, "poll", id, "0", "100000", "0", "20")
		state, rc, _, err := executor.ReadReply(strings.NewReader(reply), "N", func(p []byte) error { out += string(p); return nil })
		if err != nil {
			t.Fatalf("%q: %v", reply, err)
		}
		if state != "running" && state != "orphan" {
			return fmt.Sprintf("%s %d", state, rc), out
		}
		out = ""
	}
	t.Fatal("it does not end")
	return "", ""
}

func TestScriptShells(t *testing.T) {
	t.Parallel()
	for _, shell := range shells {
		t.Run(shell[0], func(t *testing.T) {
			t.Parallel()
			need(t, shell[0])
			s := newScript(t, shell...)
			expect := func(got, want string) {
				t.Helper()
				if !strings.Contains(got, want) {
					t.Errorf("no %q in %q", want, got)
				}
			}
			expect(s.call(t, "poll", "a", "0", "9", "0", "0"), "state=none")
			expect(s.call(t, "list", "-"), "\nALSB1 N end sum=-\n"[1:])
			expect(s.start(t, "a", "/bin/sh", "-c", `printf '%s|' "$LC_ALL" "$(umask)" "$1"; exec 2>&1; echo err >&2; exit 5`, "x", `it's "$HOME"`), "\nALSB1 N state=")
			state, out := s.finish(t, "a")
			expect(state, "finished 5")
			expect(out, `C.UTF-8|0022|it's "$HOME"|err`)
			expect(s.start(t, "a", "/bin/true"), "error=conflict")
			s.start(t, "killed", "/bin/sh", "-c", "kill -KILL $$")
			state, _ = s.finish(t, "killed")
			expect(state, "finished 137")
			s.start(t, "none", "/nonexistent")
			state, out = s.finish(t, "none")
			expect(state, "finished 127")
			expect(out, "/nonexistent")
			s.start(t, "long", "/bin/sh", "-c", "echo on; sleep 600")
			reply := ""
			for n := 0; !strings.Contains(reply, "\non\n"); n++ {
				if n == 5 || t.Failed() {
					t.Fatalf("no output of the run that goes on: %q", reply)
				}
				reply = s.call(t, "poll", "long", "0", "99", "0", "20")
			}
			expect(s.call(t, "revoke", "long", "0", "99", "0"), "state=running rc=- size=3 off=0 len=3\non\n")
			expect(s.call(t, "cancel", "long", "60"), "state=finished rc=143")
			expect(s.call(t, "revoke", "late", "0", "9", "0"), "state=revoked rc=- size=0 off=0 len=0\nALSB1 N end sum=-\n")
			expect(s.start(t, "late", "/bin/true"), "state=revoked")
			expect(s.call(t, "cancel", "new", "0"), "state=revoked")
			expect(s.start(t, "new", "/bin/true"), "state=revoked")
			expect(s.call(t, "clean", "a", "30"), "state=finished rc=5")
			expect(s.call(t, "list", "-"), "run=a state=finished rc=5 size=")
			expect(s.call(t, "poll", "../a", "0", "9", "0", "0"), "error=request")
			expect(s.call(t, "erase", "a"), "error=request")
		})
	}
}

// The scripts must not use what Ubuntu 12.04 lacks or what only some shells
// have.
func TestScriptsUseOnlyOldTools(t *testing.T) {
	t.Parallel()
	banned := map[string]string{
		`\[\[`: "bash", `\blocal\b`: "not in POSIX", `echo -[ne]`: "not portable", `PIPESTATUS`: "bash", `\$'`: "bash", `<\(`: "bash",
		`<<<`: "bash", `\bfunction\b`: "bash", `=~`: "bash", `&>`: "bash", `\bdeclare\b|\btypeset\b`: "bash", `\w\+=`: "bash",
		`\[ -O\b`: "not in posh", `\bsource\b`: "bash", `\{[0-9]+\.\.`: "bash", `\$\{\w+:[0-9]`: "bash", `\$\{\w+//?[^}#%]`: "bash",
		`skip_bytes|count_bytes`: "coreutils 8.16", `\bsync\b [^"]`: "coreutils 8.24", `\brealpath\b`: "coreutils 8.15", `setsid -`: "util-linux 2.24",
		`\bflock\b`: "lost with its process", `systemd`: "not there", `df --output`: "coreutils 8.21", `\bnumfmt\b`: "coreutils 8.21", `\bps\b`: "procps differs",
		`pipefail`: "bash", `\bwhich\b`: "not POSIX", `head -c -|tail -c [0-9]`: "busybox", `rm -[a-z]*r`: "deletes more than known names", `\bsu -[^ ]`: "shadow's su",
	}
	for _, text := range executor.RawScripts() {
		for n, line := range strings.Split(text, "\n") {
			if strings.HasPrefix(strings.TrimSpace(line), "#") {
				continue
			}
			for pattern, why := range banned {
				if regexp.MustCompile(pattern).MatchString(line) {
					t.Errorf("line %d: %s (%s): %s", n+1, pattern, why, line)
				}
			}
		}
	}
	if n := len(executor.NodeScript + executor.RunnerScript + executor.ChildScript); n > 20<<10 {
		t.Errorf("%d bytes travel with each start", n)
	}
}

// F36: ten thousand runs on a node don't slow a poll down.
func TestScriptManyRuns(t *testing.T) {
	t.Parallel()
	need(t, "dash")
	s := newScript(t, "dash")
	s.start(t, "a", "/bin/true")
	claim := filepath.Join(s.home, "claim")
	write(t, claim, "revoked 0 0 0 0 end\n", 0o600)
	for i := range 10000 {
		d := filepath.Join(s.home, "runs", fmt.Sprintf("old-%d", i))
		must(t, os.Mkdir(d, 0o700))
		must(t, os.Link(claim, filepath.Join(d, "claim")))
	}
	if state, _ := s.finish(t, "a"); state != "finished 0" {
		t.Error(state)
	}
	if got := strings.Count(s.call(t, "list", "-"), "state=revoked"); got != 10000 {
		t.Errorf("%d listed", got)
	}
}
