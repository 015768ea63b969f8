package faults

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"alsbot/executor"
)

// hung tests servers that stop answering at each stage of a connection. A trial
// is a call; calls to another node go on beside it and are timed.
func hung(t *testing.T, r *report) {
	f := newNodeBed(t, oracle{})
	healthy := f.target(f.nodes.Addr("10.0.0.11"))
	x := f.executor()
	warm := timed(t, x, healthy, 2*time.Second)
	base := runtime.NumGoroutine()

	var calls sync.WaitGroup
	var mu sync.Mutex
	var slowest time.Duration
	var servers []func()
	for _, at := range []string{"accept", "banner", "kex", "auth", "session", "command"} {
		addr, end := hungServer(t, f, at)
		servers = append(servers, end)
		for range r.n {
			calls.Go(func() {
				own := executor.New(quietLog())
				defer own.Close()
				began := time.Now()
				err := own.Cancel(t.Context(), f.target(addr), "hung", 0)
				took := time.Since(began)
				mu.Lock()
				slowest = max(slowest, took)
				mu.Unlock()
				if err == nil {
					r.trial(fmt.Errorf("%s: a server that does not answer has answered", at))
				} else {
					r.trial(nil)
				}
			})
		}
	}
	during := timed(t, x, healthy, 20*time.Second)
	calls.Wait()
	for _, end := range servers {
		end()
	}
	r.atMost("slowest call", slowest, 31*time.Second)
	r.figure("another node p95 %v, before %v", during.Round(time.Millisecond), warm.Round(time.Millisecond))
	if limit := warm*6/5 + 20*time.Millisecond; during > limit {
		t.Errorf("calls to another node took %v (p95), before it were %v", during, warm)
	}
	left := 0
	for until := time.Now().Add(10 * time.Second); time.Now().Before(until); time.Sleep(50 * time.Millisecond) {
		if left = runtime.NumGoroutine() - base; left <= 5 {
			break
		}
	}
	r.figure("goroutines left %d", max(0, left))
	if left > 5 {
		t.Errorf("%d goroutines are left", left)
	}
}

// timed calls a node again and again and returns the p95.
func timed(t *testing.T, x *executor.Executor, to executor.Target, span time.Duration) time.Duration {
	var all []time.Duration
	for until := time.Now().Add(span); time.Now().Before(until); {
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		if _, err := x.Exec(ctx, to, []string{"true"}, io.Discard); err != nil {
			t.Errorf("a node that is well: %v", err)
		}
		cancel()
		all = append(all, time.Since(began))
	}
	return percentile(all[1:], 95) // the first call connects
}

// hungServer answers up to a stage of a connection and no further.
func hungServer(t *testing.T, f *nodeBed, at string) (addr string, end func()) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	must(t, trust(f.nodes, ln.Addr().String()))
	key, err := os.ReadFile(filepath.Join(filepath.Dir(f.nodes.Home(f.nodes.Core)), "ssh_host_ecdsa_key"))
	must(t, err)
	signer, err := ssh.ParsePrivateKey(key)
	must(t, err)
	over := make(chan struct{})
	var work sync.WaitGroup
	work.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			work.Go(func() { hang(c, at, signer, over) })
		}
	})
	return ln.Addr().String(), func() {
		_ = ln.Close()
		close(over)
		work.Wait()
	}
}

const hungBanner = "SSH-2.0-OpenSSH_5.9p1\r\n"

func hang(c net.Conn, at string, key ssh.Signer, over chan struct{}) {
	defer c.Close()
	config := &ssh.ServerConfig{PublicKeyCallback: func(ssh.ConnMetadata, ssh.PublicKey) (*ssh.Permissions, error) {
		if at == "auth" {
			<-over
		}
		return nil, nil
	}}
	config.AddHostKey(key)
	switch at {
	case "banner":
		_, _ = io.WriteString(c, hungBanner)
		fallthrough
	case "accept":
		<-over
		return
	case "kex": // no one gets what the client sends after the greeting
		c = &silent{Conn: c, left: len(hungBanner) + 1, over: over}
	}
	sc, channels, requests, err := ssh.NewServerConn(c, config)
	if err != nil {
		return
	}
	defer sc.Close()
	go ssh.DiscardRequests(requests)
	for {
		select {
		case <-over:
			return
		case ch, ok := <-channels:
			if !ok {
				return
			}
			if at == "session" {
				continue
			}
			_, asked, err := ch.Accept()
			if err != nil {
				return
			}
			go func() { // accepts the command and sends nothing more
				for req := range asked {
					_ = req.Reply(true, nil)
				}
			}()
		}
	}
}

// silent lets a few bytes in and then no more.
type silent struct {
	net.Conn
	left int
	over chan struct{}
}

func (s *silent) Read(p []byte) (int, error) {
	if s.left <= 0 {
		<-s.over
		return 0, io.EOF
	}
	n, err := s.Conn.Read(p[:min(len(p), s.left)])
	s.left -= n
	return n, err
}

func quietLog() *slog.Logger { return slog.New(slog.DiscardHandler) }
