package jobs_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"alsbot/config"
	"alsbot/jobs"
	"alsbot/runs"
	"alsbot/upkeep/enginetest"
)

func TestWhoamiAndClusters(t *testing.T) {
	t.Parallel()
	h := enginetest.New(t, func(c *config.Config) {
		c.Clusters = append(c.Clusters, c.Clusters[0])
		c.Clusters[1].Name, c.Clusters[1].Channel, c.Clusters[1].Core = "secret", "C0SECRET", "10.9.9.9:22"
		c.Clusters[1].Access = config.Access{Viewer: []string{"S0LEADS"}, Operator: []string{}}
	})
	for user, want := range map[string]string{
		"U0ANN": "CLUSTER  VIEWER  OPERATOR  APPROVER\n@prod    yes     yes       no",
		"U0BOB": "CLUSTER  VIEWER  OPERATOR  APPROVER\n@prod    yes     no        yes\n@secret  yes     no        yes",
		"U0DAN": "CLUSTER  VIEWER  OPERATOR  APPROVER\n@prod    yes     no        no",
	} {
		if ans := h.Ask(user, "whoami"); !strings.HasPrefix(ans.Text, "You are @"+user+". ") || ans.Pre != want {
			t.Errorf("%s\n%s\nnot\n%s", ans.Text, ans.Pre, want)
		}
	}
	if ans := h.Ask("U0DAN", "clusters"); !strings.Contains(ans.Pre, "@prod") || strings.Contains(ans.Pre, "secret") {
		t.Errorf("a stranger sees\n%s", ans.Pre)
	}
	if ans := h.Ask("U0BOB", "clusters"); !strings.Contains(ans.Pre, "@secret  10.9.9.9:22") {
		t.Errorf("a lead sees\n%s", ans.Pre)
	}
	if ans := h.Ask("U0DAN", "version @secret"); !ans.Bad || ans.Run != "" {
		t.Errorf("a stranger looks: %+v", ans)
	}
}

// When Slack does not answer, lists say so instead of leaving things out.
func TestListsWhenRightsCannotBeLookedUp(t *testing.T) {
	t.Parallel()
	h := enginetest.New(t, func(c *config.Config) {
		c.Clusters[0].Access = config.Access{Viewer: []string{"S0LEADS"}, Operator: []string{"S0LEADS"}}
	})
	h.Groups.Silent(true)
	for _, text := range []string{"runs", "clusters", "approvals", "schedule list"} {
		if ans := h.Ask("U0BOB", text); !ans.Bad || !strings.Contains(ans.Text, "could not be looked up") {
			t.Errorf("%s: %+v", text, ans)
		}
	}
}

func TestApprovalsAndRetry(t *testing.T) {
	t.Parallel()
	h := enginetest.New(t, nil)
	if ans := h.Ask("U0DAN", "approvals"); !strings.HasPrefix(ans.Text, "Nothing waits for approval on any cluster. Type") {
		t.Errorf("%+v", ans)
	}
	id := h.Run("U0ANN", `patch install --reason "a hole"`)
	h.Until(id, runs.Awaiting)
	if ans := h.Ask("U0DAN", "approvals"); !strings.Contains(ans.Pre, id) || !strings.Contains(ans.Pre, "0 of 1") {
		t.Errorf("\n%s", ans.Pre)
	}
	if ans := h.Ask("U0ANN", "retry "+id); !ans.Bad || !strings.Contains(ans.Text, "cancel "+id) {
		t.Errorf("an open run was asked for again: %+v", ans)
	}
	h.Press("U0BOB", id, false)
	h.Until(id, runs.Rejected)
	if ans := h.Ask("U0DAN", "retry "+id); !ans.Bad || ans.Run != "" {
		t.Errorf("a viewer retried an operator's run: %+v", ans)
	}
	ans := h.Ask("U0ANN", "retry "+id)
	if ans.Run == "" || ans.Run == id {
		t.Fatalf("no new run: %+v", ans)
	}
	r := h.Until(ans.Run, runs.Awaiting) // to be approved like the first
	first, _, err := h.Ledger.Load(t.Context(), id)
	if err != nil || r.Text != first.Text || r.Request.Reason != "a hole" || r.By != enginetest.Slack("U0ANN") {
		t.Errorf("%q by %v, not %q: %v", r.Text, r.By, first.Text, err)
	}
	if ans := h.Ask("U0DAN", "cancel "+r.ID); !ans.Bad {
		t.Errorf("a viewer cancelled it: %+v", ans)
	}
	h.Called(0, "patch", "install")
}

