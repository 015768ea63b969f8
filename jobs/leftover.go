package jobs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"alsbot/executor"
	"alsbot/store"
)

// leftover is a run that has ended and whose commands' files are still on
// their nodes. It is written with the run's end and deleted when its nodes
// are clean.
type leftover struct {
	Told bool `json:"told,omitempty"` // that a run which was given up still runs
}

var leftovers = store.Bucket[leftover]{Name: "leftovers"} // run ID

const (
	tidyEvery       = 10 * time.Minute
	leftoversAtOnce = 200             // runs that one look after the nodes takes
	lateOutput      = 5 * time.Minute // to fetch what a run has printed since it was given up
)

// leaves notes that a run leaves files on nodes.
func leaves(tx store.Tx, r *Run) error {
	if !slices.ContainsFunc(r.Steps, StepRecord.onNode) {
		return nil
	}
	return leftovers.Put(tx, r.ID, leftover{})
}

// onNode reports whether a step may have files on its node.
func (s StepRecord) onNode() bool { return s.Sent && !s.Step.Repeatable }

// clean removes a finished run's output from its nodes. What cannot be
// cleaned now stays there and is tried again by tidy.
func (e *Engine) clean(ctx context.Context, r Run, deaf map[executor.Target]bool) {
	if !slices.ContainsFunc(r.Steps, StepRecord.onNode) {
		return
	}
	all := true
	for _, s := range r.Steps {
		if !s.onNode() {
			continue
		}
		t, err := e.target(r.Cluster, s.Step.Node)
		if err == nil && deaf[t] {
			all = false
			continue
		}
		if err == nil {
			err = e.exec.Clean(ctx, t, s.ID)
		}
		if ctx.Err() == nil {
			e.mention(&r, s, err)
		}
		if err != nil {
			all, deaf[t] = false, true
		}
	}
	if !all || ctx.Err() != nil {
		return
	}
	if err := e.st.Update(ctx, func(tx store.Tx) error { return leftovers.Delete(tx, r.ID) }); err != nil && ctx.Err() == nil {
		e.log.Error("noting that a run's nodes are clean", "run", r.ID, "error", err)
	}
}

