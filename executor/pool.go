package executor

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
)

// pool keeps one warm connection per link. However many ask for it at once,
// one dials.
type pool struct {
	log   *slog.Logger
	tcp   func(ctx context.Context, addr string) (net.Conn, error)
	life  context.Context // ends with Close, and all dialling with it
	end   context.CancelFunc
	mu    sync.Mutex
	slots map[link]*slot
}

// slot is a connection, or the attempt to get one: ready is closed when conn
// or err are set.
type slot struct {
	ready chan struct{}
	conn  *conn
	err   error
}

var errClosed = errors.New("the executor is closed")

// get returns the live connection of l, and whether it was there before. It
// dials outside the caller's ctx: others may wait for the same attempt, which
// ends by itself in time.
func (p *pool) get(ctx context.Context, l link) (c *conn, warm bool, err error) {
	p.mu.Lock()
	s := p.slots[l]
	if s == nil || s.dead() {
		if p.life.Err() != nil {
			p.mu.Unlock()
			return nil, false, errClosed
		}
		s = &slot{ready: make(chan struct{})}
		p.slots[l] = s
		go p.fill(s, l)
	} else {
		warm = s.settled()
	}
	p.mu.Unlock()
	select {
	case <-s.ready:
		return s.conn, warm, s.err
	case <-ctx.Done():
		return nil, false, ctx.Err()
	}
}

func (s *slot) settled() bool {
	select {
	case <-s.ready:
		return true
	default:
		return false
	}
}

func (s *slot) dead() bool {
	return s.settled() && (s.err != nil || !s.conn.alive() || s.conn.retired.Load())
}

func (p *pool) fill(s *slot, l link) {
	defer close(s.ready)
	client, nc, err := dial(p.life, l, p.opener(l))
	if err != nil {
		s.err = err
		p.log.Debug("no connection", "node", l.Addr, "user", l.User, "err", err)
		return
	}
	if l.Legacy {
		p.log.Warn("connected with legacy_ssh, which also offers insecure algorithms", "node", l.Addr)
	}
	s.conn = newConn(l, client, nc)
	if p.life.Err() != nil {
		_ = client.Close()
	}
}

func dialTCP(ctx context.Context, addr string) (net.Conn, error) {
	d := net.Dialer{Timeout: dialTimeout}
	return d.DialContext(ctx, "tcp", addr)
}

// opener returns how l's byte stream is opened: TCP, or a channel of the
// connection to its bastion, which is shared like any other.
func (p *pool) opener(l link) func(context.Context, string) (net.Conn, error) {
	if l.Via == "" {
		return p.tcp
	}
	return func(ctx context.Context, addr string) (net.Conn, error) {
		b, err := l.bastion()
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

// close ends every connection and every attempt.
func (p *pool) close() {
	p.end()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.slots {
		if s.settled() && s.conn != nil {
			_ = s.conn.client.Close()
		}
	}
}
