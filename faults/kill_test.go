package faults

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"alsbot/runs"
	"alsbot/store"
)

// killed kills the bot at random moments while runs go on, and starts it again
// at once. A trial is a kill; every run is checked against the oracle.
func killed(t *testing.T, r *report) {
	h := newTestbed(t, options{clusters: 8, oracle: oracle{Min: time.Second, Max: 20 * time.Second, Bytes: 64 << 10}})
	most := max(4, r.n*3/10)
	if r.n < 50 {
		h.oracle.Max = 4 * time.Second
		must(t, h.oracle.write(h.settings()))
	}
	h.start()
	must(t, h.verify(h.ask(0)))
	h.kill()
	must(t, h.age(10_000))
	h.start()
	var ids []string
	var starts, attached []time.Duration
	for kill := range r.n {
		for len(ids) < most*(kill+1)/r.n {
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
	twice := 0
	for _, id := range ids {
		n, err := h.checkRunAndCount(id)
		if err != nil {
			r.trial(err)
		}
		if n > 1 {
			twice++
		}
	}
	r.trial(h.checkAudit())
	r.figure("%d runs, %d messages told twice", len(ids), twice)
	r.atMost("start to ready p95", percentile(starts, 95), 2*time.Second)
	r.atMost("reattached p95", percentile(attached, 95), 5*time.Second)
}

// checkRunAndCount is verify without the audit log, and accepts a second message:
// the bot may have been killed between Slack's answer and its own record of it.
func (h *testbed) checkRunAndCount(id string) (n int, err error) {
	r, err := h.checkEnd(id)
	if err != nil {
		return 0, err
	}
	n, err = h.countMessages(r)
	if err == nil && n > 2 {
		err = fmt.Errorf("run %s has %d messages", id, n)
	}
	return n, err
}

// reattached measures, for each run that goes on, how long after began the
// store had the first new byte of its output.
func (h *testbed) reattached(ids []string, began time.Time) (took []time.Duration) {
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

// age gives the store many finished runs, copies of its first one.
func (h *testbed) age(n int) error {
	st, err := store.OpenBolt(h.store(), store.Ballast(0), store.Migrations(runs.Migrations()...))
	if err != nil {
		return err
	}
	ctx := h.t.Context()
	var first map[string]any
	err = st.View(ctx, func(tx store.Tx) error {
		return tx.Scan("runs", "", "", false, func(_ string, v []byte) bool {
			err = json.Unmarshal(v, &first)
			return false
		})
	})
	for i := 0; i < n && err == nil; i += 1000 {
		err = st.Update(ctx, func(tx store.Tx) error {
			for j := i; j < i+1000; j++ {
				if err := put(tx, first, j); err != nil {
					return err
				}
			}
			return nil
		})
	}
	count := 0
	err = errors.Join(err, st.View(ctx, func(tx store.Tx) error {
		return tx.Scan("runs", "", "", false, func(string, []byte) bool { count++; return true })
	}))
	if count <= n {
		err = errors.Join(err, fmt.Errorf("the store has %d runs, not %d and more", count, n))
	}
	return errors.Join(err, st.Close())
}

// put writes the i-th copy of a run with its indexes and an audit entry.
func put(tx store.Tx, run map[string]any, i int) error {
	asked := time.Now().UTC().Add(-time.Duration(i+1) * time.Minute)
	id := fmt.Sprintf("old%07d", i)
	run["id"], run["asked"], run["ended"] = id, asked, asked.Add(time.Second)
	record, err := json.Marshal(run)
	if err != nil {
		return err
	}
	at := asked.Format("20060102T150405.000000000Z") + "/" + id
	name, err := json.Marshal(id)
	return errors.Join(err, tx.Put("runs", id, record), tx.Put("runs.time", at, name), tx.Put("runs.cluster", "c0/"+at, name),
		runs.Record(tx, runs.System, "succeeded", id, ""))
}
