package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"alsbot/als"
	"alsbot/runs"
	"alsbot/store"
)

// turns starts queued runs when their window is open and their turn has come.
type turns struct {
	st      store.Store
	ledger  *runs.Ledger
	policy  policy
	recheck *rechecker
	log     *slog.Logger
}

// begin starts a queued run when its window is open and its turn has come. A
// run that had to wait is planned again first: alsbot starts what was approved,
// or nothing.
func (q *turns) begin(ctx context.Context, d *driver, r runs.Run) (time.Duration, error) {
	if wait := q.policy.opensIn(r); wait > 0 {
		return min(wait, longest), q.stepAside(ctx, r.ID)
	}
	turn, waited, err := q.turn(ctx, r.ID)
	if err != nil || !turn {
		return longest, err
	}
	if waited {
		if same, pause, err := q.recheck.unchanged(ctx, d, r); !same || err != nil {
			return pause, err
		}
	}
	_, err = q.ledger.Transition(ctx, r.ID, runs.System, q.startIfFree)
	return 0, err
}

// startIfFree starts a queued run whose turn it is.
func (q *turns) startIfFree(tx store.Tx, r *runs.Run) error {
	if free, err := runs.TryAcquire(tx, r); err != nil {
		return err
	} else if r.State != runs.Queued || !free || q.policy.opensIn(*r) > 0 { // the window may have closed during the check
		return runs.ErrUnchanged
	}
	if _, asked, err := runs.GetApproval(tx, r.ID); err != nil {
		return err
	} else if !asked && q.policy.needsApproval(*r) { // policy did not ask for it when the run was queued
		return errors.Join(runs.Dequeue(tx, r), q.policy.requestApproval(tx, r))
	}
	if r.Plan == nil || r.Plan.Digest() != r.Digest {
		return runs.Invalidate(tx, r, "the plan on record is not the one that was shown: the store was changed by something else than alsbot")
	}
	start(r)
	return nil
}

// stepAside takes a run out of the queue when its window has closed before its
// turn came: the next window may open in a week, and backups wait behind it.
func (q *turns) stepAside(ctx context.Context, id string) error {
	_, err := q.ledger.Transition(ctx, id, runs.System, func(tx store.Tx, r *runs.Run) error {
		in, err := runs.Enqueued(tx, r)
		if err != nil {
			return err
		}
		if r.State != runs.Queued || (r.Waited && !in) {
			return runs.ErrUnchanged
		}
		r.Waited = true
		r.RightsKnown()
		return errors.Join(runs.Dequeue(tx, r), runs.Tell(tx, runs.Outgoing{Kind: runs.TellRun, Run: r.ID}))
	})
	return err
}

// turn joins the queue if need be. It reports whether it is the run's turn, and
// whether the run had to wait: it was another's turn, or alsbot was down.
func (q *turns) turn(ctx context.Context, id string) (mine, waited bool, err error) {
	_, err = q.ledger.Transition(ctx, id, runs.System, func(tx store.Tx, r *runs.Run) error {
		mine, waited = false, false
		if r.State != runs.Queued {
			return runs.ErrUnchanged
		}
		shown := r.Waited
		r.Waited = r.Waited || time.Since(r.Queued) > longest
		in, err := runs.Enqueued(tx, r)
		if err == nil && !in {
			err = runs.Enqueue(tx, r)
		}
		if err == nil {
			mine, err = runs.TryAcquire(tx, r)
		}
		if err == nil && !mine && !shown {
			r.Waited = true
			err = runs.Tell(tx, runs.Outgoing{Kind: runs.TellRun, Run: id})
		}
		waited = r.Waited
		return err
	})
	return mine, waited, err
}

// Waiting says in words what a queued run waits for; "" if it is not queued.
func (q *turns) Waiting(ctx context.Context, id string) (string, error) {
	r, _, err := q.ledger.Load(ctx, id)
	if err != nil || r.State != runs.Queued {
		return "", err
	}
	if wait := q.policy.opensIn(r); wait > 0 {
		return "waits for its window, which opens at " + time.Now().Add(wait).UTC().Format("Mon 2006-01-02 15:04 MST"), nil
	}
	ids := q.queued(ctx, r.Request.Cluster)
	i := slices.Index(ids, id)
	if i <= 0 {
		return "next in line", nil
	}
	first, _, err := q.ledger.Load(ctx, ids[0])
	if err != nil {
		return "", err
	}
	if first.State == runs.Lost {
		return fmt.Sprintf("the line of @%s is closed: nobody knows what became of run %s. Look at the cluster, then type `acknowledge %s`", r.Request.Cluster, ids[0], ids[0]), nil
	}
	says := fmt.Sprintf("number %d in line on @%s, behind run %s (%s)", i, r.Request.Cluster, ids[0], first.Text)
	if first.State == runs.Running && !first.Unheard.IsZero() {
		says += fmt.Sprintf(". Nothing has been heard of its node since %s: `run %s` says what can be done", first.Unheard.Format("15:04 MST"), ids[0])
	}
	return says, nil
}

// queued lists the runs in a cluster's queue. It logs an error and returns none.
func (q *turns) queued(ctx context.Context, cluster string) (ids []string) {
	err := q.st.View(ctx, func(tx store.Tx) (err error) {
		ids, err = runs.Queue(tx, cluster)
		return err
	})
	if err != nil && ctx.Err() == nil {
		q.log.Error("reading a cluster's queue", "cluster", cluster, "error", err)
	}
	return ids
}

// overdue reports whether a run that changes something was to begin long ago
// and nothing of it was ever sent: the cluster may have changed since.
func overdue(r *runs.Run) bool {
	return r.Effect != als.Read && r.Cancel == nil && len(r.Steps) > 0 && time.Since(r.Started) > startBy &&
		!slices.ContainsFunc(r.Steps, func(s runs.StepRecord) bool { return s.Sent || !s.Ended.IsZero() })
}
