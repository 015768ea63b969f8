package bot_test

import (
	"slices"
	"testing"

	"alsbot/jobs"
	"alsbot/sim/workspace"
)

// asking is a stage with one request for approval.
func asking(t *testing.T) *stage {
	t.Helper()
	s := newStage(t, nil)
	r := aRun("r1", jobs.Awaiting, prod)
	s.engine.setApproval(t, r, jobs.Approval{Run: "r1", Cluster: "prod", Digest: r.Digest, State: jobs.ApprovalWaiting, Quorum: 1, Expires: asked})
	s.empty()
	return s
}

func (s *stage) reject() {
	s.Helper()
	if _, err := s.ws.Press(s.ctx, ben, approve, s.ws.Messages(approve)[0].TS, "reject"); err != nil {
		s.Fatal(err)
	}
}

func (s *stage) decided(want string) {
	s.Helper()
	s.until("the decision: "+want, func() bool {
		s.engine.mu.Lock()
		defer s.engine.mu.Unlock()
		return slices.Contains(s.engine.pressed, want)
	})
	s.until("the answer", func() bool { return len(s.ws.Ephemerals(ben, approve)) == 1 })
}

// A reason is asked for, and is what it was when it comes in twice.
func TestARejectionIsAskedWhy(t *testing.T) {
	t.Parallel()
	s := asking(t)
	s.reject()
	s.until("the modal", func() bool { _, open := s.ws.Modal(ben); return open })
	s.ws.DuplicateDeliveries(1)
	if _, err := s.ws.Submit(s.ctx, ben, map[string][]string{"why": {"no <!channel> on Fridays"}}); err != nil {
		t.Fatal(err)
	}
	s.decided("r1 false " + ben + " no <!channel> on Fridays")
	if n := len(s.engine.pressed); n != 1 {
		t.Errorf("%d decisions", n)
	}
}

// Where nothing can be asked, the press is what was meant.
func TestARejectionThatCannotBeAskedWhyIsPlain(t *testing.T) {
	t.Parallel()
	s := asking(t)
	s.ws.Fail("views.open", 1, workspace.Status(503))
	s.reject()
	s.decided("r1 false " + ben)
}
