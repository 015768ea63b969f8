package jobs

import (
	"fmt"
	"strings"
	"time"
)

// lose ends a run of which alsbot cannot know what became: its step i was
// begun. Its cluster's line stays closed until somebody acknowledges it.
func (r *Run) lose(i int, why string) {
	s := &r.Steps[i]
	s.Ended, s.Trouble = time.Now().UTC().Round(0), why
	r.State = Lost
	r.Trouble = fmt.Sprintf("it is not known whether %q on %s ran to its end: %s. What it printed until then is kept. The steps after it were not run%s, and nothing is run again by itself", s.Step.Name, s.Step.Node, why, r.undone(i))
	r.Next = fmt.Sprintf("look at %s and at what was printed (`output %s`). When you know what became of it, type `acknowledge %s`, which opens the cluster's line again",
		r.effect(), r.ID, r.ID)
}

// effect names, for a sentence, the commands that show what a run has changed.
func (r *Run) effect() string {
	words := []string{"status"}
	if op, err := operation(*r); err == nil && op.Shows != nil {
		words = op.Shows(r.Request)
	}
	return "the cluster (" + commands(words, r.Request.Cluster) + ")"
}

func commands(words []string, cluster string) string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = "`" + w + " @" + cluster + "`"
	}
	return strings.Join(out, ", ")
}

// undone names the clean-up behind step i, which a lost run leaves to people.
func (r *Run) undone(i int) string {
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
