package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"alsbot/config"
	"alsbot/executor"
	"alsbot/jobs"
	"alsbot/runs"
	"alsbot/store"
)

// Why a slot was missed is what is known, and no more.
func TestWhyASlotWasMissed(t *testing.T) {
	t.Parallel()
	clock := func(text string) time.Time {
		at, err := time.Parse("2006-01-02 15:04", "2026-03-01 "+text)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	full := errors.New("the disk is full")
	for name, test := range map[string]struct {
		slot, start, last, now string
		lastUp, up             time.Duration
		failed                 error
		want                   string
	}{
		"started later":     {"03:00", "04:00", "04:00", "04:00", 0, 0, nil, "alsbot runs only since 2026-03-01 04:00 UTC"},
		"up, disk full":     {"03:00", "01:00", "02:59", "04:00", 119 * time.Minute, 3 * time.Hour, full, "alsbot could not write it down (the disk is full)"},
		"clock put forward": {"03:00", "01:00", "02:00", "04:00", time.Hour, time.Hour + 30*time.Second, nil, "the clock of alsbot's host went from 2026-03-01 02:00 UTC to 2026-03-01 04:00 UTC at once: it was put forward, or the host stood still"},
		"held up":           {"03:00", "01:00", "02:00", "04:00", time.Hour, 3 * time.Hour, nil, "alsbot was running, but came to it only at 2026-03-01 04:00 UTC"},
		// It was started at 02:00, by a clock that showed 12:00, and was up for two hours.
		"clock was ahead at the start": {"03:00", "12:00", "02:59", "04:00", 59 * time.Minute, 2 * time.Hour, full, "alsbot could not write it down (the disk is full)"},
	} {
		t.Run(name, func(t *testing.T) {
			got := jobs.WhyMissed(clock(test.slot), clock(test.start), clock(test.last), test.lastUp, clock(test.now), test.up, test.failed)
			if got != test.want {
				t.Errorf("%q, not %q", got, test.want)
			}
		})
	}
}

// refusing is a store that takes nothing for a while.
type refusing struct {
	store.Store
	full atomic.Bool
}

func (s *refusing) Ready() error {
	if s.full.Load() {
		return fmt.Errorf("%w: make room on the disk of alsbot.db", store.ErrFull)
	}
	return s.Store.Ready()
}

func (s *refusing) Update(ctx context.Context, fn func(store.Tx) error) error {
	if s.full.Load() {
		return store.ErrFull
	}
	return s.Store.Update(ctx, fn)
}

// The disk is full when a slot comes: it is not said that alsbot was down.
func TestASlotThatCameWhileTheDiskWasFull(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log := slog.New(slog.DiscardHandler)
		bolt, err := store.OpenBolt(filepath.Join(t.TempDir(), "alsbot.db"), store.Ballast(0))
		if err != nil {
			t.Fatal(err)
		}
		st, exec := &refusing{Store: bolt}, executor.New(log)
		cfg := &config.Config{
			Clusters:  []config.Cluster{{Name: "prod", Core: "127.0.0.1:1", Channel: "C0PROD"}},
			Schedules: []config.Schedule{{Name: "hourly", Cluster: "prod", Cron: "0 * * * *", Timezone: "UTC", Command: "version"}},
		}
		e, err := jobs.New(jobs.Options{Config: cfg, Store: st, Executor: exec, Log: log})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- e.Run(ctx) }()
		time.Sleep(30 * time.Minute) // synctest begins at midnight
		st.full.Store(true)
		time.Sleep(time.Hour)
		ans, err := e.Ask(ctx, jobs.Ask{By: runs.Principal{Source: runs.FromSchedule, ID: "hourly"}, Key: "k", Text: "version"})
		if err != nil || !ans.Bad || strings.Count(ans.Text, "ake room") != 1 || !strings.Contains(ans.Text, "Nothing was started") {
			t.Errorf("a command is answered %+v, %v", ans, err)
		}
		st.full.Store(false)
		time.Sleep(2 * time.Minute)
		var row runs.Slot
		var told string
		if err := st.View(t.Context(), func(tx store.Tx) error {
			return errors.Join(
				slotsOf.Scan(tx, store.Range{Prefix: "hourly/"}, func(_ string, r runs.Slot) bool { row = r; return true }),
				outboxOf.Scan(tx, store.Range{}, func(_ string, r runs.Outgoing) bool { told += r.Text; return true }))
		}); err != nil {
			t.Error(err)
		}
		if row.Outcome != "missed" || !strings.Contains(row.Why, "could not write it down") {
			t.Errorf("%+v", row)
		}
		if !strings.Contains(told, "the disk is full") || !strings.Contains(told, "type `schedule run hourly`") || strings.Contains(told, "runs only since") {
			t.Errorf("the channel hears %q", told)
		}
		cancel()
		if err := errors.Join(<-done, exec.Close(), st.Close()); err != nil {
			t.Error(err)
		}
	})
}
