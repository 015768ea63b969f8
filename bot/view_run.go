package bot

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"alsbot/als"
	"alsbot/runs"
)

// runView has everything that a run's message shows. Equal views give equal
// messages.
type runView struct {
	Run      runs.Run
	Approval *runs.Approval
	Asked    messageRef // where the approval request is, or why it is nowhere, while the run waits for approval
	Waits    string     // what the run waits for, while it is queued
	Tail     []byte     // the end of the run's output, while it runs
	Now      time.Time
}

const (
	tailLines   = 12
	maxTail     = 1500
	maxReport   = 6000
	maxFindings = 3000 // all of them
	maxDigest   = 100
	maxTyped    = 300 // the command in the small print
)

// runMessage renders the one message of a run.
func runMessage(c cleaner, v runView) content {
	r := v.Run
	card := newCard(c)
	headline(card, r)
	card.line(append([]part{card.say("On "), card.code("@" + r.Request.Cluster), card.say(", asked by ")},
		append(who(card, r.By), card.say(" at "), date(r.Asked))...)...)
	if r.Request.Reason != "" {
		card.line(card.say("Why: "), card.quote(r.Request.Reason))
	}
	if r.Changed != "" {
		card.line(card.say("Takes the place of run `" + r.Replaces + "`: " + r.Changed))
	}
	if r.State == runs.Queued {
		card.line(card.say(sentence(v.Waits)))
	}
	if a := v.Approval; a != nil && r.State == runs.Awaiting && a.State == runs.ApprovalWaiting {
		askedFor(card, v.Asked, a.Expires)
	}
	if r.Remark != "" && !r.State.Final() {
		card.line(card.say("⚠️ " + sentence(r.Remark)))
	}
	if r.Cancel != nil && !r.State.Final() {
		card.line(append([]part{card.say("🚫 Cancel was asked for by ")}, append(who(card, r.Cancel.By),
			card.say(cancelling(r)))...)...)
	}
	became(card, r)
	findingsOf(card, r, v.Approval != nil)
	if r.State == runs.Running {
		card.tail(lastLines(string(v.Tail), tailLines), maxTail)
	}
	card.context(smallPrint(r, v.Now)...)
	if !r.State.Final() && r.Cancel == nil {
		card.typed = "To cancel it, type `cancel " + r.ID + "`."
		card.add(slack.NewActionBlock("run-"+r.ID, cancelButton(r)))
	}
	offers(card, r)
	return card.message(fallback(r))
}

// headline says first what people want to know: of a look, what it found; of
// everything else, what became of it.
func headline(card *card, r runs.Run) {
	icon, words := runWords(r)
	if finding, ok := lookFound(r); ok {
		card.line(card.say(icon+" "), card.sayBold(finding))
		return
	}
	head := []part{card.say(icon + " ")}
	if !strings.EqualFold(words, string(r.State)) { // the state stands behind the command
		head = append(head, card.bold(words), card.say("  "))
	}
	card.line(append(head, card.code(shorten(r.Text, maxLine)), card.say("  "), card.code(string(r.State)))...)
}

// lookFound returns what a look found, if it is one and has ended well.
func lookFound(r runs.Run) (string, bool) {
	if r.Effect != als.Read || r.Request.Dry || r.State != runs.Succeeded || r.Verdict == nil || r.Verdict.Summary == "" {
		return "", false
	}
	return sentence(r.Verdict.Summary), true
}

// smallPrint returns the last line of a run's message. Where the headline is a
// finding, the command and the state stand here.
func smallPrint(r runs.Run, now time.Time) []string {
	state := ""
	if r.State.Final() {
		state = string(r.State)
	}
	if _, ok := lookFound(r); ok {
		state = shorten(r.Text, maxTyped) + "  " + state
	}
	return []string{state, stepWords(r), exitWords(r), elapsed(r, now), "run " + r.ID}
}

// findingsOf draws the findings of a run's checks. Its trouble is not repeated
// as a finding, approvers have seen the warnings, and a dry run reports both.
func findingsOf(card *card, r runs.Run, approved bool) {
	if r.Plan == nil || r.Request.Dry && r.State != runs.Failed {
		return
	}
	found := slices.DeleteFunc(r.Plan.WorstFirst(), func(f als.Finding) bool {
		warned := f.Level != als.Stop && (approved || !r.State.Final())
		return f.Text == r.Trouble || warned
	})
	if len(found) > 0 {
		card.lines(card.fittingFindings(findingTexts(card, found), min(maxFindings, card.left))...)
	}
}

// runWords returns the icon and the words for a run as it is now.
func runWords(r runs.Run) (icon, words string) {
	switch {
	case r.Verifying():
		return verifyingWords()
	case r.Request.Dry && r.State == runs.Succeeded:
		return dryWords()
	case r.State == runs.Succeeded && r.Verdict != nil && r.Verdict.Concern:
		_, words = stateWords(r.State)
		return concernIcon, words
	}
	return stateWords(r.State)
}

// askedFor says where the approval request is, and until when it is open.
func askedFor(card *card, at messageRef, until time.Time) {
	line := []part{card.say("Approval is asked for")}
	switch {
	case at.Refused != "":
		line = []part{card.say("Nobody could be asked for approval: " + codeAdvice(at.Refused) + ". The run waits")}
	case at.Channel != "":
		line = append(line, card.say(" in "), channel(at.Channel))
	}
	card.line(append(line, card.say(", until "), date(until), card.say("."))...)
}

