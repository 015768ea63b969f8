package faults

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// killed kills the bot at random moments while runs go on, and starts it
// again at once. A trial is a kill; every run is held against the oracle.
func killed(t *testing.T, r *report) {
	h := newHouse(t, options{clusters: 8, oracle: oracle{Min: time.Second, Max: 20 * time.Second, Bytes: 64 << 10}})
	runs := max(4, r.n*3/10)
	if r.n < 50 {
		h.oracle.Max = 4 * time.Second
		must(t, h.oracle.write(h.settings()))
	}
	h.start()
	var ids []string
	var starts, attached []time.Duration
	for kill := range r.n {
		for len(ids) < runs*(kill+1)/r.n {
			ids = append(ids, h.ask(len(ids)%h.opts.clusters))
		}
		time.Sleep(time.Duration(rand.Int64N(int64(800 * time.Millisecond))))
		h.kill()
		began := time.Now()
		starts = append(starts, h.start())
		if kill%10 == 9 {
			attached = append(attached, h.reattached(ids, began)...)
		}
		r.trial(nil)
	}
	for _, id := range ids {
		if err := h.verify(id); err != nil {
			r.trial(err)
		}
	}
	r.figure("%d runs", len(ids))
	r.atMost("start to ready p95", percentile(starts, 95), 2*time.Second)
	r.atMost("reattached p95", percentile(attached, 95), 5*time.Second)
}

// reattached measures, for each run that goes on, how long after began the
// first new byte of its output was in the store.
func (h *house) reattached(ids []string, began time.Time) (took []time.Duration) {
	for _, id := range ids {
		r, err := h.run(id)
		if err != nil || r.State != "running" || len(r.Steps) != 1 {
			continue
		}
		blob := filepath.Join(h.store()+".output", r.Steps[0].Blob)
		for until := time.Now().Add(10 * time.Second); time.Now().Before(until); time.Sleep(5 * time.Millisecond) {
			if info, err := os.Stat(blob); err == nil && info.ModTime().After(began) {
				took = append(took, info.ModTime().Sub(began))
				break
			}
			if r, err := h.run(id); err == nil && r.State != "running" {
				break
			}
		}
	}
	return took
}
