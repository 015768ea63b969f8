package upkeep

import (
	"context"
	"errors"
	"fmt"
	"time"

	"alsbot/als"
	"alsbot/runs"
	"alsbot/store"
)

// secondLooks holds when to look again at what a run restarted: a role that ran
// at the run's end may have fallen since.
var secondLooks = store.Bucket[time.Time]{Name: "second.looks"} // run ID

const (
	secondLookAfter = 30 * time.Second
	secondLookEvery = 5 * time.Second
	// secondLookBy is how long after it was due a second look still says
	// something of the run: alsbot may have been down.
	secondLookBy = 10 * time.Minute
)

// planSecondLook is the EndHook that plans a second look at a run which
// restarted roles and has not failed.
func planSecondLook(tx store.Tx, r *runs.Run) error {
	if r.Effect != als.Restart || len(r.Steps) == 0 || r.State != runs.Succeeded && r.State != runs.Unconfirmed {
		return nil
	}
	return secondLooks.Put(tx, r.ID, r.Ended.Add(secondLookAfter))
}

// lookAgain takes the second looks that are due.
func (u *Upkeep) lookAgain(ctx context.Context) error {
	var due []string
	if err := u.st.View(ctx, func(tx store.Tx) error {
		return secondLooks.Scan(tx, store.Range{}, func(id string, at time.Time) bool {
			if !time.Now().Before(at) {
				due = append(due, id)
			}
			return len(due) < pruneAtOnce
		})
	}); err != nil {
		return err
	}
	var bad error
	for _, id := range due {
		bad = errors.Join(bad, u.lookAgainAt(ctx, id))
	}
	return bad
}

// lookAgainAt probes what verified a run once more. What it finds otherwise is
// kept with the run and told in its thread; once another run changes the
// cluster, it would say nothing of this one.
func (u *Upkeep) lookAgainAt(ctx context.Context, id string) error {
	text, err := u.fallenSince(ctx, id)
	if err != nil || ctx.Err() != nil {
		return err
	}
	if text == "" {
		return u.st.Update(ctx, func(tx store.Tx) error { return secondLooks.Delete(tx, id) })
	}
	_, err = u.ledger.Transition(ctx, id, runs.System, func(tx store.Tx, r *runs.Run) error {
		r.LookedAgain = &runs.Later{At: time.Now().UTC().Round(0), Text: text}
		return errors.Join(
			secondLooks.Delete(tx, id), runs.Record(tx, runs.System, "looked again", id, text),
			runs.Tell(tx, runs.Outgoing{Kind: runs.TellRun, Run: id}),
			runs.Tell(tx, runs.Outgoing{Kind: runs.TellFollowUp, Run: id, Text: text}))
	})
	return err
}

// fallenSince says which roles have fallen since a run ended; "" if none has,
// or if nobody can tell any more.
func (u *Upkeep) fallenSince(ctx context.Context, id string) (string, error) {
	r, _, err := u.ledger.Load(ctx, id)
	var gone *runs.NotFoundError
	switch {
	case errors.As(err, &gone):
		return "", nil
	case err != nil:
		return "", err
	case r.Plan == nil || r.LookedAgain != nil || time.Since(r.Ended) > secondLookAfter+secondLookBy:
		return "", nil
	}
	if other, err := u.changedSince(ctx, r); err != nil || other {
		return "", err
	}
	seen, err := u.prober.Probe(ctx, r.Cluster, als.RoleProbes(r.Cluster))
	if err != nil {
		u.log.Debug("looking again at what a run restarted", "run", id, "error", err)
		return "", nil // others say that the node is down
	}
	fallen := als.Fallen(*r.Plan, seen)
	if other, err := u.changedSince(ctx, r); err != nil || other || fallen == "" {
		return "", err
	}
	return fmt.Sprintf("%s after run %s (%s) ended, %s. Type `status @%s` to see all roles, `logs @%s` for the cause.",
		time.Since(r.Ended).Round(time.Second), r.ID, r.Text, fallen, r.Request.Cluster, r.Request.Cluster), nil
}

// changedSince reports whether another run has begun to change a run's cluster
// since the run ended.
func (u *Upkeep) changedSince(ctx context.Context, r runs.Run) (other bool, err error) {
	err = u.st.View(ctx, func(tx store.Tx) error {
		return runs.Latest(tx, r.Request.Cluster, func(o runs.Run) bool {
			other = o.ID != r.ID && o.Effect != als.Read && o.Started.After(r.Ended)
			return !other && o.ID != r.ID
		})
	})
	return other, err
}
