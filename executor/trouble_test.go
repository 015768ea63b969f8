package executor_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/ssh"

	"alsbot/executor"
)

// These tests run in simulated time over connections in memory.

// mutedConn passes a number of writes on and then drops the rest.
type mutedConn struct {
	net.Conn
	left atomic.Int64
}

func (m *mutedConn) Write(p []byte) (int, error) {
	if m.left.Add(-1) < 0 {
		return len(p), nil
	}
	return m.Conn.Write(p)
}

func silentAfter(writes int64) func(net.Conn) net.Conn {
	return func(c net.Conn) net.Conn {
		m := &mutedConn{Conn: c}
		m.left.Store(writes)
		return m
	}
}

// F05: a server that hangs, at any stage, holds no caller for more than 40 s.
func TestHungServer(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		after int64 // writes
		auth  bool  // hang in authentication instead
	}{
		{name: "after accept", after: 0},
		{name: "after its banner", after: 1},
		{name: "in key exchange", after: 2},
		{name: "in authentication", after: 1000, auth: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newServer(t)
				x := newExecutor(t)
				if c.auth {
					s.config.PublicKeyCallback = func(ssh.ConnMetadata, ssh.PublicKey) (*ssh.Permissions, error) {
						<-s.hung
						return nil, errors.New("too late")
					}
				}
				inMemory(x, s, silentAfter(c.after))
				begin := time.Now()
				_, err := x.Exec(t.Context(), s.target(), sh("true"), &bytes.Buffer{})
				checkRefused(t, err, executor.Unreachable, "handshake was not done within 30s")
				if took := time.Since(begin); took > 40*time.Second {
					t.Error(took)
				}
			})
		})
	}
}

// The server answers keepalives but never opens a session, or never starts the
// command.
func TestHungSession(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		x := newExecutor(t)
		inMemory(x, s, nil)
		s.handle = func(s *server, _ string, _ ssh.Channel) (int, bool) { <-s.hung; return 0, false }
		// A read has its caller's time limit.
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Second)
		defer cancel()
		_, err := x.Exec(ctx, s.target(), sh("true"), &bytes.Buffer{})
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "node 1: ") {
			t.Fatal(err)
		}
		// A call of the protocol has a limit of its own.
		begin := time.Now()
		checkRefused(t, x.Cancel(t.Context(), s.target(), "a", 10*time.Second), executor.Interrupted, "silent for 40s")
		if took := time.Since(begin); took > 50*time.Second {
			t.Error(took)
		}
	})
}

// F04: a silent connection is noticed within 15 seconds, once, and Run resumes.
func TestSilentConnectionIsClosed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		x := newExecutor(t)
		var line *mutedConn
		var mu sync.Mutex
		inMemory(x, s, func(c net.Conn) net.Conn {
			mu.Lock()
			defer mu.Unlock()
			line = &mutedConn{Conn: c}
			line.left.Store(1 << 40)
			return line
		})
		var calls atomic.Int64
		s.handle = func(s *server, text string, ch ssh.Channel) (int, bool) {
			switch calls.Add(1) {
			case 2: // in the middle of a poll
				mu.Lock()
				line.left.Store(0)
				mu.Unlock()
				fallthrough
			case 1:
				_, _ = ch.Write([]byte(withNonce(text, "ALSB1 NONCE state=running rc=- size=0 off=0 len=0\nALSB1 NONCE end sum=-\n")))
				return 0, true
			}
			_, _ = ch.Write([]byte(withNonce(text, "ALSB1 NONCE state=finished rc=4 size=0 off=0 len=0\nALSB1 NONCE end sum=-\n")))
			return 0, true
		}
		l := newSink()
		begin := time.Now()
		exit, err := x.Run(t.Context(), s.target(), executor.Command{ID: "a", Argv: sh("true")}, l)
		if err != nil || exit.Status != 4 || l.happened() != "started link back" {
			t.Fatalf("%+v %v %s", exit, err, l.happened())
		}
		if took := time.Since(begin); took < 10*time.Second || took > 15*time.Second {
			t.Errorf("noticed after %v", took)
		}
	})
}

