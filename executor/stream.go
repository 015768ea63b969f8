package executor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// callTimeout is how long a node may take to accept a command, or be silent
// where it owes us an answer.
const callTimeout = 30 * time.Second

// leaveTimeout is how long a node may take to let go of a session.
const abandonTimeout = 5 * time.Second

// pieceSize is the most that is read from a channel at once.
const readSize = 128 << 10

// chunk is the most that is handed to a caller at once. What has come in and
// is not yet read is bounded by the SSH channel's window, 2 MiB.
const chunk = 256 << 10

// stream is one command line that a node has begun to run. Read gives its
// stdout, as much as has come in; after io.EOF, status tells how it ended.
// Whoever opens it closes it.
type stream struct {
	ctx          context.Context
	cancel       context.CancelFunc
	conn         *conn
	silenceLimit time.Duration // the longest silence that Read bears; 0 is any
	silenceTimer *time.Timer
	pieces       chan readResult // what has come in
	spare        chan []byte     // what may be filled
	last         readResult      // what Read gives from
	unread       []byte
	stderr       tail
	ended        chan error // how, once

	release func() // called by close
}

// piece is what one read of the channel gave.
type readResult struct {
	buf []byte
	n   int
	err error
}

// request is a command line, and what its stdin holds.
type request struct {
	line, stdin string
	// plain: nothing in the output tells whether it is whole.
	plain bool
}

// start runs a command line on the node. If nothing was sent the error is Unreachable,
// if it is not known whether it was, Interrupted.
func (c *conn) start(ctx context.Context, r request, silenceLimit time.Duration) (*stream, error) {
	release, err := acquire(ctx, c.sessions)
	if err != nil {
		return nil, err
	}
	s := &stream{
		conn: c, silenceLimit: silenceLimit, ended: make(chan error, 1),
		pieces: make(chan readResult, 2), spare: make(chan []byte, 2),
	}
	s.spare <- make([]byte, readSize)
	s.spare <- make([]byte, readSize)
	s.ctx, s.cancel = context.WithCancel(ctx)
	begun := make(chan error, 1)
	go func() {
		s.serve(c, r, begun)
		release()
		c.closeIfIdle()
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
func (s *stream) serve(c *conn, r request, begun chan<- error) {
	guard := time.AfterFunc(callTimeout, func() { _ = c.client.Close() })
	defer guard.Stop()
	session, err := c.client.NewSession()
	if err != nil {
		begun <- sessionError(c, err)
		return
	}
	stop := context.AfterFunc(s.ctx, func() { s.abandon(session) })
	defer stop()
	stdout, err := session.StdoutPipe()
	session.Stderr = &s.stderr
	session.Stdin = strings.NewReader(r.stdin)
	if err == nil {
		err = session.Start(r.line)
	}
	if err != nil {
		_ = session.Close()
		begun <- interrupted(err)
		return
	}
	guard.Stop()
	begun <- nil
	go s.readAhead(stdout)
	err = session.Wait()
	if r.plain {
		err = confirmEnd(c.client, err)
	}
	_ = session.Close()
	s.ended <- err
}

// whole makes the end of a session an error if the connection ended with it. A
// node may tell the status before the last output, and a lost connection ends
// output as its command does; who still answers has sent all.
func confirmEnd(client *ssh.Client, end error) error {
	var exit *ssh.ExitError
	if end != nil && !errors.As(end, &exit) {
		return end
	}
	if _, _, err := client.SendRequest("keepalive@openssh.com", true, nil); err != nil {
		return err
	}
	return end
}

// pump reads ahead, so that Read can end with its ctx. It ends with the
// channel, or when nobody reads any more.
func (s *stream) readAhead(stdout io.Reader) {
	for {
		select {
		case buf := <-s.spare:
			n, err := stdout.Read(buf)
			if err != nil && !errors.Is(err, io.EOF) {
				err = interrupted(err) // it told the node that there is room, and could not
			}
			s.pieces <- readResult{buf, n, err} // there is room: it holds as many as there are buffers
			if err != nil {
				return
			}
		case <-s.ctx.Done():
			return
		}
	}
}

// leave tells the node that nobody listens any more. sshd keeps the session
// until the command has ended; if that takes long, new calls had better use
// another connection than run out of sessions on this one.
func (s *stream) abandon(session *ssh.Session) {
	_ = session.Close()
	guard := time.NewTimer(s.conn.abandonTimeout)
	defer guard.Stop()
	select {
	case err := <-s.ended:
		s.ended <- err
	case <-guard.C:
		s.conn.retire()
	}
}

// unopened explains why there is no session. Unless the node refused just
// that, the connection is dead, and is so for everybody when this returns.
func sessionError(c *conn, err error) *Error {
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

// noSession is true if the node refused a session, and nothing but that.
func isSessionRefused(err error) bool {
	var refused *ssh.OpenChannelError
	return errors.As(err, &refused)
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
		if err := s.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, s.unread)
	s.unread = s.unread[n:]
	return n, nil
}

// next waits for the next piece.
func (s *stream) next() error {
	if s.last.err != nil {
		return s.last.err
	}
	if s.last.buf != nil {
		s.spare <- s.last.buf
	}
	var late <-chan time.Time
	if s.silenceLimit > 0 {
		if s.silenceTimer == nil {
			s.silenceTimer = time.NewTimer(s.silenceLimit)
		}
		s.silenceTimer.Reset(s.silenceLimit)
		late = s.silenceTimer.C
	}
	select {
	case s.last = <-s.pieces:
	case <-s.ctx.Done():
		s.last = readResult{err: s.ctx.Err()}
	case <-late:
		e := interrupted(context.DeadlineExceeded)
		e.Cause = fmt.Sprintf("the node was silent for %v, and it is not known how the command ended", s.silenceLimit)
		s.last = readResult{err: e}
	}
	s.unread = s.last.buf[:s.last.n]
	if len(s.unread) == 0 {
		return s.last.err
	}
	return nil
}

// status returns the exit status, 128+n for signal n. It is called once,
// after io.EOF.
func (s *stream) status() (int, error) {
	var err error
	select {
	case err = <-s.ended:
	case <-s.ctx.Done():
		return 0, s.ctx.Err()
	}
	s.ended <- err
	var exit *ssh.ExitError
	switch {
	case err == nil:
		return 0, nil
	case errors.As(err, &exit):
		return exit.ExitStatus(), nil
	}
	return 0, interrupted(err)
}

// close lets go of the command. What it still prints is thrown away.
func (s *stream) close() {
	s.cancel()
	if s.silenceTimer != nil {
		s.silenceTimer.Stop()
	}
	if s.release != nil {
		s.release()
	}
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
