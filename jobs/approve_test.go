package jobs_test

import (
	"strings"
	"testing"
	"time"

	"alsbot/jobs"
	"alsbot/runs"
	"alsbot/store"
	"alsbot/upkeep/enginetest"
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

// Nobody approves what can't be read in full: the request waits, and can be
// rejected.
func TestUnshownRequestIsNotApproved(t *testing.T) {
	t.Parallel()
	h := enginetest.New(t, nil)
	id := h.Run("U0ANN", "patch install")
	h.Until(id, runs.Awaiting)
	show := func(unshown string, filed bool) {
		t.Helper()
		if err := h.Store.Update(t.Context(), func(tx store.Tx) error {
			changed, err := runs.SetShown(tx, id, unshown, filed)
			if err == nil && !changed {
				t.Error("nothing was recorded")
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	show("the file with it is not there yet", false)
	ans, err := h.Engine.Press(t.Context(), id, true, enginetest.Slack("U0BOB"))
	if err != nil || !ans.Bad || !strings.Contains(ans.Text, "Your approval was not taken: the file with it is not there yet") || !strings.Contains(ans.Text, "`run "+id+"`") {
		t.Errorf("%+v, %v", ans, err)
	}
	if r, a, err := h.Ledger.Load(t.Context(), id); err != nil || r.State != runs.Awaiting || len(a.Votes) > 0 {
		t.Errorf("it is %s with %+v, %v", r.State, a, err)
	}
	shown, err := h.Engine.Ask(t.Context(), jobs.Ask{Key: "look", By: enginetest.Slack("U0BOB"), Text: "run " + id})
	if err != nil || !strings.Contains(shown.Pre, "without its Approve button: the file") || !strings.Contains(shown.Pre, "kato patch install") {
		t.Errorf("run shows\n%s\n%v", shown.Pre, err)
	}
	show("", true)
	if ans, err := h.Engine.Press(t.Context(), id, true, enginetest.Slack("U0BOB")); err != nil || ans.Bad {
		t.Errorf("%+v, %v", ans, err)
	}
	h.Until(id, runs.Succeeded)
	h.Called(1, "patch", "install")
}

func TestUnshownRequestIsRejected(t *testing.T) {
	t.Parallel()
	h := enginetest.New(t, nil)
	id := h.Run("U0ANN", "patch install")
	h.Until(id, runs.Awaiting)
	if err := h.Store.Update(t.Context(), func(tx store.Tx) error {
		_, err := runs.SetShown(tx, id, "the file is not there yet", false)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if ans, err := h.Engine.Press(t.Context(), id, false, enginetest.Slack("U0BOB")); err != nil || ans.Bad {
		t.Errorf("%+v, %v", ans, err)
	}
	h.Until(id, runs.Rejected)
	h.Called(0, "patch", "install")
}
