package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/go-co-op/gocron/v2"

	"alsbot/als"
	"alsbot/config"
	"alsbot/runs"
	"alsbot/store"
)

const (
	onTime    = time.Minute // a younger slot is not late
	mostSlots = 500         // rows on the ledger for one gap
	farAhead  = 48 * time.Hour
)

// scheduler runs the config's schedules and keeps the ledger of their slots.
type scheduler struct {
	cfg  *config.Config
	st   store.Store
	log  *slog.Logger
	kick func(run string)
}

// CheckSchedules reports every schedule whose command can't be scheduled.
func CheckSchedules(cfg *config.Config) error {
	var bad []error
	for i, s := range cfg.Schedules {
		if _, err := scheduled(Operations, s); err != nil {
			bad = append(bad, fmt.Errorf("schedules[%d] (%s): %w", i, s.Name, err))
		}
		if _, err := parseSlots(s.Cron, s.Timezone); err != nil {
			bad = append(bad, fmt.Errorf("schedules[%d] (%s): %w", i, s.Name, err))
		}
	}
	return errors.Join(bad...)
}

// scheduled parses a schedule's command and refuses one that needs a person.
func scheduled(catalogue als.Catalogue, s config.Schedule) (runs.Run, error) {
	req, err := als.Parse(s.Command, catalogue)
	if err != nil {
		return runs.Run{}, fmt.Errorf("command %q: %w", s.Command, err)
	}
	op, _ := catalogue.Find(req.Operation)
	switch {
	case op.Builtin && !req.Dry:
		return runs.Run{}, fmt.Errorf("command %q is answered to a person and cannot be a schedule", s.Command)
	case op.Private && !req.Dry:
		return runs.Run{}, fmt.Errorf("command %q goes to the person who asks and cannot be a schedule: remove the schedule and ask for it in Slack", s.Command)
	case req.Cluster != "" && req.Cluster != s.Cluster:
		return runs.Run{}, fmt.Errorf("command %q names @%s, but the schedule's cluster is %s: leave @%s out", s.Command, req.Cluster, s.Cluster, req.Cluster)
	}
	req.Cluster = s.Cluster
	effect := op.Effect(req)
	if effect == als.Destroy && !req.Dry {
		return runs.Run{}, fmt.Errorf("command %q can destroy data and is never run without a person: remove the schedule and ask for it in Slack", s.Command)
	}
	return runs.Run{
		Text: als.Command(req), Request: req, Effect: effect, State: runs.Planned,
		By: runs.Principal{Source: runs.FromSchedule, ID: s.Name},
	}, nil
}

// timer is one cron line in one zone, and the schedules that share it.
type timer struct {
	at     slots
	names  []config.Schedule
	checks *slotChecks
}

// run settles the slots that passed while alsbot was down, and then each slot
// when it comes, until ctx ends.
func (sc *scheduler) run(ctx context.Context) error {
	timers, err := sc.meetSchedules(ctx)
	if err != nil {
		return err
	}
	sched, err := gocron.NewScheduler(gocron.WithLogger(sc.log))
	if err != nil {
		return fmt.Errorf("making the scheduler: %w", err)
	}
	for _, t := range timers {
		_, err := sched.NewJob(gocron.CronJob("", false), gocron.NewTask(func() { sc.due(ctx, t) }), gocron.WithCronImplementation(t.at))
		if err != nil {
			return fmt.Errorf("scheduling %s: %w", t.names[0].Name, err)
		}
		sc.due(ctx, t)
	}
	sched.Start()
	// Timers run on the monotonic clock. When the wall clock jumps, this
	// look finds what has become due.
	tick := time.NewTicker(onTime / 2)
	defer tick.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-tick.C:
			for _, t := range timers {
				sc.due(ctx, t)
			}
		}
	}
	if err := sched.Shutdown(); err != nil {
		sc.log.Warn("stopping the scheduler", "error", err)
	}
	return nil
}

