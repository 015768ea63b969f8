package jobs_test

import (
	"strings"
	"testing"
	"time"

	"alsbot/config"
	"alsbot/jobs"
	"alsbot/runs"
	"alsbot/upkeep/enginetest"
)

// Whatever the config gives, only full members of the workspace count: with
// "*", by name and by group, for a command, a press and a rejection.
func TestOnlyFullMembersCount(t *testing.T) {
	t.Parallel()
	h := enginetest.New(t, func(c *config.Config) {
		c.Access = config.Access{Viewer: []string{"*"}, Operator: []string{"U0ANN", "U0X"}, Approver: []string{"S0LEADS"}}
	})
	h.Groups.Set("S0LEADS", "U0BOB", "U0X")
	id := h.Run("U0ANN", "patch install")
	h.Until(id, runs.Awaiting)
	for standing, words := range map[jobs.Standing]string{
		jobs.Guest:       "Your Slack account is a guest account, and only full members of alsbot's own workspace count. Nothing has changed. Ask a full member of the workspace",
		jobs.Stranger:    "Your Slack account belongs to another organization (Slack Connect), and",
		jobs.BotAccount:  "Your Slack account is a bot, and",
		jobs.Deactivated: "Your Slack account is deactivated, and",
		jobs.Nobody:      "Your Slack account is unknown to Slack, and",
	} {
		h.Groups.SetPerson("U0X", jobs.Person{Standing: standing})
		for _, command := range []string{"status", "patch status", "restart router", "help", "runs", "run " + id, "output " + id, "cancel " + id, "approvals", "clusters", "plan patch install", "approve " + id, "whoami"} {
			if ans := h.Ask("U0X", command); !strings.Contains(ans.Text, words) || ans.Run != "" || ans.Pre != "" {
				t.Errorf("%s, %d: %q %q, run %q", command, standing, ans.Text, ans.Pre, ans.Run)
			}
		}
		for _, approve := range []bool{true, false} {
			if ans := h.Press("U0X", id, approve); !ans.Bad || !strings.Contains(ans.Text, words) {
				t.Errorf("a press, %d: %+v", standing, ans)
			}
		}
		ans, err := h.Engine.Reject(t.Context(), id, "because", enginetest.Slack("U0X"))
		if err != nil || !ans.Bad || !strings.Contains(ans.Text, words) {
			t.Errorf("a rejection, %d: %+v, %v", standing, ans, err)
		}
	}
	if r, a, err := h.Ledger.Load(t.Context(), id); err != nil || r.State != runs.Awaiting || len(a.Votes) != 0 {
		t.Errorf("the run is %s with %d votes, %v", r.State, len(a.Votes), err)
	}
	h.Groups.SetPerson("U0X", jobs.Person{Standing: jobs.NotLookedUp})
	if ans := h.Ask("U0X", "runs"); ans.Bad {
		t.Errorf("without users:read: %+v", ans)
	}
}

// A requester who has become a guest starts nothing.
func TestAGuestsApprovedRequestIsVoid(t *testing.T) {
	t.Parallel()
	h := enginetest.New(t, nil)
	id := h.Run("U0ANN", "restart router")
	h.Until(id, runs.Awaiting)
	h.Groups.SetPerson("U0ANN", jobs.Person{Standing: jobs.Guest})
	h.Press("U0BOB", id, true)
	if r := h.Until(id, runs.Void); !strings.Contains(r.Trouble, "@U0ANN is no longer operator") {
		t.Errorf("void: %s", r.Trouble)
	}
	h.Called(0, "restart")
}

// Names come from the directory by the ID. The payload's name is nobody's.
func TestNamesComeFromTheID(t *testing.T) {
	t.Parallel()
	h := enginetest.New(t, nil)
	h.Groups.SetPerson("U0ANN", jobs.Person{Standing: jobs.FullMember, Name: "ann"})
	h.Groups.SetPerson("U0BOB", jobs.Person{Standing: jobs.FullMember, Name: "bob"})
	liar := runs.Principal{Source: runs.FromSlack, ID: "U0ANN", Handle: "boss"}
	ans, err := h.Engine.Ask(t.Context(), jobs.Ask{Key: "k", By: liar, Text: "restart router", Origin: runs.Origin{Channel: "C0PROD"}})
	if err != nil || ans.Run == "" {
		t.Fatalf("%+v, %v", ans, err)
	}
	if r := h.Until(ans.Run, runs.Awaiting); r.By.Handle != "ann" {
		t.Errorf("asked by %+v", r.By)
	}
	liar = runs.Principal{Source: runs.FromSlack, ID: "U0BOB", Handle: "boss"}
	if _, err := h.Engine.Reject(t.Context(), ans.Run, "", liar); err != nil {
		t.Fatal(err)
	}
	if r := h.Until(ans.Run, runs.Rejected); r.Trouble != "rejected by @bob" {
		t.Errorf("%s", r.Trouble)
	}
}

