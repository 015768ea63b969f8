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

// log is a sink that remembers.
type log struct {
	mu      sync.Mutex
	offset  int64
	out     bytes.Buffer
	events  []string // started, link…, back, orphan
	notify  chan string
	failing error
}

func newLog() *log { return &log{notify: make(chan string, 1000)} }

func (l *log) event(s string) {
	l.mu.Lock()
	l.events = append(l.events, s)
	l.mu.Unlock()
	select {
	case l.notify <- s:
	default:
	}
}
func (l *log) Started() error { l.event("started"); return nil }
func (l *log) Output(offset int64, p []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failing != nil {
		return l.failing
	}
	if want := l.offset + int64(l.out.Len()); offset != want {
		return fmt.Errorf("output at %d, not at %d", offset, want)
	}
	l.out.Write(p)
	select {
	case l.notify <- "output":
	default:
	}
	return nil
}
func (l *log) Link(err error) {
	if err != nil {
		l.event("link")
	} else {
		l.event("back")
	}
}
func (l *log) Orphan() { l.event("orphan") }
func (l *log) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.out.String()
}
func (l *log) await(t testing.TB, what string) {
	t.Helper()
	limit := time.After(30 * time.Second)
	for {
		select {
		case got := <-l.notify:
			if got == what {
				return
			}
		case <-limit:
			t.Fatalf("no %s; %v", what, l.events)
		}
	}
}

func limited(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func asRoot(t testing.TB) {
	if os.Getuid() != 0 {
		t.Skip("needs root, as CI is")
	}
}

func sh(script string) []string { return []string{"/bin/sh", "-c", script} }

func TestRealSSHD(t *testing.T) {
	s := startSSHD(t, "", "ecdsa", "ecdsa", "rsa", "ed25519")
	x := newExecutor(t)
	ctx := limited(t)

	t.Run("exec", func(t *testing.T) {
		var out bytes.Buffer
		status, err := x.Exec(ctx, s.target(), sh(`echo out; echo err >&2; cat; exit 7`), &out)
		if err != nil || status != 7 || out.String() != "out\nerr\n" {
			t.Fatalf("%d %v %q", status, err, out.String())
		}
	})
	t.Run("run", func(t *testing.T) {
		l := newLog()
		exit, err := x.Run(ctx, s.target(), executor.Command{ID: "r-1", Argv: sh(`echo one; sleep 0.3; echo two >&2; exit 3`)}, l)
		if err != nil || exit.State != executor.Finished || exit.Status != 3 || exit.Size != 8 || l.text() != "one\ntwo\n" {
			t.Fatalf("%+v %v %q", exit, err, l.text())
		}
		if got := strings.Join(l.events, " "); got != "started" {
			t.Errorf("events: %s", got)
		}
	})
}
