package executor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"
)

// callTimeout is how long a node may take to accept a command, or be silent
// while it owes an answer.
const callTimeout = 30 * time.Second

// abandonTimeout is how long a node may take to end a session that no one reads
// any more.
const abandonTimeout = 5 * time.Second

// readSize is how much is read from a channel at once.
const readSize = 128 << 10

// chunk is how much a caller gets at once. The SSH channel's window, 2 MiB,
// bounds what has arrived and is not read yet.
const chunk = 256 << 10

// stream is one command line that a node runs. Read returns its stdout as it
// arrives; after io.EOF, status returns how it ended. The caller must close the
// stream.
type stream struct {
	ctx          context.Context
	cancel       context.CancelFunc
	conn         *conn
	silenceLimit time.Duration // the longest silence before Read fails; 0 for no limit
	silenceTimer *time.Timer
	pieces       chan readResult // what has arrived
	spare        chan []byte     // buffers to fill
	last         readResult      // the piece that Read returns from
	unread       []byte
	reads        atomic.Int64 // odd while a read of the channel waits
	stderr       tail
	ended        chan error // receives how the command ended, once

	release func() // close calls it
}

// readResult is what one read of the channel returned.
type readResult struct {
	buf []byte
	n   int
	err error
}

// request is a command line and its stdin.
type request struct {
	line, stdin string
	// plain: the output doesn't show by itself whether it is complete.
	plain bool
}

// start runs a command line on the node. Its error is Unreachable if nothing
// was sent, and Interrupted if that is unknown.
func (c *conn) start(ctx context.Context, r request, silenceLimit time.Duration) (*stream, error) {
	release, err := c.acquireSession(ctx)
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

// serve is the stream's goroutine. It ends with the command or with the
// connection, which it closes if the node doesn't accept the command in time.
func (s *stream) serve(c *conn, r request, begun chan<- error) {
	guard := time.AfterFunc(callTimeout, func() { _ = c.client.Close() })
	defer guard.Stop()
	tap := &exitTap{Conn: c.client.Conn, exited: make(chan struct{})}
	session, err := (&ssh.Client{Conn: tap}).NewSession()
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
	over := make(chan struct{})
	go s.endAfter(tap.exited, over, c.client, session)
	err = session.Wait()
	close(over)
	if r.plain {
		err = confirmEnd(c.client, err)
	}
	_ = session.Close()
	s.ended <- err
}

// confirmEnd returns an error if the connection ended together with the
// session. A node may send the status before the last output, and a lost
// connection ends output just as its command does; a node that still answers
// has sent everything.
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

// readAhead reads the channel, so that Read can end with its ctx. It ends with
// the channel, or when the stream is closed.
func (s *stream) readAhead(stdout io.Reader) {
	for {
		select {
		case buf := <-s.spare:
			s.reads.Add(1)
			n, err := stdout.Read(buf)
			s.reads.Add(1)
			if err != nil && !errors.Is(err, io.EOF) {
				err = interrupted(err) // the library could not tell the node that there is room
			}
			s.pieces <- readResult{buf, n, err} // never blocks: there are as many places as buffers
			if err != nil {
				return
			}
		case <-s.ctx.Done():
			return
		}
	}
}

// abandon tells the node that no one listens any more. sshd keeps the session
// until the command has ended. If that takes long, new calls use another
// connection, so that they don't run out of sessions on this one.
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

// status returns the exit status, 128+n for signal n. Call it once, after
// io.EOF.
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

// close abandons the command. What it still prints is dropped.
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
