package bot_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"alsbot/runs"
	"alsbot/sim/workspace"
	"alsbot/store"
)

func TestRunHasOneMessage(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	s.engine.set(t, newRun("r1", runs.Queued, prod), runs.TellRun)
	s.until("it is told", func() bool { return len(s.ws.Messages(prod)) == 1 })
	s.waitAllSent()
	m := s.ws.Messages(prod)[0]
	for _, want := range []string{"queued", "patch install @prod", "Next in line", "[Cancel]"} {
		if !strings.Contains(m.Text(), want) {
			t.Errorf("the message lacks %q:\n%s", want, m.Text())
		}
	}
	done := newRun("r1", runs.Succeeded, prod)
	done.Started, done.Ended = asked, asked.Add(252*time.Second)
	s.engine.set(t, done, runs.TellRun)
	s.waitAllSent()
	all := s.ws.Messages(prod)
	if len(all) != 1 || all[0].TS != m.TS || all[0].Edits == 0 {
		t.Fatalf("the message was not changed in place:\n%s", s.ws.Transcript(prod))
	}
	text := all[0].Text()
	if !strings.Contains(text, "succeeded") || !strings.Contains(text, "took 4m 12s") || strings.Contains(text, "[Cancel]") {
		t.Errorf("the final state is shown as\n%s", text)
	}
}

func TestMessageIsUpdatedAfterRestart(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	s.engine.set(t, newRun("r1", runs.Running, prod), runs.TellRun)
	s.waitAllSent()
	s.stop()
	s.engine.set(t, newRun("r1", runs.Succeeded, prod), runs.TellRun)
	s.start()
	s.waitAllSent()
	if all := s.ws.Messages(prod); len(all) != 1 || !strings.Contains(all[0].Text(), "succeeded") {
		t.Errorf("after a restart the channel reads\n%s", s.ws.Transcript(prod))
	}
}

