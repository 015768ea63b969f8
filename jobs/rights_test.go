package jobs_test

import (
	"strings"
	"testing"
	"time"

	"alsbot/config"
	"alsbot/jobs"
	"alsbot/sim/node"
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

// Policy comes to ask for approval while a run waits in line: it does not
// start without.
func TestPolicyIsLookedAtBeforeTheStart(t *testing.T) {
	h := newHouse(t, func(c *config.Config) { c.Approval.Effects = nil })
	h.fault("silent", "yes:patch install")
	first := h.run("U0ANN", "patch install")
	h.begun(first)
	second := h.run("U0ANN", "restart router")
	h.until(second, jobs.Queued)
	h.stop()
	h.cfg.Approval.Effects = []string{"restart", "destroy"}
	h.open()
	h.ask("U0ANN", "cancel "+first)
	h.until(first, jobs.Cancelled)
	h.until(second, jobs.Awaiting)
	h.called(0, "restart")
	h.press("U0BOB", second, true)
	h.until(second, jobs.Succeeded)
	h.called(1, "restart")
}

// Slack is down and then the cluster has changed: the fresh request does not
// say that rights are unknown.
func TestAFreshRequestKnowsNothingOfOldDoubts(t *testing.T) {
	h := newHouse(t, nil)
	id := h.run("U0ANN", "patch install")
	h.until(id, jobs.Awaiting)
	if err := h.cluster.Publish(node.Patch{Name: "late-fix", Severity: "required", Roles: []string{"router"}}); err != nil {
		t.Fatal(err)
	}
	h.offline(func(tx store.Tx) error {
		r, _, err := recordsOf.Get(tx, id)
		if err != nil {
			return err
		}
		r.Unsure, r.Remark = time.Now(), "the rights of @U0ANN could not be looked up in Slack"
		return recordsOf.Put(tx, id, r)
	})
	h.press("U0BOB", id, true)
	h.until(id, jobs.Void)
	list, err := h.engine.Runs(t.Context(), "prod", 1)
	if err != nil || len(list) != 1 || list[0].Replaces != id {
		t.Fatalf("no fresh request: %+v, %v", list, err)
	}
	if r := h.until(list[0].ID, jobs.Awaiting); r.Remark != "" || !r.Unsure.IsZero() {
		t.Errorf("it says %q, since %s", r.Remark, r.Unsure)
	}
}
