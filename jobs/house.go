package jobs

import (
	"context"
	"errors"
	"time"

	"alsbot/store"
)

const (
	houseEvery     = time.Hour
	keepDeliveries = 24 * time.Hour
	keepSlots      = 20_000 // lines of each schedule's ledger: two years of an hourly one
	pruneAtOnce    = 200
)

// keepHouse looks after old records, old backups and maintenance mode that was
// left on, at once and then hourly.
func (e *Engine) keepHouse(ctx context.Context) error {
	tick := time.NewTicker(houseEvery)
	defer tick.Stop()
	for passed := time.Duration(0); ; passed = houseEvery {
		by, err := e.oldBy(ctx, time.Now(), passed)
		if err == nil {
			err = e.prune(ctx, by)
		}
		if err != nil && ctx.Err() == nil {
			e.log.Error("removing old records", "error", err)
		}
		if err := e.watchBackups(ctx, time.Now()); err != nil && ctx.Err() == nil {
			e.log.Error("looking at the age of backups", "error", err)
		}
		if err := e.keepCopies(ctx, time.Now()); err != nil && ctx.Err() == nil {
			e.log.Error("looking after the copies of archives on this host", "error", err)
		}
		if err := e.watchMaintenance(ctx); err != nil && ctx.Err() == nil {
			e.log.Error("looking for maintenance mode that was left on", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// housekeeping holds one row: the time by which it was last decided what is old.
var housekeeping = store.Bucket[time.Time]{Name: "house"}

// oldBy is the time by which it is decided what is old: now, but it moves
// forward at most twice as far as time has passed for alsbot since the last
// look. A clock that is a year ahead for a moment then makes no record old
// that would not be within the hour, and after a long stop it catches up.
func (e *Engine) oldBy(ctx context.Context, now time.Time, passed time.Duration) (by time.Time, err error) {
	err = e.st.Update(ctx, func(tx store.Tx) error {
		last, ok, err := housekeeping.Get(tx, "old by")
		if err != nil {
			return err
		}
		if !ok {
			if last, err = newest(tx, now); err != nil {
				return err
			}
		}
		by = last.Add(2 * passed)
		if now.Before(by) {
			by = now
		}
		if ok && !by.After(last) {
			return nil // a clock that is behind says nothing of what was
		}
		return housekeeping.Put(tx, "old by", by.UTC().Round(0))
	})
	return by, err
}

// newest is when the last run was asked for, now if there is none.
func newest(tx store.Tx, now time.Time) (at time.Time, err error) {
	at = now
	var bad error
	err = runsAt.Scan(tx, store.Range{Reverse: true}, func(_, id string) bool {
		var r Run
		r, _, bad = runs.Get(tx, id)
		at = r.Asked
		return false
	})
	return at, errors.Join(err, bad)
}

// prune removes runs that ended longer ago than keep_runs, with their output,
// old deliveries and old lines of the ledger. The audit log is kept for ever.
func (e *Engine) prune(ctx context.Context, now time.Time) error {
	for {
		old, err := e.oldRuns(ctx, now.Add(-e.cfg.Store.KeepRuns))
		if err != nil || len(old) == 0 {
			return errors.Join(err, e.pruneDeliveries(ctx, now), e.pruneSlots(ctx), e.pruneBackups(ctx, now.Add(-e.cfg.Store.KeepRuns)))
		}
		for _, r := range old {
			if err := e.st.DeleteBlobs(ctx, r.ID+"-"); err != nil {
				return err
			}
		}
		if err := e.st.Update(ctx, func(tx store.Tx) error { return forget(tx, old) }); err != nil {
			return err
		}
	}
}

// oldRuns lists some of the runs that ended before limit. A lost one that
// nobody has acknowledged is never old.
func (e *Engine) oldRuns(ctx context.Context, limit time.Time) (old []Run, err error) {
	err = e.st.View(ctx, func(tx store.Tx) error {
		var bad error
		err := runsAt.Scan(tx, store.Range{}, func(key, id string) bool {
			if key > timeKey(limit) {
				return false
			}
			r, ok, err := runs.Get(tx, id)
			if bad = err; ok && r.State.Final() && r.Ended.Before(limit) && (r.State != Lost || r.Settled != nil) {
				old = append(old, r)
			}
			return bad == nil && len(old) < pruneAtOnce
		})
		return errors.Join(err, bad)
	})
	return old, err
}

func forget(tx store.Tx, old []Run) error {
	for _, r := range old {
		at := timeKey(r.Asked) + "/" + r.ID
		if err := errors.Join(
			runsAt.Delete(tx, at), runsOf.Delete(tx, r.Request.Cluster+"/"+at),
			approvals.Delete(tx, r.ID), leftovers.Delete(tx, r.ID), runs.Delete(tx, r.ID),
		); err != nil {
			return err
		}
	}
	return nil
}

func (e *Engine) pruneDeliveries(ctx context.Context, now time.Time) error {
	return e.st.Update(ctx, func(tx store.Tx) error {
		var old []string
		if err := answers.Scan(tx, store.Range{}, func(key string, d delivery) bool {
			if now.Sub(d.At) > keepDeliveries {
				old = append(old, key)
			}
			return len(old) < 10*pruneAtOnce
		}); err != nil {
			return err
		}
		for _, key := range old {
			if err := answers.Delete(tx, key); err != nil {
				return err
			}
		}
		return nil
	})
}

// pruneSlots keeps the newest lines of each schedule's ledger.
func (e *Engine) pruneSlots(ctx context.Context) error {
	var bad error
	for _, s := range e.cfg.Schedules {
		bad = errors.Join(bad, e.st.Update(ctx, func(tx store.Tx) error {
			var old []string
			n := 0
			if err := tx.Scan(ledger.Name, s.Name+"/", "", true, func(key string, _ []byte) bool {
				if n++; n > keepSlots {
					old = append(old, key)
				}
				return len(old) < 10*pruneAtOnce
			}); err != nil {
				return err
			}
			for _, key := range old {
				if err := ledger.Delete(tx, key); err != nil {
					return err
				}
			}
			return nil
		}))
	}
	return bad
}
