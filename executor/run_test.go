package executor_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"alsbot/executor"
)

// gatedCommand returns a command that prints, waits until open is called,
// prints again and exits.
func gatedCommand(t testing.TB) (argv []string, open func()) {
	gate := filepath.Join(t.TempDir(), "gate")
	return sh(`echo before; while [ ! -e ` + gate + ` ]; do sleep 0.05; done; echo after; exit 6`), func() { write(t, gate, "", 0o644) }
}

func TestRunAttaches(t *testing.T) {
	t.Parallel()
	s := newServer(t).listen(t)
	ctx := testContext(t)
	argv, open := gatedCommand(t)
	first := newExecutor(t)
	early, cancel := context.WithCancel(ctx)
	l := newSink()
	done := runInBackground(early, first, s.target(), executor.Command{ID: "a", Argv: argv}, l)
	l.await(t, "output")
	cancel()
	if end := <-done; !errors.Is(end.err, context.Canceled) {
		t.Fatalf("%+v", end)
	}
	must(t, first.Close())

	// Another process goes on where the first one stopped; a third reads
	// everything.
	open()
	for _, from := range []int64{7, 0, 13} {
		l := newSink()
		l.offset = from
		exit, err := newExecutor(t).Run(ctx, s.target(), executor.Command{ID: "a", Argv: argv, Offset: from, Started: from != 0}, l)
		if err != nil || exit != (executor.Exit{State: executor.Finished, Status: 6, Size: 13}) || l.text() != "before\nafter\n"[from:] {
			t.Errorf("from %d: %+v %v %q", from, exit, err, l.text())
		}
	}
	_, err := newExecutor(t).Run(ctx, s.target(), executor.Command{ID: "a", Argv: sh("echo other")}, newSink())
	checkRefused(t, err, executor.Conflict, "another command")
}

func TestRunEndsWithSinkError(t *testing.T) {
	t.Parallel()
	s := newServer(t).listen(t)
	l := newSink()
	l.failing = errors.New("no space in the store")
	_, err := newExecutor(t).Run(testContext(t), s.target(), executor.Command{ID: "a", Argv: sh("echo x; exit 0")}, l)
	if !errors.Is(err, l.failing) {
		t.Fatal(err)
	}
}

func TestRunBinaryOutput(t *testing.T) {
	t.Parallel()
	s := newServer(t).listen(t)
	want := make([]byte, 3<<20)
	chacha := rand.NewChaCha8([32]byte{1})
	_, _ = chacha.Read(want)
	copy(want[1000:], "\nALSB1 x state=finished rc=0 size=0 off=0 len=0\nALSB1 x end sum=-\n")
	file := filepath.Join(t.TempDir(), "data")
	must(t, os.WriteFile(file, want, 0o644))
	x := newExecutor(t)
	for _, from := range []int64{0, 1, 65535, 65536, 65537, 3<<20 - 1, 3 << 20} {
		l := newSink()
		l.offset = from
		exit, err := x.Run(testContext(t), s.target(), executor.Command{ID: "bin", Argv: []string{"/bin/cat", file}, Offset: from, Started: from > 0}, l)
		if err != nil || exit.Size != 3<<20 || !bytes.Equal(l.out.Bytes(), want[from:]) {
			t.Errorf("from %d: %+v %v, %d bytes", from, exit, err, l.out.Len())
		}
	}
}

// F03: replies to three concurrent starts are cut at random places. Each run
// happens exactly once, with its output and its status.
func TestRunLostReplies(t *testing.T) {
	t.Parallel()
	s := newServer(t).listen(t)
	ledger := filepath.Join(t.TempDir(), "ledger")
	ctx := testContext(t)
	const runs = 12
	random := rand.New(rand.NewPCG(1, 2))
	var wg sync.WaitGroup
	for i := range runs {
		id := fmt.Sprintf("run-%d", i)
		argv := sh(fmt.Sprintf(`echo %s >>%s; head -c %d /dev/zero; exit %d`, id, ledger, i*1000, i))
		for range 3 {
			s.cutAfter.Store(500 + random.Int64N(4500)) // a handshake takes about 1,500 bytes
			x := newExecutor(t)
			wg.Go(func() {
				l := newSink()
				exit, err := x.Run(ctx, s.target(), executor.Command{ID: id, Argv: argv}, l)
				if err != nil || exit.State != executor.Finished || exit.Status != i || l.out.Len() != i*1000 {
					t.Errorf("%s: %+v %v %d bytes", id, exit, err, l.out.Len())
				}
			})
			eventually(t, "it is cut", func() bool { return s.dials.Load() > int64(i) })
		}
		if i%4 == 3 {
			s.cutAfter.Store(0) // let this batch end
			wg.Wait()
		}
	}
	lines := strings.Fields(read(t, ledger))
	slices.Sort(lines)
	if len(lines) != runs || len(slices.Compact(lines)) != runs {
		t.Errorf("executed: %v", lines)
	}
}

