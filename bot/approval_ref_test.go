package bot_test

import (
	"strings"
	"testing"
	"time"

	"alsbot/runs"
	"alsbot/sim/workspace"
	"alsbot/store"
)

// sendAwaitingRun stores a run that waits for approval, puts rows of these
// kinds into the outbox, in order, and waits until they are sent.
func (s *stage) sendAwaitingRun(kinds ...runs.Kind) {
	s.Helper()
	r := newRun("r1", runs.Awaiting, prod)
	if err := s.engine.st.Update(s.ctx, func(tx store.Tx) error {
		return approvalsOf.Put(tx, "r1", runs.Approval{Run: "r1", Cluster: "prod", Digest: r.Digest, State: runs.ApprovalWaiting, Quorum: 1, Posted: asked, Expires: asked.Add(time.Hour)})
	}); err != nil {
		s.Fatal(err)
	}
	s.engine.set(s.T, r, kinds...)
	s.waitAllSent()
}

// approvalLine returns what the run's message says about its approval.
func (s *stage) approvalLine() string {
	for _, m := range s.ws.Messages(prod) {
		for line := range strings.Lines(m.Text()) {
			if strings.Contains(line, "pproval is ") || strings.Contains(line, "asked for approval") {
				return strings.TrimSpace(line)
			}
		}
	}
	return ""
}

const inAnHour = ", until 2026-11-23 04:00 UTC."

// The message of a run that waits for approval says where and until when,
// whichever message is sent first.
func TestRunNamesApprovalChannel(t *testing.T) {
	t.Parallel()
	for _, order := range [][]runs.Kind{{runs.TellApproval, runs.TellRun}, {runs.TellRun, runs.TellApproval}} {
		s := newStage(t, nil)
		s.sendAwaitingRun(order...)
		if got, want := s.approvalLine(), "Approval is asked for in #approve"+inAnHour; got != want {
			t.Errorf("%v: it says %q, not %q", order, got, want)
		}
	}
}

// If the approvers' channel refuses the request, the run's message names the
// channel that has it. If every channel refuses it, the message says so.
func TestRunNamesActualApprovalChannel(t *testing.T) {
	t.Parallel()
	for _, order := range [][]runs.Kind{{runs.TellApproval, runs.TellRun}, {runs.TellRun, runs.TellApproval}} {
		s := newStage(t, nil)
		s.cfg.Clusters[0].Approvals = away
		s.sendAwaitingRun(order...)
		s.until("it names the card's channel", func() bool { return s.approvalLine() == "Approval is asked for in #prod"+inAnHour })
	}
	s := newStage(t, nil)
	s.sendAwaitingRun(runs.TellRun)
	s.ws.Fail("chat.postMessage", 9, workspace.Refused("restricted_action"))
	s.engine.tell(t, runs.Outgoing{Kind: runs.TellApproval, Run: "r1"})
	s.waitAllSent()
	s.until("it says that nobody was asked", func() bool {
		return strings.HasPrefix(s.approvalLine(), "Nobody could be asked for approval: the channel's settings do not let apps post")
	})
}
