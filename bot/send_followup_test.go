package bot_test

import (
	"strings"
	"testing"

	"alsbot/runs"
	"alsbot/sim/workspace"
)

// What followed a run is said in its thread, as one message, and not in the
// channel.
func TestFollowUpGoesIntoThread(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	s.engine.set(t, newRun("r1", runs.Succeeded, prod), runs.TellRun)
	s.engine.tell(t, runs.Outgoing{Kind: runs.TellFollowUp, Run: "r1", Text: "router on 10.0.0.10 has fallen <!channel>"},
		runs.Outgoing{Kind: runs.TellFollowUp, Run: "r1", Text: "dea on 10.0.0.12 has fallen"})
	s.waitAllSent()
	all := s.roots(prod)
	if len(all) != 1 {
		t.Fatalf("the channel reads\n%s", s.ws.Transcript(prod))
	}
	thread := s.ws.Thread(prod, all[0].TS)
	if len(thread) != 2 {
		t.Fatalf("the thread has %d messages", len(thread))
	}
	m := thread[1]
	for _, want := range []string{"Router on 10.0.0.10 has fallen", "Dea on 10.0.0.12 has fallen", "run r1"} {
		if !strings.Contains(m.Text(), want) {
			t.Errorf("it lacks %q:\n%s", want, m.Text())
		}
	}
	if !strings.HasPrefix(m.Fallback, "⚠️ Succeeded: patch install @prod, run r1. router on 10.0.0.10 has fallen") {
		t.Errorf("its fallback is %q", m.Fallback)
	}
}

// Where the run has no message, the channel is told; a follow-up of a run that
// is gone, or that Slack refuses, delays nothing.
func TestFollowUpWithoutThread(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	s.engine.set(t, newRun("r1", runs.Succeeded, prod))
	s.engine.tell(t, runs.Outgoing{Kind: runs.TellFollowUp, Run: "gone", Text: "x"}, runs.Outgoing{Kind: runs.TellFollowUp, Run: "r1", Text: "a role has fallen"})
	s.waitAllSent()
	if all := s.roots(prod); len(all) != 1 || !strings.Contains(all[0].Text(), "A role has fallen") {
		t.Errorf("the channel reads\n%s", s.ws.Transcript(prod))
	}
	s.ws.Fail("chat.postMessage", 1, workspace.Refused("is_archived"))
	s.engine.tell(t, runs.Outgoing{Kind: runs.TellFollowUp, Run: "r1", Text: "refused"})
	s.waitAllSent()
	s.ws.Fail("chat.postMessage", 1, workspace.Status(500))
	s.engine.tell(t, runs.Outgoing{Kind: runs.TellFollowUp, Run: "r1", Text: "comes at the second try"})
	s.waitAllSent()
	if m := s.card(prod); !strings.Contains(m, "Comes at the second try") {
		t.Errorf("it reads\n%s", m)
	}
}
