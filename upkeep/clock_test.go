package upkeep_test

import (
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"alsbot/config"
	"alsbot/runs"
	"alsbot/store"
	"alsbot/upkeep/enginetest"
)

// A clock that is a year ahead when alsbot starts makes no record old. To
// look at it by a wrong clock is to have all that is on record a year before.
func TestAWrongClockForgetsNothing(t *testing.T) {
	t.Parallel()
	h := enginetest.New(t, nil)
	id := h.Run("U0DAN", "version")
	h.Until(id, runs.Succeeded)
	ancient := store.Bucket[map[string]time.Time]{Name: "deliveries"}
	marks := store.Bucket[time.Time]{Name: "house"}
	h.Offline(func(tx store.Tx) error {
		year := func(at time.Time) time.Time { return at.AddDate(-1, 0, 0) }
		r, _, err := enginetest.Records.Get(tx, id)
		if err != nil {
			return err
		}
		key := func() string { return r.Asked.UTC().Format("20060102T150405.000000000Z") + "/" + id }
		at := store.Bucket[string]{Name: "runs.time"}
		if err := at.Delete(tx, key()); err != nil {
			return err
		}
		r.Asked, r.Ended = year(r.Asked), year(r.Ended)
		if err := at.Put(tx, key(), id); err != nil {
			return err
		}
		if err := marks.Put(tx, "old by", year(time.Now())); err != nil {
			return err
		}
		if err := ancient.Put(tx, "ancient", map[string]time.Time{"at": year(year(time.Now()))}); err != nil {
			return err
		}
		return enginetest.Records.Put(tx, id, r)
	})
	h.Eventually("deliveries", "the look after old records", func(tx store.Tx) (bool, error) {
		_, there, err := ancient.Get(tx, "ancient")
		return !there, err
	})
	if r, _, err := h.Ledger.Load(t.Context(), id); err != nil || len(r.Steps) != 1 {
		t.Errorf("its record: %v", err)
	}
	if out, _, err := h.Engine.Output(t.Context(), id, 100); len(out) == 0 || err != nil {
		t.Errorf("its output: %q, %v", out, err)
	}
}

// After alsbot was down for long, what is old goes all the same, in time.
func TestWhatIsOldGoesAfterALongStop(t *testing.T) {
	t.Parallel()
	cfg := &config.Config{Store: config.Store{KeepRuns: 9 * 24 * time.Hour}}
	enginetest.Simulated(t, cfg, slog.New(slog.DiscardHandler), func(tx store.Tx) error {
		long := time.Now().UTC().AddDate(0, 0, -10)
		at := store.Bucket[string]{Name: "runs.time"}
		return errors.Join(
			at.Put(tx, long.Format("20060102T150405.000000000Z")+"/old", "old"),
			enginetest.Records.Put(tx, "old", runs.Run{ID: "old", State: runs.Succeeded, Asked: long, Ended: long}))
	}, func(h *enginetest.Rig) {
		for _, step := range []struct {
			wait time.Duration
			left int
		}{{90 * time.Hour, 1}, {30 * time.Hour, 0}} {
			time.Sleep(step.wait)
			synctest.Wait()
			if list, err := h.Ledger.Recent(t.Context(), "", 10); err != nil || len(list) != step.left {
				t.Errorf("%s later: %d runs, %v", step.wait, len(list), err)
			}
		}
	})
}
