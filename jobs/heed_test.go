package jobs_test

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"alsbot/jobs"
	"alsbot/store"
)

// counted waits until a run's driver has seen its end.
func (h *house) counted(id string) {
	h.t.Helper()
	for limit := time.Now().Add(safety); h.count(id) == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(limit) {
			h.t.Fatalf("run %s is still worked on", id)
		}
	}
}

func (h *house) fault(name, value string) {
	h.t.Helper()
	if err := h.cluster.Fault(name, value); err != nil {
		h.t.Fatal(err)
	}
}

// kato waits until kato has been called with these words, and returns its process.
func (h *house) kato(words ...string) int {
	h.t.Helper()
	for limit := time.Now().Add(safety); ; time.Sleep(time.Millisecond) {
		calls, err := h.cluster.Called(words...)
		if err != nil || time.Now().After(limit) {
			h.t.Fatalf("kato %v is not called: %v", words, err)
		}
		if len(calls) > 0 {
			return calls[0].PID
		}
	}
}

// alsbot dies when a cancel is on record and the node has not heard of it: the
// next start ends what runs there, before it cleans up behind it.
func TestACancelOutlivesAlsbot(t *testing.T) {
	for _, begun := range []bool{true, false} {
		h := newHouse(t, nil)
		h.fault("silent", "yes:data export")
		id := h.run("U0ANN", "export cluster")
		h.begun(id)
		pid := h.kato("data", "export")
		h.offline(func(tx store.Tx) error {
			r, _, err := recordsOf.Get(tx, id)
			if err != nil {
				return err
			}
			r.Cancel = &jobs.Decision{By: slack("U0ANN"), At: time.Now()}
			r.Steps[0].Begun = begun // or its answer never came
			return recordsOf.Put(tx, id, r)
		})
		r := h.until(id, jobs.Cancelled)
		if r.Steps[0].Exit == nil || r.Steps[0].Ended.IsZero() || r.Steps[1].Sent || !r.Steps[2].Sent {
			t.Errorf("step 1: exit %v, ended %s; step 3 sent: %t", r.Steps[0].Exit, r.Steps[0].Ended, r.Steps[2].Sent)
		}
		if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
			t.Errorf("kato still runs: %v", err)
		}
		h.called(1, "data", "export")
	}
}

// cancelledOnTheWay is a cancelled export whose start, under an ID that ends
// in -9, never came to its node.
func (h *house) cancelledOnTheWay(before func(*jobs.Run)) (id string) {
	h.t.Helper()
	h.fault("silent", "yes:data export")
	id = h.run("U0ANN", "export cluster")
	h.begun(id)
	if err := syscall.Kill(h.kato("data", "export"), syscall.SIGKILL); err != nil {
		h.t.Fatal(err)
	}
	h.offline(func(tx store.Tx) error {
		r, _, err := recordsOf.Get(tx, id)
		if err != nil {
			return err
		}
		r.Cancel = &jobs.Decision{By: slack("U0ANN"), At: time.Now()}
		r.State, r.Trouble, r.Ended, r.Verdict = jobs.Running, "", time.Time{}, nil
		r.Steps[0].Begun, r.Steps[0].Ended, r.Steps[0].Exit, r.Steps[0].ID = false, time.Time{}, nil, id+"-9" // the node has never heard of it
		before(&r)
		return errors.Join(recordsOf.Put(tx, id, r), store.Bucket[jobs.State]{Name: "runs.active"}.Put(tx, id, jobs.Running))
	})
	return id
}

// A start that never came to its node is not made up for by a cancelled run.
func TestACancelledRunBeginsNothingAnew(t *testing.T) {
	h := newHouse(t, nil)
	id := h.cancelledOnTheWay(func(*jobs.Run) {})
	r := h.until(id, jobs.Cancelled)
	if r.Steps[0].Exit != nil || r.Steps[0].Ended.IsZero() {
		t.Errorf("the record: %+v", r.Steps[0])
	}
	h.called(1, "data", "export")
}

