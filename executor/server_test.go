package executor_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"

	"alsbot/executor"
)

// server is an SSH server in this process that runs /bin/sh for real, or
// whatever handle does, and misbehaves on request.
type server struct {
	addr     string
	home     string // HOME of the commands
	known    string
	identity string
	config   *ssh.ServerConfig

	handle    func(s *server, line string, ch ssh.Channel) (status int, answer bool)
	dials     atomic.Int64
	sessions  atomic.Int64
	cutAfter  atomic.Int64 // a new connection dies after it has sent this many bytes; 0 for never
	dropReply atomic.Bool  // run the command to its end, send nothing and hang up
	refuse    atomic.Bool  // refuse sessions

	mu    sync.Mutex
	conns map[net.Conn]bool
	hung  chan struct{} // closed with the server
}

func newServer(t testing.TB) *server {
	t.Helper()
	dir := t.TempDir()
	s := &server{
		home: filepath.Join(dir, "home"), known: filepath.Join(dir, "known_hosts"), identity: filepath.Join(dir, "id"),
		handle: runShell, conns: make(map[net.Conn]bool), hung: make(chan struct{}),
	}
	must(t, os.Mkdir(s.home, 0o755))
	awaitRunners(t, filepath.Join(s.home, ".alsbot", "runs"))
	writeKey(t, s.identity, "ecdsa")
	s.config = &ssh.ServerConfig{
		PublicKeyCallback: func(ssh.ConnMetadata, ssh.PublicKey) (*ssh.Permissions, error) { return nil, nil },
	}
	host := writeKey(t, filepath.Join(dir, "host"), "ecdsa")
	signer, err := ssh.ParsePrivateKey([]byte(read(t, filepath.Join(dir, "host"))))
	must(t, err)
	s.config.AddHostKey(signer)
	s.addr = "node:22"
	write(t, s.known, knownhosts.Line([]string{s.addr}, host)+"\n", 0o644)
	t.Cleanup(func() { close(s.hung); s.hangUp() })
	return s
}

// listen makes the server reachable over TCP.
func (s *server) listen(t testing.TB) *server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { _ = l.Close() })
	host, err := ssh.ParsePrivateKey([]byte(read(t, filepath.Join(filepath.Dir(s.home), "host"))))
	must(t, err)
	s.addr = l.Addr().String()
	write(t, s.known, knownhosts.Line([]string{s.addr}, host.PublicKey())+"\n", 0o644)
	go func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			go s.serve(nc)
		}
	}()
	return s
}

func (s *server) target() executor.Target {
	return executor.Target{Name: "node 1", Addr: s.addr, User: "helion", IdentityFile: s.identity, KnownHosts: s.known, RunsDir: ".alsbot/runs"}
}

// run returns the directory of a run.
func (s *server) run(id string) string { return filepath.Join(s.home, ".alsbot/runs", id) }

// hangUp cuts every connection.
func (s *server) hangUp() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		_ = c.Close()
	}
}

func (s *server) serve(raw net.Conn) {
	s.dials.Add(1)
	nc := &cutter{Conn: raw, left: s.cutAfter.Load()}
	s.mu.Lock()
	s.conns[nc] = true
	s.mu.Unlock()
	defer func() {
		_ = nc.Close()
		s.mu.Lock()
		delete(s.conns, nc)
		s.mu.Unlock()
	}()
	conn, channels, requests, err := ssh.NewServerConn(nc, s.config)
	if err != nil {
		return
	}
	go func() {
		for r := range requests {
			_ = r.Reply(false, nil)
		}
	}()
	for nch := range channels {
		if s.refuse.Load() {
			_ = nch.Reject(ssh.ResourceShortage, "no more sessions\x1b[31m")
			continue
		}
		ch, reqs, err := nch.Accept()
		if err != nil {
			return
		}
		go s.session(conn, ch, reqs)
	}
}

func (s *server) session(conn ssh.Conn, ch ssh.Channel, reqs <-chan *ssh.Request) {
	s.sessions.Add(1)
	for r := range reqs {
		if r.Type != "exec" {
			_ = r.Reply(false, nil)
			continue
		}
		var exec struct{ Line string }
		_ = ssh.Unmarshal(r.Payload, &exec)
		_ = r.Reply(true, nil)
		go func() {
			status, answer := s.handle(s, exec.Line, ch)
			if !answer {
				_ = conn.Close()
				return
			}
			_, _ = ch.SendRequest("exit-status", false, ssh.Marshal(struct{ N uint32 }{uint32(status)}))
			_ = ch.Close()
		}()
	}
}

