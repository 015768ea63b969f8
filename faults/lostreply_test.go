package faults

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"alsbot/executor"
)

// lostReply starts every run three times at once, over three connections to a
// real sshd that are cut at random moments, most of them between the start and
// its reply. A trial is a run.
func lostReply(t *testing.T, r *report) {
	f := newNodeBed(t, oracle{Min: 10 * time.Millisecond, Max: 500 * time.Millisecond, Bytes: 16 << 10})
	server := newSSHD(t, f.nodes, "/bin/bash")
	var lost atomic.Int64
	var wg sync.WaitGroup
	var proxies []*proxy
	var executors []*executor.Executor
	for range 3 {
		p := newProxy(t, server.addr)
		must(t, trust(f.nodes, p.addr))
		proxies, executors = append(proxies, p), append(executors, f.executor())
	}
	places := make(chan struct{}, 8) // runs at the same time
	stop := make(chan struct{})
	for _, p := range proxies {
		go func() { // until the row ends
			for {
				select {
				case <-stop:
					return
				case <-time.After(time.Duration(rand.Int64N(int64(500 * time.Millisecond)))):
					p.cut()
				}
			}
		}()
	}
	for i := range r.n {
		places <- struct{}{}
		wg.Go(func() {
			defer func() { <-places }()
			id := fmt.Sprintf("reply-%d", i)
			r.trial(f.threeStarts(id, proxies, executors, &lost))
		})
	}
	wg.Wait()
	close(stop)
	r.figure("%d starts, %d connections lost under them", 3*r.n, lost.Load())
	if lost.Load() < int64(r.n)/4 {
		t.Errorf("only %d connections were lost: this proves little", lost.Load())
	}
}

// threeStarts starts a run over each proxy, and checks the ledger and all three
// results against the oracle.
func (f *nodeBed) threeStarts(id string, proxies []*proxy, executors []*executor.Executor, lost *atomic.Int64) error {
	errs := make([]error, len(proxies))
	var wg sync.WaitGroup
	for i, p := range proxies {
		wg.Go(func() {
			m := newMemory()
			exit, err := executors[i].Run(f.t.Context(), f.target(p.addr), executor.Command{ID: id, Argv: f.argv}, m)
			lost.Add(int64(m.losses))
			errs[i] = f.checkExit(id, exit, err, m)
		})
	}
	wg.Wait()
	return errors.Join(append(errs, f.oracle.checkRan(id, 1))...)
}
