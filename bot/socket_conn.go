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

// deaf is how long a socket may be silent. Slack pings more often; one that
// has not is half-open, and people would talk to nobody.
const idleTimeout = 35 * time.Second

// wire is the connection under one socket. It adds what slack-go leaves out:
// it notices silence, says goodbye properly (Slack keeps sockets that vanish
// for a while, and gives them people's commands), and tells when it ends.
type socketConn struct {
	net.Conn
	canClose    bool          // a close frame can be written here
	idleTimeout time.Duration // how long it may be silent
	ended       func()
	frames      *frameFilter // nil: read as it comes

	write sync.Mutex
	once  sync.Once
	mu    sync.Mutex
	open  bool // the WebSocket handshake is done
}

// SetDeadline is used by the dialer only: it takes its own deadline away when
// the handshake is done.
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

// Read passes on what Slack sends, but for its announcement of the end.
func (c *socketConn) Read(p []byte) (int, error) {
	if c.frames == nil {
		return c.readInTime(p)
	}
	return c.frames.Read(p)
}

// patient reads, and gives up when nothing has come for too long.
func (c *socketConn) readInTime(p []byte) (int, error) {
	if c.isOpen() {
		if err := c.SetReadDeadline(time.Now().Add(c.idleTimeout)); err != nil {
			return 0, err
		}
	}
	return c.Conn.Read(p)
}

// Write keeps frames whole: Close writes one too.
func (c *socketConn) Write(p []byte) (int, error) {
	c.write.Lock()
	defer c.write.Unlock()
	return c.Conn.Write(p)
}

// Close says goodbye with status 1000 and closes.
func (c *socketConn) Close() error {
	err := net.ErrClosed
	c.once.Do(func() {
		if c.canClose && c.isOpen() {
			// A close frame of a client: final, two bytes, masked by zeros.
			goodbye := []byte{0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8}
			_ = c.SetWriteDeadline(time.Now().Add(time.Second))
			_, _ = c.Write(goodbye) // who has gone does not hear it
		}
		err = c.Conn.Close()
		c.ended()
	})
	return err
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// dialer returns a WebSocket dialer that calls leaving when Slack announces
// the end of the socket, and ended when its connection is closed. A goodbye has to be written inside TLS, so TLS is done here, but
// for where a proxy stands between.
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
		WriteBufferSize:  32 << 10, // Slack does not join fragments
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