// meetSchedules records the schedules that are new, have another cron line or
// have returned to the config: their slots count from now on. So do those of a
// schedule that was last checked when the clock was wrong, or it would be
// silent until then. Schedules with the same line and zone share a timer.
func (sc *scheduler) meetSchedules(ctx context.Context) ([]*timer, error) {
	now := time.Now().UTC().Round(0)
	if err := sc.st.Update(ctx, func(tx store.Tx) error {
		for _, s := range sc.cfg.Schedules {
			known, ok, err := runs.Schedules.Get(tx, s.Name)
			if err != nil {
				return err
			}
			if line := cronLineOf(s); !ok || astray(known, now) || known.Gone || known.Line != line {
				known.Name, known.Line, known.Last, known.Gone = s.Name, line, now, false
				if err := runs.Schedules.Put(tx, s.Name, known); err != nil {
					return err
				}
			}
		}
		return sc.partSchedules(tx)
	}); err != nil {
		return nil, err
	}
	return sc.timers()
}

func cronLineOf(s config.Schedule) string { return s.Cron + " " + s.Timezone }

// timers returns a timer for each cron line and zone of the config.
func (sc *scheduler) timers() ([]*timer, error) {
	byLine := map[string]*timer{}
	var timers []*timer
	for _, s := range sc.cfg.Schedules {
		line := cronLineOf(s)
		if byLine[line] == nil {
			at, err := parseSlots(s.Cron, s.Timezone)
			if err != nil {
				return nil, err
			}
			byLine[line] = &timer{at: at, checks: newSlotChecks()}
			timers = append(timers, byLine[line])
		}
		byLine[line].names = append(byLine[line].names, s)
	}
	return timers, nil
}

// astray reports whether a schedule was last checked when the clock was wrong.
func astray(s runs.Schedule, now time.Time) bool { return s.Last.Sub(now) > farAhead }

// partSchedules notes which schedules the config has no longer.
func (sc *scheduler) partSchedules(tx store.Tx) error {
	var gone []runs.Schedule
	err := runs.Schedules.Scan(tx, store.Range{}, func(name string, s runs.Schedule) bool {
		if !s.Gone && !slices.ContainsFunc(sc.cfg.Schedules, func(c config.Schedule) bool { return c.Name == name }) {
			gone = append(gone, s)
		}
		return true
	})
	for _, s := range gone {
		s.Gone = true
		err = errors.Join(err, runs.Schedules.Put(tx, s.Name, s))
	}
	return err
}

// due settles what has become due for the schedules of a timer.
func (sc *scheduler) due(ctx context.Context, t *timer) {
	now := time.Now()
	var bad error
	for _, s := range t.names {
		id, err := sc.settleSlots(ctx, s, t, now)
		if err != nil && ctx.Err() == nil {
			bad = err
			sc.log.Error("keeping a schedule", "schedule", s.Name, "error", err)
		}
		if id != "" {
			sc.kick(id)
		}
	}
	t.checks.done(now, bad)
}

// settleSlots puts every slot up to now on the ledger, each once, and creates
// the run of the newest if it is due. It returns the run's ID.
func (sc *scheduler) settleSlots(ctx context.Context, s config.Schedule, t *timer, now time.Time) (id string, err error) {
	var known runs.Schedule
	if err := sc.st.View(ctx, func(tx store.Tx) (err error) {
		known, _, err = runs.Schedules.Get(tx, s.Name)
		return err
	}); err != nil {
		return "", err
	}
	if astray(known, now) {
		_, err := sc.meetSchedules(ctx)
		return "", err
	}
	times, more := between(ctx, t.at, known.Last, now) // years of seconds take a while: not in a transaction
	if len(times) == 0 || ctx.Err() != nil {
		return "", ctx.Err()
	}
	err = sc.st.Update(ctx, func(tx store.Tx) error {
		id = ""
		st, ok, err := runs.Schedules.Get(tx, s.Name)
		if err != nil || !ok || !st.Last.Equal(known.Last) {
			return err // somebody else has settled them
		}
		id, err = sc.settle(tx, s, st, t, now, times, more)
		return err
	})
	return id, err
}