// Run asks an unreachable node again for an hour: seldom enough for the node,
// often enough for people.
func TestRunRetriesUntilNodeIsBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		x := newExecutor(t)
		back := time.Now().Add(time.Hour)
		dials := 0
		executor.DialWith(x, func(context.Context, string) (net.Conn, error) {
			dials++
			if time.Now().Before(back) {
				return nil, &net.OpError{Op: "dial", Err: errors.New("no route")}
			}
			ours, theirs := pipe()
			go s.serve(theirs)
			return ours, nil
		})
		s.handle = replying("ALSB1 NONCE state=finished rc=1 size=0 off=0 len=0\nALSB1 NONCE end sum=-\n")
		l := newSink()
		exit, err := x.Run(t.Context(), s.target(), executor.Command{ID: "a", Argv: sh("true")}, l)
		if err != nil || exit.Status != 1 || l.happened() != "link back started" {
			t.Fatalf("%+v %v %s", exit, err, l.happened())
		}
		if late := time.Since(back); late > 5*time.Second || dials < 800 || dials > 1500 {
			t.Errorf("%v late, %d dials", late, dials)
		}
	})
}

// While a node is unreachable, the sink hears if a start may have arrived there
// after all: only then is it unknown whether the command has begun.
func TestRunReportsThatStartMayHaveArrived(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		x := newExecutor(t)
		dials := 0
		executor.DialWith(x, func(context.Context, string) (net.Conn, error) {
			if dials++; dials < 3 {
				return nil, &net.OpError{Op: "dial", Err: errors.New("no route")}
			}
			ours, theirs := pipe()
			go s.serve(theirs)
			return ours, nil
		})
		s.handle = func(s *server, line string, ch ssh.Channel) (int, bool) {
			if dials == 3 {
				s.hangUp()
				return 0, false
			}
			_, _ = ch.Write([]byte(withNonce(line, "ALSB1 NONCE error=unsafe it is a link\n")))
			return 0, true
		}
		l := newSink()
		_, err := x.Run(t.Context(), s.target(), executor.Command{ID: "a", Argv: sh("true")}, l)
		checkRefused(t, err, executor.Unsafe, "it is a link")
		if l.happened() != "link link" {
			t.Errorf("it was told %q", l.happened())
		}
	})
}

// T13: only an exact reply ends a command, whatever a node sends.
func TestHostileNode(t *testing.T) {
	t.Parallel()
	for _, text := range hostileReplies {
		synctest.Test(t, func(t *testing.T) {
			s := newServer(t)
			x := newExecutor(t)
			inMemory(x, s, nil)
			s.handle = replying(strings.ReplaceAll(text, "N ", "NONCE "))
			exit, err := x.Run(t.Context(), s.target(), executor.Command{ID: "a", Argv: sh("true")}, newSink())
			if err == nil || exit.State == executor.Finished {
				t.Errorf("%.90q: %+v %v", text, exit, err)
			}
			if strings.ContainsAny(err.Error(), "\x00\x1b\n\r") || len(err.Error()) > 800 {
				t.Errorf("%.90q: %q", text, err)
			}
		})
	}
	for _, c := range []struct{ name, text string }{
		{"an answer from elsewhere", "ALSB1 NONCE state=finished rc=0 size=9 off=4 len=5\nabcdeALSB1 NONCE end sum=-\n"},
		{"more than asked for", "ALSB1 NONCE state=running rc=- size=99999999999 off=0 len=9999999999\n"},
		{"nothing after a start", "ALSB1 NONCE state=none rc=- size=0 off=0 len=0\nALSB1 NONCE end sum=-\n"},
		{"a time", "ALSB1 NONCE at=1795477381 run=./a\nALSB1 NONCE end sum=-\n"},
		{"a list", "ALSB1 NONCE run=a state=finished rc=0 size=0 cmd=\nALSB1 NONCE end sum=-\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newServer(t)
				x := newExecutor(t)
				inMemory(x, s, nil)
				s.handle = replying(c.text)
				_, err := x.Run(t.Context(), s.target(), executor.Command{ID: "a", Argv: sh("true")}, newSink())
				checkRefused(t, err, executor.Node, "makes no sense")
			})
		})
	}
	t.Run("another sum", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newServer(t)
			x := newExecutor(t)
			inMemory(x, s, nil)
			s.handle = replying("ALSB1 NONCE state=finished rc=0 size=1 off=0 len=1\nxALSB1 NONCE end sum=" + sum + "\n")
			exit, err := x.Run(t.Context(), s.target(), executor.Command{ID: "a", Argv: sh("true")}, newSink())
			checkRefused(t, err, executor.Node, "SHA-256")
			if exit.State != executor.Finished {
				t.Errorf("%+v", exit)
			}
		})
	})
}

