package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"alsbot/executor"
	"alsbot/store"
)

// giveUpAfter is how long nothing has to be heard of a node before a person
// may give up what runs there: a reboot or a repaired network is over by then.
const giveUpAfter = 10 * time.Minute

// heard shows people why nothing is heard of the step's node (err), or that
// it is heard again (nil). When that has lasted, it says what they may do.
func (k *keeper) heard(err error) {
	var of *executor.Error
	if err != nil && !errors.As(err, &of) {
		k.remark(err.Error()) // a trouble of our own
		return
	}
	k.note(func(r *Run) {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.silence, k.advised = err, false
		if err == nil {
			r.Remark, r.Unheard = "", time.Time{}
			return
		}
		if r.Unheard.IsZero() {
			r.Unheard = time.Now().UTC().Round(0)
		}
		r.Remark, k.unheard = err.Error(), r.Unheard
		if of.Kind == executor.Interrupted {
			r.Remark = k.target.Name + ": the connection was lost. What runs there does not depend on it, and alsbot goes on trying"
		}
		if by := k.startBy(); !k.doubt && !r.Steps[k.i].Begun && !by.IsZero() {
			r.Remark += ". It begins by " + by.UTC().Format("15:04 MST") + ", or not at all"
		}
		if k.advised = time.Since(r.Unheard) >= giveUpAfter; k.advised {
			r.Remark += fmt.Sprintf(". Nothing has been heard of it since %s. If it does not come back, type `acknowledge %s`: the run becomes lost, and the line of @%s is open again",
				r.Unheard.Format("2006-01-02 15:04 MST"), r.ID, r.Request.Cluster)
		}
	})
}

// advise says what people may do as soon as it is time for that.
func (k *keeper) advise() {
	k.mu.Lock()
	err := k.silence
	due := err != nil && !k.advised && time.Since(k.unheard) >= giveUpAfter
	k.mu.Unlock()
	if due {
		k.heard(err)
	}
}

// held says why a running run cannot be given up now; "" if it can.
func (r *Run) held(now time.Time) string {
	from := r.Unheard.Add(giveUpAfter)
	switch {
	case r.State != Running:
		return fmt.Sprintf("Run %s is not lost (%s), so there is nothing to acknowledge. Type `run %s` to see it whole.", r.ID, r.State, r.ID)
	case r.Unheard.IsZero() || r.inFlight() < 0:
		return fmt.Sprintf("Run %s is running and its node answers. Wait for its end, or type `cancel %s`.", r.ID, r.ID)
	case now.Before(from):
		return fmt.Sprintf("Run %s runs on a node of which nothing has been heard since %s. Most nodes come back, and alsbot goes on trying; you may give the run up from %s on.",
			r.ID, r.Unheard.Format("15:04 MST"), from.Format("15:04 MST"))
	}
	return ""
}

// acknowledge settles a lost run and opens its cluster's line again. A run
// that runs on a node which has been out of reach for long is given up: it
// becomes lost and is settled at once. An operator may, whatever the effect:
// nothing is begun by it, and what is guarded needs its own approval.
func (e *Engine) acknowledge(ctx context.Context, by Principal, r Run) (Answer, error) {
	var ans Answer
	_, err := e.transit(ctx, r.ID, by, func(tx store.Tx, r *Run) error {
		now := time.Now().UTC().Round(0)
		switch {
		case r.State == Lost && r.Settled != nil:
			ans = Answer{Text: fmt.Sprintf("Run %s was acknowledged by %s already. The line of @%s is open.", r.ID, r.Settled.By.Name(), r.Request.Cluster)}
			return errSame
		case r.State == Lost:
			ans = Answer{Text: fmt.Sprintf("Run %s is acknowledged. The line of @%s is open again.", r.ID, r.Request.Cluster), Public: true}
			r.Next = fmt.Sprintf("look at %s and at what was printed (`output %s`), and ask for what is still to do", r.effect(), r.ID)
		default:
			if why := r.held(now); why != "" {
				ans = Answer{Bad: true, Text: why}
				return errSame
			}
			ans = Answer{Public: true, Text: fmt.Sprintf("Run %s is given up: it is lost, and the line of @%s is open again. Its command may still run on %s; alsbot looks there every 10 minutes and says here what became of it.",
				r.ID, r.Request.Cluster, r.Steps[r.inFlight()].Step.Node)}
			r.giveUp(by)
		}
		r.Settled = &Decision{By: by, At: now}
		return errors.Join(e.leaveLine(tx, r), e.record(tx, by, "acknowledged", r.ID, ""), e.tell(tx, Outgoing{Kind: TellRun, Run: r.ID}))
	})
	if err == nil {
		for _, id := range append(e.inLine(ctx, r.Request.Cluster), r.ID) {
			e.kick(id)
		}
	}
	return ans, err
}

// giveUp makes a run lost whose node is out of reach.
func (r *Run) giveUp(by Principal) {
	i := r.inFlight()
	node := r.Steps[i].Step.Node
	r.lose(i, fmt.Sprintf("nothing has been heard of the node since %s, and %s gave it up", r.Unheard.Format("2006-01-02 15:04 MST"), by.Name()))
	r.Next = fmt.Sprintf("look at %s and at what was printed (`output %s`), and ask for what is still to do. The command may still run on %s: alsbot looks there every 10 minutes and says here what it finds",
		r.effect(), r.ID, node)
}
