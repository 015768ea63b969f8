package jobs_test

import (
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"alsbot/config"
	"alsbot/jobs"
	"alsbot/runs"
	"alsbot/sim/node"
	"alsbot/upkeep/enginetest"
)

func TestMain(m *testing.M) { enginetest.Main(m) }

func TestRead(t *testing.T) {
	t.Parallel()
	h := enginetest.New(t, nil)
	r := h.Until(h.Run("U0DAN", "version"), runs.Succeeded)
	if r.Verdict == nil || len(r.Steps) != 1 || r.Steps[0].Exit == nil || *r.Steps[0].Exit != 0 {
		t.Errorf("the record is not whole: %+v", r)
	}
	out, size, err := h.Engine.Output(t.Context(), r.ID, 1000)
	if err != nil || size == 0 || len(out) == 0 {
		t.Errorf("output: %q, %d, %v", out, size, err)
	}
}

func TestApprovedInstall(t *testing.T) {
	t.Parallel()
	h := enginetest.New(t, nil)
	id := h.Run("U0ANN", "patch install")
	r := h.Until(id, runs.Awaiting)
	if r.Plan == nil || len(r.Plan.Facts) == 0 || r.Digest == "" {
		t.Fatalf("the plan is not whole: %+v", r.Plan)
	}
	h.Called(0, "patch", "install")
	h.Press("U0BOB", id, true)
	r = h.Until(id, runs.Succeeded)
	h.Called(1, "patch", "install")
	if r.Steps[0].Exit == nil {
		t.Errorf("no exit status: %+v", r.Steps)
	}
	again := h.Until(h.Run("U0ANN", "patch install"), runs.Succeeded)
	if !strings.Contains(again.Verdict.Summary, "Nothing to do") {
		t.Errorf("a second install: %+v", again.Verdict)
	}
	h.Called(1, "patch", "install")
}

func TestWhoMayDecide(t *testing.T) {
	t.Parallel()
	h := enginetest.New(t, func(c *config.Config) { c.Access.Approver = append(c.Access.Approver, "U0ANN") })
	id := h.Run("U0ANN", "patch install")
	h.Until(id, runs.Awaiting)
	if ans := h.Press("U0ANN", id, true); !ans.Bad {
		t.Errorf("the requester approved: %s", ans.Text)
	}
	if ans := h.Press("U0DAN", id, true); !ans.Bad {
		t.Errorf("a viewer approved: %s", ans.Text)
	}
	h.Groups.Silent(true)
	if ans := h.Press("U0BOB", id, true); !ans.Bad {
		t.Errorf("approved though rights could not be looked up: %s", ans.Text)
	}
	h.Groups.Silent(false)
	h.Until(id, runs.Awaiting)
	if ans := h.Press("U0BOB", id, false); ans.Bad {
		t.Errorf("reject: %s", ans.Text)
	}
	h.Until(id, runs.Rejected)
	if ans := h.Press("U0CAT", id, true); !ans.Bad || !strings.Contains(ans.Text, "already decided") {
		t.Errorf("a press after the decision: %+v", ans)
	}
	h.Called(0, "patch", "install")
}

func TestManyPressesOneEffect(t *testing.T) {
	t.Parallel()
	h := enginetest.New(t, nil)
	id := h.Run("U0ANN", "patch install")
	h.Until(id, runs.Awaiting)
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range 20 {
		wg.Go(func() {
			<-start
			user := []string{"U0BOB", "U0CAT"}[i%2]
			if _, err := h.Engine.Press(t.Context(), id, true, enginetest.Slack(user)); err != nil {
				t.Error(err)
			}
		})
	}
	close(start)
	wg.Wait()
	h.Until(id, runs.Succeeded)
	h.Called(1, "patch", "install")
}

func TestQuorumCountsPeople(t *testing.T) {
	t.Parallel()
	h := enginetest.New(t, func(c *config.Config) { c.Approval.Quorum = 2 })
	id := h.Run("U0ANN", "patch install")
	h.Until(id, runs.Awaiting)
	h.Press("U0BOB", id, true)
	if ans := h.Press("U0BOB", id, true); !strings.Contains(ans.Text, "already counts") {
		t.Errorf("the same person twice: %s", ans.Text)
	}
	h.Until(id, runs.Awaiting)
	h.Press("U0CAT", id, true)
	h.Until(id, runs.Succeeded)
	h.Called(1, "patch", "install")
}

