package executor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// callTimeout is how long a node may take to accept a command, or be silent
// where it owes us an answer.
const callTimeout = 30 * time.Second

// chunk is the most that is handed to a caller at once, and half of what a
// stream holds in memory.
const chunk = 256 << 10

// stream is one command line that a node has begun to run. Read gives its
// stdout; after io.EOF, status tells how it ended. Whoever opens it closes it.
type stream struct {
	ctx    context.Context
	cancel context.CancelFunc
	silent time.Duration // the longest silence that Read bears; 0 is any
	timer  *time.Timer
	box    mailbox
	stderr tail
	unread []byte
	exit   error // of ssh.Session.Wait; valid after io.EOF

	release func() // called by close
}

// start runs line on the node. If nothing was sent the error is Unreachable,
// if it is not known whether it was, Interrupted.
func (c *conn) start(ctx context.Context, line string, silent time.Duration) (*stream, error) {
	release, err := take(ctx, c.sessions)
	if err != nil {
		return nil, err
	}
	s := &stream{silent: silent, box: newMailbox(), timer: time.NewTimer(0)}
	s.ctx, s.cancel = context.WithCancel(ctx)
	begun := make(chan error, 1)
	go func() {
		defer release()
		s.serve(c, line, begun)
	}()
	select {
	case err = <-begun:
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// serve is the stream's goroutine. It ends with the command, or with the
// connection, which it closes if the node does not take the command in time.
func (s *stream) serve(c *conn, line string, begun chan<- error) {
	guard := time.AfterFunc(callTimeout, func() { _ = c.client.Close() })
	defer guard.Stop()
	session, err := c.client.NewSession()
	if err != nil {
		begun <- unopened(c, err)
		return
	}
	stop := context.AfterFunc(s.ctx, func() { _ = session.Close() })
	defer stop()
	session.Stdout, session.Stderr = &s.box, &s.stderr
	if err := session.Start(line); err != nil {
		_ = session.Close()
		begun <- interrupted(err)
		return
	}
	guard.Stop()
	begun <- nil
	err = session.Wait()
	_ = session.Close()
	s.box.finish(err)
}

// unopened explains why there is no session. Unless the node refused just
// that, the connection is dead, and is so for everybody when this returns.
func unopened(c *conn, err error) *Error {
	e := &Error{Kind: Unreachable, Doing: "opening a session", Err: err}
	var refused *ssh.OpenChannelError
	if errors.As(err, &refused) {
		e.Cause = "the node allows no further session: " + visible(refused.Message)
		e.Next = "see MaxSessions in its sshd_config"
		return e
	}
	_ = c.client.Close()
	<-c.done
	e.Cause = fmt.Sprintf("the connection was lost, or silent for %v; nothing was sent", callTimeout)
	return e
}

func interrupted(err error) *Error {
	return &Error{
		Kind: Interrupted, Doing: "running a command", Err: err,
		Cause: "the connection was lost, and it is not known how the command ended",
		Next:  "look at the node, or ask again",
	}
}

func (s *stream) Read(p []byte) (int, error) {
	if len(s.unread) == 0 {
		if err := s.fill(); err != nil {
			return 0, err
		}
	}
	n := copy(p, s.unread)
	s.unread = s.unread[n:]
	return n, nil
}

func (s *stream) fill() error {
	var late <-chan time.Time
	if s.silent > 0 {
		s.timer.Reset(s.silent)
		late = s.timer.C
	}
	for {
		var done bool
		if s.unread, done, s.exit = s.box.take(s.unread); len(s.unread) > 0 {
			return nil
		} else if done {
			return io.EOF
		}
		select {
		case <-s.box.filled:
		case <-s.ctx.Done():
			return s.ctx.Err()
		case <-late:
			e := interrupted(nil)
			e.Cause = fmt.Sprintf("the node was silent for %v, and it is not known how the command ended", s.silent)
			return e
		}
	}
}

// status returns the exit status, 128+n for signal n. It is called after io.EOF.
func (s *stream) status() (int, error) {
	var exit *ssh.ExitError
	switch {
	case s.exit == nil:
		return 0, nil
	case errors.As(s.exit, &exit):
		return exit.ExitStatus(), nil
	}
	return 0, interrupted(s.exit)
}

// close lets go of the command. What it still prints is thrown away.
func (s *stream) close() {
	s.cancel()
	s.timer.Stop()
	s.box.leave()
	if s.release != nil {
		s.release()
	}
}

// mailbox is a bounded pipe whose reader gets all that has come in at once,
// so that a slow reader makes large pieces, not many.
type mailbox struct {
	filled, emptied chan struct{}

	mu   sync.Mutex
	buf  []byte
	left bool
	done bool
	err  error
}

func newMailbox() mailbox {
	return mailbox{filled: make(chan struct{}, 1), emptied: make(chan struct{}, 1)}
}

func nudge(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Write waits until p is in, or nobody will read it.
func (m *mailbox) Write(p []byte) (int, error) {
	written := 0
	for {
		m.mu.Lock()
		if m.left {
			m.mu.Unlock()
			return written, io.ErrClosedPipe
		}
		n := min(chunk-len(m.buf), len(p))
		m.buf = append(m.buf, p[:n]...)
		m.mu.Unlock()
		nudge(m.filled)
		written, p = written+n, p[n:]
		if len(p) == 0 {
			return written, nil
		}
		<-m.emptied
	}
}

func (m *mailbox) finish(err error) {
	m.mu.Lock()
	m.done, m.err = true, err
	m.mu.Unlock()
	nudge(m.filled)
}

// take returns what is there, and uses spare for what comes next.
func (m *mailbox) take(spare []byte) (p []byte, done bool, err error) {
	m.mu.Lock()
	p, m.buf = m.buf, spare[:0]
	done, err = m.done, m.err
	m.mu.Unlock()
	nudge(m.emptied)
	return p, done, err
}

func (m *mailbox) leave() {
	m.mu.Lock()
	m.left, m.buf = true, nil
	m.mu.Unlock()
	nudge(m.emptied)
}

// tail keeps the end of what is written to it, for an error's text.
type tail struct {
	mu  sync.Mutex
	buf []byte
}

func (t *tail) Write(p []byte) (int, error) {
	const keep = 1 << 10
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, p[max(0, len(p)-keep):]...)
	if over := len(t.buf) - keep; over > 0 {
		t.buf = append(t.buf[:0], t.buf[over:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(bytes.TrimSpace(t.buf))
}
