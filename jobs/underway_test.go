package jobs_test

import (
	"testing"

	"alsbot/jobs"
)

// What a start shows anew is what waits or changes something; looks are over
// in a moment, and what is over is told already.
func TestUnderWay(t *testing.T) {
	h := newHouse(t, nil)
	over := h.run("U0ANN", "patch install")
	h.until(over, jobs.Awaiting)
	h.ask("U0ANN", "cancel "+over)
	h.until(over, jobs.Cancelled)
	waits := h.run("U0ANN", "patch install")
	h.until(waits, jobs.Awaiting)
	h.fault("slow", "5s:status")
	looks := h.run("U0ANN", "status")
	open, err := h.engine.UnderWay(t.Context())
	if err != nil || len(open) != 1 || open[0].ID != waits {
		t.Errorf("%d under way beside the look %s, not %s alone: %v", len(open), looks, waits, err)
	}
}
