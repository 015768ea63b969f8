package upkeep

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"alsbot/als"
	"alsbot/executor"
	"alsbot/runs"
	"alsbot/store"
)

// aftermath asks the node what became of a step with an unknown outcome, and
// tells people. known is false as long as there may be more to come.
func (u *Upkeep) aftermath(ctx context.Context, r *runs.Run, i int, down unreachable) (known bool, err error) {
	s := r.Steps[i]
	t, err := u.prober.Target(r.Cluster, s.Step.Node)
	if err != nil || down[t] {
		return false, err
	}
	held, err := u.exec.List(ctx, t)
	if err != nil {
		down[t] = true
		return false, err
	}
	u.logNode(r, s, nil)
	switch state := stateOf(held, s.ID); state {
	case executor.Running, executor.Orphan:
		return false, u.stillRuns(ctx, *r, t.Name)
	case executor.Finished:
		return u.lateEnd(ctx, r, i, t)
	default:
		return true, u.noEnd(ctx, r, i, t, state)
	}
}

// stateOf returns the state of a command on its node, NotBegun if the node has
// no record of it.
func stateOf(held []executor.Held, id string) executor.State {
	if is := slices.IndexFunc(held, func(h executor.Held) bool { return h.ID == id }); is >= 0 {
		return held[is].State
	}
	return executor.NotBegun
}

// noEnd tells people that a node which was unreachable can't say how a step
// ended. A node that was reachable all the time knows no more than it did.
func (u *Upkeep) noEnd(ctx context.Context, r *runs.Run, i int, t executor.Target, state executor.State) error {
	switch {
	case r.Unheard.IsZero():
		return nil
	case state == executor.Lost:
		return u.found(ctx, r, i, "the command was no longer there, and the node could not say how it had ended",
			fmt.Sprintf("%s is heard of again. Run %s (%s), which was given up as lost, no longer runs there, and the node cannot say how it ended: it rebooted, or the run's processes were killed. Look at %s.",
				t.Name, r.ID, r.Text, r.ShownBy()))
	}
	return u.found(ctx, r, i, "the node knows nothing of it: it had not begun there, or the node was set up anew",
		fmt.Sprintf("%s is heard of again and knows nothing of run %s (%s), which was given up as lost: it had not begun there, or the node was set up anew.", t.Name, r.ID, r.Text))
}

// lateEnd takes over what a lost run has printed since, and its exit status.
func (u *Upkeep) lateEnd(ctx context.Context, r *runs.Run, i int, t executor.Target) (known bool, err error) {
	lctx, cancel := context.WithTimeout(ctx, lateOutput)
	defer cancel()
	exit, err := u.engine.Collect(lctx, r, i, t)
	if exit.State != executor.Finished {
		return false, err
	}
	what := fmt.Sprintf("it had ended with exit status %d", exit.Status)
	if err != nil {
		what += "; " + err.Error()
	}
	return true, u.found(ctx, r, i, what,
		fmt.Sprintf("Run %s (%s), which was given up as lost, has ended on %s with exit status %d. Whether it worked is for you to see: look at what it printed (`output %s`) and at %s.",
			r.ID, r.Text, t.Name, exit.Status, r.ID, r.ShownBy()))
}

// found records what became of a lost step, and tells people.
func (u *Upkeep) found(ctx context.Context, r *runs.Run, i int, what, text string) error {
	what = "when its node was heard of again, " + what
	r.Steps[i].Trouble += "; " + what
	_, err := u.ledger.Transition(ctx, r.ID, runs.System, func(tx store.Tx, now *runs.Run) error {
		now.Steps[i] = r.Steps[i]
		now.Trouble += ". W" + what[1:]
		now.Next = als.Advise("look at what was printed (%s) and at %s, and ask for what is still to do", als.Typed("output "+r.ID), r.ShownBy())
		return errors.Join(
			runs.Record(tx, runs.System, "found", r.ID, what),
			runs.Tell(tx, runs.Outgoing{Kind: runs.TellRun, Run: r.ID}), runs.Tell(tx, runs.Outgoing{Kind: runs.TellOutput, Run: r.ID}),
			runs.Tell(tx, runs.Outgoing{Kind: runs.TellChannel, Cluster: r.Request.Cluster, Text: text}))
	})
	return err
}

// stillRuns tells people once that a run which somebody gave up on still runs.
func (u *Upkeep) stillRuns(ctx context.Context, r runs.Run, node string) error {
	return u.st.Update(ctx, func(tx store.Tx) error {
		l, _, err := remoteFilesOf.Get(tx, r.ID)
		if err != nil || l.Notified {
			return err
		}
		l.Notified = true
		text := fmt.Sprintf("%s is heard of again, and run %s (%s), which was given up as lost, still runs there. Change nothing on @%s until it has ended; alsbot says so when it has. To end it, stop its processes on the node.",
			node, r.ID, r.Text, r.Request.Cluster)
		return errors.Join(remoteFilesOf.Put(tx, r.ID, l), runs.Tell(tx, runs.Outgoing{Kind: runs.TellChannel, Cluster: r.Request.Cluster, Text: text}))
	})
}
