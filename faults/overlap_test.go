package faults

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"alsbot/config"
	"alsbot/runs"
	"alsbot/store"
)

// overlap runs a schedule every second whose runs take longer, in real time and
// on a node. A trial is a slot.
func overlap(t *testing.T, r *report) {
	s := config.Schedule{Name: "hasty", Cluster: "c0", Cron: "* * * * * *", Timezone: "UTC", Command: "patch update"}
	d := newEngineBed(t, func(c *config.Config) {
		c.Approval.Effects = nil
		c.Schedules = []config.Schedule{s}
	})
	d.slow(true)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	changed := d.st.Watch(ctx, "slots")
	var all []runs.Slot
	for count(all, "ran") < 4 {
		select {
		case <-changed:
		case <-ctx.Done():
			t.Fatalf("of the slots so far only these ran: %v", all)
		}
		all = d.slots(s.Name)
	}
	if count(all, "skipped") == 0 {
		r.trial(errors.New("no slot was skipped while a run went on"))
	}
	told, err := d.skipNotices()
	must(t, err)
	var before runs.Run
	for _, slot := range all {
		switch slot.Outcome {
		case "ran":
			run, err := d.end(slot.Run)
			if err == nil && run.Started.Before(before.Ended) {
				err = fmt.Errorf("run %s began before run %s had ended", run.ID, before.ID)
			}
			r.trial(errors.Join(err, d.checkRan(run.ID, 1)))
			before = run
		case "skipped":
			r.trial(skippedInWords(slot, told))
		case "missed": // two came at once on a busy machine
			if !measures() {
				continue
			}
			r.trial(fmt.Errorf("a slot of a working bot is missed: %s", slot.Why))
		default:
			r.trial(fmt.Errorf("a slot of a working bot is %s: %s", slot.Outcome, slot.Why))
		}
	}
}

func (d *engineBed) slots(name string) (all []runs.Slot) {
	d.t.Helper()
	must(d.t, d.st.View(d.t.Context(), func(tx store.Tx) error {
		return tx.Scan("slots", name+"/", "", false, func(_ string, v []byte) bool {
			var s runs.Slot
			if err := json.Unmarshal(v, &s); err != nil {
				d.t.Error(err)
			}
			all = append(all, s)
			return true
		})
	}))
	return all
}

// skipNotices returns the outbox's texts about skipped slots.
func (d *engineBed) skipNotices() (told []string, err error) {
	err = d.st.View(d.t.Context(), func(tx store.Tx) error {
		return tx.Scan("outbox", "", "", false, func(_ string, v []byte) bool {
			if strings.Contains(string(v), "was skipped at") {
				told = append(told, string(v))
			}
			return true
		})
	})
	return told, err
}

func skippedInWords(slot runs.Slot, told []string) error {
	if !strings.Contains(slot.Why, "is still") {
		return fmt.Errorf("the slot of %v was skipped: %q", slot.At, slot.Why)
	}
	words := func(at time.Time) string { return "was skipped at " + at.Format("2006-01-02 15:04 MST") }
	for _, text := range told { // of several found at once, the newest is named
		if strings.Contains(text, words(slot.At)) || strings.Contains(text, words(slot.At.Add(30*time.Second))) {
			return nil
		}
	}
	return fmt.Errorf("nobody is told that a slot %s; %d were told of", words(slot.At), len(told))
}
