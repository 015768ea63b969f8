package faults

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"alsbot/config"
	"alsbot/jobs"
	"alsbot/runs"
	"alsbot/store"
	"alsbot/upkeep/enginetest"
)

// schedules lets two simulated years pass (in the short profile, the weeks
// around one change of the clocks) for daily and hourly schedules in zones with
// all kinds of changes. A trial is a slot. Nodes are unreachable: only the
// slots count, not how their runs end.
func schedules(t *testing.T, r *report) {
	t.Run("zones", func(t *testing.T) {
		for _, zone := range []string{"America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "America/Sao_Paulo", "UTC"} {
			t.Run(zone, func(t *testing.T) {
				t.Parallel()
				r.beside(t)
				synctest.Test(t, func(t *testing.T) { years(t, r, zone) })
			})
		}
	})
	synctest.Test(t, func(t *testing.T) { downAndJumps(t, r) })
	overlap(t, r)
}

// office is an engine with schedules, in simulated time.
type office struct {
	t      *testing.T
	cfg    *config.Config
	st     store.Store
	engine *jobs.Engine
	stop   func()
}

func newOffice(t *testing.T, all ...config.Schedule) *office {
	t.Helper()
	// in memory, if possible: the test syncs 10,000 commits
	dir, err := os.MkdirTemp("/dev/shm", "faults-")
	if err != nil {
		dir = t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	o := &office{t: t, cfg: &config.Config{
		Store:     config.Store{Engine: "bolt", Path: filepath.Join(dir, "alsbot.db"), KeepRuns: 30 * 24 * time.Hour},
		Approval:  config.Approval{Quorum: 1, ExpiresAfter: time.Hour},
		Clusters:  []config.Cluster{{Name: "c0", Core: "127.0.0.1:1", User: "nobody", IdentityFile: "/dev/null", KnownHosts: "/dev/null", Kato: "kato", Generation: "als13", RunsDir: "runs"}},
		Schedules: all,
	}}
	o.open()
	return o
}

func (o *office) open() {
	o.t.Helper()
	st, err := store.OpenBolt(o.cfg.Store.Path, store.Ballast(0))
	must(o.t, err)
	o.st = st
	parts, halt := enginetest.Assemble(o.t, o.cfg, st, &groups{}, quietLog(), func(runs.Run) {})
	o.engine = parts.Engine
	o.stop = func() {
		if err := errors.Join(halt(), parts.Close()); err != nil {
			o.t.Error(err)
		}
	}
}

// slots returns the ledger of a schedule.
func (o *office) slots(name string) (all []runs.Slot) {
	o.t.Helper()
	must(o.t, o.st.View(o.t.Context(), func(tx store.Tx) error {
		return tx.Scan("slots", name+"/", "", false, func(_ string, v []byte) bool {
			var s runs.Slot
			if err := json.Unmarshal(v, &s); err != nil {
				o.t.Error(err)
			}
			all = append(all, s)
			return true
		})
	}))
	return all
}

func schedule(name, cron, zone string, catchUp time.Duration) config.Schedule {
	return config.Schedule{Name: name, Cluster: "c0", Cron: cron, Timezone: zone, Command: "version", CatchUp: catchUp}
}

// years lets time pass in one zone and checks every slot against the calendar.
func years(t *testing.T, r *report, zone string) {
	p, err := chosen()
	must(t, err)
	loc, err := time.LoadLocation(zone)
	must(t, err)
	days := 731
	if p == short {
		days = 100 // from January past a change in March
	}
	o := newOffice(t, schedule("early", "30 2 * * *", zone, 0), schedule("midnight", "0 0 * * *", zone, 0), schedule("hourly", "15 * * * *", zone, 0))
	synctest.Wait()
	began := time.Now()
	end := began.AddDate(0, 0, days)
	time.Sleep(time.Until(end))
	synctest.Wait()
	o.stop()
	o.st = reopened(t, o.cfg)
	defer o.st.Close()
	for _, name := range []string{"early", "midnight"} {
		hour, minute := 2, 30
		if name == "midnight" {
			hour, minute = 0, 0
		}
		r.slots(zone+" "+name, o.slots(name), daily(loc, hour, minute, began, end))
	}
	r.slots(zone+" hourly", o.slots("hourly"), hourly(loc, 15, began, end))
}

func reopened(t *testing.T, cfg *config.Config) store.Store {
	st, err := store.OpenBolt(cfg.Store.Path, store.Ballast(0))
	must(t, err)
	return st
}

// slots compares a ledger with the times that it must have, all run.
func (r *report) slots(name string, got []runs.Slot, want []time.Time) {
	r.t.Helper()
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(got):
			r.trial(fmt.Errorf("%s: %v never came", name, want[i]))
		case i >= len(want):
			r.trial(fmt.Errorf("%s: %v came and is not due", name, got[i].At))
		case !got[i].At.Equal(want[i]) || got[i].Outcome != "ran":
			r.trial(fmt.Errorf("%s: %s at %v, not at %v", name, got[i].Outcome, got[i].At, want[i]))
			return // all that follow are shifted
		default:
			r.trial(nil)
		}
	}
}