func TestSweepDeletesRefsOfMissingRuns(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	for i := range 450 {
		id := fmt.Sprintf("r%03d", i)
		if err := s.engine.st.Update(s.ctx, func(tx store.Tx) error {
			if i%2 == 0 {
				if err := runsOf.Put(tx, id, newRun(id, runs.Succeeded, prod)); err != nil {
					return err
				}
			}
			return placesOf.Put(tx, "run/"+id, map[string]string{"channel": prod, "ts": "1.1"})
		}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.bot.Sweep(s.ctx); err != nil {
		t.Fatal(err)
	}
	left := 0
	if err := s.engine.st.View(s.ctx, func(tx store.Tx) error {
		return placesOf.Scan(tx, store.Range{}, func(string, map[string]string) bool { left++; return true })
	}); err != nil {
		t.Fatal(err)
	}
	if left != 225 {
		t.Errorf("%d places are left of 225 runs", left)
	}
}

func TestScheduledRunGoesToItsClustersChannel(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	r := newRun("r1", runs.Running, "")
	r.By = runs.Principal{Source: runs.FromSchedule, ID: "nightly"}
	s.engine.set(t, r, runs.TellRun)
	s.waitAllSent()
	if all := s.ws.Messages(prod); len(all) != 1 || !strings.Contains(all[0].Text(), "schedule nightly") {
		t.Errorf("the channel reads\n%s", s.ws.Transcript(prod))
	}
}

// A run that follows another one is posted in that one's thread, even if no
// channel requested that one.
func TestFollowUpRunIsPostedInThread(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	for _, origin := range []runs.Origin{{}, {Channel: prod}} {
		first, next := newRun("first"+origin.Channel, runs.Succeeded, prod), newRun("next"+origin.Channel, runs.Succeeded, prod)
		first.Origin, next.Origin, next.After = origin, origin, first.ID
		s.engine.set(t, first, runs.TellRun)
		s.waitAllSent()
		s.engine.set(t, next, runs.TellRun)
		s.waitAllSent()
		told := false
		for _, m := range s.ws.Messages(prod) {
			for _, reply := range s.ws.Thread(prod, m.TS) {
				told = told || strings.HasSuffix(m.Text(), "run "+first.ID) && reply.Thread == m.TS && strings.HasSuffix(reply.Text(), "run "+next.ID)
			}
		}
		if !told {
			t.Errorf("the channel:\n%s", s.ws.Transcript(prod))
		}
	}
}

func TestApprovalRequest(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	r := newRun("r1", runs.Awaiting, prod)
	a := runs.Approval{Run: "r1", Cluster: "prod", Digest: r.Digest, State: runs.ApprovalWaiting, Quorum: 1, Posted: asked, Expires: asked.Add(time.Hour)}
	s.engine.setApproval(t, r, a)
	s.waitAllSent()
	card := s.ws.Messages(approve)[0]
	if got := fmt.Sprint(card.Buttons()); !strings.Contains(got, "Approve") || !strings.Contains(got, "Reject") {
		t.Fatalf("buttons are %s", got)
	}
	if _, err := s.ws.Press(s.ctx, ben, approve, card.TS, "approve"); err != nil {
		t.Fatal(err)
	}
	s.until("it is decided", func() bool { return len(s.engine.presses()) == 1 })
	if got := s.engine.presses()[0]; got != "r1 true "+ben {
		t.Errorf("the engine heard %q", got)
	}
	s.until("the presser is answered", func() bool { return len(s.ws.Ephemerals(ben, approve)) == 1 })

	a.State, a.Votes = runs.ApprovalGiven, []runs.Decision{{By: runs.Principal{Source: runs.FromSlack, ID: ben}, At: asked}}
	r.State = runs.Queued
	s.engine.setApproval(t, r, a)
	s.waitAllSent()
	now := s.ws.Messages(approve)[0]
	if len(now.Buttons()) != 0 || !strings.Contains(now.Text(), "Approved") || !strings.Contains(now.Text(), "@ben") {
		t.Errorf("the decided card reads\n%s", now.Text())
	}

	changed := r
	changed.Digest = "ffff"
	a.Digest, a.State = "ffff", runs.ApprovalWaiting
	changed.State = runs.Awaiting
	s.engine.setApproval(t, changed, a)
	s.waitAllSent()
	if _, err := s.ws.PressOld(s.ctx, ben, card, "approve"); err != nil {
		t.Fatal(err)
	}
	s.until("the old press is answered", func() bool { return len(s.ws.Ephemerals(ben, approve)) == 2 })
	if len(s.engine.presses()) != 1 {
		t.Error("a press on another plan's card was given to the engine")
	}
}

func TestApprovalRequestFallsBackToOtherChannel(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	s.cfg.Clusters[0].Approvals = away
	r := newRun("r1", runs.Awaiting, prod)
	s.engine.setApproval(t, r, runs.Approval{Run: "r1", Cluster: "prod", Digest: r.Digest, State: runs.ApprovalWaiting, Quorum: 1, Expires: asked})
	s.waitAllSent()
	if len(s.ws.Messages(prod)) != 1 {
		t.Errorf("nobody can approve: %s", s.ws.Transcript(prod))
	}
}

func TestSlackErrorsLoseNoMessage(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault   workspace.Fault
		times   int
		repeats int
	}{
		"503":         {fault: workspace.Status(503), times: 2},
		"fatal error": {fault: workspace.Refused("fatal_error"), times: 2},
		"cut":         {fault: workspace.Cut(), times: 1},
		"answer lost": {fault: workspace.AnswerLost(), times: 1, repeats: 1},
		"429":         {fault: workspace.RateLimited(1), times: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, nil)
			s.ws.Fail("chat.postMessage", c.times, c.fault)
			s.engine.set(t, newRun("r1", runs.Running, prod), runs.TellRun)
			s.engine.tell(t, runs.Outgoing{Kind: runs.TellChannel, Cluster: "prod", Text: "second"})
			s.waitAllSent()
			all := s.ws.Messages(prod)
			if len(all) != 2+c.repeats {
				t.Fatalf("%d messages:\n%s", len(all), s.ws.Transcript(prod))
			}
			if last := all[len(all)-1].Text(); !strings.Contains(last, "second") {
				t.Errorf("out of order: the last is\n%s", last)
			}
			if name == "429" {
				checkRetryAfter(t, s.ws.Record())
			}
		})
	}
}

// checkRetryAfter fails if a post came sooner than a second after a refused one.
func checkRetryAfter(t *testing.T, calls []workspace.Call) {
	t.Helper()
	var refused time.Time
	for _, call := range calls {
		switch {
		case call.Method != "chat.postMessage":
		case call.Error != "":
			refused = call.At
		case call.At.Before(refused.Add(time.Second)):
			t.Errorf("called again %v after a 429 that asked for 1 s", call.At.Sub(refused))
		}
	}
}

