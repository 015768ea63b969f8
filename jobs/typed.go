package jobs

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// byButton begins the answer to a decision that was typed: who presses the
// button of a card has what is decided about before their eyes.
const byButton = "Nothing has changed. Approvals are given by the buttons of a card, which shows what is approved, and not by words."

// typed answers who types a decision about a run as if that were a command,
// by where the run's card is and who may press. ok is false if text is not
// that.
func (e *Engine) typed(ctx context.Context, by Principal, text string) (ans Answer, ok bool, err error) {
	words := strings.Fields(strings.ReplaceAll(text, "`", " "))
	if len(words) == 0 {
		return ans, false, nil
	}
	switch strings.ToLower(words[0]) {
	case "approve", "reject", "deny":
	default:
		return ans, false, nil
	}
	if len(words) == 1 {
		return Answer{Bad: true, Text: byButton + " Type `approvals` to see what waits, and where the cards are."}, true, nil
	}
	r, a, err := e.load(ctx, strings.ToLower(words[1]))
	var nf *NotFoundError
	if errors.As(err, &nf) {
		return Answer{Bad: true, Text: byButton + " And " + nf.Error() + "."}, true, nil
	}
	if err == nil {
		err = e.must(ctx, by, Viewer, r.Request.Cluster)
	}
	if err != nil {
		ans, err = refused(err)
		return ans, true, err
	}
	if r.State != Awaiting || a == nil || a.State != ApprovalWaiting {
		now := string(r.State)
		if r.State == Awaiting {
			now = "approved, and alsbot looks at the cluster once more"
		}
		return Answer{Bad: true, Text: fmt.Sprintf("Run %s does not wait for approval: it is %s. Type `run %s` to see it.", r.ID, now, r.ID)}, true, nil
	}
	return e.pointsAt(r, *a), true, nil
}

// pointsAt says where a request waits, and for whom.
func (e *Engine) pointsAt(r Run, a Approval) Answer {
	other := " other than who asked"
	if e.cfg.Approval.Self {
		other = ""
	}
	needs := "1 approval"
	if n := a.Quorum - len(a.Votes); n > 1 {
		needs = fmt.Sprintf("%d approvals", n)
	}
	ans := Answer{Bad: true, Text: fmt.Sprintf("%s Run %s (%s) still needs %s by somebody with the approver role on @%s%s.", byButton, r.ID, r.Text, needs, r.Request.Cluster, other)}
	if at := e.cards(r); at != "" {
		ans.Text, ans.Channels = ans.Text+" Its card is in:", []string{at}
	}
	return ans
}
