package jobs_test

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"alsbot/runs"
	"alsbot/store"
	"alsbot/upkeep/enginetest"
)

// alsbot dies when a cancel is on record and the node has not heard of it: the
// next start ends what runs there, before it cleans up behind it.
func TestACancelOutlivesAlsbot(t *testing.T) {
	t.Parallel()
	for _, begun := range []bool{true, false} {
		h := enginetest.New(t, nil)
		h.Fault("silent", "yes:data export")
		id := h.Run("U0ANN", "export cluster")
		h.Begun(id)
		pid := h.Kato("data", "export")
		h.Offline(func(tx store.Tx) error {
			r, _, err := enginetest.Records.Get(tx, id)
			if err != nil {
				return err
			}
			r.Cancel = &runs.Decision{By: enginetest.Slack("U0ANN"), At: time.Now()}
			r.Steps[1].Begun = begun // or its answer never came
			return enginetest.Records.Put(tx, id, r)
		})
		r := h.Until(id, runs.Cancelled)
		if r.Steps[1].Exit == nil || r.Steps[1].Ended.IsZero() || r.Steps[2].Sent || !r.Steps[4].Sent {
			t.Errorf("the export: exit %v, ended %s; the clean-up sent: %t", r.Steps[1].Exit, r.Steps[1].Ended, r.Steps[4].Sent)
		}
		if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
			t.Errorf("kato still runs: %v", err)
		}
		h.Called(1, "data", "export")
	}
}

// cancelledOnTheWay is a cancelled export whose start, under an ID that ends
// in -9, never came to its node.
func cancelledOnTheWay(h *enginetest.Rig, before func(*runs.Run)) (id string) {
	h.T.Helper()
	h.Fault("silent", "yes:data export")
	id = h.Run("U0ANN", "export cluster")
	h.Begun(id)
	if err := syscall.Kill(h.Kato("data", "export"), syscall.SIGKILL); err != nil {
		h.T.Fatal(err)
	}
	h.Offline(func(tx store.Tx) error {
		r, _, err := enginetest.Records.Get(tx, id)
		if err != nil {
			return err
		}
		r.Cancel = &runs.Decision{By: enginetest.Slack("U0ANN"), At: time.Now()}
		r.State, r.Trouble, r.Ended, r.Verdict = runs.Running, "", time.Time{}, nil
		r.Steps[1].Begun, r.Steps[1].Ended, r.Steps[1].Exit, r.Steps[1].ID = false, time.Time{}, nil, id+"-9" // the node has never heard of it
		before(&r)
		return errors.Join(enginetest.Records.Put(tx, id, r), store.Bucket[runs.State]{Name: "runs.active"}.Put(tx, id, runs.Running))
	})
	return id
}

// A start that never came to its node is not made up for by a cancelled run.
func TestACancelledRunBeginsNothingAnew(t *testing.T) {
	t.Parallel()
	h := enginetest.New(t, nil)
	id := cancelledOnTheWay(h, func(*runs.Run) {})
	r := h.Until(id, runs.Cancelled)
	if r.Steps[1].Exit != nil || r.Steps[1].Ended.IsZero() {
		t.Errorf("the record: %+v", r.Steps[1])
	}
	h.Called(1, "data", "export")
}

// Nor is it if the node does not take the word at once: here it cannot revoke
// the command, and a start would find its way.
func TestACancelThatTheNodeRefusesBeginsNothing(t *testing.T) {
	t.Parallel()
	h := enginetest.New(t, nil)
	var dir string
	id := cancelledOnTheWay(h, func(r *runs.Run) {
		dir = filepath.Join(h.Cluster.Home(r.Steps[1].Step.Node), ".alsbot/runs", r.Steps[1].ID)
		if err := errors.Join(os.Mkdir(dir, 0o700), os.Symlink("cmd", filepath.Join(dir, "claim"))); err != nil {
			t.Fatal(err)
		}
	})
	h.Remarked(id, "cannot write under runs_dir")
	if _, err := os.Stat(filepath.Join(dir, "cmd")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a start was sent: %v", err)
	}
	if err := os.Remove(filepath.Join(dir, "claim")); err != nil {
		t.Fatal(err)
	}
	h.Until(id, runs.Cancelled)
	if claim, err := os.ReadFile(filepath.Join(dir, "claim")); string(claim) != "revoked 0 0 0 0 end\n" {
		t.Errorf("the node has %q, %v", claim, err)
	}
	h.Called(1, "data", "export")
}

// A cancel ends a look at a cluster that hangs: before the plan, and before
// the start of what was approved.
func TestCancelEndsALookThatHangs(t *testing.T) {
	t.Parallel()
	h := enginetest.New(t, nil)
	approved := h.Run("U0ANN", "patch install")
	h.Until(approved, runs.Awaiting)
	h.Fault("hang", "session")
	fresh := h.Run("U0ANN", "export cluster")
	h.Press("U0BOB", approved, true)
	for _, id := range []string{fresh, approved} {
		if ans := h.Ask("U0ANN", "cancel "+id); ans.Bad {
			t.Errorf("%+v", ans)
		}
	}
	for _, id := range []string{fresh, approved} {
		h.Until(id, runs.Cancelled)
	}
	h.UntilEnded(approved) // fresh is not, if it was over before anybody looked at it
	h.Fault("hang", "")
	h.Called(0, "patch", "install")
}

// While it is verified, by a look that hangs or by one that waits for roles.
func TestCancelEndsTheVerification(t *testing.T) {
	t.Parallel()
	for fault, value := range map[string]string{"silent": "yes:patch status", "starting": "router,dea"} {
		h := enginetest.New(t, nil)
		id := h.Run("U0ANN", "patch install")
		h.Until(id, runs.Awaiting)
		h.Fault("slow", "200ms:patch install")
		h.Press("U0BOB", id, true)
		pid := h.Kato("patch", "install")
		if err := h.Cluster.Hold(pid); err != nil { // it does not end before the fault is there
			t.Fatal(err)
		}
		h.Begun(id)
		h.Fault(fault, value)
		if err := h.Cluster.Free(pid); err != nil {
			t.Fatal(err)
		}
		changed := h.Store.Watch(t.Context(), "runs")
		for r := h.Until(id, runs.Running); r.Steps[len(r.Steps)-1].Ended.IsZero(); r = h.Until(id, runs.Running) {
			<-changed
		}
		h.Ask("U0ANN", "cancel "+id)
		r := h.Until(id, runs.Cancelled)
		if r.Steps[0].Exit == nil || *r.Steps[0].Exit != 0 {
			t.Errorf("%s: the record: %+v", fault, r.Steps[0])
		}
		h.Called(1, "patch", "install")
	}
}

// Who may only look may take back the dry run that they asked for.
func TestAViewerCancelsTheirOwnDryRun(t *testing.T) {
	t.Parallel()
	h := enginetest.New(t, nil)
	h.Fault("hang", "session")
	id := h.Run("U0DAN", "plan patch install")
	if ans := h.Ask("U0EVE", "cancel "+id); !ans.Bad {
		t.Errorf("another viewer cancelled it: %+v", ans)
	}
	if ans := h.Ask("U0DAN", "cancel "+id); ans.Bad {
		t.Errorf("%+v", ans)
	}
	h.Until(id, runs.Cancelled)
}
