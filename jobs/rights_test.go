package jobs_test

import (
	"strings"
	"testing"
	"time"

	"alsbot/jobs"
	"alsbot/store"
)

// down lets Slack answer nothing about groups, or answer again.
func (g *groups) silent(down bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.down = down
}

// inLine is an approved run that waits behind one which does not end.
func inLine(t *testing.T) (h *house, first, second string) {
	t.Helper()
	h, first = installing(t)
	second = h.run("U0ANN", "restart router")
	h.until(second, jobs.Awaiting)
	h.press("U0BOB", second, true)
	h.until(second, jobs.Queued)
	return h, first, second
}

// Slack is down when the turn of an approved run comes: it waits in words,
// and starts when the rights of everybody are known again.
func TestARunWaitsWhileRightsCannotBeLookedUp(t *testing.T) {
	h, first, second := inLine(t)
	h.groups.silent(true)
	h.ask("U0ANN", "cancel "+first) // is an operator by name
	h.until(first, jobs.Cancelled)
	h.remarked(second, "could not be looked up in Slack")
	h.called(0, "restart")
	h.groups.silent(false)
	h.restart()
	r := h.until(second, jobs.Succeeded)
	if r.Remark != "" || !r.Unsure.IsZero() {
		t.Errorf("the record: %q, %s", r.Remark, r.Unsure)
	}
	h.called(1, "restart")
}

// When it has waited for too long it expires, and the line goes on.
func TestARunWhoseRightsStayUnknownExpires(t *testing.T) {
	h, first, second := inLine(t)
	h.groups.silent(true)
	h.ask("U0ANN", "cancel "+first)
	h.until(first, jobs.Cancelled)
	h.remarked(second, "could not be looked up in Slack")
	h.offline(func(tx store.Tx) error {
		r, _, err := recordsOf.Get(tx, second)
		if err != nil {
			return err
		}
		r.Unsure = time.Now().Add(-time.Hour)
		return recordsOf.Put(tx, second, r)
	})
	r := h.until(second, jobs.Expired)
	if !strings.Contains(r.Trouble, "could not be looked up") || !strings.Contains(r.Next, "retry "+second) {
		t.Errorf("%s\n%s", r.Trouble, r.Next)
	}
	h.until(h.run("U0ANN", "export cluster"), jobs.Succeeded)
	h.called(0, "restart")
}
