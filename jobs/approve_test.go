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

// A reason reaches who asked, everybody who sees the request, and the audit log.
func TestARejectionSaysWhy(t *testing.T) {
	h := newHouse(t, nil)
	id := h.run("U0ANN", "patch install")
	h.until(id, jobs.Awaiting)
	if ans, err := h.engine.Reject(t.Context(), id, "never", slack("U0DAN")); err != nil || !ans.Bad {
		t.Errorf("a viewer rejected it: %+v, %v", ans, err)
	}
	if ans, err := h.engine.Reject(t.Context(), id, " not on\x1b[31m\n Fridays ", slack("U0BOB")); err != nil || ans.Bad {
		t.Errorf("%+v, %v", ans, err)
	}
	h.until(id, jobs.Rejected)
	r, a, err := h.engine.Get(t.Context(), id)
	if err != nil || r.Trouble != "rejected by @U0BOB: not on [31m Fridays" || a.Why != "not on [31m Fridays" {
		t.Errorf("%q, %+v, %v", r.Trouble, a, err)
	}
	kept := false
	if err := h.st.View(t.Context(), func(tx store.Tx) error {
		return store.Bucket[jobs.Entry]{Name: "audit"}.Scan(tx, store.Range{}, func(_ string, en jobs.Entry) bool {
			kept = kept || en.Run == id && en.Action == "rejected" && en.Detail == r.Trouble && en.By == slack("U0BOB")
			return true
		})
	}); err != nil || !kept {
		t.Errorf("it is not in the audit log: %v", err)
	}
}
