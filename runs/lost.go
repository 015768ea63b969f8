package runs

import (
	"fmt"
	"strings"
	"time"

	"alsbot/als"
)

// Lose ends a run whose outcome is unknown: its step i was begun. It blocks its
// cluster's queue until a person acknowledges it.
func (r *Run) Lose(i int, why string) {
	s := &r.Steps[i]
	s.Ended, s.Trouble = time.Now().UTC().Round(0), why
	r.State = Lost
	r.Trouble = fmt.Sprintf("it is not known whether %q on %s ran to its end: %s. What it printed until then is kept. The steps after it were not run%s, and nothing is run again by itself", s.Step.Name, s.Step.Node, why, r.notCleaned(i))
	r.Next = als.Advise("look at %s and at what was printed (%s). When you know what became of it, type %s, which opens the cluster's line again",
		r.ShownBy(), als.Typed("output "+r.ID), als.Typed("acknowledge "+r.ID))
}

// GiveUp makes a run lost whose node is unreachable.
func (r *Run) GiveUp(by Principal) {
	i := r.InFlight()
	node := r.Steps[i].Step.Node
	r.Lose(i, fmt.Sprintf("nothing has been heard of the node since %s, and %s gave it up", r.Unheard.Format("2006-01-02 15:04 MST"), by.Name()))
	r.Next = als.Advise("look at %s and at what was printed (%s), and ask for what is still to do. The command may still run on %s: alsbot looks there every 10 minutes and says here what it finds",
		r.ShownBy(), als.Typed("output "+r.ID), node)
}

// LostStep returns the index of the step with the unknown outcome, which is
// the last that was sent; -1 if there is none.
func (r *Run) LostStep() int {
	for i := len(r.Steps) - 1; i >= 0 && r.State == Lost; i-- {
		if s := r.Steps[i]; s.OnNode() && s.Exit == nil {
			return i
		} else if s.OnNode() {
			break
		}
	}
	return -1
}

// ShownBy names, for a sentence, the commands that show what a run has changed.
func (r *Run) ShownBy() als.Advice {
	words := []string{"status"}
	if op, ok := als.Operations.Find(r.Request.Operation); ok && op.Shows != nil {
		words = op.Shows(r.Request)
	}
	commands := make([]als.Typed, len(words))
	for i, w := range words {
		commands[i] = als.Typed(w + " @" + r.Request.Cluster)
	}
	return als.Advise("the cluster (%s)", commands)
}

// notCleaned names the clean-up steps after step i, which a lost run leaves to
// people.
func (r *Run) notCleaned(i int) string {
	var left []string
	for _, s := range r.Steps[i+1:] {
		if s.Step.Always && s.Ended.IsZero() {
			left = append(left, fmt.Sprintf("%q on %s (`%s`)", s.Step.Name, s.Step.Node, s.Step.Line()))
		}
	}
	if len(left) == 0 {
		return ""
	}
	return ", nor was it cleaned up: " + strings.Join(left, ", ")
}
