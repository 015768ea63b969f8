package jobs

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"alsbot/als"
	"alsbot/config"
	"alsbot/store"
)

// host is what is known of a directory for copies of archives.
func host(dir string) als.Host {
	h := als.Host{Dir: dir}
	if dir == "" {
		return h
	}
	h.Free = freeIn(dir)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return h // the fetch says what is wrong with it
	}
	for _, entry := range entries {
		whole, ok := partOf(entry.Name())
		info, err := entry.Info()
		if ok && err == nil && info.Mode().IsRegular() {
			if h.Parts == nil {
				h.Parts = map[string]int64{}
			}
			h.Parts[whole] = info.Size()
		}
	}
	return h
}

// partsStay is how long what has come of an unfinished copy waits to be gone on with.
const partsStay = 7 * 24 * time.Hour

// keepCopies lets retention decide on the copies of archives on this host as
// on those on the nodes, by the same rules, and apart from them: a copy can be
// the last one that there is. Parts that nobody has gone on with for a week go.
func (e *Engine) keepCopies(ctx context.Context, now time.Time) error {
	var bad error
	for _, c := range e.cfg.Clusters {
		if c.Backup.Fetch != "" {
			bad = errors.Join(bad, e.keepCopiesOf(ctx, c, now))
		}
	}
	return bad
}

func (e *Engine) keepCopiesOf(ctx context.Context, c config.Cluster, now time.Time) error {
	dir, err := os.OpenRoot(c.Backup.Fetch)
	if err != nil {
		return err
	}
	defer dir.Close() //nolint:errcheck // it was only read
	var there, absent []Backup
	if err := e.st.View(ctx, func(tx store.Tx) error {
		return backups.Scan(tx, store.Range{Prefix: c.Name + "/"}, func(_ string, b Backup) bool {
			if filepath.Dir(b.Fetched) != c.Backup.Fetch {
				return true
			}
			info, err := dir.Lstat(filepath.Base(b.Fetched))
			switch {
			case errors.Is(err, os.ErrNotExist):
				absent = append(absent, b)
			case err == nil && info.Mode().IsRegular() && info.Size() == b.Size:
				b.Path, b.Seen = b.Fetched, "" // what became of the node's is nothing to the copy
				there = append(there, b)
			}
			return true
		})
	}); err != nil {
		return err
	}
	fates := als.Retain(als.Keep(c.Backup.Keep), there, now)
	var bad error
	for _, b := range there {
		if !fates[b.Run].Go {
			continue
		}
		if err := e.removeCopy(ctx, dir, b); err != nil {
			bad = errors.Join(bad, err)
			continue
		}
		absent = append(absent, b)
	}
	return errors.Join(bad, e.forgetCopies(ctx, c.Name, absent), oldParts(dir, now.Add(-partsStay)))
}

// removeCopy removes a copy that is still what was fetched.
func (e *Engine) removeCopy(ctx context.Context, dir *os.Root, b Backup) error {
	c, err := openCopy(ctx, als.Save{Dir: filepath.Dir(b.Fetched), Name: filepath.Base(b.Fetched), Size: b.Size, SHA256: b.SHA256})
	if err != nil {
		return err
	}
	c.close()
	e.log.Info("retention removes a copy", "run", b.Run, "file", b.Fetched)
	return dir.Remove(filepath.Base(b.Fetched))
}

// forgetCopies writes down that these are no longer on this host.
func (e *Engine) forgetCopies(ctx context.Context, cluster string, gone []Backup) error {
	if len(gone) == 0 {
		return nil
	}
	files := map[string]string{}
	for _, b := range gone {
		files[b.Run] = b.Fetched
	}
	return e.st.Update(ctx, func(tx store.Tx) error {
		return eachBackup(tx, cluster, func(b Backup) (Backup, bool) {
			was, ok := files[b.Run]
			if !ok || b.Fetched != was {
				return b, false
			}
			b.Fetched = ""
			return b, true
		})
	})
}

// oldParts removes what nobody has gone on with since limit.
func oldParts(dir *os.Root, limit time.Time) error {
	d, err := dir.Open(".")
	if err != nil {
		return err
	}
	defer d.Close() //nolint:errcheck // it was only read
	entries, err := d.ReadDir(-1)
	for _, entry := range entries {
		info, bad := entry.Info()
		if whole, ok := partOf(entry.Name()); !ok || bad != nil || !als.OwnName(whole) || !info.Mode().IsRegular() || !info.ModTime().Before(limit) {
			continue
		}
		err = errors.Join(err, dir.Remove(entry.Name()))
	}
	return err
}
