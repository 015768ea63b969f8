package faults

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"alsbot/runs"
)

// netCase is one way in which the network between bot and node breaks.
type netCase struct {
	name    string
	mood    mood // after the cut
	cut     bool // connections are reset first
	lasts   time.Duration
	from    profile // the lowest profile that has it
	noticed bool    // the bot must notice within its keepalive time
	healed  bool    // the time until the node is reachable again counts
	// strange takes the node's key out of known_hosts for a while.
	strange bool
}

func netCases() []netCase {
	return []netCase{
		{name: "silence of 20 s", mood: holding, lasts: 20 * time.Second, noticed: true, healed: true},
		{name: "reset", mood: passing, cut: true},
		{name: "reset, and for 6 s nobody knows its key", mood: passing, cut: true, lasts: 6 * time.Second, noticed: true, healed: true, strange: true},
		{name: "reset and refused for 20 s", mood: refusing, cut: true, lasts: 20 * time.Second, noticed: true, healed: true, from: ci},
		{name: "silence of 30 s", mood: holding, lasts: 30 * time.Second, noticed: true, healed: true, from: ci},
		{name: "silence of 300 s", mood: holding, lasts: 300 * time.Second, noticed: true, healed: true, from: ci},
		{name: "nothing reaches the node for 40 s", mood: deafOut, lasts: 40 * time.Second, healed: true, from: ci},
		{name: "nothing comes back for 30 s", mood: deafBack, lasts: 30 * time.Second, noticed: true, healed: true},
		{name: "200 ms late and a fifth lost", mood: bad, lasts: 10 * time.Second},
	}
}

// netCut breaks the network while runs go on, with a real sshd on the other
// side. A trial is a run.
func netCut(t *testing.T, r *report) {
	p, err := chosen()
	must(t, err)
	m := &healing{}
	t.Run("cases", func(t *testing.T) {
		for _, c := range netCases() {
			if c.from <= p {
				t.Run(c.name, func(t *testing.T) {
					t.Parallel()
					for range max(1, r.n/netRuns) {
						c.try(t, r, m, min(netRuns, r.n))
					}
				})
			}
		}
	})
	r.atMost("noticed, at most", percentile(m.noticed, 100), 15*time.Second+500*time.Millisecond)
	r.atMost("back after healing p95", percentile(m.back, 95), 5*time.Second)
}

// netRuns is how many runs one break hits: as many as one connection can poll
// at a time. Another run would wait for its slot and hear later.
const netRuns = 4

type healing struct {
	mu            sync.Mutex
	noticed, back []time.Duration
}

func (c netCase) try(t *testing.T, r *report, m *healing, count int) {
	var p *proxy
	takes := c.lasts + 8*time.Second
	h := newTestbed(t, options{
		clusters: count, oracle: oracle{Min: takes, Max: takes + 4*time.Second, Bytes: 256 << 10},
		core: func(h *testbed, addr string) string {
			p = newProxy(t, realSSHD(h, addr))
			must(t, trust(h.nodes, p.addr))
			return p.addr
		},
	})
	h.start()
	var ids []string
	for i := range count {
		ids = append(ids, h.ask(i))
	}
	for _, id := range ids {
		_, err := h.until(id, "printing", func(r runs.Run) bool { return len(r.Steps) == 1 && r.Steps[0].Size > 0 })
		must(t, err)
	}
	began := time.Now()
	p.set(c.mood)
	if c.strange {
		must(t, os.Rename(h.nodes.KnownHosts, h.nodes.KnownHosts+".away"))
		must(t, os.WriteFile(h.nodes.KnownHosts, nil, 0o600))
	}
	if c.cut {
		p.cut()
	}
	var wg sync.WaitGroup
	errs := make([]error, count)
	healed := make(chan struct{})
	for i, id := range ids {
		wg.Go(func() { errs[i] = c.watch(h, id, began, healed, m) })
	}
	time.Sleep(c.lasts)
	if c.strange {
		must(t, os.Rename(h.nodes.KnownHosts+".away", h.nodes.KnownHosts))
	}
	p.set(passing)
	close(healed)
	wg.Wait()
	for i, id := range ids {
		err := errors.Join(errs[i], h.verify(id))
		if err != nil {
			err = fmt.Errorf("%s: %w", c.name, err)
		}
		r.trial(err)
	}
	h.kill()
}

// watch measures when people are told that a node is unreachable, and that it
// is reachable again. The run stays running all the time.
func (c netCase) watch(h *testbed, id string, began time.Time, healed chan struct{}, m *healing) error {
	if c.noticed {
		r, err := h.until(id, "out of reach", func(r runs.Run) bool { return r.Remark != "" || r.State != runs.Running })
		if err != nil || r.State != runs.Running {
			return fmt.Errorf("during the outage run %s became %s: %v", id, r.State, err)
		}
		m.mu.Lock()
		m.noticed = append(m.noticed, time.Since(began))
		m.mu.Unlock()
	}
	<-healed
	if !c.healed {
		return nil
	}
	back := time.Now()
	if _, err := h.until(id, "back", func(r runs.Run) bool { return r.Remark == "" || r.State.Final() }); err != nil {
		return err
	}
	m.mu.Lock()
	m.back = append(m.back, time.Since(back))
	m.mu.Unlock()
	return nil
}
