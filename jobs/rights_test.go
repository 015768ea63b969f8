package jobs_test

import (
	"strings"
	"testing"
	"time"

	"alsbot/config"
	"alsbot/jobs"
	"alsbot/runs"
	"alsbot/sim/node"
	"alsbot/store"
	"alsbot/upkeep/enginetest"
)

// inLine is an approved run that waits behind one which does not end.
func inLine(t *testing.T) (h *enginetest.Rig, first, second string) {
	t.Helper()
	h, first = enginetest.Installing(t)
	second = h.Run("U0ANN", "restart router")
	h.Until(second, runs.Awaiting)
	h.Press("U0BOB", second, true)
	h.Until(second, runs.Queued)
	return h, first, second
}

// Slack is down when the turn of an approved run comes: it waits in words,
// and starts when the rights of everybody are known again.
func TestARunWaitsWhileRightsCannotBeLookedUp(t *testing.T) {
	t.Parallel()
	h, first, second := inLine(t)
	h.Groups.Silent(true)
	h.Ask("U0ANN", "cancel "+first) // is an operator by name
	h.Until(first, runs.Cancelled)
	h.Remarked(second, "could not be looked up in Slack")
	h.Called(0, "restart")
	h.Groups.Silent(false)
	h.Restart()
	r := h.Until(second, runs.Succeeded)
	if r.Remark != "" || !r.Unsure.IsZero() {
		t.Errorf("the record: %q, %s", r.Remark, r.Unsure)
	}
	h.Called(1, "restart")
}

// When it has waited for too long it expires, and the line goes on.
func TestARunWhoseRightsStayUnknownExpires(t *testing.T) {
	t.Parallel()
	h, first, second := inLine(t)
	h.Groups.Silent(true)
	h.Ask("U0ANN", "cancel "+first)
	h.Until(first, runs.Cancelled)
	h.Remarked(second, "could not be looked up in Slack")
	h.Offline(func(tx store.Tx) error {
		r, _, err := enginetest.Records.Get(tx, second)
		if err != nil {
			return err
		}
		r.Unsure = time.Now().Add(-time.Hour)
		return enginetest.Records.Put(tx, second, r)
	})
	r := h.Until(second, runs.Expired)
	if !strings.Contains(r.Trouble, "could not be looked up") || !strings.Contains(r.Next.Text, "retry "+second) {
		t.Errorf("%s\n%s", r.Trouble, r.Next.Text)
	}
	h.Until(h.Run("U0ANN", "export cluster"), runs.Succeeded)
	h.Called(0, "restart")
}

// Policy comes to ask for approval while a run waits in line: it does not
// start without.
func TestPolicyIsLookedAtBeforeTheStart(t *testing.T) {
	t.Parallel()
	h := enginetest.New(t, func(c *config.Config) { c.Approval.Effects = nil })
	h.Fault("silent", "yes:patch install")
	first := h.Run("U0ANN", "patch install")
	h.Begun(first)
	second := h.Run("U0ANN", "restart router")
	h.Until(second, runs.Queued)
	h.Stop()
	h.Config.Approval.Effects = []string{"restart", "destroy"}
	h.Open()
	h.Ask("U0ANN", "cancel "+first)
	h.Until(first, runs.Cancelled)
	h.Until(second, runs.Awaiting)
	h.Called(0, "restart")
	h.Press("U0BOB", second, true)
	h.Until(second, runs.Succeeded)
	h.Called(1, "restart")
}

// Slack is down and then the cluster has changed: the fresh request does not
// say that rights are unknown.
func TestAFreshRequestKnowsNothingOfOldDoubts(t *testing.T) {
	t.Parallel()
	h := enginetest.New(t, nil)
	id := h.Run("U0ANN", "patch install")
	h.Until(id, runs.Awaiting)
	if err := h.Cluster.Publish(node.Patch{Name: "late-fix", Severity: "required", Roles: []string{"router"}}); err != nil {
		t.Fatal(err)
	}
	h.Offline(func(tx store.Tx) error {
		r, _, err := enginetest.Records.Get(tx, id)
		if err != nil {
			return err
		}
		r.Unsure, r.Remark = time.Now(), "the rights of @U0ANN could not be looked up in Slack"
		return enginetest.Records.Put(tx, id, r)
	})
	h.Press("U0BOB", id, true)
	h.Until(id, runs.Void)
	list, err := h.Ledger.Recent(t.Context(), "prod", 1)
	if err != nil || len(list) != 1 || list[0].Replaces != id {
		t.Fatalf("no fresh request: %+v, %v", list, err)
	}
	if r := h.Until(list[0].ID, runs.Awaiting); r.Remark != "" || !r.Unsure.IsZero() {
		t.Errorf("it says %q, since %s", r.Remark, r.Unsure)
	}
}

// Whose account on alsbot's host the requester is can turn out after the press:
// nobody's own approval starts anything.
func TestAnOwnApprovalIsFoundBeforeTheStart(t *testing.T) {
	t.Parallel()
	h := enginetest.New(t, func(c *config.Config) {
		c.Approval.Quorum, c.Admin.Users = 2, map[string]string{"mallory": "U0ANN"}
	})
	ans, err := h.Engine.Ask(t.Context(), jobs.Ask{Key: "local/1", By: runs.Principal{Source: runs.FromLocal, ID: "mallory"}, Text: "restart router @prod"})
	if err != nil || ans.Run == "" {
		t.Fatalf("%+v, %v", ans, err)
	}
	h.Until(ans.Run, runs.Awaiting)
	h.Press("U0BOB", ans.Run, true)
	changed(h, func(c *config.Config) { c.Admin.Users = map[string]string{"mallory": "U0BOB"} })
	h.Press("U0CAT", ans.Run, true)
	if r := h.Until(ans.Run, runs.Void); !strings.Contains(r.Trouble, "@U0BOB asked for this, and somebody else has to approve it") {
		t.Errorf("trouble: %s", r.Trouble)
	}
	h.Called(0, "restart")
}
