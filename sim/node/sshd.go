package node

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"sync"

	"golang.org/x/crypto/ssh"
)

// server is the SSH server of one node. It offers what OpenSSH 5.9p1 offers,
// as far as x/crypto supports it, and never asks for a password.
type server struct {
	Spec
	ctx     context.Context // ends with the cluster
	root    string          // directory of the node
	user    string
	client  ssh.PublicKey
	resolve func(host, port string) (string, bool)
	host    string // preferred listening host
	addr    string // fixed after the first listen
	work    sync.WaitGroup

	mu      sync.Mutex
	keys    []ssh.Signer
	ln      net.Listener
	conns   map[*conn]struct{}
	hang    string
	thawed  chan struct{} // closed when hang ends
	stopped bool
}

func newServer(ctx context.Context, spec Spec, root, user string, client ssh.PublicKey, keys []ssh.Signer, resolve func(string, string) (string, bool)) *server {
	return &server{Spec: spec, ctx: ctx, root: root, user: user, client: client, keys: keys, resolve: resolve,
		conns: map[*conn]struct{}{}, thawed: closedChan()}
}

func closedChan() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}

// ownHost returns a loopback address that no other program uses: while a node
// is down, no one else answers in its place or takes its port.
func ownHost() string {
	return fmt.Sprintf("127.%d.%d.%d", 1+rand.IntN(254), rand.IntN(256), 1+rand.IntN(254))
}

// listen opens the node's earlier port, or else any.
func (s *server) listen(addr string) error {
	var listener net.ListenConfig
	ln, err := listener.Listen(s.ctx, "tcp", cmp.Or(addr, s.host+":0"))
	if err != nil && s.addr == "" { // another program took the port, or the host has no such address
		ln, err = listener.Listen(s.ctx, "tcp", "127.0.0.1:0")
	}
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ln, s.addr = ln, ln.Addr().String()
	s.work.Go(func() { s.accept(ln) })
	return nil
}

func (s *server) accept(ln net.Listener) {
	for {
		nc, err := ln.Accept()
		if err != nil {
			return
		}
		c := &conn{Conn: nc, srv: s, gone: make(chan struct{})}
		s.mu.Lock()
		if s.ln != ln {
			s.mu.Unlock()
			c.reset()
			return
		}
		s.conns[c] = struct{}{}
		s.work.Go(func() { s.serve(c) })
		s.mu.Unlock()
	}
}

// setDown closes the port and breaks open connections, or opens the port
// again.
func (s *server) setDown(down bool) error {
	s.mu.Lock()
	ln := s.ln
	if down {
		s.ln = nil
	}
	s.mu.Unlock()
	switch {
	case down && ln != nil:
		err := ln.Close()
		s.cut()
		return err
	case !down && ln == nil:
		return s.listen(s.addr)
	}
	return nil
}

// cut resets all connections.
func (s *server) cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		c.reset()
	}
}

func (s *server) stop() {
	s.mu.Lock()
	s.stopped = true
	s.mu.Unlock()
	if err := s.setDown(true); err != nil && !errors.Is(err, net.ErrClosed) {
		return
	}
	s.setHang("")
	s.cut()
}

func (s *server) setHang(at string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.hang != "" {
		close(s.thawed)
	}
	if s.hang = at; at != "" {
		s.thawed = make(chan struct{})
	}
}

// stuck waits while the node hangs at this point, or until the connection
// ends.
func (s *server) stuck(c *conn, at string) {
	s.mu.Lock()
	hang, thawed := s.hang, s.thawed
	s.mu.Unlock()
	if hang != at {
		return
	}
	select {
	case <-thawed:
	case <-c.gone:
	}
}

func (s *server) setKeys(keys []ssh.Signer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys = keys
}

func (s *server) publicKeys() []ssh.PublicKey {
	s.mu.Lock()
	defer s.mu.Unlock()
	var keys []ssh.PublicKey
	for _, k := range s.keys {
		keys = append(keys, k.PublicKey())
	}
	return keys
}

