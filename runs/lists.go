package runs

import (
	"context"
	"errors"
	"time"

	"alsbot/als"
	"alsbot/store"
)

// Active returns the IDs of the runs that are not final.
func Active(tx store.Tx) (ids []string, err error) {
	err = active.Scan(tx, store.Range{}, func(id string, _ State) bool {
		ids = append(ids, id)
		return true
	})
	return ids, err
}

// ActiveState returns the state of a run; ok is false once it is final.
func ActiveState(tx store.Tx, id string) (s State, ok bool, err error) { return active.Get(tx, id) }

// Open counts the runs that are not final, by state.
func Open(tx store.Tx) (map[State]int, error) {
	n := map[State]int{}
	err := active.Scan(tx, store.Range{}, func(_ string, s State) bool {
		n[s]++
		return true
	})
	return n, err
}

// EachActive calls fn with each run that is not final and for whose state keep
// is true, until fn returns an error.
func EachActive(tx store.Tx, keep func(State) bool, fn func(Run) error) error {
	var bad error
	err := active.Scan(tx, store.Range{}, func(id string, s State) bool {
		if !keep(s) {
			return true
		}
		r, ok, err := records.Get(tx, id)
		if bad = err; ok {
			bad = errors.Join(err, fn(r))
		}
		return bad == nil
	})
	return errors.Join(err, bad)
}

// Latest calls fn with the runs of a cluster, or with "" of all clusters, from
// the newest on, until it returns false.
func Latest(tx store.Tx, cluster string, fn func(Run) bool) error {
	index, prefix := byTime, ""
	if cluster != "" {
		index, prefix = byCluster, cluster+"/"
	}
	var bad error
	err := index.Scan(tx, store.Range{Prefix: prefix, Reverse: true}, func(_, id string) bool {
		r, ok, err := records.Get(tx, id)
		bad = err
		return err == nil && (!ok || fn(r))
	})
	return errors.Join(err, bad)
}

// Recent returns the last n runs, newest first, of one cluster or, with "", of
// all.
func (l *Ledger) Recent(ctx context.Context, cluster string, n int) ([]Run, error) {
	var list []Run
	err := l.st.View(ctx, func(tx store.Tx) error {
		return Latest(tx, cluster, func(r Run) bool {
			list = append(list, r)
			return len(list) < n
		})
	})
	return list, err
}

// UnderWay returns the runs that are not final and change something, or wait
// to. It leaves out reads and dry runs: their end is never far.
func (l *Ledger) UnderWay(ctx context.Context) ([]Run, error) {
	var open []Run
	err := l.st.View(ctx, func(tx store.Tx) error {
		return EachActive(tx, func(State) bool { return true }, func(r Run) error {
			if r.Effect != als.Read && !r.Request.Dry {
				open = append(open, r)
			}
			return nil
		})
	})
	return open, err
}

// EndedBefore returns up to most of the runs that ended before limit, oldest
// first. A lost run that nobody has acknowledged doesn't count.
func (l *Ledger) EndedBefore(ctx context.Context, limit time.Time, most int) (old []Run, err error) {
	err = l.st.View(ctx, func(tx store.Tx) error {
		var bad error
		err := byTime.Scan(tx, store.Range{}, func(key, id string) bool {
			if key > TimeKey(limit) {
				return false
			}
			r, ok, err := records.Get(tx, id)
			if bad = err; ok && r.State.Final() && r.Ended.Before(limit) && (r.State != Lost || r.Settled != nil) {
				old = append(old, r)
			}
			return bad == nil && len(old) < most
		})
		return errors.Join(err, bad)
	})
	return old, err
}

// Forget removes runs with their indexes and approvals. The audit log keeps
// its entries, and gets one for each run: it covers the record as it was
// removed, so retention can't hide that a record was edited before.
func Forget(tx store.Tx, old []Run) error {
	for _, r := range old {
		if err := recordRemoval(tx, r); err != nil {
			return err
		}
		at := TimeKey(r.Asked) + "/" + r.ID
		if err := errors.Join(
			byTime.Delete(tx, at), byCluster.Delete(tx, r.Request.Cluster+"/"+at),
			approvals.Delete(tx, r.ID), records.Delete(tx, r.ID),
		); err != nil {
			return err
		}
	}
	return nil
}

func recordRemoval(tx store.Tx, r Run) error {
	en := Entry{By: System, Action: actionRemoved, Run: r.ID, Detail: "retention: it ended " + r.Ended.UTC().Format(time.RFC3339)}
	if err := en.cover(tx, ""); err != nil || en.Covers == "" {
		return err // somebody else has removed it
	}
	en.Was = en.Covers
	return appendEntry(tx, en)
}
