package bot_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/slack-go/slack"

	"alsbot/als"
	"alsbot/bot"
	"alsbot/jobs"
	"alsbot/runs"
	"alsbot/sim/workspace"
)

var update = flag.Bool("update", false, "write the golden files anew")

func at(minutes int) time.Time { return asked.Add(time.Duration(minutes) * time.Minute) }

func exit(n int) *int { return &n }

func aPlan() *als.Plan {
	return &als.Plan{
		Operation: "patch install", Effect: als.Restart,
		Steps: []als.Step{
			{Name: "install patches", Node: "10.0.0.10", Argv: []string{"kato", "patch", "install", "it's-one"}},
			{Name: "restart roles", Node: "10.0.0.11", Argv: []string{"kato", "restart", "router"}},
		},
		Verify:   []als.Step{{Name: "list patches", Node: "core"}},
		Facts:    []als.Fact{{Name: "patches", Value: "it's-one"}, {Name: "roles that restart", Value: "router"}},
		Notes:    []string{"took 4m last time"},
		Findings: []als.Finding{{Level: als.Warn, Text: "the last verified backup is 40 hours old", Fix: als.Advise("export cluster @prod")}},
	}
}

// run returns a run for a golden file.
func run(state runs.State, change func(*runs.Run)) runs.Run {
	r := newRun("7q4k2m9xw1", state, prod)
	r.Plan = aPlan()
	r.Request.Reason = "CVE-2014-6271"
	if change != nil {
		change(&r)
	}
	return r
}

func TestRunGolden(t *testing.T) {
	t.Parallel()
	for name, v := range map[string]bot.RunView{
		"planned": {Run: run(runs.Planned, func(r *runs.Run) { r.Plan = nil })},
		"stopped": {Run: run(runs.Failed, func(r *runs.Run) {
			stop := als.Finding{Level: als.Stop, Text: "the disk is full", Fix: als.Advise("Make room.")}
			r.Plan.Findings, r.Trouble, r.Next = append(r.Plan.Findings, stop), stop.Text, stop.Fix
		})},
		"awaiting": {Run: run(runs.Awaiting, nil), Asked: bot.MessageRef{Channel: approve},
			Approval: &runs.Approval{State: runs.ApprovalWaiting, Expires: at(61)}},
		"queued": {Run: run(runs.Queued, nil), Waits: "number 1 in line on @prod, behind run abc (export cluster @prod)"},
		"running": {Run: run(runs.Running, func(r *runs.Run) {
			r.Started, r.Remark = at(1), "10.0.0.11 cannot be reached; trying again"
			r.Steps = []runs.StepRecord{{Step: r.Plan.Steps[0], Started: at(1), Exit: exit(0)}, {Step: r.Plan.Steps[1], Started: at(2)}}
		}), Tail: []byte("Restarting router\n\x1b[32mOK\x1b[0m <!channel>\n")},
		"verifying": {Run: run(runs.Running, func(r *runs.Run) {
			r.Started = at(1)
			r.Steps = []runs.StepRecord{{Step: r.Plan.Steps[0], Started: at(1), Ended: at(2), Exit: exit(0)}, {Step: r.Plan.Steps[1], Started: at(2), Ended: at(4), Exit: exit(0)}}
		})},
		"cancelling": {Run: run(runs.Running, func(r *runs.Run) {
			r.Started, r.Cancel = at(1), &runs.Decision{By: runs.Principal{Source: runs.FromSlack, ID: ben}, At: at(2)}
		})},
		"succeeded": {Run: run(runs.Succeeded, func(r *runs.Run) {
			r.Started, r.Ended = at(1), at(4)
			r.Steps = []runs.StepRecord{{Step: r.Plan.Steps[0], Started: at(1), Exit: exit(0)}, {Step: r.Plan.Steps[1], Started: at(2), Exit: exit(0)}}
			r.Verdict = &als.Verdict{Outcome: als.Succeeded, Summary: "1 patch installed, and router runs", Report: "it's-one  installed\nrouter    RUNNING"}
		})},
		"unconfirmed": {Run: run(runs.Unconfirmed, func(r *runs.Run) {
			r.Started, r.Ended, r.Trouble = at(1), at(4), "kato's history cannot be read"
			r.Steps = []runs.StepRecord{{Step: r.Plan.Steps[0], Started: at(1), Exit: exit(0)}}
		})},
		"look": {Run: run(runs.Succeeded, func(r *runs.Run) {
			r.Effect, r.Text, r.Request.Operation, r.Request.Reason, r.Started, r.Ended = als.Read, "status @prod", "status", "", at(1), at(2)
			r.Plan = &als.Plan{Operation: "status", Effect: als.Read, Steps: r.Plan.Steps[:1]}
			r.Steps = []runs.StepRecord{{Step: r.Plan.Steps[0], Started: at(1), Exit: exit(0)}}
			r.Verdict = &als.Verdict{Outcome: als.Succeeded, Summary: "all 15 roles on 4 nodes run", Report: "router  RUNNING"}
		})},
		"look-amiss": {Run: run(runs.Succeeded, func(r *runs.Run) {
			r.Effect, r.Text, r.Request.Operation, r.Started, r.Ended = als.Read, "status @prod", "status", at(1), at(2)
			r.Plan = &als.Plan{Operation: "status", Effect: als.Read, Steps: r.Plan.Steps[:1]}
			r.Steps = []runs.StepRecord{{Step: r.Plan.Steps[0], Started: at(1), Exit: exit(70)}}
			r.Verdict = &als.Verdict{Outcome: als.Succeeded, Concern: true, Summary: "1 of 4 nodes cannot be reached, 13 of 15 roles run", Report: "router  RUNNING"}
		})},
		"offers": {Run: run(runs.Succeeded, func(r *runs.Run) {
			r.Verdict = &als.Verdict{Outcome: als.Succeeded, Summary: "1 patch installed; no role was restarted",
				Next: als.Advice{Text: "Bring the patches to work with `restart router @prod`.", Offers: []string{"restart router @prod"}}}
			r.Next = r.Verdict.Next
		})},
		"failed": {Run: run(runs.Failed, func(r *runs.Run) {
			r.Started, r.Ended = at(1), at(4)
			r.Steps = []runs.StepRecord{{Step: r.Plan.Steps[0], Started: at(1), Exit: exit(3)}}
			r.Trouble, r.Next = "kato ended with exit status 3", als.Advise("look at %s", als.Typed("output 7q4k2m9xw1"))
		})},
		"lost": {Run: run(runs.Lost, func(r *runs.Run) {
			r.Started, r.Trouble, r.Next = at(1), "10.0.0.10 was rebooted", als.Advise("look at the cluster, then type %s", als.Typed("acknowledge 7q4k2m9xw1"))
		})},
		"void":    {Run: run(runs.Void, func(r *runs.Run) { r.Trouble = "patches: it's-one, now none" })},
		"renewed": {Run: run(runs.Awaiting, func(r *runs.Run) { r.Replaces, r.Changed = "old1", "patches: it's-one, now it's-two" })},
		"dry": {Run: run(runs.Succeeded, func(r *runs.Run) {
			r.Request.Dry, r.Text = true, "plan patch install @prod"
			r.Verdict = &als.Verdict{Summary: "This is what would happen. Nothing was run.", Report: r.Plan.Text()}
		})},
		"schedule": {Run: run(runs.Failed, func(r *runs.Run) {
			r.By, r.Trouble = runs.Principal{Source: runs.FromSchedule, ID: "nightly"}, "no space left on /mnt/nas"
		})},
	} {
		v.Now = at(5)
		text, blocks, plain := bot.View(bot.RunMessage(v))
		golden(t, "run-"+name, text, blocks, plain)
	}
}

