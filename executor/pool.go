package executor

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"
)

// pool keeps one warm connection per endpoint. However many callers want it at
// once, one dials.
type pool struct {
	log            *slog.Logger
	tcp            func(ctx context.Context, addr string) (net.Conn, error)
	life           context.Context // ends with Close, and all dialling with it
	end            context.CancelFunc
	abandonTimeout time.Duration

	mu    sync.Mutex
	slots map[endpoint]*slot
	// unread has, by path of a known_hosts file, which lines of it were logged
	// as unreadable.
	unread map[string]string
}

// slot is a connection, or the attempt to get one. ready is closed when conn or
// err is set.
type slot struct {
	ready chan struct{}
	conn  *conn
	err   error
}

var errClosed = errors.New("the executor is closed")

// get returns the live connection to ep, and whether it was there before. The
// attempt doesn't depend on the caller's ctx: others may wait for it too, and
// it ends by itself in time.
func (p *pool) get(ctx context.Context, ep endpoint) (c *conn, warm bool, err error) {
	p.mu.Lock()
	s := p.slots[ep]
	if s == nil || s.dead() {
		if p.life.Err() != nil {
			p.mu.Unlock()
			return nil, false, errClosed
		}
		s = &slot{ready: make(chan struct{})}
		p.slots[ep] = s
		go p.connect(s, ep)
	} else {
		warm = s.done()
	}
	p.mu.Unlock()
	select {
	case <-s.ready:
		return s.conn, warm, s.err
	case <-ctx.Done():
		return nil, false, ctx.Err()
	}
}

func (s *slot) done() bool {
	select {
	case <-s.ready:
		return true
	default:
		return false
	}
}

func (s *slot) dead() bool {
	return s.done() && (s.err != nil || !s.conn.alive() || s.conn.retired.Load())
}

func (p *pool) connect(s *slot, ep endpoint) {
	defer close(s.ready)
	signer, err := identity(ep.IdentityFile)
	if err != nil {
		s.err = err
		return
	}
	hosts, err := p.knownHosts(ep.KnownHosts)
	if err != nil {
		s.err = err
		return
	}
	client, nc, err := dial(p.life, ep, signer, hosts, p.opener(ep))
	if err != nil {
		s.err = err
		p.log.Debug("no connection", "node", ep.Addr, "user", ep.User, "err", err)
		return
	}
	if ep.Legacy {
		p.log.Warn("connected with legacy_ssh, which also offers insecure algorithms", "node", ep.Addr)
	}
	s.conn = newConn(ep, client, nc, p.abandonTimeout)
	if p.life.Err() != nil {
		_ = client.Close()
	}
}

// knownHosts reads a known_hosts file, and logs once which lines of it cannot be
// read.
func (p *pool) knownHosts(path string) (known, error) {
	hosts, err := readKnown(path)
	if err != nil {
		e := &Error{Kind: Setup, Doing: "reading known_hosts", Cause: err.Error(), Err: err}
		return hosts, e.advised("run %s, which shows the nodes' keys and writes the file", trustCommand)
	}
	text := ""
	if len(hosts.unread) > 0 {
		text = hosts.unreadText()
	}
	p.mu.Lock()
	told := p.unread[path] == text
	p.unread[path] = text
	p.mu.Unlock()
	if !told && text != "" {
		p.log.Warn("lines of known_hosts cannot be read and are passed over", "file", path, "lines", text)
	}
	return hosts, nil
}

func dialTCP(ctx context.Context, addr string) (net.Conn, error) {
	d := net.Dialer{Timeout: dialTimeout}
	return d.DialContext(ctx, "tcp", addr)
}

// opener returns a function that opens ep's byte stream: over TCP, or through
// the connection to its bastion, which is shared like any other.
func (p *pool) opener(ep endpoint) func(context.Context, string) (net.Conn, error) {
	if ep.Via == "" {
		return p.tcp
	}
	return func(ctx context.Context, addr string) (net.Conn, error) {
		b, err := ep.bastion()
		if err != nil {
			return nil, err
		}
		for {
			c, warm, err := p.get(ctx, b)
			if err != nil {
				var e *Error
				if errors.As(err, &e) {
					through := *e
					through.Doing = "via the bastion: " + e.Doing
					return nil, &through
				}
				return nil, err
			}
			nc, err := c.forward(ctx, addr)
			if err != nil && warm && !c.alive() {
				continue // it had died unnoticed
			}
			return nc, err
		}
	}
}

// close ends all connections and attempts.
func (p *pool) close() {
	p.end()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.slots {
		if s.done() && s.conn != nil {
			_ = s.conn.client.Close()
		}
	}
}
