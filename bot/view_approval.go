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

// approvalMessage renders an approval request and, later, its outcome.
func approvalMessage(c cleaner, r runs.Run, a runs.Approval) content {
	icon, words := approvalWords(a.State)
	open := a.State == runs.ApprovalWaiting && r.State == runs.Awaiting
	if a.State == runs.ApprovalWaiting && !open {
		icon, words = stateWords(r.State) // no one has to decide any more
	}
	card := newCard(c)
	card.header(fmt.Sprintf("%s %s: %s on @%s", icon, words, r.Request.Operation, a.Cluster))
	card.line(card.code(r.Text), card.say(": "+effectWords(r.Effect)))
	card.line(append([]part{card.say("Asked by ")}, append(who(card, r.By), card.say(" at "), date(r.Asked))...)...)
	if r.Request.Reason != "" {
		card.line(card.bold("Why:"), card.say(" "+r.Request.Reason))
	}
	if r.Changed != "" {
		card.line(card.say("Takes the place of run `" + r.Replaces + "`: " + r.Changed))
	}
	votes(card, a, open)
	closing(card, a)
	if r.Plan != nil && a.State != runs.ApprovalVoid && a.State != runs.ApprovalExpired { // hide the plan of a request that no one decided about
		findings(card, r.Plan.Findings, true)
		card.pre(r.Plan.Text(), maxPlan)
	}
	card.context("run "+a.Run, "plan "+digestPrefix(a.Digest))
	if open {
		card.add(slack.NewActionBlock("approval-"+a.Run, approveButton(r, a), rejectButton(a)))
	}
	return card.message(fmt.Sprintf("%s %s: %s on @%s, run %s", icon, words, r.Request.Operation, a.Cluster, a.Run))
}

// votes shows who has approved and how many approvals are missing.
func votes(card *card, a runs.Approval, open bool) {
	line := []part{card.say(fmt.Sprintf("%d of %s", len(a.Votes), plural(a.Quorum, "approval", "approvals")))}
	for i, v := range a.Votes {
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
	if a.Why != "" {
		card.line(card.say(sentence(a.Why)))
	}
}

func digestPrefix(d string) string { return d[:min(len(d), digestShown)] }

// buttonValue returns a button's value: the request, and which plan of it.
func buttonValue(run, digest string) string { return run + " " + digestPrefix(digest) }

func plainText(s string, max int) *slack.TextBlockObject {
	return slack.NewTextBlockObject(slack.PlainTextType, defuse(shorten(s, max)), true, false)
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
