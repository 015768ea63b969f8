package runs

import (
	"context"
	"errors"
	"slices"
	"time"

	"alsbot/als"
	"alsbot/store"
)

// Backup is one export and what is known of it; one that failed has no path.
type Backup = als.Archive

var (
	backups = store.Bucket[Backup]{Name: "backups"} // cluster/time
	// durations hold how long the last successful run of an operation took.
	durations = store.Bucket[time.Duration]{Name: "durations"} // cluster/operation
)

// learn records what later runs want to know of a finished one: how long it
// took, and which archives it made or found changed.
func learn(tx store.Tx, r *Run) error {
	if r.State == Succeeded && len(r.Steps) > 0 && r.Effect != als.Read {
		if err := durations.Put(tx, r.Request.Cluster+"/"+r.Request.Operation, r.Ended.Sub(r.Started)); err != nil {
			return err
		}
	}
	if r.Verdict == nil {
		return nil
	}
	for _, news := range r.Verdict.Archives {
		if news.Run == "" {
			if err := addBackup(tx, r, news); err != nil {
				return err
			}
			continue
		}
		news.SeenAt, news.GoneAt = r.Ended, r.Ended
		if err := UpdateBackups(tx, r.Request.Cluster, func(b Backup) (Backup, bool) { return b.With(news), b.Run == news.Run }); err != nil {
			return err
		}
	}
	return nil
}

// addBackup records a new archive. An earlier archive at its path is gone.
func addBackup(tx store.Tx, r *Run, b Backup) error {
	b.Run, b.Operation, b.Cluster, b.Contents = r.ID, r.Request.Operation, r.Request.Cluster, als.Contents(r.Request)
	b.Begun, b.At = r.Started, r.Ended
	if b.Path != "" {
		gone := Backup{Gone: "replaced by that of run " + r.ID, GoneAt: r.Ended}
		if err := UpdateBackups(tx, b.Cluster, func(old Backup) (Backup, bool) {
			return old.With(gone), old.Path == b.Path && old.Node == b.Node && old.Gone == ""
		}); err != nil {
			return err
		}
	}
	return backups.Put(tx, b.Cluster+"/"+TimeKey(b.At), b)
}

// UpdateBackups rewrites those of a cluster's backups for which fn returns
// true.
func UpdateBackups(tx store.Tx, cluster string, fn func(Backup) (Backup, bool)) error {
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

// Backups returns all backups of a cluster, oldest first.
func Backups(tx store.Tx, cluster string) (list []Backup, err error) {
	err = backups.Scan(tx, store.Range{Prefix: cluster + "/"}, func(_ string, b Backup) bool {
		list = append(list, b)
		return true
	})
	return list, err
}

// LastBackup returns the newest backup of the whole cluster that was verified
// and has not been found damaged since. One that a wrong clock has dated in
// the future doesn't count: it would never become too old.
func LastBackup(tx store.Tx, cluster string) (last Backup, ok bool, err error) {
	now := time.Now().Add(time.Minute)
	err = backups.Scan(tx, store.Range{Prefix: cluster + "/", Reverse: true}, func(_ string, b Backup) bool {
		last, ok = b, b.Whole() && b.Good() && b.At.Before(now)
		return !ok
	})
	return last, ok, err
}

// GoodBackup reports whether the backup that a run made is still good.
func GoodBackup(tx store.Tx, cluster, run string) (good bool, err error) {
	err = backups.Scan(tx, store.Range{Prefix: cluster + "/", Reverse: true}, func(_ string, b Backup) bool {
		if b.Run == run {
			good = good || b.Whole() && b.Good()
		}
		return !good
	})
	return good, err
}

// NewestBackup returns the newest backup of the whole cluster, whatever its
// verdict; nil if there is none.
func NewestBackup(tx store.Tx, cluster string) (newest *Backup, err error) {
	err = backups.Scan(tx, store.Range{Prefix: cluster + "/", Reverse: true}, func(_ string, b Backup) bool {
		if b.Whole() {
			newest = &b
		}
		return newest == nil
	})
	return newest, err
}

const (
	archivesMost = 1000 // archives that an operation gets, and its record holds
	sizesMost    = 7    // verified exports whose sizes an operation gets
)

// History returns what the store knows of an operation on a cluster, with the
// archives that are there, and with those that a new one is compared with, if
// they are asked for.
func (l *Ledger) History(ctx context.Context, req als.Request, archives, earlier bool) (als.History, error) {
	var h als.History
	contents := als.Contents(req)
	alike := map[string]int{} // archives of this kind by node
	err := l.st.View(ctx, func(tx store.Tx) error {
		err := backups.Scan(tx, store.Range{Prefix: req.Cluster + "/", Reverse: true}, func(_ string, b Backup) bool {
			kind := b.Verdict == "verified" && b.Operation == req.Operation && b.Contents == contents
			if kind && len(h.Sizes) < sizesMost {
				h.Sizes = append(h.Sizes, b.Size)
			}
			if kind = kind && alike[b.Node] < sizesMost; kind {
				alike[b.Node]++
			} else {
				b.Members = nil
			}
			if earlier && b.Path != "" && len(h.Earlier) < archivesMost {
				h.Earlier = append(h.Earlier, b)
			}
			b.Members = nil
			switch onNode := b.Path != "" && b.Gone == ""; {
			case !archives:
			case slices.Contains(req.Args, b.Run), onNode && len(h.Archives) < archivesMost:
				h.Archives = append(h.Archives, b)
			case onNode:
				h.Older++
			}
			return archives || earlier || len(h.Sizes) < sizesMost
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

// ForgetBackups removes up to most archives that are gone, and failed exports,
// of before limit.
func ForgetBackups(tx store.Tx, limit time.Time, most int) error {
	var old []string
	if err := backups.Scan(tx, store.Range{}, func(key string, b Backup) bool {
		gone := b.Gone != "" && b.Fetched == "" && b.GoneAt.Before(limit)
		if gone || b.Path == "" && b.At.Before(limit) {
			old = append(old, key)
		}
		return len(old) < most
	}); err != nil {
		return err
	}
	for _, key := range old {
		if err := backups.Delete(tx, key); err != nil {
			return err
		}
	}
	return nil
}
