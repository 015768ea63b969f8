package jobs_test

import (
	"strings"
	"testing"
	"time"

	"alsbot/jobs"
	"alsbot/store"
)

// alsbot dies between the last press and the start, and is back the next
// day: nobody expects what they approved yesterday to start now.
func TestAnApprovalOfYesterdayStartsNothing(t *testing.T) {
	h := newHouse(t, nil)
	id := h.run("U0ANN", "patch install")
	h.until(id, jobs.Awaiting)
	approvalsOf := store.Bucket[jobs.Approval]{Name: "approvals"}
	h.offline(func(tx store.Tx) error {
		a, _, err := approvalsOf.Get(tx, id)
		if err != nil {
			return err
		}
		a.Votes = []jobs.Decision{{By: slack("U0BOB"), At: time.Now().Add(-24 * time.Hour)}}
		a.Expires, a.State = time.Now().Add(-23*time.Hour), jobs.ApprovalChecking
		return approvalsOf.Put(tx, id, a)
	})
	r := h.until(id, jobs.Expired)
	if !strings.Contains(r.Trouble, "approved") || !strings.Contains(r.Next, "retry "+id) {
		t.Errorf("%s\n%s", r.Trouble, r.Next)
	}
	h.called(0, "patch", "install")
}
