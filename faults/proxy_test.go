package faults

import (
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"
)

// mood is what a proxy does with the traffic.
type mood int

const (
	passing  mood = iota
	holding       // nothing passes, and neither side is told: TCP retransmits
	deafOut       // nothing reaches the node
	deafBack      // nothing comes back from the node
	bad           // every piece is 200 ms late; a fifth is lost and comes with TCP's retransmission
	refusing      // connections are reset at once
)

// proxy stands between the bot and a node's SSH server.
type proxy struct {
	addr, to string

	mu     sync.Mutex
	mood   mood
	change chan struct{} // closed when the mood changes
	pairs  map[*pair]struct{}
	ln     net.Listener
}

type pair struct{ client, server *net.TCPConn }

func newProxy(t testing.TB, to string) *proxy {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	p := &proxy{addr: ln.Addr().String(), to: to, change: make(chan struct{}), pairs: map[*pair]struct{}{}, ln: ln}
	go p.accept()
	t.Cleanup(func() {
		_ = ln.Close()
		p.set(passing)
		p.cut()
	})
	return p
}

func (p *proxy) accept() {
	for {
		c, err := p.ln.Accept()
		if err != nil {
			return
		}
		go p.carry(c.(*net.TCPConn))
	}
}

func (p *proxy) carry(client *net.TCPConn) {
	if m, _ := p.now(); m == refusing {
		reset(client)
		return
	}
	s, err := net.Dial("tcp", p.to)
	if err != nil {
		reset(client)
		return
	}
	pr := &pair{client, s.(*net.TCPConn)}
	p.mu.Lock()
	p.pairs[pr] = struct{}{}
	p.mu.Unlock()
	var both sync.WaitGroup
	both.Go(func() { p.pump(pr.server, pr.client, deafOut) })
	both.Go(func() { p.pump(pr.client, pr.server, deafBack) })
	both.Wait()
	p.mu.Lock()
	delete(p.pairs, pr)
	p.mu.Unlock()
	_, _ = client.Close(), s.Close()
}

func (p *proxy) pump(to, from *net.TCPConn, deaf mood) {
	buf := make([]byte, 16<<10)
	for {
		n, err := from.Read(buf)
		p.wait(deaf)
		if n > 0 {
			if _, err := to.Write(buf[:n]); err != nil {
				break
			}
		}
		if err != nil {
			break
		}
	}
	_ = to.CloseWrite() // the other side may be gone
}

// wait holds a piece back while the mood says so.
func (p *proxy) wait(deaf mood) {
	for {
		m, change := p.now()
		switch m {
		case holding, deaf:
			<-change
			continue
		case bad:
			late := 200 * time.Millisecond
			if rand.IntN(5) == 0 {
				late += 600 * time.Millisecond
			}
			time.Sleep(late)
		}
		return
	}
}

func (p *proxy) now() (mood, chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.mood, p.change
}

func (p *proxy) set(m mood) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mood = m
	close(p.change)
	p.change = make(chan struct{})
}

// cut resets every connection, as a firewall does.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for pr := range p.pairs {
		reset(pr.client)
		reset(pr.server)
	}
}

func reset(c *net.TCPConn) {
	_ = c.SetLinger(0)
	_ = c.Close()
}
