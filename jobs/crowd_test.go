package jobs_test

import (
	"context"
	"testing"

	"alsbot/jobs"
)

// A cluster that hangs is asked the same by many: a part of the reads is
// worked on, the others wait, and one that waits can be cancelled.
func TestACrowdOfReads(t *testing.T) {
	const places, asked = 200, 210
	h := newHouse(t, nil)
	if err := h.cluster.Fault("hang", "session"); err != nil {
		t.Fatal(err)
	}
	for range asked {
		h.run("U0DAN", "version")
	}
	ctx, cancel := context.WithTimeout(t.Context(), safety)
	defer cancel()
	changed := h.st.Watch(ctx, "runs")
	count := func() (running int, waits string) {
		list, err := h.engine.Runs(ctx, "prod", asked)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range list {
			switch r.State {
			case jobs.Running:
				running++
			case jobs.Planned:
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
	h.ask("U0DAN", "cancel "+waits)
	h.until(waits, jobs.Cancelled)
	if running, _ := count(); running != places {
		t.Errorf("%d reads run at the same time", running)
	}
}
