package jobs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-co-op/gocron/v2"

	"alsbot/als"
	"alsbot/config"
	"alsbot/store"
)

var (
	schedules = store.Bucket[Schedule]{Name: "schedules"} // name
	ledger    = store.Bucket[Slot]{Name: "slots"}         // name/time
)

// Schedule is what the store remembers of a schedule of the config.
type Schedule struct {
	Name   string    `json:"name"`
	Line   string    `json:"line"` // cron line and zone; another one begins anew
	Last   time.Time `json:"last"` // up to here every slot is on the ledger
	Paused *Decision `json:"paused,omitempty"`
	Run    string    `json:"run,omitempty"`  // the last run
	Gone   bool      `json:"gone,omitempty"` // the config no longer has it
}

// Slot is one line of the ledger: what became of one time of a schedule.
type Slot struct {
	At      time.Time `json:"at"`
	Outcome string    `json:"outcome"` // ran, skipped or missed
	Run     string    `json:"run,omitempty"`
	Why     string    `json:"why,omitempty"`
	More    int       `json:"more,omitempty"` // earlier slots of the same outcome that have no line of their own
}

const (
	onTime    = time.Minute // a slot that is younger is not late
	mostSlots = 500         // lines on the ledger for one gap
	farAhead  = 48 * time.Hour
)

// CheckSchedules reports every schedule whose command cannot be one.
func CheckSchedules(cfg *config.Config) error {
	var bad []error
	for i, s := range cfg.Schedules {
		if _, err := scheduled(s); err != nil {
			bad = append(bad, fmt.Errorf("schedules[%d] (%s): %w", i, s.Name, err))
		}
		if _, err := parseSlots(s.Cron, s.Timezone); err != nil {
			bad = append(bad, fmt.Errorf("schedules[%d] (%s): %w", i, s.Name, err))
		}
	}
	return errors.Join(bad...)
}

// scheduled parses a schedule's command and refuses what needs a person.
func scheduled(s config.Schedule) (Run, error) {
	req, err := als.Parse(s.Command, als.Operations)
	if err != nil {
		return Run{}, fmt.Errorf("command %q: %w", s.Command, err)
	}
	op, _ := als.Operations.Find(req.Operation)
	switch {
	case op.Own && !req.Dry:
		return Run{}, fmt.Errorf("command %q is answered to a person and cannot be a schedule", s.Command)
	case req.Cluster != "" && req.Cluster != s.Cluster:
		return Run{}, fmt.Errorf("command %q names @%s, but the schedule's cluster is %s: leave @%s out", s.Command, req.Cluster, s.Cluster, req.Cluster)
	}
	req.Cluster = s.Cluster
	effect := op.Effect(req)
	if effect == als.Destroy && !req.Dry {
		return Run{}, fmt.Errorf("command %q can destroy data and is never run without a person: remove the schedule and ask for it in Slack", s.Command)
	}
	return Run{
		Text: als.Command(req), Request: req, Effect: effect, State: Planned,
		By: Principal{Source: FromSchedule, ID: s.Name},
	}, nil
}

// timer is one cron line in one zone, and the schedules that share it.
type timer struct {
	at    slots
	names []config.Schedule
	looks *looks
}

// keepSchedules settles the slots that passed while alsbot was away, and then
// each slot when it comes, until ctx ends.
func (e *Engine) keepSchedules(ctx context.Context) error {
	timers, err := e.meetSchedules(ctx)
	if err != nil {
		return err
	}
	sched, err := gocron.NewScheduler(gocron.WithLogger(e.log))
	if err != nil {
		return fmt.Errorf("making the scheduler: %w", err)
	}
	for _, t := range timers {
		_, err := sched.NewJob(gocron.CronJob("", false), gocron.NewTask(func() { e.due(ctx, t) }), gocron.WithCronImplementation(t.at))
		if err != nil {
			return fmt.Errorf("scheduling %s: %w", t.names[0].Name, err)
		}
		e.due(ctx, t)
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
				e.due(ctx, t)
			}
		}
	}
	if err := sched.Shutdown(); err != nil {
		e.log.Warn("stopping the scheduler", "error", err)
	}
	return nil
}

// meetSchedules writes down the schedules that are new, have another cron line
// or are back after the config had them no longer: their slots count from now
// on. So do those that were last looked at when the clock was wrong, or they
// would be silent until it is that late. Schedules with the same line and zone
// share a timer.
func (e *Engine) meetSchedules(ctx context.Context) ([]*timer, error) {
	byLine := map[string]*timer{}
	var timers []*timer
	now := time.Now().UTC().Round(0)
	err := e.st.Update(ctx, func(tx store.Tx) error {
		for _, s := range e.cfg.Schedules {
			known, ok, err := schedules.Get(tx, s.Name)
			if err != nil {
				return err
			}
			if l := s.Cron + " " + s.Timezone; !ok || known.astray(now) || known.Gone || known.Line != l {
				known.Name, known.Line, known.Last, known.Gone = s.Name, l, now, false
				if err := schedules.Put(tx, s.Name, known); err != nil {
					return err
				}
			}
		}
		return e.partSchedules(tx)
	})
	for _, s := range e.cfg.Schedules {
		l := s.Cron + " " + s.Timezone
		if byLine[l] == nil {
			at, err := parseSlots(s.Cron, s.Timezone)
			if err != nil {
				return nil, err
			}
			byLine[l] = &timer{at: at, looks: startLooks()}
			timers = append(timers, byLine[l])
		}
		byLine[l].names = append(byLine[l].names, s)
	}
	return timers, err
}

