package jobs

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"alsbot/als"
	"alsbot/config"
	"alsbot/store"
)

// slotTime is how a schedule's times are shown, in its own zone.
const slotTime = "2006-01-02 15:04 MST"

func (e *Engine) listSchedules(ctx context.Context, by Principal) (Answer, error) {
	seen, err := e.views(ctx, by)
	if err != nil {
		return Answer{}, err
	}
	t := newTable("SCHEDULE", "CRON", "NEXT", "LAST", "COMMAND")
	n := 0
	var todo []string // what did not run the last time
	err = e.st.View(ctx, func(tx store.Tx) error {
		for _, s := range e.cfg.Schedules {
			if !sees(seen, s.Cluster) {
				continue
			}
			n++
			st, _, err := schedules.Get(tx, s.Name)
			if err != nil {
				return err
			}
			at, err := parseSlots(s.Cron, s.Timezone)
			if err != nil {
				return err
			}
			next, last := at.Next(time.Now()).Format("Mon "+slotTime), "never"
			if st.Paused != nil {
				next = "paused by " + st.Paused.By.Name()
			}
			err = ledger.Scan(tx, store.Range{Prefix: s.Name + "/", Reverse: true}, func(_ string, row Slot) bool {
				last = fmt.Sprintf("%s %s %s", row.At.In(at.loc).Format(slotTime), row.Outcome, row.Run)
				if row.Outcome != "ran" && st.Paused == nil {
					todo = append(todo, row.complaint(s.Name, at.loc, 0))
				}
				return false
			})
			if err != nil {
				return err
			}
			t.row(s.Name, s.Cron+" "+s.Timezone, next, last, s.Command+" @"+s.Cluster)
		}
		return nil
	})
	if n == 0 {
		return Answer{Text: "No schedules are configured. They stand under `schedules:` in alsbot's config."}, err
	}
	return Answer{Text: strings.Join(todo, "\n"), Pre: t.String()}, err
}

// onSchedule answers the commands that name a schedule.
func (e *Engine) onSchedule(ctx context.Context, a Ask, command, name string) (Answer, error) {
	s, err := e.schedule(ctx, a.By, name)
	if err != nil {
		return Answer{}, err
	}
	if command == "schedule run" {
		a.Text = s.Command + " @" + s.Cluster
		if r, err := scheduled(s); err == nil {
			a.Text = als.Command(r.Request)
		}
		return e.Ask(ctx, a)
	}
	if err := e.must(ctx, a.By, Operator, s.Cluster); err != nil {
		return Answer{}, err
	}
	return e.pause(ctx, a.By, name, command == "schedule pause")
}

// schedule finds a schedule of a cluster that somebody may see; to them there
// are no others.
func (e *Engine) schedule(ctx context.Context, by Principal, name string) (config.Schedule, error) {
	seen, err := e.views(ctx, by)
	if err != nil {
		return config.Schedule{}, err
	}
	var names []string
	for _, s := range e.cfg.Schedules {
		if !sees(seen, s.Cluster) {
			continue
		}
		if s.Name == name {
			return s, nil
		}
		names = append(names, s.Name)
	}
	next := als.DidYouMean(name, names)
	if next == "" {
		next = "Type `schedule list` to see them"
	}
	return config.Schedule{}, &als.Refusal{Text: fmt.Sprintf("There is no schedule %q", name), Next: next}
}

// pause pauses a schedule or resumes it; the store remembers, so that it
// stays so after a restart.
func (e *Engine) pause(ctx context.Context, by Principal, name string, stop bool) (Answer, error) {
	var ans Answer
	err := e.st.Update(ctx, func(tx store.Tx) error {
		st, ok, err := schedules.Get(tx, name)
		if err != nil {
			return err
		}
		if !ok {
			return &als.Refusal{Text: fmt.Sprintf("Schedule %s has not been started yet", name), Next: "Try again in a moment"}
		}
		action := "resumed"
		if stop {
			action = "paused"
		}
		if (st.Paused != nil) == stop {
			ans = Answer{Text: fmt.Sprintf("Schedule %s is not paused. Type `schedule list` to see its next time.", name)}
			if stop {
				ans.Text = fmt.Sprintf("Schedule %s is paused already, by %s. Type `schedule resume %s` to have it run again.", name, st.Paused.By.Name(), name)
			}
			return nil
		}
		st.Paused = nil
		ans = Answer{Text: fmt.Sprintf("Schedule %s is resumed by %s. Type `schedule list` to see its next time.", name, by.Name()), Public: true}
		if stop {
			st.Paused = &Decision{By: by, At: time.Now().UTC().Round(0)}
			ans.Text = fmt.Sprintf("Schedule %s is paused by %s. Its times pass without a run until somebody types `schedule resume %s`.", name, by.Name(), name)
		}
		return errors.Join(schedules.Put(tx, name, st), e.record(tx, by, action, "", "schedule "+name))
	})
	return ans, err
}
