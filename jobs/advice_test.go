package jobs_test

import (
	"strings"
	"testing"

	"alsbot/jobs"
	"alsbot/store"
)

// What went wrong is said once, and what to do about it is the executor's own
// advice and stands beside it, not in it.
func TestATroubleAndItsAdviceAreSaidOnce(t *testing.T) {
	h := newHouse(t, nil)
	h.fault("down@10.0.0.10", "yes")
	r := h.until(h.run("U0ANN", "version"), jobs.Failed)
	if r.Trouble != "" || strings.Count(r.Verdict.Summary, "connection refused") != 1 || strings.Contains(r.Verdict.Summary, "sshd") {
		t.Errorf("%s\n%s", r.Verdict.Summary, r.Trouble)
	}
	if !strings.HasPrefix(r.Next, "Is sshd running there? ") || strings.Contains(r.Next, "Look whether") || !strings.HasSuffix(r.Next, "`retry "+r.ID+"`.") {
		t.Errorf("next: %s", r.Next)
	}
	if s := r.Steps[0]; !strings.HasSuffix(s.Trouble, "connection refused") || s.Mend != "is sshd running there?" {
		t.Errorf("the step: %q, %q", s.Trouble, s.Mend)
	}
	why := ""
	if err := h.st.View(t.Context(), func(tx store.Tx) error {
		return store.Bucket[jobs.Entry]{Name: "audit"}.Scan(tx, store.Range{}, func(_ string, en jobs.Entry) bool {
			if en.Run == r.ID && en.Action == "failed" {
				why = en.Detail
			}
			return true
		})
	}); err != nil || !strings.Contains(why, "connection refused") {
		t.Errorf("the audit log: %q, %v", why, err)
	}
	r = h.until(h.run("U0ANN", "patch install"), jobs.Failed)
	if strings.Contains(r.Trouble, "sshd") || !strings.HasPrefix(r.Next, "is sshd running there? When that is mended, type `retry "+r.ID) {
		t.Errorf("%s\n%s", r.Trouble, r.Next)
	}
}

// A cancel is nobody's fault: no node is to be looked at.
func TestACancelAdvisesNothingAboutTheNode(t *testing.T) {
	h, id := installing(t)
	h.ask("U0ANN", "cancel "+id)
	r := h.until(id, jobs.Cancelled)
	if s := r.Steps[0]; s.Trouble != "cancelled" || s.Mend != "" || strings.Contains(r.Next, "Look whether") {
		t.Errorf("%q, %q; next: %s", s.Trouble, s.Mend, r.Next)
	}
}