func TestSlowChannelDelaysNobody(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	r := newRun("r1", runs.Running, approve)
	s.engine.set(t, r, runs.TellRun)
	s.waitAllSent()
	s.ws.Fail("chat.update", 1, workspace.RateLimited(3600))
	s.engine.set(t, r, runs.TellRun)
	s.until("the channel is asked for patience", func() bool { return s.ws.Calls("chat.update") == 1 })
	s.engine.tell(t, runs.Outgoing{Kind: runs.TellChannel, Cluster: "prod", Text: "not delayed"})
	s.until("the other channel is told", func() bool { return len(s.ws.Messages(prod)) == 1 })
}

func TestBacklogIsMerged(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	s.stop()
	for _, state := range []runs.State{runs.Planned, runs.Queued, runs.Running, runs.Succeeded} {
		for i := range 10 {
			s.engine.set(t, newRun(fmt.Sprint("r", i), state, prod), runs.TellRun)
		}
	}
	for i := range 60 {
		s.engine.tell(t, runs.Outgoing{Kind: runs.TellChannel, Cluster: "prod", Text: fmt.Sprint("news ", i)})
	}
	before := s.ws.Calls("")
	s.start()
	s.waitAllSent()
	if n := s.ws.Calls("") - before; n > 20 {
		t.Errorf("100 rows took %d calls", n)
	}
	text := s.ws.Transcript(prod)
	for _, want := range []string{"succeeded", "news 0", "news 59"} {
		if !strings.Contains(text, want) {
			t.Errorf("the channel lacks %q", want)
		}
	}
}

func TestDigestAfterOutage(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	s.stop()
	for i := range 100 {
		id := fmt.Sprintf("run%03d", i)
		state := runs.Succeeded
		if i%10 == 9 {
			state = runs.Failed
		}
		s.engine.set(t, newRun(id, state, prod))
		s.engine.tell(t,
			runs.Outgoing{Kind: runs.TellRun, Run: id, At: time.Now().Add(-10 * time.Minute)},
			runs.Outgoing{Kind: runs.TellOutput, Run: id, At: time.Now().Add(-10 * time.Minute)})
	}
	s.engine.set(t, newRun("live", runs.Running, prod), runs.TellRun)
	s.start()
	s.waitAllSent()
	all := s.ws.Messages(prod)
	if len(all) > 8 {
		t.Errorf("%d messages", len(all))
	}
	text := s.ws.Transcript(prod)
	for i := range 100 {
		if id := fmt.Sprintf("run%03d", i); strings.Count(text, id) != 1 {
			t.Errorf("%s is told of %d times", id, strings.Count(text, id))
		}
	}
	if last := all[len(all)-1].Text(); !strings.Contains(last, "live") || !strings.Contains(last, "[Cancel]") {
		t.Errorf("the run that goes on has no message of its own:\n%s", last)
	}
}

func TestMessagesThatSlackRefuses(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	r := newRun("r1", runs.Running, away)
	s.engine.set(t, r, runs.TellRun)
	s.engine.tell(t, runs.Outgoing{Kind: runs.TellRun, Run: "unknown"})
	s.waitAllSent() // nothing blocks the queue

	s.ws.Fail("chat.postMessage", 2, workspace.Refused("invalid_blocks"))
	s.engine.set(t, newRun("r2", runs.Running, prod), runs.TellRun)
	s.waitAllSent()
	all := s.ws.Messages(prod)
	if len(all) != 1 || string(all[0].Blocks) != "" && string(all[0].Blocks) != "[]" || !strings.Contains(all[0].Fallback, "patch install") || !strings.Contains(all[0].Fallback, "type `cancel r2`") {
		t.Errorf("without its blocks the message reads\n%s", s.ws.Transcript(prod))
	}

	s.ws.Fail("chat.update", 1, workspace.Refused("message_not_found"))
	s.engine.set(t, newRun("r2", runs.Succeeded, prod), runs.TellRun)
	s.waitAllSent()
	if all := s.ws.Messages(prod); len(all) != 2 || !strings.Contains(all[1].Text(), "succeeded") {
		t.Errorf("after its message was deleted the channel reads\n%s", s.ws.Transcript(prod))
	}
}

// However many messages wait for a channel, a request for approval comes first:
// people wait for it, and it expires.
func TestARequestForApprovalComesFirst(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	s.stop()
	for i := range 12 {
		s.engine.set(t, newRun(fmt.Sprintf("r%d", 10+i), runs.Running, approve), runs.TellRun)
	}
	s.setOpenRequest()
	s.start()
	s.waitAllSent()
	if all := s.ws.Messages(approve); len(all) != 13 || !strings.Contains(all[0].Text(), "Approval wanted") {
		t.Errorf("the channel reads\n%s", s.ws.Transcript(approve))
	}
}
