package jobs_test

import (
	"strings"
	"testing"
	"time"

	"alsbot/config"
	"alsbot/jobs"
	"alsbot/sim/node"
)

// closedNow is a window that opens in three days.
func closedNow(t *testing.T) []config.Window {
	t.Helper()
	day := time.Now().UTC().AddDate(0, 0, 3).Weekday().String()[:3]
	w, err := config.ParseWindow(day + " 00:00-01:00")
	if err != nil {
		t.Fatal(err)
	}
	return []config.Window{w}
}

func TestARestartWaitsForItsWindowAndSaysSo(t *testing.T) {
	h := newHouse(t, func(c *config.Config) { c.Clusters[0].Windows = closedNow(t) })
	id := h.run("U0ANN", "restart router")
	h.until(id, jobs.Awaiting)
	h.press("U0BOB", id, true)
	h.until(id, jobs.Queued)
	says, err := h.engine.Waiting(t.Context(), id)
	if err != nil || !strings.Contains(says, "waits for its window") {
		t.Errorf("it says %q, %v", says, err)
	}
	h.until(h.run("U0ANN", "export cluster"), jobs.Succeeded) // what has no window is not held up
	h.called(0, "restart")
	h.restart()
	h.stop()
	h.cfg.Clusters[0].Windows = nil
	h.open()
	h.until(id, jobs.Succeeded)
	h.called(1, "restart")
}

// A window that closes while a run stands in line takes it out of the line:
// what is behind it, a backup for one, does not wait for days.
func TestAClosedWindowHoldsUpNobody(t *testing.T) {
	h := newHouse(t, nil)
	if err := h.cluster.Fault("silent", "yes:patch install"); err != nil {
		t.Fatal(err)
	}
	first := h.run("U0ANN", "patch install")
	h.until(first, jobs.Awaiting)
	h.press("U0BOB", first, true)
	h.until(first, jobs.Running)
	second := h.run("U0ANN", "restart router")
	h.until(second, jobs.Awaiting)
	h.press("U0BOB", second, true)
	h.until(second, jobs.Queued)
	if says, err := h.engine.Waiting(t.Context(), second); err != nil || !strings.Contains(says, "behind run "+first) {
		t.Errorf("it says %q, %v", says, err)
	}
	h.stop()
	h.cfg.Clusters[0].Windows = closedNow(t)
	h.open()
	h.ask("U0ANN", "cancel "+first)
	h.until(first, jobs.Cancelled)
	h.until(h.run("U0ANN", "export cluster"), jobs.Succeeded)
	h.until(second, jobs.Queued)
	h.called(0, "restart")
}

// What needs no approval goes on with a new plan when the cluster has changed
// before its turn, and not behind those who came later.
func TestANewPlanKeepsItsPlaceInLine(t *testing.T) {
	h, first := installing(t)
	h.kato("patch", "install")
	h.fault("silent", "") // for the next
	second := h.run("U0ANN", "patch install --no-restart")
	h.until(second, jobs.Queued)
	third := h.run("U0ANN", "maintenance on")
	h.until(third, jobs.Queued)
	if err := h.cluster.Publish(node.Patch{Name: "late-fix", Severity: "required", Roles: []string{"router"}}); err != nil {
		t.Fatal(err)
	}
	h.ask("U0ANN", "cancel "+first)
	a, b := h.until(second, jobs.Succeeded), h.until(third, jobs.Succeeded)
	if !strings.Contains(a.Changed, "late-fix") || !a.Started.Before(b.Started) {
		t.Errorf("%q changed; it started at %s, what came later at %s", a.Changed, a.Started, b.Started)
	}
}
