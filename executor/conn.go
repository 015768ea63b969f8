package executor

import (
	"context"
	"net"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"
)

const (
	// sshd allows 10 sessions on a connection (MaxSessions) and counts those
	// that we have left until their command ends.
	sessionsPerConn = 6
	// Long polls leave room for reads, which people wait for.
	pollsPerConn = 4
	// A node that allows fewer has one again when another call has ended.
	sessionPatience = 15 * time.Second
	sessionPause    = 200 * time.Millisecond

	// A line that was quiet for 5 s is asked for a sign of life; one that was
	// quiet for 14 s, though it was asked, is dead: people know within 15.
	keepaliveTick  = time.Second
	keepaliveAfter = 5 * time.Second
	keepaliveLimit = 14 * time.Second
)

// conn is one warm connection. When done is closed it is dead for good.
type conn struct {
	endpoint
	client   *ssh.Client
	sessions chan struct{}
	polls    chan struct{}
	done     chan struct{}
	retired  atomic.Bool // no new calls

	abandonTimeout time.Duration
}

func newConn(ep endpoint, client *ssh.Client, nc *activityConn, abandonTimeout time.Duration) *conn {
	c := &conn{
		endpoint: ep, client: client, abandonTimeout: abandonTimeout,
		sessions: make(chan struct{}, sessionsPerConn),
		polls:    make(chan struct{}, pollsPerConn),
		done:     make(chan struct{}),
	}
	go func() {
		_ = client.Wait()
		close(c.done)
	}()
	go c.keepalive(nc)
	return c
}

// keepalive asks for a sign of life whenever the line was quiet, and closes
// it when none comes. Any byte is one: behind a slow transfer the reply
// itself can be late.
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
			c.retired.Store(true) // who hears of it dials anew, and is not given this one
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
			default: // one is on its way
			}
		}
	}
}

// retire keeps new calls away; those that are on their way go on.
func (c *conn) retire() {
	c.retired.Store(true)
	c.closeIfIdle()
}

// rest closes a retired connection that has no more sessions.
func (c *conn) closeIfIdle() {
	if c.retired.Load() && len(c.sessions) == 0 {
		_ = c.client.Close()
	}
}

// alive reports that the connection has not been seen to die.
func (c *conn) alive() bool {
	select {
	case <-c.done:
		return false
	default:
		return true
	}
}

// open begins a command line. The stream gives its places back when closed.
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

// take waits for a place in slots, which release gives back.
func acquire(ctx context.Context, slots chan struct{}) (release func(), err error) {
	select {
	case slots <- struct{}{}:
		return func() { <-slots }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// meter remembers when bytes last came in. It goes by time.Since: a wall clock
// that is put right must neither cut a living line nor spare a dead one.
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
