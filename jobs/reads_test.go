package jobs_test

import (
	"context"
	"testing"

	"alsbot/runs"
	"alsbot/store"
	"alsbot/upkeep/enginetest"
)

// A cluster that hangs is asked the same by many: a part of the reads is
// worked on, the others wait, and one that waits can be cancelled.
func TestACrowdOfReads(t *testing.T) {
	t.Parallel()
	const places, asked = 200, 210
	h := enginetest.New(t, nil)
	if err := h.Cluster.Fault("hang", "session"); err != nil {
		t.Fatal(err)
	}
	for range asked {
		h.Run("U0DAN", "version")
	}
	ctx, cancel := context.WithTimeout(t.Context(), enginetest.Safety)
	defer cancel()
	changed := h.Store.Watch(ctx, "runs")
	count := func() (running int, waits string) {
		list, err := h.Ledger.Recent(ctx, "prod", asked)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range list {
			switch r.State {
			case runs.Running:
				running++
			case runs.Planned:
				waits = r.ID
			}
		}
		return running, waits
	}
	running, waits := count()
	for running < places {
		select {
		case <-changed:
		case <-ctx.Done():
			t.Fatalf("only %d reads run", running)
		}
		running, waits = count()
	}
	if waits == "" {
		t.Fatal("no read waits")
	}
	h.Ask("U0DAN", "cancel "+waits)
	h.Until(waits, runs.Cancelled)
	if running, _ := count(); running != places {
		t.Errorf("%d reads run at the same time", running)
	}
}

// A viewer's reads that hang take no changing command's way to the node: it is
// planned, approved, run and cancelled beside them.
func TestReadsThatHangHoldUpNoChange(t *testing.T) {
	t.Parallel()
	h := enginetest.New(t, nil)
	h.Fault("silent", "yes:inspect")
	for range 12 {
		h.Until(h.Run("U0DAN", "inspect"), runs.Running)
	}
	h.Eventually("runs", "reads are at work on the node", func(store.Tx) (bool, error) {
		calls, err := h.Cluster.Called("inspect")
		return len(calls) >= 4, err
	})
	id := h.Run("U0ANN", "restart router")
	h.Until(id, runs.Awaiting)
	h.Press("U0BOB", id, true)
	h.Until(id, runs.Succeeded)
	h.Called(1, "restart")
}
