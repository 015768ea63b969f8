package bot_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"alsbot/jobs"
	"alsbot/store"
)

// After a snapshot was put back Slack shows what the store has forgotten: a
// request that waits again was approved, and its run is over. The next start
// shows both as they are, so that somebody can approve.
func TestAStartShowsWhatIsOpenAsItIs(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	waits := aRun("r1", jobs.Awaiting, prod)
	a := jobs.Approval{Run: "r1", Cluster: "prod", Digest: waits.Digest, State: jobs.ApprovalWaiting, Quorum: 1, Posted: asked, Expires: asked.Add(time.Hour)}
	given, over := a, waits
	given.State, over.State = jobs.ApprovalGiven, jobs.Succeeded
	s.engine.set(t, over, jobs.TellRun)
	s.engine.setApproval(t, over, given)
	s.engine.set(t, aRun("r2", jobs.Succeeded, prod), jobs.TellRun)
	s.empty()
	if b := s.ws.Messages(approve)[0].Buttons(); len(b) != 0 {
		t.Fatalf("an approved request has the buttons %v", b)
	}
	s.stop()
	if err := s.engine.st.Update(s.ctx, func(tx store.Tx) error {
		return errors.Join(runsOf.Put(tx, waits.ID, waits), approvalsOf.Put(tx, waits.ID, a))
	}); err != nil {
		t.Fatal(err)
	}
	s.start()
	s.until("the card has its buttons again", func() bool {
		return slices.Contains(s.ws.Messages(approve)[0].Buttons(), "Approve")
	})
	s.until("the run's message says that it waits", func() bool {
		return strings.Contains(s.ws.Messages(prod)[0].Text(), "awaiting_approval")
	})
	// What is final is left alone, and nothing is written a second time.
	if all := s.ws.Messages(prod); len(all) != 2 || all[1].Edits != 0 || all[0].Edits != 1 || len(s.ws.Messages(approve)) != 1 {
		t.Errorf("the channel reads\n%s", s.ws.Transcript(prod))
	}
}
