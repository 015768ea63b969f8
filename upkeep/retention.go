package upkeep

import (
	"context"
	"errors"
	"time"

	"alsbot/jobs"
	"alsbot/runs"
	"alsbot/store"
)

const (
	keepAnswers = 24 * time.Hour
	keepSlots   = 20_000 // rows of each schedule's slots: two years of an hourly one
	pruneAtOnce = 200
)

// lastPrune holds one row: the time by which it was last decided what is old.
var lastPrune = store.Bucket[time.Time]{Name: "house"}

// oldBy returns the time by which to decide what is old: now, but it moves
// forward at most twice as far as time has passed for alsbot since the last
// decision. A clock that is a year ahead for a moment then makes no record old
// that would not be within the hour, and after a long stop it catches up.
func (u *Upkeep) oldBy(ctx context.Context, now time.Time, passed time.Duration) (by time.Time, err error) {
	err = u.st.Update(ctx, func(tx store.Tx) error {
		last, ok, err := lastPrune.Get(tx, "old by")
		if err != nil {
			return err
		}
		if !ok {
			if last, err = lastRequest(tx, now); err != nil {
				return err
			}
		}
		by = last.Add(2 * passed)
		if now.Before(by) {
			by = now
		}
		if ok && !by.After(last) {
			return nil // a clock that is behind decides nothing
		}
		return lastPrune.Put(tx, "old by", by.UTC().Round(0))
	})
	return by, err
}

// lastRequest returns when the last run was requested, now if there is none.
func lastRequest(tx store.Tx, now time.Time) (at time.Time, err error) {
	at = now
	err = runs.Latest(tx, "", func(r runs.Run) bool {
		at = r.Asked
		return false
	})
	return at, err
}

// prune removes runs that ended longer ago than keep_runs, with their output,
// old answers, old backups and old slots. The audit log is kept for ever, and
// has an entry for each run that was removed.
func (u *Upkeep) prune(ctx context.Context, now time.Time) error {
	limit := now.Add(-u.cfg.Store.KeepRuns)
	for {
		old, err := u.ledger.EndedBefore(ctx, limit, pruneAtOnce)
		if err != nil || len(old) == 0 {
			return errors.Join(err, u.pruneRest(ctx, now, limit))
		}
		for _, r := range old {
			if err := u.st.DeleteBlobs(ctx, r.ID+"-"); err != nil {
				return err
			}
		}
		if err := u.st.Update(ctx, func(tx store.Tx) error { return forgetRuns(tx, old) }); err != nil {
			return err
		}
	}
}

func forgetRuns(tx store.Tx, old []runs.Run) error {
	for _, r := range old {
		if err := errors.Join(remoteFilesOf.Delete(tx, r.ID), secondLooks.Delete(tx, r.ID)); err != nil {
			return err
		}
	}
	return runs.Forget(tx, old)
}

// pruneRest removes what else is old, some at each call.
func (u *Upkeep) pruneRest(ctx context.Context, now, limit time.Time) error {
	update := func(fn func(store.Tx) error) error { return u.st.Update(ctx, fn) }
	bad := []error{
		update(func(tx store.Tx) error { return jobs.ForgetAnswers(tx, now.Add(-keepAnswers), 10*pruneAtOnce) }),
		update(func(tx store.Tx) error { return runs.ForgetBackups(tx, limit, pruneAtOnce) }),
	}
	for _, s := range u.cfg.Schedules {
		bad = append(bad, update(func(tx store.Tx) error { return runs.ForgetSlots(tx, s.Name, keepSlots, 10*pruneAtOnce) }))
	}
	return errors.Join(bad...)
}