func runShell(s *server, line string, ch ssh.Channel) (int, bool) {
	drop := s.dropReply.Load()
	cmd := exec.Command("/bin/bash", "-c", line)
	cmd.Dir = s.home
	cmd.Env = []string{"HOME=" + s.home, "SHELL=/bin/bash", "PATH=/usr/bin:/bin", "USER=helion"}
	cmd.Stdout, cmd.Stderr = io.Writer(ch), ch.Stderr()
	if drop {
		cmd.Stdout = &bytes.Buffer{}
	}
	in, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return 0, false
	}
	go func() { // ends with the channel, or with the command
		_, _ = io.Copy(in, ch)
		_ = in.Close()
	}()
	err = cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return 0, false
	}
	return cmd.ProcessState.ExitCode(), !drop
}

// replying returns a handle that answers each command with the next of texts.
// NONCE stands for the call's nonce.
func replying(texts ...string) func(*server, string, ssh.Channel) (int, bool) {
	var n atomic.Int64
	return func(_ *server, line string, ch ssh.Channel) (int, bool) {
		i := min(int(n.Add(1)), len(texts)) - 1
		_, _ = io.WriteString(ch, withNonce(line, texts[i]))
		return 0, true
	}
}

// cutter is a connection that dies after a number of bytes.
type cutter struct {
	net.Conn
	left int64
}

func (c *cutter) Write(p []byte) (int, error) {
	if c.left == 0 {
		return c.Conn.Write(p)
	}
	if int64(len(p)) < c.left {
		c.left -= int64(len(p))
		return c.Conn.Write(p)
	}
	_, _ = c.Conn.Write(p[:c.left])
	if tcp, ok := c.Conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.Close()
	return 0, fmt.Errorf("cut")
}

// pipe returns a buffered connection in memory, for tests with simulated time.
func pipe() (a, b net.Conn) {
	x, y := newHalf(), newHalf()
	return &end{r: x, w: y}, &end{r: y, w: x}
}

type half struct {
	mu     sync.Mutex
	cond   *sync.Cond
	buf    []byte
	closed bool
}

func newHalf() *half {
	h := &half{}
	h.cond = sync.NewCond(&h.mu)
	return h
}

func (h *half) close() {
	h.mu.Lock()
	h.closed = true
	h.cond.Broadcast()
	h.mu.Unlock()
}

type end struct {
	net.Conn // nil: the methods that are not below are not called
	r, w     *half
}

func (e *end) Read(p []byte) (int, error) {
	e.r.mu.Lock()
	defer e.r.mu.Unlock()
	for len(e.r.buf) == 0 && !e.r.closed {
		e.r.cond.Wait()
	}
	if len(e.r.buf) == 0 {
		return 0, io.EOF
	}
	n := copy(p, e.r.buf)
	e.r.buf = e.r.buf[n:]
	return n, nil
}

func (e *end) Write(p []byte) (int, error) {
	e.w.mu.Lock()
	defer e.w.mu.Unlock()
	if e.w.closed {
		return 0, io.ErrClosedPipe
	}
	e.w.buf = append(e.w.buf, p...)
	e.w.cond.Broadcast()
	return len(p), nil
}

func (e *end) Close() error         { e.r.close(); e.w.close(); return nil }
func (e *end) LocalAddr() net.Addr  { return &net.TCPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 22} }
func (e *end) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(10, 0, 0, 2), Port: 22} }

// inMemory makes x reach s through pipes instead of TCP; wrap may damage them.
func inMemory(x *executor.Executor, s *server, wrap func(net.Conn) net.Conn) {
	executor.DialWith(x, func(context.Context, string) (net.Conn, error) {
		ours, theirs := pipe()
		if wrap != nil {
			theirs = wrap(theirs)
		}
		go s.serve(theirs)
		return ours, nil
	})
}

// withNonce replaces NONCE in text with the nonce of the call in line.
func withNonce(line, text string) string {
	return strings.ReplaceAll(text, "NONCE", noncePattern.FindString(line))
}

// noncePattern matches what crypto/rand.Text returns.
var noncePattern = regexp.MustCompile(`\b[A-Z2-7]{26}\b`)
