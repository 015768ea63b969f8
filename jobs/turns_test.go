package jobs_test

import (
	"strings"
	"testing"
	"time"

	"alsbot/config"
	"alsbot/runs"
	"alsbot/sim/node"
	"alsbot/upkeep/enginetest"
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
	t.Parallel()
	h := enginetest.New(t, func(c *config.Config) { c.Clusters[0].Windows = closedNow(t) })
	id := h.Run("U0ANN", "restart router")
	h.Until(id, runs.Awaiting)
	h.Press("U0BOB", id, true)
	h.Until(id, runs.Queued)
	says, err := h.Engine.Waiting(t.Context(), id)
	if err != nil || !strings.Contains(says, "waits for its window") {
		t.Errorf("it says %q, %v", says, err)
	}
	h.Until(h.Run("U0ANN", "export cluster"), runs.Succeeded) // what has no window is not held up
	h.Called(0, "restart")
	h.Restart()
	h.Stop()
	h.Config.Clusters[0].Windows = nil
	h.Open()
	h.Until(id, runs.Succeeded)
	h.Called(1, "restart")
}

// A window that closes while a run stands in line takes it out of the line:
// what is behind it, a backup for one, does not wait for days.
func TestAClosedWindowHoldsUpNobody(t *testing.T) {
	t.Parallel()
	h := enginetest.New(t, nil)
	if err := h.Cluster.Fault("silent", "yes:patch install"); err != nil {
		t.Fatal(err)
	}
	first := h.Run("U0ANN", "patch install")
	h.Until(first, runs.Awaiting)
	h.Press("U0BOB", first, true)
	h.Until(first, runs.Running)
	second := h.Run("U0ANN", "restart router")
	h.Until(second, runs.Awaiting)
	h.Press("U0BOB", second, true)
	h.Until(second, runs.Queued)
	if says, err := h.Engine.Waiting(t.Context(), second); err != nil || !strings.Contains(says, "behind run "+first) {
		t.Errorf("it says %q, %v", says, err)
	}
	h.Stop()
	h.Config.Clusters[0].Windows = closedNow(t)
	h.Open()
	h.Ask("U0ANN", "cancel "+first)
	h.Until(first, runs.Cancelled)
	h.Until(h.Run("U0ANN", "export cluster"), runs.Succeeded)
	h.Until(second, runs.Queued)
	h.Called(0, "restart")
}

// What needs no approval goes on with a new plan when the cluster has changed
// before its turn, and not behind those who came later.
func TestANewPlanKeepsItsPlaceInLine(t *testing.T) {
	t.Parallel()
	h, first := enginetest.Installing(t)
	h.Kato("patch", "install")
	h.Fault("silent", "") // for the next
	second := h.Run("U0ANN", "patch install --no-restart")
	h.Until(second, runs.Queued)
	third := h.Run("U0ANN", "maintenance on")
	h.Until(third, runs.Queued)
	if err := h.Cluster.Publish(node.Patch{Name: "late-fix", Severity: "required", Roles: []string{"router"}}); err != nil {
		t.Fatal(err)
	}
	h.Ask("U0ANN", "cancel "+first)
	a, b := h.Until(second, runs.Succeeded), h.Until(third, runs.Succeeded)
	if !strings.Contains(a.Changed, "late-fix") || !a.Started.Before(b.Started) {
		t.Errorf("%q changed; it started at %s, what came later at %s", a.Changed, a.Started, b.Started)
	}
}