// A refusal for want of an answer says what Slack did not say.
func TestAGroupThatCannotBeLookedUpIsNamed(t *testing.T) {
	t.Parallel()
	h := enginetest.New(t, nil)
	id := h.Run("U0ANN", "restart router")
	h.Until(id, runs.Awaiting)
	h.Groups.Silent(true)
	if ans := h.Ask("U0EVE", "restart router"); !ans.Bad || !strings.Contains(ans.Text, "(Slack did not say who is in user group S0OPS), so nothing was started. Try again in a minute") {
		t.Errorf("a command: %+v", ans)
	}
	if ans := h.Press("U0BOB", id, true); !ans.Bad || !strings.Contains(ans.Text, "(Slack did not say who is in user group S0LEADS), so your decision was not taken. Press again in a minute.") {
		t.Errorf("a press: %+v", ans)
	}
}

// A dry run of an import from a host would log in there by SSH: whoever may only
// look can't have alsbot go anywhere. An archive on the node leads nowhere.
func TestADryRunThatLeavesTheClusterNeedsAnOperator(t *testing.T) {
	t.Parallel()
	h := enginetest.New(t, nil)
	for _, command := range []string{"plan import cluster old-core.example.com", "plan import node 10.9.9.9 --node 10.0.0.11"} {
		if ans := h.Ask("U0DAN", command); !ans.Bad || ans.Run != "" || !strings.Contains(ans.Text, "This needs the operator role on @prod") {
			t.Errorf("%s by a viewer: %+v", command, ans)
		}
		if id := h.Run("U0ANN", command); id == "" {
			t.Errorf("%s by an operator made no run", command)
		}
	}
	h.Run("U0DAN", "plan import cluster /nosuch.tgz")
}

// kato's report can hold passwords: an operator asks for it, and it goes to
// them.
func TestReportIsForOneOperator(t *testing.T) {
	t.Parallel()
	h := enginetest.New(t, func(c *config.Config) { c.Admin.Users = map[string]string{"annie": "U0ANN"} })
	local := func(user string) jobs.Answer {
		ans, err := h.Engine.Ask(t.Context(), jobs.Ask{Key: "local/" + user, By: runs.Principal{Source: runs.FromLocal, ID: user}, Text: "report @prod"})
		if err != nil {
			t.Fatal(err)
		}
		return ans
	}
	if ans := h.Ask("U0DAN", "report"); !ans.Bad || !strings.Contains(ans.Text, "This needs the operator role on @prod") {
		t.Errorf("a viewer: %+v", ans)
	}
	if ans := local("root"); !ans.Bad || !strings.Contains(ans.Text, "`report` goes to the person who asks, by direct message, and alsbot doesn't know who root is in Slack. Nothing was started. ") ||
		!strings.Contains(ans.Text, "add `root` with the person's Slack user ID (U…) to `admin.users`") {
		t.Errorf("an unmapped account: %+v", ans)
	}
	h.Until(h.Run("U0ANN", "report"), runs.Succeeded)
	h.Until(local("annie").Run, runs.Succeeded)
	h.Until(h.Run("U0DAN", "plan report"), runs.Succeeded)
	h.Called(2, "report")
}

func TestReportIsNoSchedule(t *testing.T) {
	t.Parallel()
	c := &config.Config{Clusters: []config.Cluster{{Name: "prod"}},
		Schedules: []config.Schedule{{Name: "weekly", Cluster: "prod", Cron: "0 3 * * 0", Timezone: "UTC", Command: "report", CatchUp: time.Hour}}}
	if err := jobs.CheckSchedules(c); err == nil || !strings.Contains(err.Error(), `command "report" goes to the person who asks and cannot be a schedule`) {
		t.Errorf("got %v", err)
	}
}
