package upkeep

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"alsbot/als"
	"alsbot/config"
	"alsbot/runs"
	"alsbot/store"
)

// followUp creates what the config wants after a verified export: the archive
// is fetched, and what retention does not keep is removed. Each is a run of
// its own, shown in the export's thread.
func followUp(cfg *config.Config) runs.EndHook {
	return func(tx store.Tx, r *runs.Run) error {
		if !verified(r) {
			return nil
		}
		c, _ := cfg.Cluster(r.Request.Cluster)
		archives, err := runs.Backups(tx, c.Name)
		if err != nil {
			return err
		}
		if c.Backup.Fetch != "" {
			err = runs.Create(tx, follower(r, "backups fetch", r.ID))
		}
		if als.Prunable(als.Keep(c.Backup.Keep), archives, time.Now()) {
			err = errors.Join(err, runs.Create(tx, follower(r, "backups prune")))
		}
		return err
	}
}

// verified reports whether a run has made an archive that is good.
func verified(r *runs.Run) bool {
	return r.Verdict != nil && slices.ContainsFunc(r.Verdict.Archives, func(b runs.Backup) bool { return b.Run == "" && b.Verdict == "verified" })
}

func follower(r *runs.Run, operation string, args ...string) *runs.Run {
	req := als.Request{Operation: operation, Args: args, Cluster: r.Request.Cluster}
	op, _ := als.Operations.Find(operation)
	return &runs.Run{
		ID: followerID(r, operation), Text: als.Command(req), Request: req, Effect: op.Effect(req), By: runs.System, State: runs.Planned,
		Asked: time.Now().UTC().Round(0), After: r.ID, Origin: runs.Origin{Channel: r.Origin.Channel, Thread: r.Origin.Thread},
	}
}

func followerID(r *runs.Run, operation string) string { return runs.NewID(r.ID + "/" + operation) }

// kickFollowers has the runs driven that follow a run.
func (u *Upkeep) kickFollowers(r runs.Run) {
	if verified(&r) {
		u.engine.Kick(followerID(&r, "backups prune"))
		u.engine.Kick(followerID(&r, "backups fetch"))
	}
}

// reportFailedFollower says in the cluster's channel that a follower did not
// work: nobody watches the thread in which it is shown.
func reportFailedFollower(tx store.Tx, r *runs.Run) error {
	if r.After == "" || r.State == runs.Succeeded {
		return nil
	}
	return runs.Tell(tx, runs.Outgoing{Kind: runs.TellChannel, Cluster: r.Request.Cluster,
		Text: fmt.Sprintf("`%s`, which follows by itself on run %s, is %s: %s `run %s` shows it whole.", r.Text, r.After, r.State, r.Why(), r.ID)})
}
