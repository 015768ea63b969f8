package bot_test

import (
	"slices"
	"testing"

	"alsbot/runs"
	"alsbot/sim/workspace"
)

// stageWithRequest returns a stage with one approval request.
func stageWithRequest(t *testing.T) *stage {
	t.Helper()
	s := newStage(t, nil)
	r := newRun("r1", runs.Awaiting, prod)
	s.engine.setApproval(t, r, runs.Approval{Run: "r1", Cluster: "prod", Digest: r.Digest, State: runs.ApprovalWaiting, Quorum: 1, Expires: asked})
	s.waitAllSent()
	return s
}

func (s *stage) reject() {
	s.Helper()
	if _, err := s.ws.Press(s.ctx, ben, approve, s.ws.Messages(approve)[0].TS, "reject"); err != nil {
		s.Fatal(err)
	}
}

func (s *stage) waitDecided(want string) {
	s.Helper()
	s.until("the decision: "+want, func() bool {
		s.engine.mu.Lock()
		defer s.engine.mu.Unlock()
		return slices.Contains(s.engine.pressed, want)
	})
	s.until("the answer", func() bool { return len(s.ws.Ephemerals(ben, approve)) == 1 })
}

// Reject opens a modal that asks for a reason; submitting it twice decides
// once.
func TestRejectAsksForReason(t *testing.T) {
	t.Parallel()
	s := stageWithRequest(t)
	s.reject()
	s.until("the modal", func() bool { _, open := s.ws.Modal(ben); return open })
	s.ws.DuplicateDeliveries(1)
	if _, err := s.ws.Submit(s.ctx, ben, map[string][]string{"why": {"no <!channel> on Fridays"}}); err != nil {
		t.Fatal(err)
	}
	s.waitDecided("r1 false " + ben + " no <!channel> on Fridays")
	if n := len(s.engine.pressed); n != 1 {
		t.Errorf("%d decisions", n)
	}
}

// If the modal can't be opened, the press rejects without a reason.
func TestRejectWithoutModalHasNoReason(t *testing.T) {
	t.Parallel()
	s := stageWithRequest(t)
	s.ws.Fail("views.open", 1, workspace.Status(503))
	s.reject()
	s.waitDecided("r1 false " + ben)
}