func TestApprovalGolden(t *testing.T) {
	t.Parallel()
	byBen := runs.Principal{Source: runs.FromSlack, ID: ben}
	for name, change := range map[string]func(*runs.Run, *runs.Approval){
		"waiting":  func(*runs.Run, *runs.Approval) {},
		"one-of-2": func(_ *runs.Run, a *runs.Approval) { a.Quorum, a.Votes = 2, []runs.Decision{{By: byBen, At: at(3)}} },
		"checking": func(_ *runs.Run, a *runs.Approval) {
			a.State, a.Votes = runs.ApprovalChecking, []runs.Decision{{By: byBen, At: at(3)}}
		},
		"approved": func(r *runs.Run, a *runs.Approval) {
			r.State, a.State, a.Votes = runs.Running, runs.ApprovalGiven, []runs.Decision{{By: byBen, At: at(3)}}
		},
		"rejected": func(r *runs.Run, a *runs.Approval) {
			r.State, a.State, a.Closed = runs.Rejected, runs.ApprovalRejected, &runs.Decision{By: byBen, At: at(3)}
		},
		"expired": func(r *runs.Run, a *runs.Approval) {
			r.State, a.State, a.Closed = runs.Expired, runs.ApprovalExpired, &runs.Decision{At: at(60)}
		},
		"void": func(r *runs.Run, a *runs.Approval) {
			r.State, a.State, a.Closed, a.Why = runs.Void, runs.ApprovalVoid, &runs.Decision{At: at(6)}, "the patch list has changed"
		},
		"unshown": func(_ *runs.Run, a *runs.Approval) { a.Unshown = "the file is not there yet" },
		"restart": func(r *runs.Run, _ *runs.Approval) {
			r.Plan.Facts[1].Key, r.Plan.Notes = "restarting-roles", []string{"It took 4m 12s last time.", "it's-one: mends one (critical)"}
			if err := json.Unmarshal([]byte(`"router@10.0.0.11 dea@10.0.0.12 dea@10.0.0.13"`), &r.Plan.Hints.Restarts); err != nil {
				t.Error(err)
			}
		},
		"cancelled": func(r *runs.Run, _ *runs.Approval) { r.State = runs.Cancelled },
	} {
		r := run(runs.Awaiting, nil)
		a := runs.Approval{Run: r.ID, Cluster: "prod", Digest: r.Digest, State: runs.ApprovalWaiting, Quorum: 1, Posted: at(1), Expires: at(61)}
		change(&r, &a)
		text, blocks, plain := bot.View(bot.ApprovalMessage(r, a))
		golden(t, "approval-"+name, text, blocks, plain)
		raw, err := json.Marshal(blocks)
		if err != nil {
			t.Fatal(err)
		}
		open := r.State == runs.Awaiting && a.State == runs.ApprovalWaiting
		if approve := strings.Contains(string(raw), `"approve"`); approve != (open && a.Unshown == "") {
			t.Errorf("%s: Approve: %v", name, approve)
		}
		if reject := strings.Contains(string(raw), `"reject"`); reject != open {
			t.Errorf("%s: Reject: %v", name, reject)
		}
	}
}

