package jobs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"alsbot/als"
	"alsbot/store"
)

// Backup is one export and what is known of it; one that failed has no path.
type Backup = als.Archive

// remember writes down what later runs want to know of a finished one: how
// long it took, and what it has made or learned of archives.
func (e *Engine) remember(tx store.Tx, r *Run) error {
	if r.State == Succeeded && len(r.Steps) > 0 && r.Effect != als.Read {
		if err := durations.Put(tx, r.Request.Cluster+"/"+r.Request.Operation, r.Ended.Sub(r.Started)); err != nil {
			return err
		}
	}
	if r.Verdict == nil || len(r.Verdict.Archives) == 0 {
		return nil
	}
	for _, news := range r.Verdict.Archives {
		if news.Run == "" {
			if err := made(tx, r, news); err != nil {
				return err
			}
			continue
		}
		news.SeenAt, news.GoneAt = r.Ended, r.Ended
		if err := eachBackup(tx, r.Request.Cluster, func(b Backup) (Backup, bool) { return b.With(news), b.Run == news.Run }); err != nil {
			return err
		}
	}
	return nil
}

// made writes down a new archive. Another one that had its path is gone.
func made(tx store.Tx, r *Run, b Backup) error {
	b.Run, b.Operation, b.Cluster, b.Contents = r.ID, r.Request.Operation, r.Request.Cluster, als.Contents(r.Request)
	b.Begun, b.At = r.Started, r.Ended
	if b.Path != "" {
		gone := Backup{Gone: "replaced by that of run " + r.ID, GoneAt: r.Ended}
		if err := eachBackup(tx, b.Cluster, func(old Backup) (Backup, bool) {
			return old.With(gone), old.Path == b.Path && old.Node == b.Node && old.Gone == ""
		}); err != nil {
			return err
		}
	}
	return backups.Put(tx, b.Cluster+"/"+timeKey(b.At), b)
}

// eachBackup writes those of a cluster's backups anew that fn changes.
func eachBackup(tx store.Tx, cluster string, fn func(Backup) (Backup, bool)) error {
	changed := map[string]Backup{}
	if err := backups.Scan(tx, store.Range{Prefix: cluster + "/"}, func(key string, b Backup) bool {
		if b, ok := fn(b); ok {
			changed[key] = b
		}
		return true
	}); err != nil {
		return err
	}
	for key, b := range changed {
		if err := backups.Put(tx, key, b); err != nil {
			return err
		}
	}
	return nil
}

// durations remember how long the last successful run of an operation took.
var durations = store.Bucket[time.Duration]{Name: "durations"} // cluster/operation

// archivesMost is how many archives an operation gets, and its record holds.
const archivesMost = 1000

// history is what the store remembers of an operation on a cluster.
func (e *Engine) history(ctx context.Context, req als.Request, archives bool) (als.History, error) {
	var h als.History
	contents := als.Contents(req)
	err := e.st.View(ctx, func(tx store.Tx) error {
		err := backups.Scan(tx, store.Range{Prefix: req.Cluster + "/", Reverse: true}, func(_ string, b Backup) bool {
			if b.Verdict == "verified" && b.Operation == req.Operation && b.Contents == contents && len(h.Sizes) < 7 {
				h.Sizes = append(h.Sizes, b.Size)
			}
			switch here := b.Path != "" && b.Gone == ""; {
			case !archives:
			case slices.Contains(req.Args, b.Run), here && len(h.Archives) < archivesMost:
				h.Archives = append(h.Archives, b)
			case here:
				h.Older++
			}
			return archives || len(h.Sizes) < 7
		})
		last, ok, bad := LastBackup(tx, req.Cluster)
		if ok && archives {
			h.Backup = &last
		}
		took, ok, worse := durations.Get(tx, req.Cluster+"/"+req.Operation)
		if ok {
			h.Last = took
		}
		return errors.Join(err, bad, worse)
	})
	return h, err
}

// LastBackup returns the newest backup of the whole cluster that was verified
// and of which nothing else was found since. One that a wrong clock has dated
// in the future does not count: it would never become too old.
func LastBackup(tx store.Tx, cluster string) (last Backup, ok bool, err error) {
	now := time.Now().Add(time.Minute)
	err = backups.Scan(tx, store.Range{Prefix: cluster + "/", Reverse: true}, func(_ string, b Backup) bool {
		last, ok = b, b.Whole() && b.Good() && b.At.Before(now)
		return !ok
	})
	return last, ok, err
}