// daily computes the times from the calendar alone: minute by minute of each
// local day, because second by second would be too slow. On a day whose clock
// jumps over the time, it is the first instant after the jump.
func daily(loc *time.Location, hour, minute int, from, to time.Time) (all []time.Time) {
	for day := from.In(loc).AddDate(0, 0, -1); day.Before(to.AddDate(0, 0, 2)); day = day.AddDate(0, 0, 1) {
		y, m, d := day.Date()
		at := firstAtOrAfter(loc, y, m, d, hour*60+minute)
		if at.After(from) && !at.After(to) && !slices.ContainsFunc(all, at.Equal) {
			all = append(all, at)
		}
	}
	return all
}

// firstAtOrAfter goes through the minutes around a local day.
func firstAtOrAfter(loc *time.Location, y int, m time.Month, d, wanted int) time.Time {
	for at := time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Add(-15 * time.Hour); ; at = at.Add(time.Minute) {
		l := at.In(loc)
		if l.Year() > y || l.Year() == y && l.YearDay() > time.Date(y, m, d, 0, 0, 0, 0, time.UTC).YearDay() {
			return at // the jump skips the rest of the day
		}
		if l.Year() == y && l.Month() == m && l.Day() == d && l.Hour()*60+l.Minute() >= wanted {
			return at
		}
	}
}

// hourly returns the times at which the clock shows the minute, in each real
// hour.
func hourly(loc *time.Location, minute int, from, to time.Time) (all []time.Time) {
	for at := from.Truncate(time.Minute).Add(time.Minute); !at.After(to); at = at.Add(time.Minute) {
		if at.In(loc).Minute() == minute && at.After(from) {
			all = append(all, at)
		}
	}
	return all
}

// downAndJumps stops the bot for three hours, and lets the clock jump by moving
// what the store remembers.
func downAndJumps(t *testing.T, r *report) {
	o := newOffice(t, schedule("late", "0 * * * *", "UTC", 30*time.Minute), schedule("never-late", "0 * * * *", "UTC", 0), schedule("day", "0 12 * * *", "UTC", time.Hour))
	synctest.Wait()
	time.Sleep(90 * time.Minute) // past 01:00
	o.stop()
	time.Sleep(3*time.Hour - 15*time.Minute) // 04:15
	o.open()
	time.Sleep(time.Second)
	synctest.Wait()
	r.outcomes("late", o.slots("late"), "ran", "missed", "missed", "ran")
	r.outcomes("never-late", o.slots("never-late"), "ran", "missed", "missed", "missed")

	for _, jump := range []time.Duration{time.Hour, 24 * time.Hour} {
		// forward: the bot believes that it has seen nothing for that long
		n := len(o.slots("late"))
		o.move("late", -jump-15*time.Minute)
		time.Sleep(time.Minute)
		synctest.Wait()
		if ran := count(o.slots("late")[n:], "ran"); ran > 1 {
			r.trial(fmt.Errorf("after a jump of %v forward %d runs were caught up", jump, ran))
		} else {
			r.trial(nil)
		}
		// backward: it has seen what is yet to come
		before := len(o.slots("late"))
		o.move("late", jump)
		time.Sleep(jump - 30*time.Minute)
		synctest.Wait()
		if after := o.slots("late"); len(after) != before {
			r.trial(fmt.Errorf("after a jump of %v back slots came twice: %v", jump, after[before:]))
		} else {
			r.trial(nil)
		}
		time.Sleep(2 * time.Hour)
	}
	o.stop()
}

// move shifts the time up to which the schedule believes to have seen its
// slots.
func (o *office) move(name string, by time.Duration) {
	o.t.Helper()
	must(o.t, o.st.Update(o.t.Context(), func(tx store.Tx) error {
		raw, err := tx.Get("schedules", name)
		if err != nil {
			return err
		}
		var s runs.Schedule
		if err := json.Unmarshal(raw, &s); err != nil {
			return err
		}
		s.Last = time.Now().UTC().Round(0).Add(by)
		if raw, err = json.Marshal(s); err != nil {
			return err
		}
		return tx.Put("schedules", name, raw)
	}))
}

func (r *report) outcomes(name string, got []runs.Slot, want ...string) {
	r.t.Helper()
	var have []string
	for _, s := range got {
		have = append(have, string(s.Outcome))
	}
	if !slices.Equal(have, want) {
		r.trial(fmt.Errorf("%s: %s, not %s", name, strings.Join(have, " "), strings.Join(want, " ")))
		return
	}
	r.trial(nil)
}

func count(all []runs.Slot, outcome runs.Outcome) (n int) {
	for _, s := range all {
		if s.Outcome == outcome {
			n++
		}
	}
	return n
}