// A node that answers every call at once, with no news or with a byte, keeps
// alsbot no busier than one that waits for news.
func TestANodeThatAnswersAtOnceIsAskedInPeace(t *testing.T) {
	t.Parallel()
	const calls = 200
	for name, answer := range map[string]func(n int) string{
		"nothing": func(int) string { return "ALSB1 NONCE state=running rc=- size=0 off=0 len=0\nALSB1 NONCE end sum=-\n" },
		"a byte": func(n int) string {
			return fmt.Sprintf("ALSB1 NONCE state=running rc=- size=999999 off=%d len=1\nxALSB1 NONCE end sum=-\n", n)
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newServer(t)
			x := newExecutor(t)
			inMemory(x, s, nil)
			n := 0
			s.handle = func(_ *server, line string, ch ssh.Channel) (int, bool) {
				text := answer(n)
				if n++; n > calls {
					text = "ALSB1 NONCE error=write over\n"
				}
				_, _ = io.WriteString(ch, withNonce(line, text))
				return 0, true
			}
			began := time.Now()
			_, err := x.Run(t.Context(), s.target(), executor.Command{ID: "a", Argv: sh("true")}, newSink())
			if took := time.Since(began); n != calls+1 || took < calls/5*time.Second {
				t.Errorf("%s: %d calls in %v; %v", name, n, took, err)
			}
		})
	}
}

func TestCallsShareOneConnection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		x := newExecutor(t)
		inMemory(x, s, nil)
		var mu sync.Mutex
		var now, most int
		s.handle = func(_ *server, text string, ch ssh.Channel) (int, bool) {
			mu.Lock()
			now++
			most = max(most, now)
			mu.Unlock()
			defer func() { mu.Lock(); now--; mu.Unlock() }()
			time.Sleep(time.Second)
			_, _ = ch.Write([]byte(withNonce(text, "ALSB1 NONCE begin\nhello")))
			return 0, true
		}
		var wg sync.WaitGroup
		for i := range 20 {
			node := s.target()
			node.Name, node.RunAs = "node 1", []string{"", "helion"}[i%2] // neither makes another connection
			wg.Go(func() {
				var out bytes.Buffer
				if _, err := x.Exec(t.Context(), node, sh("true"), &out); err != nil || out.String() != "hello" {
					t.Error(err, out.String())
				}
			})
		}
		wg.Wait()
		if s.dials.Load() != 1 || most != 6 {
			t.Errorf("%d connections, %d sessions at once", s.dials.Load(), most)
		}
	})
}

// A warm connection that died unnoticed is replaced once, because nothing was
// sent.
func TestExecOnADeadConnection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		x := newExecutor(t)
		inMemory(x, s, nil)
		s.handle = replying("ALSB1 NONCE begin\n")
		for range 3 {
			if _, err := x.Exec(t.Context(), s.target(), sh("true"), &bytes.Buffer{}); err != nil {
				t.Fatal(err)
			}
			s.hangUp()
		}
		if s.sessions.Load() != 3 || s.dials.Load() != 3 {
			t.Errorf("%d sessions on %d connections", s.sessions.Load(), s.dials.Load())
		}
		// After sending, nothing is repeated.
		s.handle = func(*server, string, ssh.Channel) (int, bool) { return 0, false }
		_, err := x.Exec(t.Context(), s.target(), sh("true"), &bytes.Buffer{})
		checkRefused(t, err, executor.Interrupted, "not known how the command ended")
		if s.sessions.Load() != 4 {
			t.Errorf("%d sessions", s.sessions.Load())
		}
	})
}

// The status may come before the last output. If the connection is lost between
// them, the output of a command that ended well is incomplete.
func TestExecOutputLostAfterTheStatus(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		x := newExecutor(t)
		inMemory(x, s, nil)
		s.handle = func(_ *server, line string, ch ssh.Channel) (int, bool) {
			_, _ = ch.Write([]byte(withNonce(line, "ALSB1 NONCE begin\n")))
			_, _ = ch.SendRequest("exit-status", false, ssh.Marshal(struct{ N uint32 }{0}))
			return 0, false
		}
		_, err := x.Exec(t.Context(), s.target(), sh("true"), &bytes.Buffer{})
		checkRefused(t, err, executor.Interrupted, "the connection was lost")
	})
}