// keepTidy looks after what runs have left on nodes, until ctx ends.
func (e *Engine) keepTidy(ctx context.Context) error {
	tick := time.NewTicker(tidyEvery)
	defer tick.Stop()
	for {
		if err := e.tidy(ctx); err != nil && ctx.Err() == nil {
			e.log.Warn("looking after what runs have left on nodes", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// tidy tries again what could not be cleaned, and looks what became of runs
// that were lost and are acknowledged. A node that does not answer is asked once.
func (e *Engine) tidy(ctx context.Context) error {
	var ended []Run
	err := e.st.View(ctx, func(tx store.Tx) error {
		var bad error
		err := leftovers.Scan(tx, store.Range{}, func(id string, _ leftover) bool {
			r, _, err := runs.Get(tx, id)
			if bad = err; r.State.Final() && (r.State != Lost || r.Settled != nil) {
				ended = append(ended, r)
			}
			return bad == nil && len(ended) < leftoversAtOnce
		})
		return errors.Join(err, bad)
	})
	deaf := map[executor.Target]bool{}
	for _, r := range ended {
		known := true
		if i := r.lost(); i >= 0 {
			var bad error
			if known, bad = e.aftermath(ctx, &r, i, deaf); bad != nil && ctx.Err() == nil {
				e.mention(&r, r.Steps[i], bad)
			}
		}
		if known {
			e.clean(ctx, r, deaf)
		}
	}
	return err
}

// lost is the step of which it is not known how it ended, -1 if there is
// none: the last that was sent.
func (r *Run) lost() int {
	for i := len(r.Steps) - 1; i >= 0 && r.State == Lost; i-- {
		if s := r.Steps[i]; s.onNode() && s.Exit == nil {
			return i
		} else if s.onNode() {
			break
		}
	}
	return -1
}

// aftermath asks the node what became of a step that was lost, and tells.
// known is false as long as there may be more to come.
func (e *Engine) aftermath(ctx context.Context, r *Run, i int, deaf map[executor.Target]bool) (known bool, err error) {
	s := &r.Steps[i]
	t, err := e.target(r.Cluster, s.Step.Node)
	if err != nil || deaf[t] {
		return false, err
	}
	held, err := e.exec.List(ctx, t)
	if err != nil {
		deaf[t] = true
		return false, err
	}
	e.mention(r, *s, nil)
	state := executor.NotBegun
	if is := slices.IndexFunc(held, func(h executor.Held) bool { return h.ID == s.ID }); is >= 0 {
		state = held[is].State
	}
	switch state {
	case executor.Running, executor.Orphan:
		return false, e.stillRuns(ctx, *r, t.Name)
	case executor.Finished:
		return e.lateEnd(ctx, r, i, t)
	}
	if r.Unheard.IsZero() {
		return true, nil // the node cannot know more than it did when it was lost
	}
	if state == executor.Lost {
		return true, e.found(ctx, r, i, "the command was no longer there, and the node could not say how it had ended",
			fmt.Sprintf("%s is heard of again. Run %s (%s), which was given up as lost, no longer runs there, and the node cannot say how it ended: it rebooted, or the run's processes were killed. Look at %s.",
				t.Name, r.ID, r.Text, r.effect()))
	}
	return true, e.found(ctx, r, i, "the node knows nothing of it: it had not begun there, or the node was set up anew",
		fmt.Sprintf("%s is heard of again and knows nothing of run %s (%s), which was given up as lost: it had not begun there, or the node was set up anew.", t.Name, r.ID, r.Text))
}

// lateEnd takes in what a lost run has printed since, and its exit status.
func (e *Engine) lateEnd(ctx context.Context, r *Run, i int, t executor.Target) (known bool, err error) {
	s := &r.Steps[i]
	lctx, cancel := context.WithTimeout(ctx, lateOutput)
	defer cancel()
	k := &keeper{e: e, ctx: lctx, run: r.ID, i: i, rec: s, target: t}
	if err := k.recall(); err != nil {
		return false, err
	}
	exit, err := e.exec.Run(lctx, t, executor.Command{ID: s.ID, Argv: s.Step.Command(), Offset: s.Size, Started: true}, k)
	if exit.State != executor.Finished {
		return false, err
	}
	s.Exit = &exit.Status
	what := fmt.Sprintf("it had ended with exit status %d", exit.Status)
	if err != nil {
		what += "; " + err.Error()
	}
	return true, e.found(ctx, r, i, what,
		fmt.Sprintf("Run %s (%s), which was given up as lost, has ended on %s with exit status %d. Whether it worked is for you to see: look at what it printed (`output %s`) and at %s.",
			r.ID, r.Text, t.Name, exit.Status, r.ID, r.effect()))
}

// found puts on record what became of a lost step, and tells it.
func (e *Engine) found(ctx context.Context, r *Run, i int, what, text string) error {
	what = "when its node was heard of again, " + what
	r.Steps[i].Trouble += "; " + what
	_, err := e.transit(ctx, r.ID, nobody, func(tx store.Tx, now *Run) error {
		now.Steps[i] = r.Steps[i]
		now.Trouble += ". W" + what[1:]
		now.Next = fmt.Sprintf("look at what was printed (`output %s`) and at %s, and ask for what is still to do", r.ID, r.effect())
		return errors.Join(
			e.record(tx, nobody, "found", r.ID, what),
			e.tell(tx, Outgoing{Kind: TellRun, Run: r.ID}), e.tell(tx, Outgoing{Kind: TellOutput, Run: r.ID}),
			e.tell(tx, Outgoing{Kind: TellChannel, Cluster: r.Request.Cluster, Text: text}))
	})
	return err
}

// stillRuns tells once that a run which was given up goes on.
func (e *Engine) stillRuns(ctx context.Context, r Run, node string) error {
	return e.st.Update(ctx, func(tx store.Tx) error {
		l, _, err := leftovers.Get(tx, r.ID)
		if err != nil || l.Told {
			return err
		}
		l.Told = true
		text := fmt.Sprintf("%s is heard of again, and run %s (%s), which was given up as lost, still runs there. Change nothing on @%s until it has ended; alsbot says so when it has. To end it, stop its processes on the node.",
			node, r.ID, r.Text, r.Request.Cluster)
		return errors.Join(leftovers.Put(tx, r.ID, l), e.tell(tx, Outgoing{Kind: TellChannel, Cluster: r.Request.Cluster, Text: text}))
	})
}
