package bot

import (
	"fmt"

	"github.com/slack-go/slack"

	"alsbot/als"
	"alsbot/runs"
)

// These are the buttons' action IDs. A button's value is the run's ID and the
// start of its digest, never a command: alsbot reads from the store what to do.
const (
	actionApprove = "approve"
	actionReject  = "reject"
	actionCancel  = "cancel"
)

// digestShown is how much of a plan's digest people and buttons see.
const digestShown = 12

// The room of an approval request, in code points. Together it is less than
// maxMessage, so the plan's room never depends on who has voted.
const (
	headRoom    = 2400 // the command, who requested it, and why
	planRoom    = 6000
	votesRoom   = 500
	closingRoom = 500
	maxVotes    = 10 // votes that are named
)

// approvalMessage renders an approval request and, later, its outcome. Approve
// is there only while approvers can read all that they would approve.
func approvalMessage(c cleaner, r runs.Run, a runs.Approval) content {
	icon, words := approvalWords(a.State)
	open := openRequest(r, a)
	if a.State == runs.ApprovalWaiting && !open {
		icon, words = stateWords(r.State) // no one has to decide any more
	}
	card := newCard(c)
	card.header(fmt.Sprintf("%s %s: %s on @%s", icon, words, r.Request.Operation, a.Cluster))
	whole := true
	if r.Plan != nil && a.State != runs.ApprovalVoid && a.State != runs.ApprovalExpired { // hide the plan of a request that no one decided about
		whole = boundOn(card, r)
	} else {
		card.within(headRoom, func() { requestOn(card, r) })
	}
	card.within(votesRoom, func() { votes(card, a, open) })
	card.within(closingRoom, func() { closing(card, a) })
	if open && r.Remark != "" { // such as that no one can approve it
		card.within(closingRoom, func() { card.line(card.bold("⚠️ "), card.say(sentence(r.Remark))) })
	}
	switch {
	case open && a.Unshown != "":
		card.line(card.bold("⏳ No Approve button yet:"), card.say(" "+a.Unshown+". alsbot keeps trying. To see the plan, type `run "+a.Run+"`."))
	case !whole && a.Filed:
		card.line(card.say("📄 Shortened here. The whole plan is a file in this message's thread."))
	case !whole:
		card.line(card.say("Shortened here. To see the whole plan, type `run " + a.Run + "`."))
	}
	card.context("run "+a.Run, "plan "+digestPrefix(a.Digest))
	if open {
		card.typed = fmt.Sprintf(textNoButtons, a.Run, a.Run)
		card.add(slack.NewActionBlock("approval-"+a.Run, decisionButtons(r, a)...))
	}
	return card.message(fmt.Sprintf("%s %s: %s, run %s%s", icon, words, shorten(r.Text, maxLine), a.Run, stopsSummary(r.Plan)))
}

// openRequest reports whether a request can still be decided.
func openRequest(r runs.Run, a runs.Approval) bool {
	return a.State == runs.ApprovalWaiting && r.State == runs.Awaiting
}

// boundOn draws what an approval of the run binds, and reports whether all of
// it fits. What fits depends on the run alone.
func boundOn(card *card, r runs.Run) (whole bool) {
	plan := als.Plan{}
	if r.Plan != nil {
		plan = *r.Plan
	}
	whole = card.within(maxImpact, func() { impactOn(card, plan) })
	whole = card.within(headRoom, func() { requestOn(card, r) }) && whole
	return card.within(planRoom, func() { planOn(card, plan, planRoom) }) && whole
}

// planFits reports whether a request shows, on its message, all that an
// approval binds.
func planFits(c cleaner, r runs.Run) bool { return boundOn(newCard(c), r) }

// requestOn draws what was requested, by whom, and why.
func requestOn(card *card, r runs.Run) {
	card.line(card.code(r.Text), card.say(": "+effectWords(r.Effect)))
	card.line(append([]part{card.say("Asked by ")}, append(who(card, r.By), card.say(" at "), date(r.Asked))...)...)
	if r.Request.Reason != "" {
		card.line(card.bold("Why:"), card.say(" "), card.quote(r.Request.Reason))
	}
	if r.Changed != "" {
		card.line(card.say("Takes the place of run `" + r.Replaces + "`: " + r.Changed))
	}
}

