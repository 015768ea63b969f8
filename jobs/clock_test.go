package jobs_test

import (
	"context"
	"log/slog"
	"path/filepath"
	"strings"
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

// After alsbot was down for long, what is old goes all the same, in time.
func TestWhatIsOldGoesAfterALongStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		st, err := store.OpenBolt(filepath.Join(dir, "alsbot.db"), store.Ballast(0))
		if err != nil {
			t.Fatal(err)
		}
		long := time.Now().UTC().AddDate(0, 0, -10)
		r := jobs.Run{ID: "old", State: jobs.Succeeded, Asked: long, Ended: long}
		if err := st.Update(t.Context(), func(tx store.Tx) error {
			if err := (store.Bucket[string]{Name: "runs.time"}).Put(tx, long.Format("20060102T150405.000000000Z")+"/old", "old"); err != nil {
				return err
			}
			return recordsOf.Put(tx, "old", r)
		}); err != nil {
			t.Fatal(err)
		}
		exec := executor.New(slog.New(slog.DiscardHandler))
		e, err := jobs.New(jobs.Options{
			Config: &config.Config{Store: config.Store{KeepRuns: 9 * 24 * time.Hour}}, Store: st, Executor: exec, Log: slog.New(slog.DiscardHandler),
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- e.Run(ctx) }()
		left := func() int {
			synctest.Wait()
			list, err := e.Runs(ctx, "", 10)
			if err != nil {
				t.Fatal(err)
			}
			return len(list)
		}
		time.Sleep(90 * time.Hour)
		early := left()
		time.Sleep(30 * 24 * time.Hour)
		late := left()
		cancel()
		for _, err := range []error{<-done, exec.Close(), st.Close()} {
			if err != nil && !strings.Contains(err.Error(), "closed") {
				t.Error(err)
			}
		}
		if early != 1 || late != 0 {
			t.Errorf("%d runs after 90 hours, %d after a month", early, late)
		}
	})
}
