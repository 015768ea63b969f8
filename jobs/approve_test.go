package jobs_test

import (
	"strings"
	"testing"
	"time"

	"alsbot/jobs/enginetest"
	"alsbot/runs"
	"alsbot/store"
)

// alsbot dies between the last press and the start, and is back the next
// day: nobody expects what they approved yesterday to start now.
func TestAnApprovalOfYesterdayStartsNothing(t *testing.T) {
	t.Parallel()
	h := enginetest.New(t, nil)
	id := h.Run("U0ANN", "patch install")
	h.Until(id, runs.Awaiting)
	approvalsOf := store.Bucket[runs.Approval]{Name: "approvals"}
	h.Offline(func(tx store.Tx) error {
		a, _, err := approvalsOf.Get(tx, id)
		if err != nil {
			return err
		}
		a.Votes = []runs.Decision{{By: enginetest.Slack("U0BOB"), At: time.Now().Add(-24 * time.Hour)}}
		a.Expires, a.State = time.Now().Add(-23*time.Hour), runs.ApprovalChecking
		return approvalsOf.Put(tx, id, a)
	})
	r := h.Until(id, runs.Expired)
	if !strings.Contains(r.Trouble, "approved") || !strings.Contains(r.Next.Text, "retry "+id) {
		t.Errorf("%s\n%s", r.Trouble, r.Next.Text)
	}
	h.Called(0, "patch", "install")
}

// A reason reaches who asked, everybody who sees the request, and the audit log.
func TestARejectionSaysWhy(t *testing.T) {
	t.Parallel()
	h := enginetest.New(t, nil)
	id := h.Run("U0ANN", "patch install")
	h.Until(id, runs.Awaiting)
	if ans, err := h.Engine.Reject(t.Context(), id, "never", enginetest.Slack("U0DAN")); err != nil || !ans.Bad {
		t.Errorf("a viewer rejected it: %+v, %v", ans, err)
	}
	if ans, err := h.Engine.Reject(t.Context(), id, " not on\x1b[31m\n Fridays ", enginetest.Slack("U0BOB")); err != nil || ans.Bad {
		t.Errorf("%+v, %v", ans, err)
	}
	h.Until(id, runs.Rejected)
	r, a, err := h.Ledger.Load(t.Context(), id)
	if err != nil || r.Trouble != "rejected by @U0BOB: not on [31m Fridays" || a.Why != "not on [31m Fridays" {
		t.Errorf("%q, %+v, %v", r.Trouble, a, err)
	}
	kept := false
	if err := h.Store.View(t.Context(), func(tx store.Tx) error {
		return store.Bucket[runs.Entry]{Name: "audit"}.Scan(tx, store.Range{}, func(_ string, en runs.Entry) bool {
			kept = kept || en.Run == id && en.Action == "rejected" && en.Detail == r.Trouble && en.By == enginetest.Slack("U0BOB")
			return true
		})
	}); err != nil || !kept {
		t.Errorf("it is not in the audit log: %v", err)
	}
}
