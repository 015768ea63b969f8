package jobs_test

import (
	"testing"

	"alsbot/config"
	"alsbot/runs"
	"alsbot/upkeep/enginetest"
)

// Another export ends while one waits for its approval: how large archives
// usually are has changed by itself, and nothing that was approved.
func TestAnotherExportLeavesAnApprovalAsItIs(t *testing.T) {
	t.Parallel()
	h := enginetest.New(t, func(c *config.Config) { c.Approval.Effects = []string{"change"} })
	waits := h.Run("U0ANN", "export cluster "+h.Cluster.Path("10.0.0.11", "/mnt/nas/first.tgz"))
	h.Until(waits, runs.Awaiting)
	other := h.Run("U0ANN", "export cluster "+h.Cluster.Path("10.0.0.11", "/mnt/nas/second.tgz"))
	h.Until(other, runs.Awaiting)
	h.Press("U0BOB", other, true)
	h.Until(other, runs.Succeeded)
	h.Press("U0BOB", waits, true)
	h.Until(waits, runs.Succeeded)
	h.Called(2, "data", "export")
}
