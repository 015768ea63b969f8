package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"alsbot/als"
	"alsbot/store"
)

// Backup is one export and what is known of it.
type Backup struct {
	Run       string    `json:"run"`
	Operation string    `json:"operation"`
	Cluster   string    `json:"cluster"`
	Path      string    `json:"path"` // on the node
	Node      string    `json:"node"`
	Size      int64     `json:"size"` // bytes
	SHA256    string    `json:"sha256"`
	Verdict   string    `json:"verdict"` // verified, suspect or failed
	At        time.Time `json:"at"`
}

// remember writes down what later runs want to know of a finished one: how
// long it took, and what an export has made.
func (e *Engine) remember(tx store.Tx, r *Run) error {
	if r.State == Succeeded && len(r.Steps) > 0 && r.Effect != als.Read {
		if err := durations.Put(tx, r.Request.Cluster+"/"+r.Request.Operation, r.Ended.Sub(r.Started)); err != nil {
			return err
		}
	}
	if r.Verdict == nil || r.Verdict.Data["verdict"] == "" {
		return nil
	}
	d := r.Verdict.Data
	b := Backup{
		Run: r.ID, Operation: r.Request.Operation, Cluster: r.Request.Cluster, Path: d["archive"], Node: d["node"],
		SHA256: d["sha256"], Verdict: d["verdict"], At: r.Ended,
	}
	if _, err := fmt.Sscan(d["size"], &b.Size); err != nil && d["size"] != "" {
		return fmt.Errorf("reading the size of the archive of run %s: %w", r.ID, err)
	}
	return backups.Put(tx, b.Cluster+"/"+timeKey(b.At), b)
}

// history is what the store remembers of an operation on a cluster.
func (e *Engine) history(ctx context.Context, req als.Request) (als.History, error) {
	var h als.History
	err := e.st.View(ctx, func(tx store.Tx) error {
		err := backups.Scan(tx, store.Range{Prefix: req.Cluster + "/", Reverse: true}, func(_ string, b Backup) bool {
			if b.Verdict == "verified" && b.Operation == req.Operation {
				h.Sizes = append(h.Sizes, b.Size)
			}
			return len(h.Sizes) < 7
		})
		if err != nil {
			return err
		}
		last, ok, err := durations.Get(tx, req.Cluster+"/"+req.Operation)
		if ok {
			h.Last = last
		}
		return err
	})
	return h, err
}

// durations remember how long the last successful run of an operation took.
var durations = store.Bucket[time.Duration]{Name: "durations"} // cluster/operation

// LastBackup returns the newest verified backup of a cluster.
func LastBackup(tx store.Tx, cluster string) (last Backup, ok bool, err error) {
	err = backups.Scan(tx, store.Range{Prefix: cluster + "/", Reverse: true}, func(_ string, b Backup) bool {
		last, ok = b, b.Verdict == "verified"
		return !ok
	})
	return last, ok, err
}

const (
	houseEvery     = time.Hour
	keepDeliveries = 24 * time.Hour
	keepSlots      = 20_000 // lines of each schedule's ledger: two years of an hourly one
	pruneAtOnce    = 200
)

// keepHouse looks after old records and old backups, at once and then hourly.
func (e *Engine) keepHouse(ctx context.Context) error {
	tick := time.NewTicker(houseEvery)
	defer tick.Stop()
	for {
		if err := e.prune(ctx, time.Now()); err != nil && ctx.Err() == nil {
			e.log.Error("removing old records", "error", err)
		}
		if err := e.watchBackups(ctx, time.Now()); err != nil && ctx.Err() == nil {
			e.log.Error("looking at the age of backups", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// prune removes runs that ended longer ago than keep_runs, with their output,
// old deliveries and old lines of the ledger. The audit log is kept for ever.
func (e *Engine) prune(ctx context.Context, now time.Time) error {
	for {
		old, err := e.oldRuns(ctx, now.Add(-e.cfg.Store.KeepRuns))
		if err != nil || len(old) == 0 {
			return errors.Join(err, e.pruneDeliveries(ctx, now), e.pruneSlots(ctx))
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
			approvals.Delete(tx, r.ID), runs.Delete(tx, r.ID),
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

// warned remembers when a cluster's channel was last told that its backup is old.
var warned = store.Bucket[time.Time]{Name: "warned"} // cluster

// watchBackups says, once a day, that a cluster's last verified backup is
// older than its max_age. Where there is none yet, the reports of the exports
// that failed have said so.
func (e *Engine) watchBackups(ctx context.Context, now time.Time) error {
	for _, c := range e.cfg.Clusters {
		if c.Backup.MaxAge == 0 || c.Channel == "" {
			continue
		}
		err := e.st.Update(ctx, func(tx store.Tx) error {
			last, ok, err := LastBackup(tx, c.Name)
			if err != nil {
				return err
			}
			told, _, err := warned.Get(tx, c.Name)
			if err != nil || !ok || now.Sub(last.At) <= c.Backup.MaxAge || now.Sub(told) < 24*time.Hour {
				return err
			}
			text := fmt.Sprintf("The last verified backup of @%s is %s old (limit %s): %s, taken by run %s. Type `export cluster @%s` to take one now.",
				c.Name, now.Sub(last.At).Round(time.Hour), c.Backup.MaxAge, last.Path, last.Run, c.Name)
			return errors.Join(warned.Put(tx, c.Name, now), e.tell(tx, Outgoing{Kind: TellChannel, Cluster: c.Name, Text: text}))
		})
		if err != nil {
			return err
		}
	}
	return nil
}