// votes shows who has approved and how many approvals are missing.
func votes(card *card, a runs.Approval, open bool) {
	line := []part{card.say(fmt.Sprintf("%d of %s", len(a.Votes), plural(a.Quorum, "approval", "approvals")))}
	for i, v := range a.Votes {
		if i == maxVotes {
			line = append(line, card.say(fmt.Sprintf(" and %d more", len(a.Votes)-i)))
			break
		}
		between := ", "
		if i == 0 {
			between = ": "
		}
		line = append(line, card.say(between))
		line = append(line, who(card, v.By)...)
		line = append(line, card.say(" at "), date(v.At))
	}
	if open {
		line = append(line, card.say(". Open until "), date(a.Expires))
	}
	card.line(line...)
}

// closing shows who ended the request, when, and why.
func closing(card *card, a runs.Approval) {
	_, words := approvalWords(a.State)
	if a.Closed != nil {
		line := []part{card.bold(words)}
		if a.Closed.By.ID != "" && a.State == runs.ApprovalRejected {
			line = append(line, card.say(" by "))
			line = append(line, who(card, a.Closed.By)...)
		}
		card.line(append(line, card.say(" at "), date(a.Closed.At))...)
	}
	switch {
	case a.Why == "":
	case a.State == runs.ApprovalRejected:
		card.line(card.quote(sentence(a.Why)))
	default:
		card.line(card.say(sentence(a.Why)))
	}
}

func digestPrefix(d string) string { return d[:min(len(d), digestShown)] }

// buttonValue returns a button's value: the request, and which plan of it.
func buttonValue(run, digest string) string { return run + " " + digestPrefix(digest) }

func plainText(s string, max int) *slack.TextBlockObject {
	return slack.NewTextBlockObject(slack.PlainTextType, defuse(shorten(s, max)), true, false)
}

// decisionButtons returns the buttons of an open request.
func decisionButtons(r runs.Run, a runs.Approval) []slack.BlockElement {
	if a.Unshown != "" {
		return []slack.BlockElement{rejectButton(a)}
	}
	return []slack.BlockElement{approveButton(r, a), rejectButton(a)}
}

func approveButton(r runs.Run, a runs.Approval) slack.BlockElement {
	b := slack.NewButtonBlockElement(actionApprove, buttonValue(a.Run, a.Digest), plainText("Approve", maxButton))
	b.Style = slack.StylePrimary
	b.AccessibilityLabel = shorten("Approve "+r.Request.Operation+" on "+a.Cluster, maxButton)
	b.Confirm = slack.NewConfirmationBlockObject(
		plainText("Approve on @"+a.Cluster+"?", 100),
		plainText(shorten(r.Text, 200)+": "+effectWords(r.Effect)+".", 300),
		plainText("Approve", 30), plainText("Not now", 30))
	return b
}

func rejectButton(a runs.Approval) slack.BlockElement {
	b := slack.NewButtonBlockElement(actionReject, buttonValue(a.Run, a.Digest), plainText("Reject", maxButton))
	b.Style = slack.StyleDanger
	b.AccessibilityLabel = shorten("Reject the request on "+a.Cluster, maxButton)
	return b
}

func cancelButton(r runs.Run) slack.BlockElement {
	b := slack.NewButtonBlockElement(actionCancel, buttonValue(r.ID, r.Digest), plainText("Cancel", maxButton))
	b.AccessibilityLabel = shorten("Cancel run "+r.ID, maxButton)
	if r.Effect != als.Read && !r.Request.Dry {
		b.Confirm = slack.NewConfirmationBlockObject(plainText("Cancel this run?", 100),
			plainText(cancelWords(r.State), 300),
			plainText("Cancel the run", 30), plainText("Let it go on", 30))
	}
	return b
}