// version is the greeting of Ubuntu 12.04's OpenSSH.
const version = "SSH-2.0-OpenSSH_5.9p1 Debian-5ubuntu1.10"

// config returns OpenSSH 5.9p1's offer. x/crypto drops what it doesn't
// support: blowfish, cast128, aes192/256-cbc, md5, umac, ripemd.
func (s *server) config(c *conn) *ssh.ServerConfig {
	cfg := &ssh.ServerConfig{
		Config: ssh.Config{
			KeyExchanges: []string{"ecdh-sha2-nistp256", "ecdh-sha2-nistp384", "ecdh-sha2-nistp521", "diffie-hellman-group-exchange-sha256",
				"diffie-hellman-group-exchange-sha1", "diffie-hellman-group14-sha1", "diffie-hellman-group1-sha1"},
			Ciphers: []string{"aes128-ctr", "aes192-ctr", "aes256-ctr", "arcfour256", "arcfour128", "aes128-cbc", "3des-cbc",
				"blowfish-cbc", "cast128-cbc", "aes192-cbc", "aes256-cbc", "arcfour"},
			MACs: []string{"hmac-md5", "hmac-sha1", "umac-64@openssh.com", "hmac-sha2-256", "hmac-sha2-256-96", "hmac-sha2-512",
				"hmac-sha2-512-96", "hmac-ripemd160", "hmac-ripemd160@openssh.com", "hmac-sha1-96", "hmac-md5-96"},
		},
		ServerVersion: version,
		PublicKeyAuthAlgorithms: []string{ssh.KeyAlgoRSA, ssh.InsecureKeyAlgoDSA, //nolint:staticcheck // what 5.9 takes
			ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521},
		PublicKeyCallback: func(meta ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			s.stuck(c, "auth")
			known := bytes.Equal(key.Marshal(), s.client.Marshal())
			if !known || !slices.Contains([]string{s.user, "root"}, meta.User()) {
				return nil, errors.New("key not accepted")
			}
			return nil, nil
		},
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range s.keys {
		cfg.AddHostKey(k)
	}
	return cfg
}

// serve handles one connection to its end.
func (s *server) serve(c *conn) {
	defer func() {
		c.close()
		s.mu.Lock()
		delete(s.conns, c)
		s.mu.Unlock()
	}()
	s.stuck(c, "accept")
	s.mu.Lock()
	silent := s.hang == "banner"
	s.mu.Unlock()
	if silent {
		if _, err := io.WriteString(c.Conn, version+"\r\n"); err == nil {
			s.stuck(c, "banner")
		}
		return
	}
	sc, channels, requests, err := ssh.NewServerConn(c, s.config(c))
	if err != nil {
		return
	}
	s.work.Go(func() { ssh.DiscardRequests(requests) })
	sessions := make(chan struct{}, 10) // MaxSessions
	for ch := range channels {
		s.stuck(c, "session")
		switch {
		case ch.ChannelType() == "session":
			s.openSession(sc.User(), ch, sessions)
		case ch.ChannelType() == "direct-tcpip" && s.Bastion:
			s.work.Go(func() { s.forward(ch) })
		default:
			_ = ch.Reject(ssh.Prohibited, "open failed")
		}
	}
}

// conn is a connection that can be frozen and reset.
type conn struct {
	net.Conn
	srv  *server
	once sync.Once
	gone chan struct{}
}

func (c *conn) close() {
	c.once.Do(func() { close(c.gone) })
	_ = c.Conn.Close()
}

// Close ends the connection for its transport.
func (c *conn) Close() error {
	c.close()
	return nil
}

// reset closes the connection with a TCP reset.
func (c *conn) reset() {
	if tcp, ok := c.Conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	c.close()
}

func (c *conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.srv.stuck(c, "frozen")
	return n, err
}

func (c *conn) Write(p []byte) (int, error) {
	c.srv.stuck(c, "frozen")
	return c.Conn.Write(p)
}
