package jobs_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"alsbot/config"
	"alsbot/jobs"
	"alsbot/store"
)

var (
	schedulesOf = store.Bucket[jobs.Schedule]{Name: "schedules"}
	slotsOf     = store.Bucket[jobs.Slot]{Name: "slots"}
	outboxOf    = store.Bucket[jobs.Outgoing]{Name: "outbox"}
)

// offline changes the store while no engine runs on it.
func (h *house) offline(fn func(tx store.Tx) error) {
	h.t.Helper()
	h.stop()
	st, err := store.OpenBolt(h.cfg.Store.Path, store.Ballast(0))
	if err != nil {
		h.t.Fatal(err)
	}
	err = st.Update(h.t.Context(), fn)
	if err := st.Close(); err != nil {
		h.t.Fatal(err)
	}
	if err != nil {
		h.t.Fatal(err)
	}
	h.open()
}

// settled waits until a schedule has been looked at after a moment, and
// returns its ledger, oldest first.
func (h *house) settled(name string, after time.Time) []jobs.Slot {
	h.t.Helper()
	changed := h.st.Watch(h.t.Context(), "schedules")
	limit := time.After(safety)
	for {
		var s jobs.Schedule
		var rows []jobs.Slot
		err := h.st.View(h.t.Context(), func(tx store.Tx) (err error) {
			if s, _, err = schedulesOf.Get(tx, name); err != nil {
				return err
			}
			return slotsOf.Scan(tx, store.Range{Prefix: name + "/"}, func(_ string, row jobs.Slot) bool {
				rows = append(rows, row)
				return true
			})
		})
		if err != nil {
			h.t.Fatal(err)
		}
		if s.Last.After(after) {
			return rows
		}
		select {
		case <-changed:
		case <-limit:
			h.t.Fatalf("schedule %s stays at %s", name, s.Last)
		}
	}
}

// told lists what channels are told and has not been sent.
func (h *house) told() (texts []string) {
	h.t.Helper()
	err := h.st.View(h.t.Context(), func(tx store.Tx) error {
		return outboxOf.Scan(tx, store.Range{}, func(_ string, row jobs.Outgoing) bool {
			if row.Kind == jobs.TellChannel {
				texts = append(texts, row.Text)
			}
			return true
		})
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return texts
}

// Four yearly slots passed while alsbot was away.
func TestSlotsThatPassedWhileAway(t *testing.T) {
	now := time.Now().UTC()
	yesterday := now.AddDate(0, 0, -1)
	if yesterday.Month() == time.February && yesterday.Day() == 29 {
		yesterday = now.AddDate(0, 0, -2) // that day is not in every year
	}
	line := yesterday.Format("0 0 2 1 *") // 00:00 of one day of the year
	slot := time.Date(yesterday.Year(), yesterday.Month(), yesterday.Day(), 0, 0, 0, 0, time.UTC)
	person := jobs.Decision{By: slack("U0ANN"), At: now}
	for name, test := range map[string]struct {
		change func(h *house, s *jobs.Schedule)
		catch  time.Duration
		newest string
		others string
		says   int
	}{
		"missed":    {func(*house, *jobs.Schedule) {}, 0, "missed", "missed", 1},
		"caught up": {func(*house, *jobs.Schedule) {}, 72 * time.Hour, "ran", "missed", 0},
		"paused":    {func(_ *house, s *jobs.Schedule) { s.Paused = &person }, 72 * time.Hour, "skipped", "skipped", 0},
		"busy": {func(h *house, s *jobs.Schedule) {
			s.Run = h.run("U0ANN", "patch install")
			h.until(s.Run, jobs.Awaiting)
		}, 72 * time.Hour, "skipped", "skipped", 1},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, func(c *config.Config) {
				c.Schedules = []config.Schedule{{Name: "yearly", Cluster: "prod", Cron: line, Timezone: "UTC", Command: "version"}}
			})
			var st jobs.Schedule
			h.settled("yearly", now.Add(-time.Hour)) // it has been met
			if err := h.st.View(t.Context(), func(tx store.Tx) (err error) {
				st, _, err = schedulesOf.Get(tx, "yearly")
				return err
			}); err != nil {
				t.Fatal(err)
			}
			st.Last = slot.AddDate(-3, 0, -1)
			test.change(h, &st)
			h.offline(func(tx store.Tx) error {
				h.cfg.Schedules[0].CatchUp = test.catch
				return schedulesOf.Put(tx, "yearly", st)
			})
			rows := h.settled("yearly", slot.Add(-time.Second))
			h.restart()
			if again := h.settled("yearly", slot.Add(-time.Second)); len(again) != len(rows) || len(rows) != 4 {
				t.Fatalf("%d lines, then %d: %+v", len(rows), len(again), rows)
			}
			for i, row := range rows {
				want := test.others
				if i == 3 {
					want = test.newest
				}
				if row.Outcome != want || (row.Run != "") != (want == "ran") {
					t.Errorf("slot %s: %+v, not %s", row.At, row, want)
				}
			}
			if run := rows[3].Run; run != "" {
				h.until(run, jobs.Succeeded)
				h.called(1, "version")
			}
			says := h.told()
			if len(says) != test.says {
				t.Errorf("the channel hears %q", says)
			}
			if ans := h.ask("U0ANN", "schedule list"); ans.Text != strings.ReplaceAll(strings.Join(says, ""), " It also missed 3 times before that.", "") {
				t.Errorf("the list says %q, the channel hears %q", ans.Text, says)
			}
			if name == "missed" && (!strings.Contains(says[0], ": alsbot runs only since ") || !strings.Contains(says[0], "missed 3 times")) {
				t.Errorf("the channel hears %q", says)
			}
		})
	}
}

// A clock that was years ahead for a while does not silence a schedule until then.
func TestAScheduleLooksAgainAfterAClockFarAhead(t *testing.T) {
	h := newHouse(t, func(c *config.Config) {
		c.Schedules = []config.Schedule{{Name: "often", Cluster: "prod", Cron: "* * * * * *", Timezone: "UTC", Command: "version"}}
	})
	h.settled("often", time.Now().Add(-time.Hour)) // it has been met
	h.offline(func(tx store.Tx) error {
		s, _, err := schedulesOf.Get(tx, "often")
		s.Last = time.Now().AddDate(5, 0, 0)
		return errors.Join(err, schedulesOf.Put(tx, "often", s))
	})
	from := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), safety)
	defer cancel()
	changed := h.st.Watch(ctx, "slots")
	for {
		rows := h.settled("often", from.Add(-time.Minute))
		if len(rows) > 0 && rows[len(rows)-1].At.After(from) {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			t.Fatalf("no slot comes any more: %+v", rows)
		}
	}
}