// Who is kept from a cluster sees nothing of its runs by their ID either.
func TestRunsOfAClusterThatOneMayNotSee(t *testing.T) {
	t.Parallel()
	h := enginetest.New(t, func(c *config.Config) { c.Clusters[0].Access = config.Access{Viewer: []string{"U0ANN"}} })
	id := h.Run("U0ANN", "version")
	h.Until(id, runs.Succeeded)
	for _, text := range []string{"run ", "output ", "cancel ", "retry ", "acknowledge ", "approve ", "reject "} {
		if ans := h.Ask("U0DAN", text+id); !ans.Bad || ans.Pre != "" || ans.Run != "" || !strings.Contains(ans.Text, fmt.Sprintf("there is no run %q", id)) {
			t.Errorf("%s: %+v", text, ans)
		}
	}
	if ans := h.Ask("U0DAN", "runs"); strings.Contains(ans.Pre, id) {
		t.Errorf("\n%s", ans.Pre)
	}
}

// No refusal, hint or list names a cluster that a person may not see, and none
// says that there is nothing where there is something.
func TestClustersThatOneMayNotSeeAreNotNamed(t *testing.T) {
	t.Parallel()
	h := enginetest.New(t, func(c *config.Config) {
		c.Clusters = append(c.Clusters, c.Clusters[0])
		c.Clusters[1].Name, c.Clusters[1].Channel = "secret", "C0SECRET"
		c.Clusters[1].Access = config.Access{Viewer: []string{"U0ANN"}, Operator: []string{"U0ANN"}, Approver: []string{"U0BOB"}}
		c.Clusters[0].Access = config.Access{Viewer: []string{"U0ANN", "U0DAN"}}
		slices.Reverse(c.Clusters)
		c.Schedules = []config.Schedule{{Name: "nightly", Cluster: "secret", Cron: "0 0 1 1 *", Timezone: "UTC", Command: "version"}}
	})
	id := h.Run("U0ANN", "restart router @secret")
	h.Until(id, runs.Awaiting)
	for _, user := range []string{"U0DAN", "U0EVE"} {
		for _, text := range []string{"status @nowhere", "status @secrex", "runs @nowhere", "status", "whoami", "help", "clusters", "runs", "approvals", "schedule list", "audit", "audit nothing", "retry nothing", "run " + id, "approve nothing"} {
			if ans := h.Ask(user, text); strings.Contains(ans.Text+ans.Pre, "secret") || strings.Contains(strings.ReplaceAll(ans.Text+ans.Pre, fmt.Sprintf("no run %q", id), ""), id) {
				t.Errorf("%s, %s: %s\n%s", user, text, ans.Text, ans.Pre)
			}
		}
		for _, text := range []string{"runs @secret", "approvals @secret", "schedule list @secret", "clusters @secret"} {
			if ans := h.Ask(user, text); !ans.Bad || !strings.Contains(ans.Text, "needs the viewer role on @secret") {
				t.Errorf("%s, %s: %s\n%s", user, text, ans.Text, ans.Pre)
			}
		}
	}
	for text, want := range map[string]string{
		"approvals":     "Nothing waits for approval on the clusters that you may see.",
		"schedule list": "No schedules are configured for the clusters that you may see.",
	} {
		if ans := h.Ask("U0DAN", text); !strings.HasPrefix(ans.Text, want) {
			t.Errorf("%s: %s", text, ans.Text)
		}
	}
	for text, want := range map[string]string{
		"approvals @prod":     "Nothing waits for approval on @prod.",
		"schedule list @prod": "No schedules are configured for @prod.",
	} {
		if ans := h.Ask("U0ANN", text); !strings.HasPrefix(ans.Text, want) {
			t.Errorf("%s: %s\n%s", text, ans.Text, ans.Pre)
		}
	}
	if ans := h.Ask("U0ANN", "clusters @prod"); strings.Contains(ans.Pre, "secret") {
		t.Errorf("clusters @prod:\n%s", ans.Pre)
	}
	if ans := h.Ask("U0ANN", "status @nowhere"); !strings.Contains(ans.Text, "The clusters are @secret, @prod") {
		t.Errorf("who may see both: %s", ans.Text)
	}
	if ans := h.Ask("U0EVE", "whoami"); !strings.Contains(ans.Text, "no role on any cluster") || ans.Pre != "" {
		t.Errorf("who has no rights: %+v", ans)
	}
}

// However long an ID is that a person gives, it is an ID of no run, and no trouble
// of alsbot's own.
func TestALongIDIsNoRun(t *testing.T) {
	t.Parallel()
	h := enginetest.New(t, nil)
	long := strings.Repeat("x", 1990)
	for _, ans := range []jobs.Answer{h.Ask("U0BOB", "approve "+long), h.Ask("U0BOB", "reject "+long+" why"), h.Press("U0BOB", long, true), h.Press("U0BOB", "", false)} {
		if !ans.Bad || !strings.Contains(ans.Text, "there is no run") || len(ans.Text) > 500 {
			t.Errorf("%+v", ans)
		}
	}
}
