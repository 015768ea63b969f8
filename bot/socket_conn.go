package bot

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// idleTimeout is how long a socket may be silent. Slack pings more often, so a
// silent socket is half-open and loses what people type.
const idleTimeout = 35 * time.Second

// socketConn is the connection of one socket. It adds what slack-go lacks: it
// notices silence, sends a close frame (Slack keeps sockets that just vanish
// for a while and delivers commands to them), and reports the end.
type socketConn struct {
	net.Conn
	canClose    bool // a close frame can be written on it
	idleTimeout time.Duration
	ended       func()
	frames      *frameFilter // nil: bytes pass unread

	write sync.Mutex
	once  sync.Once
	mu    sync.Mutex
	open  bool // the WebSocket handshake is done
}

// SetDeadline is called by the dialer only. The dialer removes its deadline
// when the handshake is done.
func (c *socketConn) SetDeadline(t time.Time) error {
	if t.IsZero() {
		c.mu.Lock()
		c.open = true
		c.mu.Unlock()
	}
	return c.Conn.SetDeadline(t)
}

func (c *socketConn) isOpen() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.open
}

// Read returns what Slack sends, without the announcement that the socket will
// end.
func (c *socketConn) Read(p []byte) (int, error) {
	if c.frames == nil {
		return c.readInTime(p)
	}
	return c.frames.Read(p)
}

// readInTime reads, and fails if nothing arrives for idleTimeout.
func (c *socketConn) readInTime(p []byte) (int, error) {
	if c.isOpen() {
		if err := c.SetReadDeadline(time.Now().Add(c.idleTimeout)); err != nil {
			return 0, err
		}
	}
	return c.Conn.Read(p)
}

// Write writes whole frames: Close may write one at the same time.
func (c *socketConn) Write(p []byte) (int, error) {
	c.write.Lock()
	defer c.write.Unlock()
	return c.Conn.Write(p)
}

// Close sends a close frame with status 1000 and closes the connection.
func (c *socketConn) Close() error {
	err := net.ErrClosed
	c.once.Do(func() {
		if c.canClose && c.isOpen() {
			// This is a client's close frame: final, two bytes, masked with
			// zeros.
			goodbye := []byte{0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8}
			_ = c.SetWriteDeadline(time.Now().Add(time.Second))
			_, _ = c.Write(goodbye) // the other side may be gone
		}
		err = c.Conn.Close()
		c.ended()
	})
	return err
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// dialer returns a WebSocket dialer. Its connections call leaving when Slack
// announces the end of the socket, and ended when they are closed. A close
// frame has to be written inside TLS, so the dialer does TLS itself, except
// behind a proxy.
func (b *Bot) dialer(leaving func(reason string), ended func()) *websocket.Dialer {
	tcp := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 15 * time.Second}
	wrap := func(c net.Conn, canClose bool) net.Conn {
		sc := &socketConn{Conn: c, canClose: canClose, idleTimeout: b.timing.idleTimeout, ended: ended}
		if canClose {
			sc.frames = newFrameFilter(readerFunc(sc.readInTime), leaving)
		}
		return sc
	}
	d := &websocket.Dialer{
		Proxy:            http.ProxyFromEnvironment,
		HandshakeTimeout: 30 * time.Second,
		WriteBufferSize:  32 << 10, // Slack doesn't join fragments
	}
	proxy, err := http.ProxyFromEnvironment(&http.Request{URL: &url.URL{Scheme: "https", Host: "wss-primary.slack.com"}})
	proxied := err != nil || proxy != nil
	d.NetDialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := tcp.DialContext(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return wrap(c, !proxied), nil
	}
	if proxied {
		return d
	}
	d.NetDialTLSContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		host, _, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, fmt.Errorf("reading Slack's socket address: %w", err)
		}
		c, err := tcp.DialContext(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		secure := tls.Client(c, &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12})
		if err := secure.HandshakeContext(ctx); err != nil {
			_ = c.Close()
			return nil, err
		}
		return wrap(secure, true), nil
	}
	return d
}