// settle writes the rows of some slots, of which only the newest may run, and
// returns the run's ID. more counts the slots before them.
func (sc *scheduler) settle(tx store.Tx, s config.Schedule, st runs.Schedule, t *timer, now time.Time, times []time.Time, more int) (id string, err error) {
	newest, older := times[len(times)-1], times[:len(times)-1]
	last, err := sc.slot(tx, s, st, newest, now, t.checks)
	if err != nil {
		return "", err
	}
	for i, at := range older {
		row := runs.Slot{At: at.UTC(), Outcome: runs.SlotMissed, Why: t.checks.why(at, now)}
		if last.Outcome == runs.SlotSkipped {
			row.Outcome, row.Why = last.Outcome, last.Why
		}
		if i == 0 {
			row.More = more
		}
		if err := runs.PutSlot(tx, s.Name, row); err != nil {
			return "", err
		}
	}
	st.Last = newest.UTC()
	if last.Run != "" {
		st.Run = last.Run
	}
	return last.Run, errors.Join(
		sc.complain(tx, s, t.at.loc, last, st.Paused != nil, len(times)+more),
		runs.PutSlot(tx, s.Name, last), runs.Schedules.Put(tx, s.Name, st))
}

// between lists the slots after last and up to now: the newest mostSlots, and
// how many there were before those. It stops when ctx ends.
func between(ctx context.Context, at slots, last, now time.Time) (times []time.Time, more int) {
	for t := at.Next(last); !t.IsZero() && !t.After(now) && ctx.Err() == nil; t = at.Next(t) {
		times = append(times, t)
		if len(times) > mostSlots {
			times, more = times[1:], more+1
		}
	}
	return times, more
}

// slot decides what becomes of a slot that has come.
func (sc *scheduler) slot(tx store.Tx, s config.Schedule, st runs.Schedule, at, now time.Time, l *slotChecks) (runs.Slot, error) {
	row := runs.Slot{At: at.UTC()}
	switch late := now.Sub(at); {
	case st.Paused != nil:
		row.Outcome, row.Why = runs.SlotSkipped, "paused by "+st.Paused.By.Name()
		return row, nil
	case late > onTime && late > s.CatchUp:
		row.Outcome, row.Why = runs.SlotMissed, l.why(at, now)
		return row, nil
	}
	if st.Run != "" {
		if state, busy, err := runs.ActiveState(tx, st.Run); err != nil {
			return row, err
		} else if busy {
			row.Outcome, row.Why = runs.SlotSkipped, fmt.Sprintf("its last run, %s, is still %s", st.Run, state)
			return row, nil
		}
	}
	r, err := scheduled(Operations, s)
	if err != nil {
		return row, err
	}
	r.ID, r.Slot, r.Asked = runs.NewID("schedule/"+s.Name+"/"+runs.TimeKey(at)), row.At, now.UTC().Round(0)
	row.Outcome, row.Run = runs.SlotRan, r.ID
	if _, ok, err := runs.Get(tx, r.ID); ok || err != nil {
		return row, err
	}
	return row, runs.Create(tx, &r)
}

// complain tells the channel of slots that did not run and should have.
func (sc *scheduler) complain(tx store.Tx, s config.Schedule, zone *time.Location, row runs.Slot, paused bool, n int) error {
	if row.Outcome == runs.SlotRan || paused {
		return nil
	}
	return runs.Tell(tx, runs.Outgoing{Kind: runs.TellChannel, Cluster: s.Cluster, Text: slotComplaint(row, s.Name, zone, n-1)})
}

// slotComplaint says that a schedule's slot did not run, with n slots before
// it, why, and what to type.
func slotComplaint(row runs.Slot, name string, zone *time.Location, n int) string {
	how := "did not run"
	if row.Outcome == runs.SlotSkipped {
		how = "was skipped"
	}
	text := fmt.Sprintf("Schedule %s %s at %s: %s. ", name, how, row.At.In(zone).Format(slotTime), row.Why)
	if n > 0 && row.Outcome == runs.SlotMissed {
		text += fmt.Sprintf("It also missed %d times before that. ", n)
	}
	return text + "To run it now, type `schedule run " + name + "`."
}
