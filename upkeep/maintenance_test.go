package upkeep_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"alsbot/runs"
	"alsbot/store"
	"alsbot/upkeep/enginetest"
)

// Maintenance mode that was left on is said once, with the run that turned it
// on, also after a restart; not while a run holds it, and not in its first hour.
func TestMaintenanceModeLeftOnIsSaid(t *testing.T) {
	t.Parallel()
	h := enginetest.New(t, nil)
	id := h.Run("U0ANN", "maintenance on")
	h.Until(id, runs.Succeeded)
	runsIn := store.Bucket[runs.Run]{Name: "runs"}
	looked := func(n int) {
		h.T.Helper()
		for limit := time.After(enginetest.Safety); ; {
			calls, err := h.Cluster.Called("config", "get")
			if err != nil {
				h.T.Fatal(err)
			}
			if len(calls) >= n {
				return
			}
			select {
			case <-time.After(5 * time.Millisecond):
			case <-limit:
				h.T.Fatalf("%d looks, not %d", len(calls), n)
			}
		}
	}
	looked(3) // at the start, and by the run before and after
	h.Restart()
	looked(4)
	h.Offline(func(tx store.Tx) error {
		if v, err := tx.Get("maintenance", "prod"); v != nil || err != nil {
			t.Errorf("it is said in the first hour: %s %v", v, err)
		}
		r, _, err := runsIn.Get(tx, id)
		r.Steps[0].Ended = r.Steps[0].Ended.Add(-3 * time.Hour)
		return errors.Join(err, runsIn.Put(tx, id, r))
	})
	seen := func() {
		h.T.Helper()
		h.Eventually("maintenance", "the word about maintenance mode", func(tx store.Tx) (bool, error) {
			v, err := tx.Get("maintenance", "prod")
			return v != nil, err
		})
	}
	seen()
	h.Restart()
	looked(6)
	says := h.Posted()
	if len(says) != 1 || !strings.Contains(says[0], "run "+id+" (`maintenance on") || !strings.Contains(says[0], "maintenance off @prod") {
		t.Errorf("the channel hears %q", says)
	}
}