// The node runs a start to its end, and its reply is lost.
func TestRunUnansweredStart(t *testing.T) {
	t.Parallel()
	s := newServer(t).listen(t)
	s.dropReply.Store(true)
	ledger := filepath.Join(t.TempDir(), "ledger")
	l := newSink()
	done := runInBackground(testContext(t), newExecutor(t), s.target(), executor.Command{ID: "a", Argv: sh("echo a >>" + ledger + "; exit 2")}, l)
	l.await(t, "link")
	eventually(t, "it ran", func() bool { _, err := os.Stat(ledger); return err == nil })
	s.dropReply.Store(false)
	end := <-done
	if end.err != nil || end.Status != 2 || read(t, ledger) != "a\n" || l.happened() != "link back started" {
		t.Fatalf("%+v %q %s", end, read(t, ledger), l.happened())
	}
}

// A command gets its input once, although the first replies are lost.
func TestRunInput(t *testing.T) {
	t.Parallel()
	s := newServer(t).listen(t)
	s.dropReply.Store(true)
	ledger := filepath.Join(t.TempDir(), "ledger")
	l := newSink()
	done := runInBackground(testContext(t), newExecutor(t), s.target(), executor.Command{ID: "a", Argv: sh(`read -r key; echo "${#key}" | tee -a ` + ledger), Input: "0123456789"}, l)
	l.await(t, "link")
	eventually(t, "it ran", func() bool { b, err := os.ReadFile(ledger); return err == nil && len(b) > 0 })
	s.dropReply.Store(false)
	if end := <-done; end.err != nil || end.Status != 0 || l.text() != "10\n" || read(t, ledger) != "10\n" {
		t.Fatalf("%+v %q %q", end, l.text(), read(t, ledger))
	}
	_, err := newExecutor(t).Run(t.Context(), s.target(), executor.Command{ID: "b", Argv: sh("true"), Input: "two\nlines"}, newSink())
	checkRefused(t, err, executor.Setup, "its input")
}

// F31: revoke races start: exactly one of them wins.
func TestRunRevokeRace(t *testing.T) {
	t.Parallel()
	s := newServer(t).listen(t)
	x, y := newExecutor(t), newExecutor(t)
	ctx := testContext(t)
	dir := t.TempDir()
	won := map[executor.State]int{}
	for i := range 24 {
		id := fmt.Sprintf("race-%d", i)
		done := runInBackground(ctx, x, s.target(), executor.Command{ID: id, Argv: sh(`trap '' TERM; echo x >>` + dir + `/` + id)}, newSink())
		time.Sleep(time.Duration(i) * time.Millisecond) // varies which comes first; nothing depends on it
		must(t, y.Cancel(ctx, s.target(), id, time.Minute))
		end := <-done
		must(t, end.err)
		p, _ := os.ReadFile(filepath.Join(dir, id))
		won[end.State]++
		switch {
		case end.State == executor.Revoked && len(p) == 0:
		case end.State == executor.Finished && string(p) == "x\n" && end.Status == 0:
		case end.State == executor.Finished && len(p) == 0 && end.Status > 128: // it ended in its login
		default:
			t.Errorf("%s: %+v, ledger %q", id, end, p)
		}
	}
	t.Log(won)
}

// F08: the wrapper dies while the command lives: the run is an orphan, then
// lost.
func TestRunOrphan(t *testing.T) {
	t.Parallel()
	for _, cancel := range []bool{false, true} {
		t.Run(fmt.Sprintf("cancelled %v", cancel), func(t *testing.T) {
			s := newServer(t).listen(t)
			x := newExecutor(t)
			ctx := testContext(t)
			argv, open := gatedCommand(t)
			l := newSink()
			done := runInBackground(ctx, x, s.target(), executor.Command{ID: "o", Argv: argv}, l)
			l.await(t, "output")
			killPID(t, claim(t, s.run("o"))[1])
			l.await(t, "orphan")
			want := "before\nafter\n"
			if cancel {
				must(t, x.Cancel(ctx, s.target(), "o", 0))
				want = "before\n"
			}
			open()
			end := <-done
			if end.err != nil || end.State != executor.Lost || end.Why == "" || l.text() != want || l.happened() != "started orphan" {
				t.Fatalf("%+v %q %s", end, l.text(), l.happened())
			}
		})
	}
}

