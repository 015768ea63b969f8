package executor

import (
	"context"
	"net"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"
)

const (
	// sshd allows 10 sessions on a connection (MaxSessions) and counts an
	// abandoned one until its command ends.
	sessionsPerConn = 6
	// Long polls leave sessions free for reads, which people wait for.
	pollsPerConn = 4
	// Calls that can wait leave sessions free for all others.
	patientPerConn = 4
	// A node that allows fewer sessions has one again when another call ends.
	sessionPatience = 15 * time.Second
	sessionPause    = 200 * time.Millisecond

	// A connection that was quiet for 5 s gets a keepalive request. One that
	// stayed quiet for 14 s all the same is dead, so people know within 15 s.
	keepaliveTick  = time.Second
	keepaliveAfter = 5 * time.Second
	keepaliveLimit = 14 * time.Second
)

// conn is one warm connection. When done is closed, it is dead for good.
type conn struct {
	endpoint
	client   *ssh.Client
	sessions chan struct{}
	polls    chan struct{}
	patient  chan struct{}
	done     chan struct{}
	retired  atomic.Bool // takes no new calls

	abandonTimeout time.Duration
}

func newConn(ep endpoint, client *ssh.Client, nc *activityConn, abandonTimeout time.Duration) *conn {
	c := &conn{
		endpoint: ep, client: client, abandonTimeout: abandonTimeout,
		sessions: make(chan struct{}, sessionsPerConn),
		polls:    make(chan struct{}, pollsPerConn),
		patient:  make(chan struct{}, patientPerConn),
		done:     make(chan struct{}),
	}
	go func() {
		_ = client.Wait()
		close(c.done)
	}()
	go c.keepalive(nc)
	return c
}

// keepalive sends a request whenever the connection was quiet, and closes it if
// nothing comes back. Any byte counts: behind a slow transfer the reply itself
// can be late.
func (c *conn) keepalive(nc *activityConn) {
	tick := time.NewTicker(keepaliveTick)
	defer tick.Stop()
	waiting := make(chan struct{}, 1)
	for {
		select {
		case <-c.done:
			return
		case <-tick.C:
		}
		quiet := nc.idle()
		switch {
		case quiet >= keepaliveLimit:
			c.retired.Store(true) // the callers that notice dial again, and must not get this one
			_ = nc.Close()
			_ = c.client.Close()
			return
		case quiet >= keepaliveAfter:
			select {
			case waiting <- struct{}{}:
				go func() { // ends with the reply or the connection
					_, _, _ = c.client.SendRequest("keepalive@openssh.com", true, nil)
					<-waiting
				}()
			default: // a request is on its way
			}
		}
	}
}

// retire keeps new calls away; calls in progress go on.
func (c *conn) retire() {
	c.retired.Store(true)
	c.closeIfIdle()
}

// closeIfIdle closes a retired connection without sessions.
func (c *conn) closeIfIdle() {
	if c.retired.Load() && len(c.sessions) == 0 {
		_ = c.client.Close()
	}
}

// alive reports whether the connection is not known to be dead.
func (c *conn) alive() bool {
	select {
	case <-c.done:
		return false
	default:
		return true
	}
}

// open starts a command line. Closing the stream frees its slots.
func (c *conn) open(ctx context.Context, poll bool, r request, silenceLimit time.Duration) (*stream, error) {
	release := func() {}
	if poll {
		var err error
		if release, err = acquire(ctx, c.polls); err != nil {
			return nil, err
		}
	}
	s, err := c.start(ctx, r, silenceLimit)
	if err != nil {
		release()
		return nil, err
	}
	s.release = release
	return s, nil
}

// forward opens a byte stream to addr from the far side.
func (c *conn) forward(ctx context.Context, addr string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	return c.client.DialContext(ctx, "tcp", addr)
}

type patientKey struct{}

// Patient returns a context for calls that can wait. However many there are, a
// part of a node's sessions stays free for calls without it.
func Patient(ctx context.Context) context.Context {
	return context.WithValue(ctx, patientKey{}, true)
}

// acquireSession waits for a free session.
func (c *conn) acquireSession(ctx context.Context) (release func(), err error) {
	wait := func() {}
	if ctx.Value(patientKey{}) != nil {
		if wait, err = acquire(ctx, c.patient); err != nil {
			return nil, err
		}
	}
	free, err := acquire(ctx, c.sessions)
	if err != nil {
		wait()
		return nil, err
	}
	return func() { free(); wait() }, nil
}

// acquire waits for a free slot; release frees it again.
func acquire(ctx context.Context, slots chan struct{}) (release func(), err error) {
	select {
	case slots <- struct{}{}:
		return func() { <-slots }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// activityConn records when bytes last came in. It uses time.Since: a corrected
// wall clock must neither cut a live connection nor keep a dead one.
type activityConn struct {
	net.Conn
	born     time.Time
	lastRead atomic.Int64 // nanoseconds after born
}

func (m *activityConn) touch() { m.lastRead.Store(int64(time.Since(m.born))) }

func (m *activityConn) idle() time.Duration {
	return time.Since(m.born) - time.Duration(m.lastRead.Load())
}

func (m *activityConn) Read(p []byte) (int, error) {
	n, err := m.Conn.Read(p)
	if n > 0 {
		m.touch()
	}
	return n, err
}
