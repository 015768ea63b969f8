package jobs_test

import (
	"strings"
	"testing"

	"alsbot/runs"
	"alsbot/upkeep/enginetest"
)

// Somebody has tried to cancel it first: it can be given up all the same, and
// nothing of it runs any more, clean-up and the steps after it included.
func TestACancelledRunOnANodeThatIsGoneIsGivenUp(t *testing.T) {
	t.Parallel()
	h := enginetest.New(t, nil)
	if err := h.Cluster.Fault("silent", "yes:data export"); err != nil {
		t.Fatal(err)
	}
	id := h.Run("U0ANN", "export cluster")
	h.Begun(id)
	if ans := h.Ask("U0ANN", "acknowledge "+id); !ans.Bad || !strings.Contains(ans.Text, "cancel "+id) {
		t.Errorf("a run whose node answers was given up: %s", ans.Text)
	}
	if err := h.Cluster.Fault("down@10.0.0.11", "yes"); err != nil {
		t.Fatal(err)
	}
	h.Ask("U0ANN", "cancel "+id)
	h.Remarked(id, "10.0.0.11")
	h.Unreachable(id)
	h.Remarked(id, "acknowledge "+id)
	if ans := h.Ask("U0DAN", "run "+id); !strings.Contains(ans.Pre, "acknowledge "+id) { // Slack may be down
		t.Errorf("the record:\n%s", ans.Pre)
	}
	next := h.Run("U0ANN", "maintenance on")
	h.Until(next, runs.Queued)
	if says, err := h.Engine.Waiting(t.Context(), next); err != nil || !strings.Contains(says, "`run "+id+"`") {
		t.Errorf("it waits in these words: %q, %v", says, err)
	}
	ans := h.Ask("U0ANN", "acknowledge "+id)
	if ans.Bad || !strings.Contains(ans.Text, "given up") {
		t.Errorf("%+v", ans)
	}
	r := h.Until(id, runs.Lost)
	if r.Settled == nil || len(r.Steps) < 3 || r.Steps[1].Exit != nil || r.Steps[2].Sent {
		t.Errorf("the record: %+v", r)
	}
	h.Until(next, runs.Succeeded)
	h.Called(1, "data", "export")
	if _, err := runs.VerifyAudit(t.Context(), h.Store, runs.AuditHead{}); err != nil {
		t.Error(err)
	}
}
