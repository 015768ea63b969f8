package jobs

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"alsbot/als"
	"alsbot/config"
	"alsbot/runs"
	"alsbot/store"
)

// monitoring answers from the store what is known of the clusters: it costs the
// nodes nothing.
type monitoring struct {
	cfg *config.Config
	st  store.Store
}

// Watched is what monitoring asks about a cluster.
type Watched struct {
	Cluster  string        `json:"cluster"`
	Backup   *runs.Backup  `json:"backup,omitempty"`   // the newest verified one of the whole cluster
	Newest   *runs.Backup  `json:"newest,omitempty"`   // the newest of the whole cluster, whatever its verdict
	MaxAge   time.Duration `json:"max_age"`            // of a backup, by the config
	Patches  *Look         `json:"patches,omitempty"`  // the last list of patches that could be read
	Roles    *Look         `json:"roles,omitempty"`    // the last list of roles that could be read
	Lost     []string      `json:"lost,omitempty"`     // runs that wait for a person to settle them
	NotReady string        `json:"notready,omitempty"` // why the bot as a whole is not ready
}

// Look is what a read of the cluster has seen.
type Look struct {
	Run     string    `json:"run"`
	At      time.Time `json:"at"`
	Summary string    `json:"summary"`
	Data    als.Data  `json:"data"`
	// Since names a run that has changed what was looked at, if one has.
	Since string `json:"since,omitempty"`
}

// looksBack is how old a look may be to be found at all.
const looksBack = 7 * 24 * time.Hour

// Watched returns what is known of a configured cluster; a cluster that the
// config does not name is a NotClusterError.
func (m *monitoring) Watched(ctx context.Context, cluster string) (Watched, error) {
	w := Watched{Cluster: cluster}
	c, ok := m.cfg.Cluster(cluster)
	if !ok {
		return w, &NotClusterError{cluster}
	}
	w.MaxAge = c.Backup.MaxAge
	return w, m.st.View(ctx, func(tx store.Tx) error {
		last, ok, err := runs.LastBackup(tx, cluster)
		if ok {
			w.Backup = &last
		}
		var bad, worse error
		w.Newest, bad = runs.NewestBackup(tx, cluster)
		w.Lost, worse = runs.LostRuns(tx, cluster)
		return errors.Join(err, bad, worse, w.looks(tx, time.Now().Add(-looksBack)))
	})
}

// looks finds the newest looks at roles and patches, and whether a later run
// has outdated them. What a run verified at its end is a look too, also if the
// run failed: a verdict has these numbers only where they could be read.
func (w *Watched) looks(tx store.Tx, limit time.Time) error {
	var restarted, patched string
	return runs.Latest(tx, w.Cluster, func(r runs.Run) bool {
		if r.Verdict != nil {
			look := &Look{Run: r.ID, At: r.Ended, Summary: r.Verdict.Summary, Data: r.Verdict.Data}
			if look.Data.Roles != nil {
				look.Summary = cmp.Or(look.Data.Roles.Text, look.Summary)
			}
			if look.Data.Roles != nil && w.Roles == nil {
				look.Since, w.Roles = restarted, look
			}
			if look.Data.Patches != nil && w.Patches == nil {
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
}

// patches reports whether an operation changes which patches are installed.
func patches(operation string) bool {
	op, _ := als.Operations.Find(operation)
	return slices.Contains(op.Changes, als.SubjectPatches)
}

// NotClusterError is a cluster that the config does not name.
type NotClusterError struct{ Name string }

func (n *NotClusterError) Error() string { return "the config names no cluster " + n.Name }
