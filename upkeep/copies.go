package upkeep

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"alsbot/als"
	"alsbot/config"
	"alsbot/jobs"
	"alsbot/runs"
	"alsbot/store"
)

// partsStay is how long an unfinished copy waits to be resumed.
const partsStay = 7 * 24 * time.Hour

// pruneCopies applies retention to the copies of archives on alsbot's host, by
// the rules for those on the nodes and apart from them: a copy can be the last
// one. It removes unfinished copies that runs.System has resumed for a week.
func (u *Upkeep) pruneCopies(ctx context.Context, now time.Time) error {
	var bad error
	for _, c := range u.cfg.Clusters {
		if c.Backup.Fetch != "" {
			bad = errors.Join(bad, u.pruneCopiesOf(ctx, c, now))
		}
	}
	return bad
}

func (u *Upkeep) pruneCopiesOf(ctx context.Context, c config.Cluster, now time.Time) error {
	dir, err := os.OpenRoot(c.Backup.Fetch)
	if err != nil {
		return err
	}
	defer dir.Close() //nolint:errcheck // it was only read
	var there, absent []runs.Backup
	if err := u.st.View(ctx, func(tx store.Tx) error {
		list, err := runs.Backups(tx, c.Name)
		for _, b := range list {
			if filepath.Dir(b.Fetched) != c.Backup.Fetch {
				continue
			}
			info, err := dir.Lstat(filepath.Base(b.Fetched))
			switch {
			case errors.Is(err, os.ErrNotExist):
				absent = append(absent, b)
			case err == nil && info.Mode().IsRegular() && info.Size() == b.Size:
				b.Path, b.Seen = b.Fetched, "" // what became of the node's archive doesn't matter to the copy
				there = append(there, b)
			}
		}
		return err
	}); err != nil {
		return err
	}
	fates := als.Retain(als.Keep(c.Backup.Keep), there, now)
	var bad error
	for _, b := range there {
		if !fates[b.Run].Go {
			continue
		}
		if err := u.removeCopy(ctx, dir, c.Name, b); err != nil {
			bad = errors.Join(bad, err)
			continue
		}
		absent = append(absent, b)
	}
	return errors.Join(bad, u.forgetCopies(ctx, c.Name, absent), oldParts(dir, now.Add(-partsStay)))
}

// removeCopy removes a copy that is still what was fetched, and has the audit
// log know of it.
func (u *Upkeep) removeCopy(ctx context.Context, dir *os.Root, cluster string, b runs.Backup) error {
	want := als.Save{Dir: filepath.Dir(b.Fetched), Name: filepath.Base(b.Fetched), Size: b.Size, SHA256: b.SHA256}
	if err := jobs.CheckCopy(ctx, want); err != nil {
		return err
	}
	u.log.Info("retention removes a copy", "run", b.Run, "file", b.Fetched)
	if err := dir.Remove(filepath.Base(b.Fetched)); err != nil {
		return err
	}
	return u.st.Update(ctx, func(tx store.Tx) error {
		return runs.Note(tx, runs.Entry{By: runs.System, Action: "copy removed", Run: b.Run, Cluster: cluster, Detail: "retention: " + b.Fetched})
	})
}

// forgetCopies records that these copies are no longer on alsbot's host.
func (u *Upkeep) forgetCopies(ctx context.Context, cluster string, gone []runs.Backup) error {
	if len(gone) == 0 {
		return nil
	}
	files := map[string]string{}
	for _, b := range gone {
		files[b.Run] = b.Fetched
	}
	return u.st.Update(ctx, func(tx store.Tx) error {
		return runs.UpdateBackups(tx, cluster, func(b runs.Backup) (runs.Backup, bool) {
			was, ok := files[b.Run]
			if !ok || b.Fetched != was {
				return b, false
			}
			b.Fetched = ""
			return b, true
		})
	})
}

// oldParts removes unfinished copies that runs.System has resumed since limit.
func oldParts(dir *os.Root, limit time.Time) error {
	d, err := dir.Open(".")
	if err != nil {
		return err
	}
	defer d.Close() //nolint:errcheck // it was only read
	entries, err := d.ReadDir(-1)
	for _, entry := range entries {
		info, bad := entry.Info()
		if whole, ok := jobs.PartOf(entry.Name()); !ok || bad != nil || !als.OwnName(whole) || !info.Mode().IsRegular() || !info.ModTime().Before(limit) {
			continue
		}
		err = errors.Join(err, dir.Remove(entry.Name()))
	}
	return err
}
