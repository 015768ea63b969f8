package jobs_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"alsbot/config"
	"alsbot/runs"
	"alsbot/store"
	"alsbot/upkeep/enginetest"
)

// A schedule that was out of the config for a while has missed nothing; that
// somebody has paused it still holds.
func TestAScheduleThatComesBackHasMissedNothing(t *testing.T) {
	t.Parallel()
	h := enginetest.New(t, func(c *config.Config) {
		c.Schedules = []config.Schedule{{Name: "often", Cluster: "prod", Cron: "0 0 1 1 *", Timezone: "UTC", Command: "version"}}
	})
	settled(h, "often", time.Now().Add(-time.Hour)) // it has been met
	kept := h.Config.Schedules
	h.Offline(func(tx store.Tx) error {
		s, _, err := schedulesOf.Get(tx, "often")
		s.Last = time.Now().AddDate(-3, 0, 0)
		s.Paused = &runs.Decision{By: enginetest.Slack("U0ANN"), At: time.Now()}
		h.Config.Schedules = nil
		return errors.Join(err, schedulesOf.Put(tx, "often", s))
	})
	h.Eventually("schedules", "the note that it is gone", func(tx store.Tx) (bool, error) {
		s, _, err := schedulesOf.Get(tx, "often")
		return s.Gone, err
	})
	h.Stop()
	h.Config.Schedules = kept
	h.Open()
	if rows := settled(h, "often", time.Now().Add(-time.Hour)); len(rows) != 0 {
		t.Errorf("it has a past: %+v", rows)
	}
	if ans := h.Ask("U0ANN", "schedule pause often"); !strings.Contains(ans.Text, "paused already") {
		t.Errorf("%+v", ans)
	}
}

// What passed in years is counted while others write, and in the way of
// nobody who stops alsbot.
func TestALongGapHoldsUpNobody(t *testing.T) {
	t.Parallel()
	h := enginetest.New(t, func(c *config.Config) {
		c.Schedules = []config.Schedule{{Name: "often", Cluster: "prod", Cron: "* * * * * *", Timezone: "UTC", Command: "version"}}
	})
	settled(h, "often", time.Now().Add(-time.Hour))
	h.Offline(func(tx store.Tx) error {
		s, _, err := schedulesOf.Get(tx, "often")
		s.Last = time.Now().AddDate(-50, 0, 0)
		return errors.Join(err, schedulesOf.Put(tx, "often", s))
	})
	over := make(chan struct{})
	go func() {
		defer close(over)
		h.Until(h.Run("U0ANN", "export cluster"), runs.Succeeded)
		h.Restart()
	}()
	select {
	case <-over:
	case <-time.After(enginetest.Safety):
		t.Fatal("nothing goes on while slots are counted")
	}
}

// Whoever may not see a cluster learns nothing of its schedules either.
func TestASchedulesNameOfAClusterThatOneMayNotSee(t *testing.T) {
	t.Parallel()
	h := enginetest.New(t, func(c *config.Config) {
		c.Schedules = []config.Schedule{{Name: "nightly", Cluster: "prod", Cron: "0 0 1 1 *", Timezone: "UTC", Command: "version"}}
		c.Clusters = append(c.Clusters, c.Clusters[0])
		c.Clusters[1].Name, c.Clusters[1].Channel = "open", "C0OPEN"
		c.Clusters[0].Access = config.Access{Viewer: []string{"U0ANN"}, Operator: []string{"U0ANN"}}
	})
	for _, command := range []string{"run", "pause", "resume"} {
		there := h.Ask("U0DAN", "schedule "+command+" nightly")
		near := h.Ask("U0DAN", "schedule "+command+" nightlx")
		none := h.Ask("U0DAN", "schedule "+command+" nothing")
		if want := strings.ReplaceAll(none.Text, "nothing", "nightly"); !there.Bad || there.Text != want || strings.Contains(near.Text, "nightly") {
			t.Errorf("%s: %q, not %q; %q", command, there.Text, want, near.Text)
		}
	}
	if ans := h.Ask("U0ANN", "schedule pause nightlx"); !strings.Contains(ans.Text, "nightly") {
		t.Errorf("%+v", ans)
	}
}

// The clock is far ahead for a moment, and right again while alsbot runs: the
// schedule does not fall silent until it is that late.
func TestAScheduleOutlivesAWrongClock(t *testing.T) {
	t.Parallel()
	h := enginetest.New(t, func(c *config.Config) {
		c.Schedules = []config.Schedule{{Name: "often", Cluster: "prod", Cron: "* * * * * *", Timezone: "UTC", Command: "version"}}
	})
	settled(h, "often", time.Now().Add(-time.Hour))
	if err := h.Store.Update(t.Context(), func(tx store.Tx) error {
		s, _, err := schedulesOf.Get(tx, "often")
		s.Last = time.Now().AddDate(1, 0, 0)
		return errors.Join(err, schedulesOf.Put(tx, "often", s))
	}); err != nil {
		t.Fatal(err)
	}
	back := time.Now()
	h.Eventually("slots", "a slot after that", func(tx store.Tx) (found bool, err error) {
		err = slotsOf.Scan(tx, store.Range{Prefix: "often/", Reverse: true}, func(_ string, row runs.Slot) bool {
			found = row.At.After(back)
			return false
		})
		return found, err
	})
}
