package jobs_test

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"alsbot/config"
	"alsbot/executor"
	"alsbot/jobs"
	"alsbot/store"
)

// A clock that is a year ahead when alsbot starts makes no record old. To
// look at it by a wrong clock is to have all that is on record a year before.
func TestAWrongClockForgetsNothing(t *testing.T) {
	h := newHouse(t, nil)
	id := h.run("U0DAN", "version")
	h.until(id, jobs.Succeeded)
	ancient := store.Bucket[map[string]time.Time]{Name: "deliveries"}
	marks := store.Bucket[time.Time]{Name: "house"}
	h.offline(func(tx store.Tx) error {
		year := func(at time.Time) time.Time { return at.AddDate(-1, 0, 0) }
		r, _, err := recordsOf.Get(tx, id)
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
		return recordsOf.Put(tx, id, r)
	})
	h.eventually("deliveries", "the look after old records", func(tx store.Tx) (bool, error) {
		_, there, err := ancient.Get(tx, "ancient")
		return !there, err
	})
	if r, _, err := h.engine.Get(t.Context(), id); err != nil || len(r.Steps) != 1 {
		t.Errorf("its record: %v", err)
	}
	if out, _, err := h.engine.Output(t.Context(), id, 100); len(out) == 0 || err != nil {
		t.Errorf("its output: %q, %v", out, err)
	}
}

// past runs an engine on an empty cluster for a while, in a time of its own,
// on what before has written down.
func past(t *testing.T, cfg *config.Config, log *slog.Logger, before func(store.Tx) error, then func(*jobs.Engine)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		st, err := store.OpenBolt(filepath.Join(t.TempDir(), "alsbot.db"), store.Ballast(0))
		if err != nil {
			t.Fatal(err)
		}
		if err := st.Update(t.Context(), before); err != nil {
			t.Fatal(err)
		}
		exec := executor.New(log)
		e, err := jobs.New(jobs.Options{Config: cfg, Store: st, Executor: exec, Log: log})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- e.Run(ctx) }()
		then(e)
		cancel()
		if err := errors.Join(<-done, exec.Close(), st.Close()); err != nil {
			t.Error(err)
		}
	})
}

// After alsbot was down for long, what is old goes all the same, in time.
func TestWhatIsOldGoesAfterALongStop(t *testing.T) {
	cfg := &config.Config{Store: config.Store{KeepRuns: 9 * 24 * time.Hour}}
	past(t, cfg, slog.New(slog.DiscardHandler), func(tx store.Tx) error {
		long := time.Now().UTC().AddDate(0, 0, -10)
		at := store.Bucket[string]{Name: "runs.time"}
		return errors.Join(
			at.Put(tx, long.Format("20060102T150405.000000000Z")+"/old", "old"),
			recordsOf.Put(tx, "old", jobs.Run{ID: "old", State: jobs.Succeeded, Asked: long, Ended: long}))
	}, func(e *jobs.Engine) {
		for _, step := range []struct {
			wait time.Duration
			left int
		}{{90 * time.Hour, 1}, {30 * time.Hour, 0}} {
			time.Sleep(step.wait)
			synctest.Wait()
			if list, err := e.Runs(t.Context(), "", 10); err != nil || len(list) != step.left {
				t.Errorf("%s later: %d runs, %v", step.wait, len(list), err)
			}
		}
	})
}

// A clock that is half a day ahead when alsbot starts again ends nothing that
// runs on a node.
func TestAWrongClockEndsNoStep(t *testing.T) {
	h := newHouse(t, nil)
	h.fault("slow", "200ms:data export")
	id := h.run("U0ANN", "export cluster")
	h.begun(id)
	h.offline(func(tx store.Tx) error {
		r, _, err := recordsOf.Get(tx, id)
		r.Steps[0].Started = r.Steps[0].Started.Add(-13 * time.Hour)
		return errors.Join(err, recordsOf.Put(tx, id, r))
	})
	if r := h.until(id, jobs.Succeeded); r.Steps[0].Trouble != "" {
		t.Errorf("the record: %+v", r.Steps[0])
	}
}
