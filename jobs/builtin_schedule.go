package jobs

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"alsbot/als"
	"alsbot/config"
	"alsbot/runs"
	"alsbot/store"
)

var scheduleListCommand = builtin{reply: (*builtins).listSchedules, effect: als.Read, op: als.Operation{
	Name:    "schedule list",
	Summary: "list the schedules: last run, next run, paused or not",
	Example: "schedule list",
}}

var scheduleParam = []als.Param{{Name: "NAME", Kind: als.KindName, Help: "the name of a schedule, as `schedule list` shows it"}}

var scheduleRunCommand = builtin{instead: (*builtins).runSchedule, effect: als.Change, op: als.Operation{
	Name:    "schedule run",
	Summary: "run a schedule's command now",
	Example: "schedule run nightly-backup",
	Params:  scheduleParam,
}}

var schedulePauseCommand = builtin{reply: (*builtins).pauseSchedule, effect: als.Change, op: als.Operation{
	Name:    "schedule pause",
	Summary: "let a schedule's times pass without a run",
	Example: "schedule pause nightly-backup",
	Params:  scheduleParam,
}}

var scheduleResumeCommand = builtin{reply: (*builtins).resumeSchedule, effect: als.Change, op: als.Operation{
	Name:    "schedule resume",
	Summary: "let a paused schedule run again",
	Example: "schedule resume nightly-backup",
	Params:  scheduleParam,
}}

// slotTime is how a schedule's times are shown, in its own zone.
const slotTime = "2006-01-02 15:04 MST"

func (b *builtins) listSchedules(ctx context.Context, c call) (Answer, error) {
	seen, err := b.rights.visible(ctx, c.By, c.req.Cluster)
	if err != nil {
		return Answer{}, err
	}
	t := newTable("SCHEDULE", "CRON", "NEXT", "LAST", "COMMAND")
	n := 0
	var todo []string // what did not run the last time
	err = b.st.View(ctx, func(tx store.Tx) error {
		for _, s := range b.cfg.Schedules {
			if !seen.has(s.Cluster) {
				continue
			}
			n++
			next, last, complaint, err := scheduleState(tx, s)
			if err != nil {
				return err
			}
			if complaint != "" {
				todo = append(todo, complaint)
			}
			t.row(s.Name, s.Cron+" "+s.Timezone, next, last, s.Command+" @"+s.Cluster)
		}
		return nil
	})
	if n == 0 {
		return Answer{Text: "No schedules are configured for " + b.scope(seen, c.req.Cluster) + ". They stand under `schedules:` in alsbot's config."}, err
	}
	return Answer{Text: strings.Join(todo, "\n"), Pre: t.String()}, err
}

// scheduleState says in words when a schedule runs next, what its last slot
// became and, unless that ran or the schedule is paused, what to do about it.
func scheduleState(tx store.Tx, s config.Schedule) (next, last, complaint string, err error) {
	st, _, err := runs.Schedules.Get(tx, s.Name)
	if err != nil {
		return "", "", "", err
	}
	at, err := parseSlots(s.Cron, s.Timezone)
	if err != nil {
		return "", "", "", err
	}
	next, last = at.Next(time.Now()).Format("Mon "+slotTime), "never"
	if st.Paused != nil {
		next = "paused by " + st.Paused.By.Name()
	}
	row, ok, err := runs.LastSlot(tx, s.Name)
	if err != nil || !ok {
		return next, last, "", err
	}
	last = fmt.Sprintf("%s %s %s", row.At.In(at.loc).Format(slotTime), row.Outcome, row.Run)
	if row.Outcome != runs.SlotRan && st.Paused == nil {
		complaint = slotComplaint(row, s.Name, at.loc, 0)
	}
	return next, last, complaint, nil
}

// runSchedule asks for a schedule's command, as the person who types it.
func (b *builtins) runSchedule(ctx context.Context, c call) (command string, err error) {
	s, err := b.visibleSchedule(ctx, c)
	if err != nil {
		return "", err
	}
	if r, err := scheduled(b.catalogue, s); err == nil {
		return als.Command(r.Request), nil
	}
	return s.Command + " @" + s.Cluster, nil
}

func (b *builtins) pauseSchedule(ctx context.Context, c call) (Answer, error) {
	return b.setPaused(ctx, c, true)
}

func (b *builtins) resumeSchedule(ctx context.Context, c call) (Answer, error) {
	return b.setPaused(ctx, c, false)
}

// visibleSchedule returns the schedule that a command names to a person who may
// see its cluster. The others don't exist for them.
func (b *builtins) visibleSchedule(ctx context.Context, c call) (config.Schedule, error) {
	name := c.req.Arg(0)
	seen, err := b.rights.visible(ctx, c.By, "")
	if err != nil {
		return config.Schedule{}, err
	}
	var names []string
	for _, s := range b.cfg.Schedules {
		if !seen.has(s.Cluster) {
			continue
		}
		if s.Name == name {
			return s, nil
		}
		names = append(names, s.Name)
	}
	next := als.Advice{Text: als.DidYouMean(name, names)}.Or(als.Advise("Type %s to see them", als.Typed("schedule list")))
	return config.Schedule{}, &als.Refusal{Text: fmt.Sprintf("There is no schedule %q", name), Next: next}
}

// setPaused pauses a schedule or resumes it. The store keeps that, so it
// survives a restart.
func (b *builtins) setPaused(ctx context.Context, c call, stop bool) (Answer, error) {
	s, err := b.visibleSchedule(ctx, c)
	if err == nil {
		err = b.rights.requireRole(ctx, c.By, Operator, s.Cluster)
	}
	if err != nil {
		return Answer{}, err
	}
	var ans Answer
	err = b.st.Update(ctx, func(tx store.Tx) error {
		st, ok, err := runs.Schedules.Get(tx, s.Name)
		if err != nil {
			return err
		}
		if !ok {
			return &als.Refusal{Text: fmt.Sprintf("Schedule %s has not been started yet", s.Name), Next: als.Advise("Try again in a moment")}
		}
		if (st.Paused != nil) == stop {
			ans = Answer{Text: alreadySo(st, stop)}
			return nil
		}
		action := "resumed"
		st.Paused = nil
		ans = Answer{Text: fmt.Sprintf("Schedule %s is resumed by %s. Type `schedule list` to see its next time.", s.Name, c.By.Name()), Public: true}
		if stop {
			action = "paused"
			st.Paused = &runs.Decision{By: c.By, At: time.Now().UTC().Round(0)}
			ans.Text = fmt.Sprintf("Schedule %s is paused by %s. Its times pass without a run until somebody types `schedule resume %s`.", s.Name, c.By.Name(), s.Name)
		}
		return errors.Join(runs.Schedules.Put(tx, s.Name, st), runs.Note(tx, runs.Entry{By: c.By, Action: action, Cluster: s.Cluster, Detail: "schedule " + s.Name}))
	})
	return ans, err
}

// alreadySo answers a pause or a resume that changes nothing.
func alreadySo(s runs.Schedule, paused bool) string {
	if paused {
		return fmt.Sprintf("Schedule %s is paused already, by %s. Type `schedule resume %s` to have it run again.", s.Name, s.Paused.By.Name(), s.Name)
	}
	return fmt.Sprintf("Schedule %s is not paused. Type `schedule list` to see its next time.", s.Name)
}