func TestApprovalIsVoidWhenTheClusterMoves(t *testing.T) {
	t.Parallel()
	h := enginetest.New(t, nil)
	id := h.Run("U0ANN", "patch install")
	h.Until(id, runs.Awaiting)
	if err := h.Cluster.Publish(node.Patch{Name: "late-fix", Severity: "required", Roles: []string{"router"}}); err != nil {
		t.Fatal(err)
	}
	h.Press("U0BOB", id, true)
	r := h.Until(id, runs.Void)
	if !strings.Contains(r.Trouble, "late-fix") {
		t.Errorf("it does not say what changed: %s", r.Trouble)
	}
	h.Called(0, "patch", "install")
	list, err := h.Ledger.Recent(t.Context(), "prod", 1)
	if err != nil || len(list) != 1 || list[0].Replaces != id {
		t.Fatalf("no fresh request: %+v, %v", list, err)
	}
	h.Until(list[0].ID, runs.Awaiting)
	h.Press("U0CAT", list[0].ID, true)
	h.Until(list[0].ID, runs.Succeeded)
	h.Called(1, "patch", "install")
}

func TestRightsLostBeforeTheStart(t *testing.T) {
	t.Parallel()
	h := enginetest.New(t, func(c *config.Config) { c.Approval.Quorum = 2; c.Access.Operator = []string{"S0OPS"} })
	h.Groups.Set("S0OPS", "U0ANN")
	id := h.Run("U0ANN", "patch install")
	h.Until(id, runs.Awaiting)
	h.Press("U0BOB", id, true)
	h.Groups.Set("S0OPS")
	h.Press("U0CAT", id, true)
	r := h.Until(id, runs.Void)
	if !strings.Contains(r.Trouble, "no longer operator") {
		t.Errorf("trouble: %s", r.Trouble)
	}
	h.Called(0, "patch", "install")
}

func TestExpiry(t *testing.T) {
	t.Parallel()
	h := enginetest.New(t, func(c *config.Config) { c.Approval.ExpiresAfter = 50 * time.Millisecond })
	id := h.Run("U0ANN", "patch install")
	h.Until(id, runs.Expired)
	if ans := h.Press("U0BOB", id, true); !ans.Bad {
		t.Errorf("approved after it expired: %s", ans.Text)
	}
	h.Called(0, "patch", "install")
}

func TestSameDeliveryOnce(t *testing.T) {
	t.Parallel()
	h := enginetest.New(t, nil)
	ask := jobs.Ask{Key: "one", By: enginetest.Slack("U0ANN"), Text: "export cluster", Origin: runs.Origin{Channel: "C0PROD"}}
	var first jobs.Answer
	for i := range 5 {
		if i == 3 {
			h.Restart()
		}
		ans, err := h.Engine.Ask(t.Context(), ask)
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = ans
		} else if !reflect.DeepEqual(ans, first) {
			t.Errorf("answer %d differs: %+v", i, ans)
		}
	}
	h.Until(first.Run, runs.Succeeded, runs.Failed)
	h.Called(1, "data", "export")
}

func TestCancelBeforeAndDuring(t *testing.T) {
	t.Parallel()
	h := enginetest.New(t, nil)
	id := h.Run("U0ANN", "patch install")
	h.Until(id, runs.Awaiting)
	h.Ask("U0ANN", "cancel "+id)
	h.Until(id, runs.Cancelled)
	if ans := h.Press("U0BOB", id, true); !ans.Bad {
		t.Errorf("approved after cancel: %s", ans.Text)
	}
	if err := h.Cluster.Fault("silent", "yes:patch install"); err != nil {
		t.Fatal(err)
	}
	id = h.Run("U0ANN", "patch install")
	h.Until(id, runs.Awaiting)
	h.Press("U0BOB", id, true)
	h.Until(id, runs.Running)
	next := h.Run("U0ANN", "patch update") // waits in line
	h.Ask("U0ANN", "cancel "+id)
	r := h.Until(id, runs.Cancelled)
	if !strings.Contains(r.Trouble, "cancelled by") {
		t.Errorf("trouble: %s", r.Trouble)
	}
	h.Until(next, runs.Succeeded, runs.Failed)
}
