package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"alsbot/als"
	"alsbot/runs"
	"alsbot/store"
)

var acknowledgeCommand = builtin{reply: (*builtins).acknowledge, effect: als.Change, op: als.Operation{
	Name:    "acknowledge",
	Summary: "settle a lost run, so that the cluster's next run may start",
	Detail: "A run is lost when it cannot be known whether it ran to its end. Look at the cluster first: `status` and `history` show what it did. " +
		"A run whose node has been out of reach for 10 minutes is given up by it: it becomes lost, and is settled at once. Its command may still run there.",
	Example: "acknowledge k3v9t2",
	Params:  runParam,
}}

// giveUpAfter is how long a node has to be unreachable before a person may give
// up on what runs there: a reboot or a network repair has ended by then.
const giveUpAfter = 10 * time.Minute

// acknowledge accepts the unknown outcome of a lost run and unblocks its
// cluster's queue. A run on a node that has long been unreachable is given up:
// it becomes lost and acknowledged at once. An operator may, whatever the
// effect: acknowledging starts nothing, and what is guarded needs an approval
// of its own.
func (b *builtins) acknowledge(ctx context.Context, c call) (Answer, error) {
	r, err := b.endable(ctx, c)
	if err != nil {
		return Answer{}, err
	}
	var ans Answer
	_, err = b.ledger.Transition(ctx, r.ID, c.By, func(tx store.Tx, r *runs.Run) (err error) {
		ans, err = acknowledgeRun(tx, r, runs.Decision{By: c.By, At: time.Now().UTC().Round(0)})
		return err
	})
	if err == nil {
		for _, id := range append(b.turns.queued(ctx, r.Request.Cluster), r.ID) {
			b.kick(id)
		}
	}
	return ans, err
}

func acknowledgeRun(tx store.Tx, r *runs.Run, d runs.Decision) (ans Answer, err error) {
	switch {
	case r.State == runs.Lost && r.Settled != nil:
		return Answer{Text: fmt.Sprintf("Run %s was acknowledged by %s already. The line of @%s is open.", r.ID, r.Settled.By.Name(), r.Request.Cluster)}, runs.ErrUnchanged
	case r.State == runs.Lost:
		ans = Answer{Text: fmt.Sprintf("Run %s is acknowledged. The line of @%s is open again.", r.ID, r.Request.Cluster), Public: true}
		r.Next = als.Advise("look at %s and at what was printed (%s), and ask for what is still to do", r.ShownBy(), als.Typed("output "+r.ID))
	default:
		if why := notGivenUp(r, d.At); why != "" {
			return Answer{Bad: true, Text: why}, runs.ErrUnchanged
		}
		ans = Answer{Public: true, Text: fmt.Sprintf("Run %s is given up: it is lost, and the line of @%s is open again. Its command may still run on %s; alsbot looks there every 10 minutes and says here what became of it.",
			r.ID, r.Request.Cluster, r.Steps[r.InFlight()].Step.Node)}
		r.GiveUp(d.By)
	}
	r.Settled = &d
	return ans, errors.Join(runs.Dequeue(tx, r), runs.Record(tx, d.By, "acknowledged", r.ID, ""), runs.Tell(tx, runs.Outgoing{Kind: runs.TellRun, Run: r.ID}))
}

// notGivenUp says why nobody may give up on a running run now; "" if they may.
func notGivenUp(r *runs.Run, now time.Time) string {
	from := r.Unheard.Add(giveUpAfter)
	switch {
	case r.State != runs.Running:
		return fmt.Sprintf("Run %s is not lost (%s), so there is nothing to acknowledge. Type `run %s` to see it whole.", r.ID, r.State, r.ID)
	case r.Unheard.IsZero() || r.InFlight() < 0:
		return fmt.Sprintf("Run %s is running and its node answers. Wait for its end, or type `cancel %s`.", r.ID, r.ID)
	case now.Before(from):
		return fmt.Sprintf("Run %s runs on a node of which nothing has been heard since %s. Most nodes come back, and alsbot goes on trying; you may give the run up from %s on.",
			r.ID, r.Unheard.Format("15:04 MST"), from.Format("15:04 MST"))
	}
	return ""
}