// F07, F08: the claim no longer describes what is there.
func TestRunLost(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		field int // of the claim
		value string
		state executor.State
		why   string
		files map[string]string
	}{
		{name: "pid of another process", field: 1, value: fmt.Sprint(os.Getpid()), state: executor.Lost, why: "wrapper was killed"},
		{name: "other start time", field: 2, value: "1", state: executor.Lost, why: "wrapper was killed"},
		{name: "rebooted", field: 4, value: "00000000-0000-0000-0000-000000000000", state: executor.Lost, why: "rebooted"},
		{name: "rebooted before it began", field: 4, value: "0", state: executor.NotBegun, why: "before it began", files: map[string]string{"state": "claimed\n"}},
		{name: "half a claim", field: 5, value: "en", state: executor.Lost, why: "damaged"},
		{name: "status without its end", field: 4, value: "0", state: executor.Lost, why: "rebooted", files: map[string]string{"exit": "exit 0 en"}},
		{name: "rebooted behind its end", field: 4, value: "0", state: executor.Finished, files: map[string]string{"exit": "exit 0 end\nsize 3 end\n"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newServer(t).listen(t)
			x := newExecutor(t)
			ctx := testContext(t)
			command := executor.Command{ID: "l", Argv: sh("echo hi")}
			_, err := x.Run(ctx, s.target(), command, newSink())
			must(t, err)
			fields := claim(t, s.run("l"))
			fields[c.field] = c.value
			blank := strings.Repeat(" ", 100)
			write(t, filepath.Join(s.run("l"), "claim"), strings.Join(fields, " ")+"\n", 0o600)
			write(t, filepath.Join(s.run("l"), "exit"), blank, 0o600)
			write(t, filepath.Join(s.run("l"), "inner"), blank, 0o600)
			for name, text := range c.files {
				write(t, filepath.Join(s.run("l"), name), text+blank, 0o600)
			}
			l := newSink()
			exit, err := x.Run(ctx, s.target(), command, l)
			if err != nil || exit.State != c.state || !strings.Contains(exit.Why, c.why) || exit.Status != 0 || l.text() != "hi\n" {
				t.Errorf("%+v %v %q", exit, err, l.text())
			}
		})
	}
	t.Run("emptied", func(t *testing.T) {
		s := newServer(t).listen(t)
		canary := filepath.Join(t.TempDir(), "ran")
		exit, err := newExecutor(t).Run(testContext(t), s.target(), executor.Command{ID: "l", Argv: []string{"/bin/touch", canary}, Started: true, Offset: 3}, newSink())
		if err != nil || exit.State != executor.Lost || !strings.Contains(exit.Why, "knows nothing") {
			t.Errorf("%+v %v", exit, err)
		}
		if _, err := os.Stat(canary); err == nil {
			t.Error("it was begun again")
		}
	})
}

func TestRunTamperedOutput(t *testing.T) {
	t.Parallel()
	s := newServer(t).listen(t)
	x := newExecutor(t)
	ctx := testContext(t)
	argv, open := gatedCommand(t)
	l := newSink()
	done := runInBackground(ctx, x, s.target(), executor.Command{ID: "a", Argv: argv}, l)
	l.await(t, "output")
	write(t, filepath.Join(s.run("a"), "out"), "BEFORE\n", 0o600)
	open()
	end := <-done
	checkRefused(t, end.err, executor.Node, "SHA-256")
	if end.State != executor.Finished || end.Status != 6 {
		t.Errorf("%+v", end)
	}
}

// F25: memory for a large output stays bounded, even if the sink is slow.
func TestRunBoundsMemoryForLargeOutput(t *testing.T) {
	s := newServer(t).listen(t)
	s.handle = func(_ *server, line string, ch ssh.Channel) (int, bool) {
		const size = 200 << 20
		_, _ = ch.Write([]byte(withNonce(line, fmt.Sprintf("ALSB1 NONCE state=finished rc=0 size=%d off=0 len=%[1]d\n", size))))
		for range size >> 20 {
			_, _ = ch.Write(make([]byte, 1<<20))
		}
		_, _ = ch.Write([]byte(withNonce(line, "ALSB1 NONCE end sum=-\n")))
		return 0, true
	}
	before := rss(t)
	var n discard
	exit, err := newExecutor(t).Run(testContext(t), s.target(), executor.Command{ID: "a", Argv: sh("true"), Started: true}, &n)
	if err != nil || exit.Size != 200<<20 || n != 200<<20 {
		t.Fatal(exit, err, n)
	}
	if grown := rss(t) - before; grown > 64<<20 {
		t.Errorf("%d MiB more", grown>>20)
	}
}

func rss(t testing.TB) int64 {
	var use syscall.Rusage
	must(t, syscall.Getrusage(syscall.RUSAGE_SELF, &use))
	return use.Maxrss << 10
}
