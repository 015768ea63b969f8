package executor_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"alsbot/executor"
)

// recordingSink is a sink that records events, and checks that offsets follow
// each other.
type recordingSink struct {
	mu      sync.Mutex
	offset  int64
	out     bytes.Buffer
	events  []string // started, link, back, orphan
	notify  chan string
	failing error // what Output returns
}

func newSink() *recordingSink { return &recordingSink{notify: make(chan string, 1000)} }

func (l *recordingSink) event(s string) {
	l.mu.Lock()
	if s != "output" {
		l.events = append(l.events, s)
	}
	l.mu.Unlock()
	select {
	case l.notify <- s:
	default:
	}
}

func (l *recordingSink) Started() error { l.event("started"); return nil }
func (l *recordingSink) Orphan()        { l.event("orphan") }

func (l *recordingSink) Link(err error) {
	if err != nil {
		l.event("link")
	} else {
		l.event("back")
	}
}

func (l *recordingSink) Output(offset int64, p []byte) error {
	l.mu.Lock()
	want, failing := l.offset+int64(l.out.Len()), l.failing
	if failing == nil {
		l.out.Write(p)
	}
	l.mu.Unlock()
	l.event("output")
	switch {
	case failing != nil:
		return failing
	case offset != want || len(p) > 256<<10:
		return fmt.Errorf("%d bytes of output at %d, not at %d", len(p), offset, want)
	}
	return nil
}

func (l *recordingSink) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.out.String()
}

func (l *recordingSink) happened() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.events, " ")
}

// patience is how long a test waits for an event. It is a safety limit for a
// busy machine, not a measurement.
const patience = 5 * time.Minute

// await waits for the next event of that name.
func (l *recordingSink) await(t testing.TB, what string) {
	t.Helper()
	limit := time.After(patience)
	for {
		select {
		case got := <-l.notify:
			if got == what {
				return
			}
		case <-limit:
			t.Fatalf("no %s, only %s", what, l.happened())
		}
	}
}

// runResult is what Run returned.
type runResult struct {
	executor.Exit
	err error
}

// runInBackground calls Run in a goroutine.
func runInBackground(ctx context.Context, x *executor.Executor, t executor.Target, c executor.Command, l *recordingSink) <-chan runResult {
	done := make(chan runResult, 1)
	go func() {
		exit, err := x.Run(ctx, t, c, l)
		done <- runResult{exit, err}
	}()
	return done
}

func testContext(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// needRoot skips a test that needs users of its own; CI runs as root.
func needRoot(t testing.TB) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("this test needs root, which CI has")
	}
}

// need skips a test that needs a command; CI counts a skip as a failure.
func need(t testing.TB, command string) {
	t.Helper()
	if _, err := exec.LookPath(command); err == nil {
		return
	}
	if _, err := exec.LookPath("/usr/sbin/" + command); err != nil {
		t.Skipf("%s is not installed: run scripts/setup, which installs what the tests need", command)
	}
}

func sh(script string) []string { return []string{"/bin/sh", "-c", script} }

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for until := time.Now().Add(patience); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(until) {
			t.Fatalf("not so within %v: %s", patience, what)
		}
	}
}