// golden compares a message's text and blocks with its golden file.
func golden(t *testing.T, name, text string, blocks any, plain string) {
	t.Helper()
	raw, err := json.MarshalIndent(blocks, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range workspace.Validate(raw) {
		t.Errorf("%s: Slack would refuse it: %v", name, err)
	}
	got := text + "\n--- without blocks\n" + plain + "\n--- blocks\n" + string(raw) + "\n"
	file := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s has changed (go test ./bot -update writes it anew):\n%s", name, got)
	}
}

// Long texts are cut so that the message stays within Slack's limits.
func TestHugeRunStaysWithinSlackLimits(t *testing.T) {
	t.Parallel()
	for _, huge := range []string{strings.Repeat("x", 1<<20), strings.Repeat("äöü <&>\n", 1<<16), strings.Repeat("<@", 1<<16)} {
		r := run(runs.Running, nil)
		r.Text, r.Request.Reason, r.Trouble, r.Next.Text, r.Changed, r.Remark = huge, huge, huge, huge, huge, huge
		r.Verdict = &als.Verdict{Summary: huge, Report: huge}
		for range 200 {
			r.Plan.Steps = append(r.Plan.Steps, als.Step{Name: huge[:1000], Argv: []string{huge[:1000]}})
			r.Plan.Findings = append(r.Plan.Findings, als.Finding{Level: als.Stop, Text: huge[:1000]})
		}
		r.Request.Dry = true
		for _, m := range []func() (string, any, string){
			func() (string, any, string) {
				a, b, c := bot.View(bot.RunMessage(bot.RunView{Run: r, Tail: []byte(huge), Now: at(1)}))
				return a, b, c
			},
			func() (string, any, string) {
				a, b, c := bot.View(bot.ApprovalMessage(r, runs.Approval{Run: r.ID, Cluster: "prod", Digest: r.Digest, State: runs.ApprovalWaiting}))
				return a, b, c
			},
			func() (string, any, string) {
				a, b, c := bot.View(bot.AnswerMessage(jobs.Answer{Text: huge, Pre: huge}))
				return a, b, c
			},
		} {
			text, blocks, plain := m()
			for _, err := range workspace.Validate(blocks) {
				t.Error("Slack would refuse it:", err)
			}
			if utf8.RuneCountInString(text) > 4000 || utf8.RuneCountInString(plain) > 4000 {
				t.Errorf("fallbacks of %d and %d code points", utf8.RuneCountInString(text), utf8.RuneCountInString(plain))
			}
		}
	}
}

// What people write is quoted as it is: back-ticks of theirs make no code, and
// none is lost.
func TestReasonsAreQuotedAsTheyAre(t *testing.T) {
	t.Parallel()
	const reason = "it`s down, `approved` by *boss* ``"
	r := newRun("r1", runs.Awaiting, prod)
	r.Request.Reason = reason
	a := runs.Approval{Run: "r1", Cluster: "prod", Digest: r.Digest, State: runs.ApprovalRejected, Why: reason, Quorum: 1, Closed: &runs.Decision{By: r.By, At: asked}}
	for name, m := range map[string]func() (string, []slack.Block, string){
		"the request": func() (string, []slack.Block, string) { return bot.View(bot.ApprovalMessage(r, a)) },
		"the run": func() (string, []slack.Block, string) {
			return bot.View(bot.RunMessage(bot.RunView{Run: r, Now: asked}))
		},
	} {
		_, _, plain := m()
		want := map[string]int{"the request": 2, "the run": 1}[name]
		if n := strings.Count(strings.ToLower(plain), reason); n != want {
			t.Errorf("%s quotes it %d times:\n%s", name, n, plain)
		}
	}
}
