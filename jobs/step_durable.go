package jobs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"alsbot/executor"
	"alsbot/runs"
)

// watchAtLeast is how long a step is watched before it counts as too slow: just
// after alsbot starts, its host's clock may be wrong for a while.
const watchAtLeast = 10 * time.Minute

// runDurably starts a step on its node or attaches to it, and guards it until
// it ends.
func (w *worker) runDurably(ctx context.Context, d *driver, k *stepRecorder, cancelled bool) (executor.Exit, error) {
	if err := k.recall(); err != nil {
		return executor.Exit{}, err
	}
	gctx, detach := context.WithCancel(ctx)
	g := &guard{w: w, d: d, k: k, detach: detach, nodeKnows: make(chan struct{}), revoking: cancelled && !k.rec.Begun}
	if cancelled {
		g.why = errCancelled
	}
	revoking := g.revoking
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		g.watch(gctx)
	}()
	if revoking { // or Run would now begin what never reached the node
		select {
		case <-g.nodeKnows:
		case <-gctx.Done():
		}
	}
	exit, err := w.exec.Run(gctx, k.target, executor.Command{
		ID: k.rec.ID, Argv: k.rec.Step.Command(), Input: w.cfg.Secret(k.rec.Step.Secret).Reveal(), Offset: k.rec.Size,
		Started: k.rec.Begun, StartBy: k.startBy(), Sent: k.maybeSent,
	}, k)
	detach()
	<-watched
	if errors.Is(k.why(), errEnded) {
		return executor.Exit{State: executor.Lost, Why: errEnded.Error()}, nil
	}
	return exit, w.readExit(ctx, k.rec, exit, err)
}

// readExit returns the error that an exit amounts to.
func (w *worker) readExit(ctx context.Context, s *runs.StepRecord, exit executor.Exit, err error) error {
	if exit.State == executor.Finished && s.Size < exit.Size && w.hasAll(ctx, s, exit.Size) {
		return nil
	}
	if err != nil {
		return err
	}
	switch exit.State {
	case executor.Revoked:
		return errors.New("cancelled before it began")
	case executor.NotBegun:
		return fmt.Errorf("it never began: %s", exit.Why)
	default:
		return nil
	}
}

// hasAll takes over the stored output of a command whose node no longer has
// it, if it is complete: the store was put back to a snapshot and the node has
// been cleaned since.
func (w *worker) hasAll(ctx context.Context, s *runs.StepRecord, size int64) bool {
	n, err := w.st.BlobSize(ctx, s.Blob)
	if err != nil || n != size {
		return false
	}
	s.Size = n
	return true
}

// guard ends a durable step on its node, with its whole process tree, when it
// is cancelled, takes too long, or waits at a prompt that nobody will answer.
// It leaves a step alone whose run a person has given up.
type guard struct {
	w      *worker
	d      *driver
	k      *stepRecorder
	detach func()
	why    error // why the step has to end; nil while it may run
	// revoking is true while a step has to end that may never have begun. Once
	// the node knows that, so that a start begins nothing, nodeKnows is closed.
	revoking  bool
	nodeKnows chan struct{}
}

// watch guards the step until ctx ends.
func (g *guard) watch(ctx context.Context) {
	tick := time.NewTicker(verifyPause)
	defer tick.Stop()
	deadline := time.NewTimer(max(g.k.left(), min(g.k.limit(), watchAtLeast)))
	defer deadline.Stop()
	for acked := false; ; {
		if g.why != nil && !acked {
			acked = g.end(ctx)
		}
		var why error
		select {
		case <-ctx.Done():
			return
		case <-g.d.wake:
			if why = g.w.decided(ctx, g.k); errors.Is(why, errEnded) {
				g.k.setCut(why)
				g.detach()
				return
			}
		case <-deadline.C:
			if left := g.k.left(); left > 0 {
				deadline.Reset(left)
			} else {
				why = tooSlow(g.k.limit(), nil)
			}
		case <-tick.C:
			g.k.advise()
			why = g.k.unansweredPrompt()
		}
		g.why = cmp.Or(g.why, why)
	}
}

// end tells the node to end the step, and reports whether the node has
// confirmed it.
func (g *guard) end(ctx context.Context) (acked bool) {
	g.k.setCut(g.why)
	err := g.w.exec.Cancel(ctx, g.k.target, g.k.rec.ID, grace)
	if err != nil && ctx.Err() == nil {
		g.w.log.Warn("cancelling a step", "run", g.k.run, "node", g.k.target.Name, "error", err)
	}
	switch known := err == nil || errors.Is(err, executor.ErrRunsOn); {
	case !g.revoking:
	case known:
		if ctx.Err() == nil {
			g.k.showLink(nil)
		}
		g.revoking = false
		close(g.nodeKnows)
	case ctx.Err() == nil: // nothing else asks the node
		g.k.showLink(err)
	}
	return err == nil
}
