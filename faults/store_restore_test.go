package faults

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"alsbot/upkeep"
)

// restore takes a snapshot while runs come and go, runs more, restores the
// snapshot and starts. A trial is a run on the nodes, and a request that waits
// in the snapshot, was approved since, and is approved again.
func restore(t *testing.T, r *report) {
	const side = 4
	h := newTestbed(t, options{clusters: side, oracle: oracle{Min: 500 * time.Millisecond, Max: 2 * time.Second, Bytes: 16 << 10}})
	h.start()
	known, found := 0, 0
	for range r.n {
		request, before, after, err := h.backAndForth(side)
		known, found = known+len(before), found+len(after)
		for _, id := range before {
			r.trial(h.attached(id))
		}
		r.trial(errors.Join(err, h.reconciles(after)))
		for _, id := range after {
			r.trial(h.oracle.checkRan(id+"-1", 1))
		}
		r.trial(h.approvedAgain(request))
		if err := h.checkAudit(); err != nil {
			r.trial(err)
		}
	}
	r.figure("%d runs in the snapshots, %d after them and all found", known, found)
}

// backAndForth returns the run that waited for approval in the snapshot and was
// approved after it, the runs in progress in it, and those requested after it.
func (h *testbed) backAndForth(side int) (request string, before, after []string, err error) {
	ask := func(n int) (ids []string) {
		for i := range n {
			id, no := h.tryAsk(i % side)
			if err = errors.Join(err, no); no == nil {
				ids = append(ids, id)
			}
		}
		return ids
	}
	request, no := h.sayIn(0, "/als restart router @c0")
	if no != nil {
		return "", nil, nil, no
	}
	_, err = h.approvalOf(request, "0 of 1")
	before = ask(side)
	snapshot, no := h.get("/snapshot")
	after = ask(2 * side)
	err = errors.Join(err, h.approved(request))
	for _, id := range after {
		_, end := h.end(id)
		err = errors.Join(err, end)
	}
	h.kill()
	err = errors.Join(err, no, os.WriteFile(h.store(), snapshot, 0o600))
	h.args = []string{"--accept-restored"}
	_, no = h.tryStart()
	h.args = nil
	return request, before, after, errors.Join(err, no)
}

// approved presses the button of a request and waits until its run has
// succeeded.
func (h *testbed) approved(id string) error {
	card, err := h.approvalOf(id, "0 of 1")
	if err != nil {
		return fmt.Errorf("no card of run %s has a button: %w", id, err)
	}
	if _, err := h.presses(bob, card); err != nil {
		return err
	}
	r, err := h.end(id)
	if err == nil && !well(r.State) {
		err = fmt.Errorf("run %s is %s: %s", id, r.State, r.Trouble)
	}
	return err
}

// approvedAgain returns an error unless a run that was approved and ran after
// the snapshot can be approved after the restore, and that runs nothing.
func (h *testbed) approvedAgain(id string) error {
	before, err := h.nodes.Called("restart", "router")
	if err != nil {
		return err
	}
	if err := h.approved(id); err != nil {
		return err
	}
	now, err := h.nodes.Called("restart", "router")
	if len(now) != len(before) || len(now) == 0 {
		err = errors.Join(err, fmt.Errorf("run %s restarted the router again: %d times before, %d now", id, len(before), len(now)))
	}
	return err
}

// attached returns an error unless a run that was in progress in the snapshot
// has come to its true end after the restore, and did not begin again.
func (h *testbed) attached(id string) error {
	r, err := h.end(id)
	if err != nil {
		return err
	}
	if len(r.Steps) != 1 {
		return fmt.Errorf("run %s has %d steps: %s %s", id, len(r.Steps), r.State, r.Trouble)
	}
	step := r.Steps[0]
	if err := h.oracle.checkRan(step.ID, 1); err != nil {
		return err
	}
	if want := h.oracle.fate(step.ID).status; step.Exit == nil || *step.Exit != want {
		return fmt.Errorf("run %s: exit status %v, not %d: %s", id, shown(step.Exit), want, r.Trouble)
	}
	return nil
}

// reconciles returns an error unless the nodes' runs that the store doesn't
// know are these and those of earlier rounds, with their true exit status.
func (h *testbed) reconciles(ids []string) error {
	b, err := h.get("/reconcile")
	if err != nil {
		return err
	}
	var all upkeep.Reconciled
	if err := json.Unmarshal(b, &all); err != nil {
		return err
	}
	unknown := map[string]upkeep.Found{}
	for _, f := range all.Found {
		unknown[f.Run] = f
	}
	for _, id := range ids {
		f, ok := unknown[id]
		want := h.oracle.fate(id + "-1").status
		if !ok || f.Store != "unknown" || f.Status != want {
			err = errors.Join(err, fmt.Errorf("run %s with exit status %d is told of as %+v", id, want, f))
		}
	}
	if len(all.Silent) > 0 {
		err = errors.Join(err, fmt.Errorf("not asked: %v", all.Silent))
	}
	return err
}
