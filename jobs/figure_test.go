package jobs_test

import (
	"testing"

	"alsbot/config"
	"alsbot/jobs"
)

// Another export ends while one waits for its approval: how large archives
// usually are has changed by itself, and nothing that was approved.
func TestAnotherExportLeavesAnApprovalAsItIs(t *testing.T) {
	h := newHouse(t, func(c *config.Config) { c.Approval.Effects = []string{"change"} })
	waits := h.run("U0ANN", "export cluster "+h.cluster.Path("10.0.0.11", "/mnt/nas/first.tgz"))
	h.until(waits, jobs.Awaiting)
	other := h.run("U0ANN", "export cluster "+h.cluster.Path("10.0.0.11", "/mnt/nas/second.tgz"))
	h.until(other, jobs.Awaiting)
	h.press("U0BOB", other, true)
	h.until(other, jobs.Succeeded)
	h.press("U0BOB", waits, true)
	h.until(waits, jobs.Succeeded)
	h.called(2, "data", "export")
}
