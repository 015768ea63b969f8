package jobs_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"alsbot/jobs"
	"alsbot/sim/node"
	"alsbot/store"
)

// halfway is an approved installation of patches during which alsbot was
// stopped hours ago, just before its first command was sent: change puts the
// record where it stood. Meanwhile the cluster has moved.
func (h *house) halfway(change func(tx store.Tx, r *jobs.Run) error) (id string) {
	h.t.Helper()
	id = h.run("U0ANN", "patch install")
	h.until(id, jobs.Awaiting)
	if err := h.cluster.Publish(node.Patch{Name: "late-fix", Severity: "required", Roles: []string{"router"}}); err != nil {
		h.t.Fatal(err)
	}
	h.offline(func(tx store.Tx) error {
		r, _, err := recordsOf.Get(tx, id)
		approvals := store.Bucket[jobs.Approval]{Name: "approvals"}
		a, _, bad := approvals.Get(tx, id)
		if err := errors.Join(err, bad); err != nil {
			return err
		}
		long := time.Now().UTC().Add(-3 * time.Hour)
		a.State, a.Votes = jobs.ApprovalGiven, []jobs.Decision{{By: slack("U0BOB"), At: long}}
		r.Queued = long
		if err := change(tx, &r); err != nil {
			return err
		}
		key := "prod/" + long.Format("20060102T150405.000000000Z") + "/" + id
		return errors.Join(
			approvals.Put(tx, id, a), recordsOf.Put(tx, id, r),
			store.Bucket[string]{Name: "line"}.Put(tx, key, id),
			store.Bucket[jobs.State]{Name: "runs.active"}.Put(tx, id, r.State))
	})
	return id
}

// What was queued, and was to start at once, is looked at again if alsbot was
// away meanwhile.
func TestALongStopInTheLineIsAWait(t *testing.T) {
	h := newHouse(t, nil)
	id := h.halfway(func(_ store.Tx, r *jobs.Run) error {
		r.State = jobs.Queued
		return nil
	})
	if r := h.until(id, jobs.Void); !strings.Contains(r.Trouble, "late-fix") {
		t.Errorf("trouble: %s", r.Trouble)
	}
	h.called(0, "patch", "install")
}

// commenced puts a run on record as one that has begun.
func commenced(_ store.Tx, r *jobs.Run) error {
	r.State, r.Started = jobs.Running, r.Queued
	for i, s := range r.Plan.Steps {
		step := fmt.Sprintf("%s-%d", r.ID, i+1)
		r.Steps = append(r.Steps, jobs.StepRecord{Step: s, ID: step, Blob: step})
	}
	return nil
}

// What had begun on record, and on no node, begins there hours later no more.
func TestALongStopBeforeTheFirstCommand(t *testing.T) {
	h := newHouse(t, nil)
	id := h.halfway(commenced)
	if r := h.until(id, jobs.Void); !strings.Contains(r.Next, "retry "+id) {
		t.Errorf("%s; next: %s", r.Trouble, r.Next)
	}
	h.called(0, "patch", "install")
	h.until(h.run("U0ANN", "export cluster"), jobs.Succeeded) // the line is open
}

// Nor does what may have been sent, and never came to its node: alsbot sees to
// that before it says so.
func TestALongStopDuringTheFirstCommand(t *testing.T) {
	h := newHouse(t, nil)
	id := h.halfway(func(tx store.Tx, r *jobs.Run) error {
		err := commenced(tx, r)
		r.Steps[0].Sent, r.Steps[0].Started = true, r.Started
		return err
	})
	r := h.until(id, jobs.Failed)
	if !strings.Contains(r.Why(), "nothing was to begin later") || !strings.Contains(r.Next, "`patch install @prod`") {
		t.Errorf("%s; next: %s", r.Why(), r.Next)
	}
	h.called(0, "patch", "install")
	h.until(h.run("U0ANN", "export cluster"), jobs.Succeeded) // the line is open
}

// People see until when a node that is down may come back.
func TestUntilWhenARunBegins(t *testing.T) {
	h := newHouse(t, nil)
	id := h.halfway(func(tx store.Tx, r *jobs.Run) error {
		err := commenced(tx, r)
		r.Started = time.Now()
		return errors.Join(err, h.cluster.Fault("down@10.0.0.10", "yes"))
	})
	h.remarked(id, ". It begins by ")
	h.fault("down@10.0.0.10", "")
	if r := h.until(id, jobs.Succeeded); r.Remark != "" {
		t.Errorf("it still says %q", r.Remark)
	}
	h.called(1, "patch", "install")
}