// Nor is it if the node does not take the word at once: here it cannot revoke
// the command, and a start would find its way.
func TestACancelThatTheNodeRefusesBeginsNothing(t *testing.T) {
	h := newHouse(t, nil)
	var dir string
	id := h.cancelledOnTheWay(func(r *jobs.Run) {
		dir = filepath.Join(h.cluster.Home(r.Steps[0].Step.Node), ".alsbot/runs", r.Steps[0].ID)
		if err := errors.Join(os.Mkdir(dir, 0o700), os.Symlink("cmd", filepath.Join(dir, "claim"))); err != nil {
			t.Fatal(err)
		}
	})
	h.remarked(id, "cannot write under runs_dir")
	if _, err := os.Stat(filepath.Join(dir, "cmd")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a start was sent: %v", err)
	}
	if err := os.Remove(filepath.Join(dir, "claim")); err != nil {
		t.Fatal(err)
	}
	h.until(id, jobs.Cancelled)
	if claim, err := os.ReadFile(filepath.Join(dir, "claim")); string(claim) != "revoked 0 0 0 0 end\n" {
		t.Errorf("the node has %q, %v", claim, err)
	}
	h.called(1, "data", "export")
}

// A cancel ends a look at a cluster that hangs: before the plan, and before
// the start of what was approved.
func TestCancelEndsALookThatHangs(t *testing.T) {
	h := newHouse(t, nil)
	approved := h.run("U0ANN", "patch install")
	h.until(approved, jobs.Awaiting)
	h.fault("hang", "session")
	fresh := h.run("U0ANN", "export cluster")
	h.press("U0BOB", approved, true)
	for _, id := range []string{fresh, approved} {
		if ans := h.ask("U0ANN", "cancel "+id); ans.Bad {
			t.Errorf("%+v", ans)
		}
	}
	for _, id := range []string{fresh, approved} {
		h.until(id, jobs.Cancelled)
	}
	h.counted(approved) // fresh is not, if it was over before anybody looked at it
	h.fault("hang", "")
	h.called(0, "patch", "install")
}

// While it is verified, by a look that hangs or by one that waits for roles.
func TestCancelEndsTheVerification(t *testing.T) {
	for fault, value := range map[string]string{"silent": "yes:patch status", "starting": "router,dea"} {
		h := newHouse(t, nil)
		id := h.run("U0ANN", "patch install")
		h.until(id, jobs.Awaiting)
		h.fault("slow", "200ms:patch install")
		h.press("U0BOB", id, true)
		pid := h.kato("patch", "install")
		if err := h.cluster.Hold(pid); err != nil { // it does not end before the fault is there
			t.Fatal(err)
		}
		h.begun(id)
		h.fault(fault, value)
		if err := h.cluster.Free(pid); err != nil {
			t.Fatal(err)
		}
		changed := h.st.Watch(t.Context(), "runs")
		for r := h.until(id, jobs.Running); r.Steps[len(r.Steps)-1].Ended.IsZero(); r = h.until(id, jobs.Running) {
			<-changed
		}
		h.ask("U0ANN", "cancel "+id)
		r := h.until(id, jobs.Cancelled)
		if r.Steps[0].Exit == nil || *r.Steps[0].Exit != 0 {
			t.Errorf("%s: the record: %+v", fault, r.Steps[0])
		}
		h.called(1, "patch", "install")
	}
}

// Who may only look may take back the dry run that they asked for.
func TestAViewerCancelsTheirOwnDryRun(t *testing.T) {
	h := newHouse(t, nil)
	h.fault("hang", "session")
	id := h.run("U0DAN", "plan patch install")
	if ans := h.ask("U0EVE", "cancel "+id); !ans.Bad {
		t.Errorf("another viewer cancelled it: %+v", ans)
	}
	if ans := h.ask("U0DAN", "cancel "+id); ans.Bad {
		t.Errorf("%+v", ans)
	}
	h.until(id, jobs.Cancelled)
}
