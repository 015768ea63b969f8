package jobs_test

import (
	"testing"
	"time"

	"alsbot/jobs"
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
		h.counted(id)
	}
	h.fault("hang", "")
	h.called(0, "patch", "install")
}

// While it is verified, by a look that hangs or by one that waits for roles.
func TestCancelEndsTheVerification(t *testing.T) {
	for fault, value := range map[string]string{"silent": "yes:patch status", "starting": "router,dea"} {
		h := newHouse(t, nil)
		id := h.run("U0ANN", "patch install")
		h.until(id, jobs.Awaiting)
		h.fault("slow", "10ms:patch install")
		h.press("U0BOB", id, true)
		h.begun(id)
		h.fault(fault, value)
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
	h.counted(id)
}
