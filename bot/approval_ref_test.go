package bot_test

import (
	"strings"
	"testing"
	"time"

	"alsbot/jobs"
	"alsbot/sim/workspace"
	"alsbot/store"
)

// awaiting writes down a run that waits for approval, and that both are told
// in this order.
func (s *stage) awaiting(kinds ...jobs.Kind) {
	s.Helper()
	r := aRun("r1", jobs.Awaiting, prod)
	if err := s.engine.st.Update(s.ctx, func(tx store.Tx) error {
		return approvalsOf.Put(tx, "r1", jobs.Approval{Run: "r1", Cluster: "prod", Digest: r.Digest, State: jobs.ApprovalWaiting, Quorum: 1, Posted: asked, Expires: asked.Add(time.Hour)})
	}); err != nil {
		s.Fatal(err)
	}
	s.engine.set(s.T, r, kinds...)
	s.empty()
}

// saysOfApproval is what the run's message says of its approval.
func (s *stage) saysOfApproval() string {
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
// whichever of both is told first.
func TestARunSaysWhereApprovalIsAskedFor(t *testing.T) {
	t.Parallel()
	for _, order := range [][]jobs.Kind{{jobs.TellApproval, jobs.TellRun}, {jobs.TellRun, jobs.TellApproval}} {
		s := newStage(t, nil)
		s.awaiting(order...)
		if got, want := s.saysOfApproval(), "Approval is asked for in #approve"+inAnHour; got != want {
			t.Errorf("%v: it says %q, not %q", order, got, want)
		}
	}
}

// Where the card could not be posted in the approvers' channel it names the
// one in which it stands, and where it could be posted nowhere it says so.
func TestARunSaysWhereItsCardReallyIs(t *testing.T) {
	t.Parallel()
	for _, order := range [][]jobs.Kind{{jobs.TellApproval, jobs.TellRun}, {jobs.TellRun, jobs.TellApproval}} {
		s := newStage(t, nil)
		s.cfg.Clusters[0].Approvals = away
		s.awaiting(order...)
		s.until("it names the card's channel", func() bool { return s.saysOfApproval() == "Approval is asked for in #prod"+inAnHour })
	}
	s := newStage(t, nil)
	s.awaiting(jobs.TellRun)
	s.ws.Fail("chat.postMessage", 9, workspace.Refused("restricted_action"))
	s.engine.tell(t, jobs.Outgoing{Kind: jobs.TellApproval, Run: "r1"})
	s.empty()
	s.until("it says that nobody was asked", func() bool {
		return strings.HasPrefix(s.saysOfApproval(), "Nobody could be asked for approval: the channel's settings do not let apps post")
	})
}