// followUp begins what the config wants done after a verified export: the
// archive is fetched, and what retention does not keep is removed. Each is a
// run of its own, told in the export's thread.
func (e *Engine) followUp(tx store.Tx, r *Run) error {
	if !verified(r) {
		return nil
	}
	c, _ := e.cfg.Cluster(r.Request.Cluster)
	var some []Backup
	if err := backups.Scan(tx, store.Range{Prefix: c.Name + "/"}, func(_ string, b Backup) bool {
		some = append(some, b)
		return true
	}); err != nil {
		return err
	}
	var bad error
	if c.Backup.Fetch != "" {
		bad = e.create(tx, follower(r, "backups fetch", r.ID))
	}
	if als.Prunable(als.Keep(c.Backup.Keep), some, time.Now()) {
		bad = errors.Join(bad, e.create(tx, follower(r, "backups prune")))
	}
	return bad
}

// verified reports whether a run has made an archive that is good.
func verified(r *Run) bool {
	return r.Verdict != nil && slices.ContainsFunc(r.Verdict.Archives, func(b Backup) bool { return b.Run == "" && b.Verdict == "verified" })
}

func follower(r *Run, operation string, args ...string) *Run {
	req := als.Request{Operation: operation, Args: args, Cluster: r.Request.Cluster}
	op, _ := als.Operations.Find(operation)
	return &Run{
		ID: followerID(r, operation), Text: als.Command(req), Request: req, Effect: op.Effect(req), By: nobody, State: Planned,
		Asked: time.Now().UTC().Round(0), After: r.ID, Origin: Origin{Channel: r.Origin.Channel, Thread: r.Origin.Thread},
	}
}

func followerID(r *Run, operation string) string { return runID(r.ID + "/" + operation) }

// kickFollowers sees that what follows on a run is driven.
func (e *Engine) kickFollowers(r Run) {
	if verified(&r) {
		e.kick(followerID(&r, "backups prune"))
		e.kick(followerID(&r, "backups fetch"))
	}
}

// missedFollower says in the cluster's channel that what was to follow by
// itself did not work: nobody watches the thread where it is told.
func (e *Engine) missedFollower(tx store.Tx, r *Run) error {
	if r.After == "" || r.State == Succeeded {
		return nil
	}
	return e.tell(tx, Outgoing{Kind: TellChannel, Cluster: r.Request.Cluster,
		Text: fmt.Sprintf("`%s`, which follows by itself on run %s, is %s: %s `run %s` shows it whole.", r.Text, r.After, r.State, r.Why(), r.ID)})
}

// pruneBackups forgets archives that went, and exports that failed, before limit.
func (e *Engine) pruneBackups(ctx context.Context, limit time.Time) error {
	return e.st.Update(ctx, func(tx store.Tx) error {
		var old []string
		if err := backups.Scan(tx, store.Range{}, func(key string, b Backup) bool {
			gone := b.Gone != "" && b.Fetched == "" && b.GoneAt.Before(limit)
			if gone || b.Path == "" && b.At.Before(limit) {
				old = append(old, key)
			}
			return len(old) < pruneAtOnce
		}); err != nil {
			return err
		}
		for _, key := range old {
			if err := backups.Delete(tx, key); err != nil {
				return err
			}
		}
		return nil
	})
}

// warned remembers when a cluster's channel was last told that its backup is old.
var warned = store.Bucket[time.Time]{Name: "warned"} // cluster

// lately reports whether people were told something within a day. Words of a
// time that is still to come were said when the clock was wrong.
func lately(told, now time.Time) bool {
	return !told.After(now.Add(time.Minute)) && now.Sub(told) < sayAgain
}

// watchBackups says, once a day, that a cluster's last verified backup is
// older than its max_age. Where there is none, the reports of the exports that
// failed, or of what was found of the last one, have said so.
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
			if err != nil || !ok || now.Sub(last.At) <= c.Backup.MaxAge || lately(told, now) {
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