// fallback returns the message in one line: ICON State: COMMAND, run ID.
// SUMMARY. Programs read it, so the state is its own word.
func fallback(r runs.Run) string {
	icon, _ := runWords(r)
	s := fallbackOf(icon, r)
	if r.Verdict != nil && r.Verdict.Summary != "" {
		s += ". " + r.Verdict.Summary
	} else if r.Trouble != "" {
		s += ". " + r.Trouble
	}
	return s
}

// fallbackOf returns how the fallback text of what speaks of a run begins.
func fallbackOf(icon string, r runs.Run) string {
	return fmt.Sprintf("%s %s: %s, run %s", icon, stateWord(r.State), shorten(r.Text, maxLine), r.ID)
}

// followUpMessage renders what was seen after a run's end.
func followUpMessage(c cleaner, r runs.Run, text string) content {
	card := newCard(c)
	var lines [][]part
	for line := range strings.Lines(text) {
		lines = append(lines, []part{card.say(concernIcon + " " + sentence(line))})
	}
	card.lines(lines...)
	card.context("run " + r.ID)
	return card.message(fallbackOf(concernIcon, r) + ". " + text)
}

// cancelling explains what a cancellation does before the run has ended.
func cancelling(r runs.Run) string {
	if !r.Unheard.IsZero() {
		return ". What may run on the node is stopped when the node is heard of again."
	}
	return ". What runs on the node is being stopped; clean-up steps still run."
}

// became shows how the run ended: the verdict, the trouble, the next step.
func became(card *card, r runs.Run) {
	next, report := r.Next, ""
	if v := r.Verdict; v != nil {
		if _, isHead := lookFound(r); v.Summary != "" && !isHead {
			card.line(card.say(sentence(v.Summary)))
		}
		next, report = r.Next.Or(v.Next), v.Report
	}
	if r.Trouble != "" {
		card.line(card.say(sentence(r.Trouble)))
	}
	if r.Settled != nil {
		card.line(append([]part{card.say("Acknowledged by ")}, who(card, r.Settled.By)...)...)
	}
	if !next.Empty() {
		card.line(card.bold("Next:"), card.say(" "+next.Text))
	}
	card.pre(report, maxReport)
}

// who shows a principal: people by their Slack name, others by what they are.
func who(card *card, p runs.Principal) []part {
	switch p.Source {
	case runs.FromSlack:
		return []part{user(p.ID)}
	case runs.FromSchedule:
		return []part{card.say("schedule "), card.code(p.ID)}
	case runs.FromLocal:
		return []part{card.code(p.ID), card.say(" on alsbot's own command line")}
	}
	return []part{card.say("alsbot")}
}

// stepWords says which step of its plan the run is at.
func stepWords(r runs.Run) string {
	if r.Plan == nil || len(r.Plan.Steps) == 0 {
		return ""
	}
	begun, last := 0, runs.StepRecord{}
	for _, s := range r.Steps {
		if !s.Started.IsZero() {
			begun, last = begun+1, s
		}
	}
	total := len(r.Plan.Steps)
	switch {
	case begun == 0:
		return plural(total, "step", "steps")
	case r.State.Final() || r.Verifying():
		return fmt.Sprintf("step %d/%d", begun, total)
	}
	return fmt.Sprintf("step %d/%d: %s on %s", begun, total, last.Step.Name, last.Step.Node)
}

// exitWords says the exit status that counts: that of the first step that
// failed, else of the last step; nothing is said of status 0. The exit status of
// a lost step is unknown.
func exitWords(r runs.Run) string {
	var counts *runs.StepRecord
	for i, s := range r.Steps {
		if r.State == runs.Lost && s.Exit == nil && !s.Ended.IsZero() {
			return fmt.Sprintf("exit status of %q on %s unknown", s.Step.Name, s.Step.Node)
		}
		if s.Exit == nil {
			continue
		}
		counts = &r.Steps[i]
		if *s.Exit != 0 && !s.Step.Tolerate {
			break
		}
	}
	if counts == nil || *counts.Exit == 0 {
		return ""
	}
	return fmt.Sprintf("exit status %d of %q on %s", *counts.Exit, counts.Step.Name, counts.Step.Node)
}

func elapsed(r runs.Run, now time.Time) string {
	switch {
	case r.Started.IsZero():
		return ""
	case !r.Ended.IsZero():
		return "took " + duration(r.Ended.Sub(r.Started))
	}
	return "for " + duration(now.Sub(r.Started))
}

// digestMessage renders a digest: runs that have ended, a line each.
func digestMessage(c cleaner, runs []runs.Run) content {
	card := newCard(c)
	title := textMeanwhile(len(runs))
	card.line(card.bold(title))
	for _, r := range runs {
		icon, words := runWords(r)
		what := cmp.Or(r.Trouble, verdictSummary(r))
		if what != "" {
			what = ": " + shorten(what, maxDigest)
		}
		card.line(card.say(icon+" "+words+" "), card.code(shorten(r.Text, maxDigest)), card.say(" run "), card.code(r.ID), card.say(what))
	}
	card.line(card.say(textMore))
	return card.message(title)
}

func verdictSummary(r runs.Run) string {
	if r.Verdict == nil {
		return ""
	}
	return r.Verdict.Summary
}
