package jobs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"alsbot/als"
	"alsbot/runs"
	"alsbot/store"
)

var approvalsCommand = builtin{reply: (*builtins).listApprovals, effect: als.Read, op: als.Operation{
	Name:    "approvals",
	Summary: "list what waits for approval",
	Detail:  "Approvals are given, and requests rejected, with the buttons of their cards in Slack.",
	Example: "approvals",
}}

func (b *builtins) listApprovals(ctx context.Context, c call) (Answer, error) {
	seen, err := b.rights.visible(ctx, c.By, c.req.Cluster)
	if err != nil {
		return Answer{}, err
	}
	t := newTable("RUN", "APPROVED", "EXPIRES", "BY", "COMMAND")
	n := 0
	var channels []string
	err = b.st.View(ctx, func(tx store.Tx) error {
		return runs.EachActive(tx, func(s runs.State) bool { return s == runs.Awaiting }, func(r runs.Run) error {
			a, ok, err := runs.GetApproval(tx, r.ID)
			if err != nil || !ok || !seen.has(r.Request.Cluster) {
				return err
			}
			n++
			if at := b.approvalsChannel(r); at != "" && !slices.Contains(channels, at) {
				channels = append(channels, at)
			}
			t.row(r.ID, fmt.Sprintf("%d of %d", len(a.Votes), a.Quorum), a.Expires.UTC().Format(slotTime), r.By.Name(), r.Text)
			return nil
		})
	})
	if n == 0 {
		return Answer{Text: "Nothing waits for approval on " + b.scope(seen, c.req.Cluster) + ". Type `runs` to see what was asked for."}, err
	}
	text := "`run ID` shows one, `cancel ID` withdraws it. Approve or reject on the card of each"
	if len(channels) > 0 {
		text += ", in:"
	}
	return Answer{Text: text, Channels: channels, Pre: t.String()}, err
}

// approvalsChannel returns the channel in which a run's approval request is.
func (b *builtins) approvalsChannel(r runs.Run) string {
	c, _ := b.cfg.Cluster(r.Request.Cluster)
	return cmp.Or(c.Approvals, c.Channel, r.Origin.Channel)
}

// byButton begins the answer to a decision that was typed: a person who presses
// the button of a request has the plan before their eyes.
const byButton = "Nothing has changed. Approvals are given by the buttons of a card, which shows what is approved, and not by words."

// typedDecision answers a decision on a run that was typed like a command. It
// says where the run's request is and who may press. ok is false for any other
// text.
func (b *builtins) typedDecision(ctx context.Context, by runs.Principal, text string) (ans Answer, ok bool, err error) {
	words := decisionWords(text)
	if words == nil {
		return ans, false, nil
	}
	if len(words) == 1 {
		return Answer{Bad: true, Text: byButton + " Type `approvals` to see what waits, and where the cards are."}, true, nil
	}
	r, a, err := b.visibleRun(ctx, by, strings.ToLower(words[1]))
	if err != nil {
		var unknown *runs.NotFoundError
		isUnknown := errors.As(err, &unknown)
		if ans, err = refused(err); isUnknown {
			ans.Text = byButton + " And " + ans.Text + "."
		}
		return ans, true, err
	}
	if r.State != runs.Awaiting || a == nil || a.State != runs.ApprovalWaiting {
		now := string(r.State)
		if r.State == runs.Awaiting {
			now = "approved, and alsbot looks at the cluster once more"
		}
		return Answer{Bad: true, Text: fmt.Sprintf("Run %s does not wait for approval: it is %s. Type `run %s` to see it.", r.ID, now, r.ID)}, true, nil
	}
	return b.whereToApprove(r, *a), true, nil
}

// decisionWords returns the words of a decision that was typed like a command,
// nil for any other text.
func decisionWords(text string) []string {
	words := strings.Fields(strings.ReplaceAll(text, "`", " "))
	if len(words) == 0 || !slices.Contains([]string{"approve", "reject", "deny"}, strings.ToLower(words[0])) {
		return nil
	}
	return words
}

// whereToApprove says where a request waits, and for whom.
func (b *builtins) whereToApprove(r runs.Run, a runs.Approval) Answer {
	other := " other than who asked"
	if b.cfg.Approval.Self {
		other = ""
	}
	needs := "1 approval"
	if n := a.Quorum - len(a.Votes); n > 1 {
		needs = fmt.Sprintf("%d approvals", n)
	}
	ans := Answer{Bad: true, Text: fmt.Sprintf("%s Run %s (%s) still needs %s by somebody with the approver role on @%s%s.", byButton, r.ID, r.Text, needs, r.Request.Cluster, other)}
	if at := b.approvalsChannel(r); at != "" {
		ans.Text, ans.Channels = ans.Text+" Its card is in:", []string{at}
	}
	return ans
}
