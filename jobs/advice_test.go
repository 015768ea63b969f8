package jobs_test

import (
	"strings"
	"testing"

	"alsbot/runs"
	"alsbot/store"
	"alsbot/upkeep/enginetest"
)

// What went wrong is said once, and what to do about it is the executor's own
// advice and stands beside it, not in it.
func TestATroubleAndItsAdviceAreSaidOnce(t *testing.T) {
	t.Parallel()
	h := enginetest.New(t, nil)
	h.Down("10.0.0.10")
	r := h.Until(h.Run("U0ANN", "version"), runs.Failed)
	if r.Trouble != "" || strings.Count(r.Verdict.Summary, "connection refused") != 1 || strings.Contains(r.Verdict.Summary, "sshd") {
		t.Errorf("%s\n%s", r.Verdict.Summary, r.Trouble)
	}
	if !strings.HasPrefix(r.Next.Text, "Is sshd running there? ") || strings.Contains(r.Next.Text, "Look whether") || !strings.HasSuffix(r.Next.Text, "`retry "+r.ID+"`.") {
		t.Errorf("next: %s", r.Next.Text)
	}
	if s := r.Steps[0]; !strings.HasSuffix(s.Trouble, "connection refused") || s.Fix.Text != "is sshd running there?" {
		t.Errorf("the step: %q, %q", s.Trouble, s.Fix.Text)
	}
	why := ""
	if err := h.Store.View(t.Context(), func(tx store.Tx) error {
		return store.Bucket[runs.Entry]{Name: "audit"}.Scan(tx, store.Range{}, func(_ string, en runs.Entry) bool {
			if en.Run == r.ID && en.Action == "failed" {
				why = en.Detail
			}
			return true
		})
	}); err != nil || !strings.Contains(why, "connection refused") {
		t.Errorf("the audit log: %q, %v", why, err)
	}
	r = h.Until(h.Run("U0ANN", "patch install"), runs.Failed)
	if strings.Contains(r.Trouble, "sshd") || !strings.HasPrefix(r.Next.Text, "is sshd running there? When that is mended, type `retry "+r.ID) {
		t.Errorf("%s\n%s", r.Trouble, r.Next.Text)
	}
}

// A cancel is nobody's fault: no node is to be looked at.
func TestACancelAdvisesNothingAboutTheNode(t *testing.T) {
	t.Parallel()
	h, id := enginetest.Installing(t)
	h.Ask("U0ANN", "cancel "+id)
	r := h.Until(id, runs.Cancelled)
	if s := r.Steps[0]; s.Trouble != "cancelled" || s.Fix.Text != "" || strings.Contains(r.Next.Text, "Look whether") {
		t.Errorf("%q, %q; next: %s", s.Trouble, s.Fix, r.Next.Text)
	}
}