// astray reports whether a schedule was last looked at when the clock was wrong.
func (s Schedule) astray(now time.Time) bool { return s.Last.Sub(now) > farAhead }

// partSchedules notes which schedules the config has no longer.
func (e *Engine) partSchedules(tx store.Tx) error {
	var gone []Schedule
	err := schedules.Scan(tx, store.Range{}, func(name string, s Schedule) bool {
		if !s.Gone && !slices.ContainsFunc(e.cfg.Schedules, func(c config.Schedule) bool { return c.Name == name }) {
			gone = append(gone, s)
		}
		return true
	})
	for _, s := range gone {
		s.Gone = true
		err = errors.Join(err, schedules.Put(tx, s.Name, s))
	}
	return err
}

// due settles what has become due for the schedules of a timer.
func (e *Engine) due(ctx context.Context, t *timer) {
	now := time.Now()
	var bad error
	for _, s := range t.names {
		id, err := e.settleSlots(ctx, s, t, now)
		if err != nil && ctx.Err() == nil {
			bad = err
			e.log.Error("keeping a schedule", "schedule", s.Name, "error", err)
		}
		if id != "" {
			e.kick(id)
		}
	}
	t.looks.done(now, bad)
}

// settleSlots puts every slot up to now on the ledger, each once, and creates
// the run of the newest if it is due. It returns the run's ID.
func (e *Engine) settleSlots(ctx context.Context, s config.Schedule, t *timer, now time.Time) (id string, err error) {
	var known Schedule
	if err := e.st.View(ctx, func(tx store.Tx) (err error) {
		known, _, err = schedules.Get(tx, s.Name)
		return err
	}); err != nil {
		return "", err
	}
	if known.astray(now) {
		_, err := e.meetSchedules(ctx)
		return "", err
	}
	times, more := between(ctx, t.at, known.Last, now) // years of seconds take a while: not in a transaction
	if len(times) == 0 || ctx.Err() != nil {
		return "", ctx.Err()
	}
	err = e.st.Update(ctx, func(tx store.Tx) error {
		id = ""
		st, ok, err := schedules.Get(tx, s.Name)
		if err != nil || !ok || !st.Last.Equal(known.Last) {
			return err // somebody else has settled them
		}
		newest := times[len(times)-1]
		settled, err := e.slot(tx, s, st, newest, now, t.looks)
		if err != nil {
			return err
		}
		id, st.Last = settled.Run, newest.UTC()
		if id != "" {
			st.Run = id
		}
		for i, at := range times[:len(times)-1] {
			row := Slot{At: at.UTC(), Outcome: "missed", Why: t.looks.why(at, now), More: more}
			if settled.Outcome == "skipped" {
				row.Outcome, row.Why = settled.Outcome, settled.Why
			}
			if i > 0 {
				row.More = 0
			}
			if err := ledger.Put(tx, s.Name+"/"+timeKey(at), row); err != nil {
				return err
			}
		}
		if err := e.complain(tx, s, t.at.loc, settled, st.Paused != nil, len(times)+more); err != nil {
			return err
		}
		return errors.Join(ledger.Put(tx, s.Name+"/"+timeKey(newest), settled), schedules.Put(tx, s.Name, st))
	})
	return id, err
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
func (e *Engine) slot(tx store.Tx, s config.Schedule, st Schedule, at, now time.Time, l *looks) (Slot, error) {
	row := Slot{At: at.UTC()}
	switch late := now.Sub(at); {
	case st.Paused != nil:
		row.Outcome, row.Why = "skipped", "paused by "+st.Paused.By.Name()
		return row, nil
	case late > onTime && late > s.CatchUp:
		row.Outcome, row.Why = "missed", l.why(at, now)
		return row, nil
	}
	if st.Run != "" {
		if state, busy, err := active.Get(tx, st.Run); err != nil {
			return row, err
		} else if busy {
			row.Outcome, row.Why = "skipped", fmt.Sprintf("its last run, %s, is still %s", st.Run, state)
			return row, nil
		}
	}
	r, err := scheduled(s)
	if err != nil {
		return row, err
	}
	r.ID, r.Slot, r.Asked = runID("schedule/"+s.Name+"/"+timeKey(at)), row.At, now.UTC().Round(0)
	row.Outcome, row.Run = "ran", r.ID
	if _, ok, err := runs.Get(tx, r.ID); ok || err != nil {
		return row, err
	}
	return row, e.create(tx, &r)
}

// complain tells the channel of slots that did not run and should have.
func (e *Engine) complain(tx store.Tx, s config.Schedule, zone *time.Location, row Slot, paused bool, n int) error {
	if row.Outcome == "ran" || paused {
		return nil
	}
	return e.tell(tx, Outgoing{Kind: TellChannel, Cluster: s.Cluster, Text: row.complaint(s.Name, zone, n-1)})
}

// complaint says that a schedule's slot did not run, with n slots before it,
// why, and what to type.
func (row Slot) complaint(name string, zone *time.Location, n int) string {
	how := "did not run"
	if row.Outcome == "skipped" {
		how = "was skipped"
	}
	text := fmt.Sprintf("Schedule %s %s at %s: %s. ", name, how, row.At.In(zone).Format(slotTime), row.Why)
	if n > 0 && row.Outcome == "missed" {
		text += fmt.Sprintf("It also missed %d times before that. ", n)
	}
	return text + "To run it now, type `schedule run " + name + "`."
}
