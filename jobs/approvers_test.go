package jobs_test

import (
	"strings"
	"testing"

	"alsbot/config"
	"alsbot/jobs"
	"alsbot/runs"
	"alsbot/upkeep/enginetest"
)

// A request that can't get its approvals says so when it is posted.
func TestARequestThatNobodyCanApproveSaysSo(t *testing.T) {
	t.Parallel()
	h := enginetest.New(t, func(c *config.Config) {
		prod := c.Clusters[0]
		named := func(name string, approver ...string) config.Cluster {
			other := prod
			other.Name, other.Channel, other.Access.Approver = name, "", approver
			return other
		}
		c.Clusters = append(c.Clusters, named("own", "U0ANN"), named("guests", "S0GUESTS", "U0ANN", "U0GUS"), named("none"), named("empty", "S0EMPTY"),
			named("mixed", "S0EMPTY", "U0ANN", "U0BOB"), named("all", "*"))
		c.Clusters[3].Access.Approver = []string{}
	})
	h.Groups.Set("S0GUESTS", "U0GUS")
	h.Groups.SetPerson("U0GUS", jobs.Person{Standing: jobs.Guest})
	for cluster, want := range map[string]string{
		"own":    "no one else can approve this: who asked is the only approver on @own. It can only expire unless",
		"guests": "no one else can approve this: who asked is the only approver on @guests",
		"none":   "no one can approve this: no full member of the workspace is an approver on @none",
		"empty":  "no one can approve this: no full member of the workspace is an approver on @empty",
		"mixed":  "",
		"all":    "",
		"prod":   "",
	} {
		id := h.Run("U0ANN", "restart router @"+cluster)
		if r := h.Until(id, runs.Awaiting); !strings.HasPrefix(r.Remark, want) || want == "" && r.Remark != "" {
			t.Errorf("@%s: %q, not %q", cluster, r.Remark, want)
		}
		if ans := h.Ask("U0ANN", "run "+id); !strings.Contains(ans.Pre, want) {
			t.Errorf("@%s: run ID doesn't say so:\n%s", cluster, ans.Pre)
		}
		h.Ask("U0ANN", "cancel "+id)
		h.Until(id, runs.Cancelled)
	}
	h.Groups.Silent(true)
	id := h.Run("U0ANN", "restart router @own")
	if r := h.Until(id, runs.Awaiting); r.Remark != "" {
		t.Errorf("without Slack, it says %q", r.Remark)
	}
}

// With a quorum of two and one approver, it is the same; and once an approver
// has come, nothing of it is said any more.
func TestARequestThatTooFewCanApproveSaysSo(t *testing.T) {
	t.Parallel()
	h := enginetest.New(t, func(c *config.Config) { c.Approval.Quorum = 2 })
	h.Groups.Set("S0LEADS", "U0BOB", "U0ANN")
	id := h.Run("U0ANN", "restart router")
	if r := h.Until(id, runs.Awaiting); !strings.HasPrefix(r.Remark, "only 1 of the 2 people whom this needs can approve it on @prod") {
		t.Errorf("it says %q", r.Remark)
	}
	h.Groups.Set("S0LEADS", "U0BOB", "U0CAT")
	h.Press("U0BOB", id, true)
	h.Press("U0CAT", id, true)
	if r := h.Until(id, runs.Succeeded); r.Remark != "" {
		t.Errorf("it still says %q", r.Remark)
	}
}
