package bot_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"alsbot/runs"
	"alsbot/store"
)

// After a restored snapshot, Slack shows what the store doesn't know: a request
// that waits again as approved, and its run as ended. The next start shows both
// as they are, so that someone can approve.
func TestStartResyncsOpenMessages(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	waits := newRun("r1", runs.Awaiting, prod)
	a := runs.Approval{Run: "r1", Cluster: "prod", Digest: waits.Digest, State: runs.ApprovalWaiting, Quorum: 1, Posted: asked, Expires: asked.Add(time.Hour)}
	given, over := a, waits
	given.State, over.State = runs.ApprovalGiven, runs.Succeeded
	s.engine.set(t, over, runs.TellRun)
	s.engine.setApproval(t, over, given)
	s.engine.set(t, newRun("r2", runs.Succeeded, prod), runs.TellRun)
	s.waitAllSent()
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
	// Messages of ended runs stay unchanged, and nothing is posted twice.
	if all := s.ws.Messages(prod); len(all) != 2 || all[1].Edits != 0 || all[0].Edits != 1 || len(s.ws.Messages(approve)) != 1 {
		t.Errorf("the channel reads\n%s", s.ws.Transcript(prod))
	}
}
