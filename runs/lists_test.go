package runs_test

import (
	"testing"

	"alsbot/runs"
	"alsbot/upkeep/enginetest"
)

// What a start shows anew is what waits or changes something; looks are over
// in a moment, and what is over is told already.
func TestUnderWay(t *testing.T) {
	h := enginetest.New(t, nil)
	over := h.Run("U0ANN", "patch install")
	h.Until(over, runs.Awaiting)
	h.Ask("U0ANN", "cancel "+over)
	h.Until(over, runs.Cancelled)
	waits := h.Run("U0ANN", "patch install")
	h.Until(waits, runs.Awaiting)
	h.Fault("slow", "5s:status")
	looks := h.Run("U0ANN", "status")
	open, err := h.Ledger.UnderWay(t.Context())
	if err != nil || len(open) != 1 || open[0].ID != waits {
		t.Errorf("%d under way beside the look %s, not %s alone: %v", len(open), looks, waits, err)
	}
}
