package jobs_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"alsbot/runs"
	"alsbot/sim/node"
	"alsbot/store"
	"alsbot/upkeep/enginetest"
)

// halfway is an approved installation of patches during which alsbot was
// stopped hours ago, just before its first command was sent: change puts the
// record where it stood. Meanwhile the cluster has moved.
func halfway(h *enginetest.Rig, change func(tx store.Tx, r *runs.Run) error) (id string) {
	h.T.Helper()
	id = h.Run("U0ANN", "patch install")
	h.Until(id, runs.Awaiting)
	if err := h.Cluster.Publish(node.Patch{Name: "late-fix", Severity: "required", Roles: []string{"router"}}); err != nil {
		h.T.Fatal(err)
	}
	h.Offline(func(tx store.Tx) error {
		r, _, err := enginetest.Records.Get(tx, id)
		approvals := store.Bucket[runs.Approval]{Name: "approvals"}
		a, _, bad := approvals.Get(tx, id)
		if err := errors.Join(err, bad); err != nil {
			return err
		}
		long := time.Now().UTC().Add(-3 * time.Hour)
		a.State, a.Votes = runs.ApprovalGiven, []runs.Decision{{By: enginetest.Slack("U0BOB"), At: long}}
		r.Queued = long
		if err := change(tx, &r); err != nil {
			return err
		}
		key := "prod/" + long.Format("20060102T150405.000000000Z") + "/" + id
		return errors.Join(
			approvals.Put(tx, id, a), enginetest.Records.Put(tx, id, r),
			store.Bucket[string]{Name: "line"}.Put(tx, key, id),
			store.Bucket[runs.State]{Name: "runs.active"}.Put(tx, id, r.State))
	})
	return id
}

// What was queued, and was to start at once, is looked at again if alsbot was
// away meanwhile.
func TestALongStopInTheLineIsAWait(t *testing.T) {
	t.Parallel()
	h := enginetest.New(t, nil)
	id := halfway(h, func(_ store.Tx, r *runs.Run) error {
		r.State = runs.Queued
		return nil
	})
	if r := h.Until(id, runs.Void); !strings.Contains(r.Trouble, "late-fix") {
		t.Errorf("trouble: %s", r.Trouble)
	}
	h.Called(0, "patch", "install")
}

// commenced puts a run on record as one that has begun.
func commenced(_ store.Tx, r *runs.Run) error {
	r.State, r.Started = runs.Running, r.Queued
	for i, s := range r.Plan.Steps {
		step := fmt.Sprintf("%s-%d", r.ID, i+1)
		r.Steps = append(r.Steps, runs.StepRecord{Step: s, ID: step, Blob: step})
	}
	return nil
}

// What had begun on record, and on no node, begins there hours later no more.
func TestALongStopBeforeTheFirstCommand(t *testing.T) {
	t.Parallel()
	h := enginetest.New(t, nil)
	id := halfway(h, commenced)
	if r := h.Until(id, runs.Void); !strings.Contains(r.Next.Text, "retry "+id) {
		t.Errorf("%s; next: %s", r.Trouble, r.Next.Text)
	}
	h.Called(0, "patch", "install")
	h.Until(h.Run("U0ANN", "export cluster"), runs.Succeeded) // the line is open
}

// Nor does what may have been sent, and never came to its node: alsbot sees to
// that before it says so.
func TestALongStopDuringTheFirstCommand(t *testing.T) {
	t.Parallel()
	h := enginetest.New(t, nil)
	id := halfway(h, func(tx store.Tx, r *runs.Run) error {
		err := commenced(tx, r)
		r.Steps[0].Sent, r.Steps[0].Started = true, r.Started
		return err
	})
	r := h.Until(id, runs.Failed)
	if !strings.Contains(r.Why(), "nothing was to begin later") || !strings.Contains(r.Next.Text, "`patch install @prod`") {
		t.Errorf("%s; next: %s", r.Why(), r.Next.Text)
	}
	h.Called(0, "patch", "install")
	h.Until(h.Run("U0ANN", "export cluster"), runs.Succeeded) // the line is open
}

// People see until when a node that is down may come back.
func TestUntilWhenARunBegins(t *testing.T) {
	t.Parallel()
	h := enginetest.New(t, nil)
	id := halfway(h, func(tx store.Tx, r *runs.Run) error {
		err := commenced(tx, r)
		r.Started = time.Now()
		return errors.Join(err, h.Cluster.Fault("down@10.0.0.10", "yes"))
	})
	h.Remarked(id, ". It begins by ")
	h.Fault("down@10.0.0.10", "")
	if r := h.Until(id, runs.Succeeded); r.Remark != "" {
		t.Errorf("it still says %q", r.Remark)
	}
	h.Called(1, "patch", "install")
}
