package executor_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"alsbot/executor"
)

// log is a sink that remembers, and checks that offsets follow each other.
type log struct {
	mu      sync.Mutex
	offset  int64
	out     bytes.Buffer
	events  []string // started, link, back, orphan
	notify  chan string
	failing error // what Output returns
}

func newLog() *log { return &log{notify: make(chan string, 1000)} }

func (l *log) event(s string) {
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

func (l *log) Started() error { l.event("started"); return nil }
func (l *log) Orphan()        { l.event("orphan") }

func (l *log) Link(err error) {
	if err != nil {
		l.event("link")
	} else {
		l.event("back")
	}
}

func (l *log) Output(offset int64, p []byte) error {
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

func (l *log) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.out.String()
}

func (l *log) happened() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.events, " ")
}

// patience is how long a test waits for what must come. It is a safety limit:
// a machine may have other things to do.
const patience = 5 * time.Minute

// await waits for the next event of that name.
func (l *log) await(t testing.TB, what string) {
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

// ended is what Run returned.
type ended struct {
	executor.Exit
	err error
}

// begin calls Run in the background.
func begin(ctx context.Context, x *executor.Executor, t executor.Target, c executor.Command, l *log) <-chan ended {
	done := make(chan ended, 1)
	go func() {
		exit, err := x.Run(ctx, t, c, l)
		done <- ended{exit, err}
	}()
	return done
}

func limited(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// asRoot is for tests that need users of their own; CI is root.
func asRoot(t testing.TB) {
	if os.Getuid() != 0 {
		t.Skip("needs root, as CI is")
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
