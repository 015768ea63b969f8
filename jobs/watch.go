package jobs

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"time"

	"alsbot/als"
	"alsbot/store"
)

// Watched is what monitoring asks of a cluster. It is read from the store:
// asking costs no node anything.
type Watched struct {
	Cluster  string        `json:"cluster"`
	Backup   *Backup       `json:"backup,omitempty"`   // the newest verified one of the whole cluster
	Newest   *Backup       `json:"newest,omitempty"`   // the newest of the whole cluster, whatever its verdict
	MaxAge   time.Duration `json:"max_age"`            // of a backup, by the config
	Patches  *Look         `json:"patches,omitempty"`  // the last list of patches that could be read
	Roles    *Look         `json:"roles,omitempty"`    // the last list of roles that could be read
	Lost     []string      `json:"lost,omitempty"`     // runs that wait for a person to settle them
	NotReady string        `json:"notready,omitempty"` // why the bot as a whole is not ready
}

// Look is what a read of the cluster has seen.
type Look struct {
	Run     string            `json:"run"`
	At      time.Time         `json:"at"`
	Summary string            `json:"summary"`
	Data    map[string]string `json:"data"`
	// Since names a run that has changed what was looked at, if one has.
	Since string `json:"since,omitempty"`
}

// looksBack is how old a look may be to be found at all.
const looksBack = 7 * 24 * time.Hour

// Watched returns what is known of a configured cluster; a cluster that the
// config does not name is a NotClusterError.
func (e *Engine) Watched(ctx context.Context, cluster string) (Watched, error) {
	w := Watched{Cluster: cluster}
	c, ok := e.cfg.Cluster(cluster)
	if !ok {
		return w, &NotClusterError{cluster}
	}
	w.MaxAge = c.Backup.MaxAge
	return w, e.st.View(ctx, func(tx store.Tx) error {
		last, ok, err := LastBackup(tx, cluster)
		if ok {
			w.Backup = &last
		}
		newest := backups.Scan(tx, store.Range{Prefix: cluster + "/", Reverse: true}, func(_ string, b Backup) bool {
			if b.Whole() {
				w.Newest = &b
			}
			return w.Newest == nil
		})
		return errors.Join(err, newest, w.lost(tx), w.looks(tx, time.Now().Add(-looksBack)))
	})
}

func (w *Watched) lost(tx store.Tx) error {
	var bad error
	inLine, err := ahead(tx, w.Cluster) // where they stay until they are acknowledged
	for _, id := range inLine {
		r, _, oops := runs.Get(tx, id)
		if bad = errors.Join(bad, oops); r.State == Lost {
			w.Lost = append(w.Lost, id)
		}
	}
	return errors.Join(err, bad)
}

// looks finds the newest looks at roles and patches, and whether a later run
// has outdated them. What a run verified at its end is a look too, also if the
// run failed: a verdict has these numbers only where they could be read.
func (w *Watched) looks(tx store.Tx, limit time.Time) error {
	var bad error
	var restarted, patched string
	err := runsOf.Scan(tx, store.Range{Prefix: w.Cluster + "/", Reverse: true}, func(_, id string) bool {
		r, ok, err := runs.Get(tx, id)
		if bad = err; err != nil || !ok {
			return err == nil
		}
		if r.Verdict != nil {
			look := &Look{Run: r.ID, At: r.Ended, Summary: cmp.Or(r.Verdict.Data["roles"], r.Verdict.Summary), Data: r.Verdict.Data}
			if look.Data["down"] != "" && w.Roles == nil {
				look.Since, w.Roles = restarted, look
			}
			if look.Data["waiting"] != "" && w.Patches == nil {
				look.Since, w.Patches = patched, look
			}
		}
		if began := !r.Started.IsZero(); began && restarted == "" && (r.Effect == als.Restart || r.Effect == als.Destroy) {
			restarted = r.ID
		}
		if began := !r.Started.IsZero(); began && patched == "" && r.Effect != als.Read && patches(r.Request.Operation) {
			patched = r.ID
		}
		return (w.Roles == nil || w.Patches == nil) && r.Asked.After(limit)
	})
	return errors.Join(err, bad)
}

// patches reports whether an operation changes which patches are installed.
func patches(operation string) bool {
	family, _, _ := strings.Cut(operation, " ")
	return family == "patch" || family == "upgrade"
}

// NotClusterError is a cluster that the config does not name.
type NotClusterError struct{ Name string }

func (n *NotClusterError) Error() string { return "the config names no cluster " + n.Name }
