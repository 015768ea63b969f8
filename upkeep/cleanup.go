package upkeep

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"time"

	"alsbot/executor"
	"alsbot/runs"
	"alsbot/store"
)

// remoteFiles marks a run that has ended and whose commands' files are still on
// their nodes. It is written with the run's end and deleted once its nodes are
// clean.
type remoteFiles struct {
	// Notified is true once the channel knows that a run somebody gave up on
	// still runs.
	Notified bool `json:"told,omitempty"`
}

var remoteFilesOf = store.Bucket[remoteFiles]{Name: "leftovers"} // run ID

const (
	cleanupAtOnce = 200             // runs that one cleanup takes
	lateOutput    = 5 * time.Minute // to fetch what a run has printed since somebody gave up on it
)

// unreachable holds the nodes that did not answer during one cleanup, so that
// each is asked once.
type unreachable map[executor.Target]bool

// noteRemoteFiles records that a run leaves files on nodes.
func noteRemoteFiles(tx store.Tx, r *runs.Run) error {
	if !slices.ContainsFunc(r.Steps, runs.StepRecord.OnNode) {
		return nil
	}
	return remoteFilesOf.Put(tx, r.ID, remoteFiles{})
}

// clean removes a finished run's files from its nodes. What can't be removed
// now is tried again by cleanup.
func (u *Upkeep) clean(ctx context.Context, r runs.Run, down unreachable) {
	if !slices.ContainsFunc(r.Steps, runs.StepRecord.OnNode) {
		return
	}
	all := true
	for _, s := range r.Steps {
		if s.OnNode() && !u.cleanStep(ctx, &r, s, down) {
			all = false
		}
		if s.Ended.IsZero() && s.Step.RemovesTemporary() && !u.removeTemporary(ctx, &r, s, down) {
			all = false
		}
	}
	if !all || ctx.Err() != nil {
		return
	}
	u.logUnlessDone(ctx, "noting that the nodes of run "+r.ID+" are clean",
		u.st.Update(ctx, func(tx store.Tx) error { return remoteFilesOf.Delete(tx, r.ID) }))
}

// cleanStep removes one step's files from its node, and reports whether they
// are gone.
func (u *Upkeep) cleanStep(ctx context.Context, r *runs.Run, s runs.StepRecord, down unreachable) bool {
	t, err := u.prober.Target(r.Cluster, s.Step.Node)
	if err == nil && down[t] {
		return false
	}
	if err == nil {
		err = u.exec.Clean(ctx, t, s.ID)
	}
	if ctx.Err() == nil {
		u.logNode(r, s, err)
	}
	if err != nil {
		down[t] = true
	}
	return err == nil
}

// removeTemporary carries out the clean-up of temporary files that a run with an
// unknown outcome did not come to, and reports whether the node was reached.
func (u *Upkeep) removeTemporary(ctx context.Context, r *runs.Run, s runs.StepRecord, down unreachable) bool {
	t, err := u.prober.Target(r.Cluster, s.Step.Node)
	if err != nil || down[t] {
		return false
	}
	var said bytes.Buffer
	status, err := u.exec.Exec(ctx, t, s.Step.Command(), &said)
	if ctx.Err() == nil {
		u.logNode(r, s, err)
	}
	if err != nil {
		down[t] = true
		return false
	}
	if status != 0 {
		u.log.Warn("removing temporary files of a run", "run", r.ID, "node", t.Name, "step", s.Step.Line(), "status", status, "output", said.String())
	}
	return true
}

// cleanup tries again what could not be cleaned, and finds out what became of
// lost runs that are acknowledged.
func (u *Upkeep) cleanup(ctx context.Context) error {
	var ended []runs.Run
	err := u.st.View(ctx, func(tx store.Tx) error {
		var bad error
		err := remoteFilesOf.Scan(tx, store.Range{}, func(id string, _ remoteFiles) bool {
			r, _, err := runs.Get(tx, id)
			if bad = err; r.State.Final() && (r.State != runs.Lost || r.Settled != nil) {
				ended = append(ended, r)
			}
			return bad == nil && len(ended) < cleanupAtOnce
		})
		return errors.Join(err, bad)
	})
	down := unreachable{}
	for _, r := range ended {
		if u.outcomeKnown(ctx, &r, down) {
			u.clean(ctx, r, down)
		}
	}
	return err
}

// outcomeKnown finds out what became of a lost step, if the run has one. It
// returns false as long as there may be more to learn.
func (u *Upkeep) outcomeKnown(ctx context.Context, r *runs.Run, down unreachable) bool {
	i := r.LostStep()
	if i < 0 {
		return true
	}
	known, err := u.aftermath(ctx, r, i, down)
	if err != nil && ctx.Err() == nil {
		u.logNode(r, r.Steps[i], err)
	}
	return known
}
