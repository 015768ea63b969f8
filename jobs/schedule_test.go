package jobs_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"alsbot/config"
	"alsbot/runs"
	"alsbot/store"
	"alsbot/upkeep/enginetest"
)

var (
	schedulesOf = store.Bucket[runs.Schedule]{Name: "schedules"}
	slotsOf     = store.Bucket[runs.Slot]{Name: "slots"}
	outboxOf    = store.Bucket[runs.Outgoing]{Name: "outbox"}
)

// settled waits until a schedule has been looked at after a moment, and
// returns its ledger, oldest first.
func settled(h *enginetest.Rig, name string, after time.Time) []runs.Slot {
	h.T.Helper()
	changed := h.Store.Watch(h.T.Context(), "schedules")
	limit := time.After(enginetest.Safety)
	for {
		var s runs.Schedule
		var rows []runs.Slot
		err := h.Store.View(h.T.Context(), func(tx store.Tx) (err error) {
			if s, _, err = schedulesOf.Get(tx, name); err != nil {
				return err
			}
			return slotsOf.Scan(tx, store.Range{Prefix: name + "/"}, func(_ string, row runs.Slot) bool {
				rows = append(rows, row)
				return true
			})
		})
		if err != nil {
			h.T.Fatal(err)
		}
		if s.Last.After(after) {
			return rows
		}
		select {
		case <-changed:
		case <-limit:
			h.T.Fatalf("schedule %s stays at %s", name, s.Last)
		}
	}
}

// Four yearly slots passed while alsbot was away.
func TestSlotsThatPassedWhileAway(t *testing.T) {
	t.Parallel()
	now := time.Now().UTC()
	yesterday := now.AddDate(0, 0, -1)
	if yesterday.Month() == time.February && yesterday.Day() == 29 {
		yesterday = now.AddDate(0, 0, -2) // that day is not in every year
	}
	line := yesterday.Format("0 0 2 1 *") // 00:00 of one day of the year
	slot := time.Date(yesterday.Year(), yesterday.Month(), yesterday.Day(), 0, 0, 0, 0, time.UTC)
	person := runs.Decision{By: enginetest.Slack("U0ANN"), At: now}
	for name, test := range map[string]struct {
		change func(h *enginetest.Rig, s *runs.Schedule)
		catch  time.Duration
		newest string
		others string
		says   int
	}{
		"missed":    {func(*enginetest.Rig, *runs.Schedule) {}, 0, "missed", "missed", 1},
		"caught up": {func(*enginetest.Rig, *runs.Schedule) {}, 72 * time.Hour, "ran", "missed", 0},
		"paused":    {func(_ *enginetest.Rig, s *runs.Schedule) { s.Paused = &person }, 72 * time.Hour, "skipped", "skipped", 0},
		"busy": {func(h *enginetest.Rig, s *runs.Schedule) {
			s.Run = h.Run("U0ANN", "patch install")
			h.Until(s.Run, runs.Awaiting)
		}, 72 * time.Hour, "skipped", "skipped", 1},
	} {
		t.Run(name, func(t *testing.T) {
			h := enginetest.New(t, func(c *config.Config) {
				c.Schedules = []config.Schedule{{Name: "yearly", Cluster: "prod", Cron: line, Timezone: "UTC", Command: "version"}}
			})
			var st runs.Schedule
			settled(h, "yearly", now.Add(-time.Hour)) // it has been met
			if err := h.Store.View(t.Context(), func(tx store.Tx) (err error) {
				st, _, err = schedulesOf.Get(tx, "yearly")
				return err
			}); err != nil {
				t.Fatal(err)
			}
			st.Last = slot.AddDate(-3, 0, -1)
			test.change(h, &st)
			h.Offline(func(tx store.Tx) error {
				h.Config.Schedules[0].CatchUp = test.catch
				return schedulesOf.Put(tx, "yearly", st)
			})
			rows := settled(h, "yearly", slot.Add(-time.Second))
			h.Restart()
			if again := settled(h, "yearly", slot.Add(-time.Second)); len(again) != len(rows) || len(rows) != 4 {
				t.Fatalf("%d lines, then %d: %+v", len(rows), len(again), rows)
			}
			for i, row := range rows {
				want := test.others
				if i == 3 {
					want = test.newest
				}
				if string(row.Outcome) != want || (row.Run != "") != (want == "ran") {
					t.Errorf("slot %s: %+v, not %s", row.At, row, want)
				}
			}
			if run := rows[3].Run; run != "" {
				h.Until(run, runs.Succeeded)
				h.Called(1, "version")
			}
			says := h.Posted()
			if len(says) != test.says {
				t.Errorf("the channel hears %q", says)
			}
			if ans := h.Ask("U0ANN", "schedule list"); ans.Text != strings.ReplaceAll(strings.Join(says, ""), " It also missed 3 times before that.", "") {
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
	t.Parallel()
	h := enginetest.New(t, func(c *config.Config) {
		c.Schedules = []config.Schedule{{Name: "often", Cluster: "prod", Cron: "* * * * * *", Timezone: "UTC", Command: "version"}}
	})
	settled(h, "often", time.Now().Add(-time.Hour)) // it has been met
	h.Offline(func(tx store.Tx) error {
		s, _, err := schedulesOf.Get(tx, "often")
		s.Last = time.Now().AddDate(5, 0, 0)
		return errors.Join(err, schedulesOf.Put(tx, "often", s))
	})
	from := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), enginetest.Safety)
	defer cancel()
	changed := h.Store.Watch(ctx, "slots")
	for {
		rows := settled(h, "often", from.Add(-time.Minute))
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