// A refused session is requested again for a while: other calls end, and
// nothing was sent.
func TestExecWaitsForFreeSession(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		x := newExecutor(t)
		inMemory(x, s, nil)
		s.handle = replying("ALSB1 NONCE begin\n")
		s.refuse.Store(true)
		time.AfterFunc(3*time.Second, func() { s.refuse.Store(false) })
		if _, err := x.Exec(t.Context(), s.target(), sh("true"), &bytes.Buffer{}); err != nil || s.sessions.Load() != 1 {
			t.Errorf("%d sessions: %v", s.sessions.Load(), err)
		}
		s.refuse.Store(true)
		_, err := x.Exec(t.Context(), s.target(), sh("true"), &bytes.Buffer{})
		checkRefused(t, err, executor.Unreachable, "no more sessions", "MaxSessions")
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err = x.Exec(short, s.target(), sh("true"), &bytes.Buffer{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
}

// deaf is a connection that takes nothing more after some time, as after a
// reset, while what has arrived can still be read.
type deaf struct {
	net.Conn
	now atomic.Bool
}

func (d *deaf) Write(p []byte) (int, error) {
	if d.now.Load() {
		return 0, errors.New("connection reset by peer")
	}
	return d.Conn.Write(p)
}

type writer func(p []byte)

func (w writer) Write(p []byte) (int, error) { w(p); return len(p), nil }

// While it reads much output, the library tells the node that there is room for
// more. If it finds the connection dead just then, the error is the same as
// ever.
func TestRunResumesAfterLostConnection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		x := newExecutor(t)
		s.handle = func(_ *server, line string, ch ssh.Channel) (int, bool) {
			_, _ = ch.Write([]byte(withNonce(line, "ALSB1 NONCE begin\n")))
			_, _ = ch.Write(make([]byte, 8<<20))
			return 0, true
		}
		ours, theirs := pipe()
		d := &deaf{Conn: ours}
		executor.DialWith(x, func(context.Context, string) (net.Conn, error) {
			go s.serve(theirs)
			return d, nil
		})
		_, err := x.Exec(t.Context(), s.target(), sh("true"), writer(func([]byte) { d.now.Store(true) }))
		checkRefused(t, err, executor.Interrupted, "the connection was lost")
	})
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	x := newExecutor(t)
	for _, c := range []struct {
		name   string
		change func(*executor.Target)
		kind   executor.Kind
		words  string
	}{
		{"refused", func(n *executor.Target) { n.Addr = freeAddr(t) }, executor.Unreachable, "connection refused"},
		{"no address", func(n *executor.Target) { n.Addr = "nowhere.invalid:22" }, executor.Unreachable, "nowhere.invalid"},
		{"no key", func(n *executor.Target) { n.IdentityFile += "-none" }, executor.Setup, "there is no such file"},
		{"open key", func(n *executor.Target) { n.IdentityFile = copyOf(t, s.identity, 0o640) }, executor.Setup, "chmod 600"},
		{"no key in it", func(n *executor.Target) { n.IdentityFile = empty(t) }, executor.Setup, "not a private key"},
		{"no known_hosts", func(n *executor.Target) { n.KnownHosts += "-none" }, executor.Setup, "alsbot trust"},
		{"bad via", func(n *executor.Target) { n.Via = "bastion" }, executor.Setup, "user@host:port"},
		{"bastion refused", func(n *executor.Target) { n.Via = "u@" + freeAddr(t) }, executor.Unreachable, "via the bastion: connecting"},
	} {
		t.Run(c.name, func(t *testing.T) {
			node := s.target()
			c.change(&node)
			_, err := x.Exec(testContext(t), node, sh("true"), &bytes.Buffer{})
			checkRefused(t, err, c.kind, c.words)
		})
	}
	must(t, x.Close())
	if _, err := x.Exec(t.Context(), s.target(), sh("true"), &bytes.Buffer{}); err == nil {
		t.Error("a closed executor dials")
	}
}

func copyOf(t testing.TB, path string, mode os.FileMode) string {
	to := filepath.Join(t.TempDir(), "copy")
	write(t, to, read(t, path), mode)
	return to
}

func empty(t testing.TB) string {
	path := filepath.Join(t.TempDir(), "empty")
	write(t, path, "", 0o600)
	return path
}
