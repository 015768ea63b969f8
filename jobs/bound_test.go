package jobs_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"alsbot/config"
	"alsbot/runs"
	"alsbot/sim/node"
	"alsbot/store"
	"alsbot/upkeep/enginetest"
)

// What an approval binds: another target, a new finding, a smaller quorum, or
// another list of patches than the approvers saw does not run.

// changed stops the engine, changes its config and starts it again.
func changed(h *enginetest.Rig, change func(c *config.Config)) {
	h.Stop()
	change(h.Config)
	h.Open()
}

func TestAnApprovalBindsTheTarget(t *testing.T) {
	t.Parallel()
	for setting, change := range map[string]func(c *config.Cluster){
		"runs_dir": func(c *config.Cluster) { c.RunsDir = ".alsbot/others" },
		"run_as":   func(c *config.Cluster) { c.RunAs = c.User },
		"kato":     func(c *config.Cluster) { c.Kato = "/usr/bin/env kato" },
	} {
		h := enginetest.New(t, nil)
		id := h.Run("U0ANN", "restart router")
		h.Until(id, runs.Awaiting)
		changed(h, func(c *config.Config) { change(&c.Clusters[0]) })
		h.Press("U0BOB", id, true)
		if r := h.Until(id, runs.Void); setting != "kato" && !strings.Contains(r.Trouble, setting+" of ") {
			t.Errorf("%s: %s", setting, r.Trouble)
		}
		h.Called(0, "restart")
	}
}

// A role dies between the request and the press: that is shown first.
func TestAnApprovalBindsTheFindings(t *testing.T) {
	t.Parallel()
	h := enginetest.New(t, nil)
	id := h.Run("U0ANN", "upgrade node")
	shown := h.Until(id, runs.Awaiting)
	if err := h.Cluster.SetRole("10.0.0.12", "dea", "FATAL"); err != nil {
		t.Fatal(err)
	}
	h.Press("U0BOB", id, true)
	r := h.Until(id, runs.Void)
	if !strings.Contains(r.Trouble, "FATAL") {
		t.Errorf("%s; shown were %+v", r.Trouble, shown.Plan.Findings)
	}
}

// A finding that has gone by the time of the press is no reason to ask again.
func TestABetterFindingVoidsNothing(t *testing.T) {
	t.Parallel()
	h := enginetest.New(t, nil)
	if err := h.Cluster.SetRole("10.0.0.12", "dea", "FATAL"); err != nil {
		t.Fatal(err)
	}
	id := h.Run("U0ANN", "restart router")
	h.Until(id, runs.Awaiting)
	if err := h.Cluster.SetRole("10.0.0.12", "dea", "RUNNING"); err != nil {
		t.Fatal(err)
	}
	h.Press("U0BOB", id, true)
	h.Until(id, runs.Succeeded)
	h.Called(1, "restart")
}

func TestTheLargerQuorumCounts(t *testing.T) {
	t.Parallel()
	h := enginetest.New(t, nil)
	id := h.Run("U0ANN", "restart router")
	h.Until(id, runs.Awaiting)
	changed(h, func(c *config.Config) { c.Approval.Quorum = 2 })
	if ans := h.Press("U0BOB", id, true); !strings.Contains(ans.Text, "1 of 2") {
		t.Errorf("%+v", ans)
	}
	h.Until(id, runs.Awaiting)
	h.Called(0, "restart")
	changed(h, func(c *config.Config) { c.Approval.Quorum = 1 })
	if ans := h.Press("U0CAT", id, true); ans.Bad {
		t.Errorf("%+v", ans)
	}
	h.Until(id, runs.Succeeded)
}

// A schedule's run that waits in the queue asks for approval if the config no
// longer has the schedule, or has it with another command.
func TestAScheduleThatLeftTheConfigApprovesNothing(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(c *config.Config){
		"gone":    func(c *config.Config) { c.Schedules = nil },
		"another": func(c *config.Config) { c.Schedules[0].Command = "restart dea" },
	} {
		h, first := enginetest.Installing(t)
		changed(h, func(c *config.Config) {
			c.Schedules = []config.Schedule{{Name: "weekly", Cluster: "prod", Cron: "0 0 1 1 *", Timezone: "UTC", Command: "restart router", CatchUp: 10 * 24 * time.Hour * 365}}
		})
		slots := store.Bucket[runs.Schedule]{Name: "schedules"}
		h.Eventually("schedules", "the schedule", func(tx store.Tx) (bool, error) {
			_, met, err := slots.Get(tx, "weekly")
			return met, err
		})
		h.Offline(func(tx store.Tx) error {
			s, _, err := slots.Get(tx, "weekly")
			if err != nil {
				return err
			}
			s.Last = s.Last.AddDate(-1, 0, -1)
			return slots.Put(tx, "weekly", s)
		})
		var id string
		h.Eventually("slots", "the slot", func(tx store.Tx) (bool, error) {
			row, ok, err := runs.LastSlot(tx, "weekly")
			id = row.Run
			return ok && id != "", err
		})
		h.Until(id, runs.Queued)
		changed(h, change)
		h.Ask("U0ANN", "cancel "+first)
		h.Until(first, runs.Cancelled)
		h.Until(id, runs.Awaiting)
		h.Called(0, "restart")
		t.Log(name)
	}
}

// A cluster that keeps changing gets no fourth request by itself.
func TestAfterThreeVoidsNobodyIsAskedAgain(t *testing.T) {
	t.Parallel()
	h := enginetest.New(t, nil)
	id := h.Run("U0ANN", "patch install")
	for i := range 3 {
		h.Until(id, runs.Awaiting)
		if err := h.Cluster.Publish(node.Patch{Name: fmt.Sprintf("late-fix-%d", i), Severity: "required", Roles: []string{"router"}}); err != nil {
			t.Fatal(err)
		}
		h.Press("U0BOB", id, true)
		r := h.Until(id, runs.Void)
		list, err := h.Ledger.Recent(t.Context(), "prod", 1)
		if err != nil {
			t.Fatal(err)
		}
		if i < 2 {
			if list[0].Replaces != id {
				t.Fatalf("no request replaces the void one: %s", r.Next.Text)
			}
			id = list[0].ID
			continue
		}
		if list[0].ID != id || !strings.Contains(r.Next.Text, "retry "+id) {
			t.Errorf("after the third void: %s", r.Next.Text)
		}
	}
	h.Called(0, "patch", "install")
}

// What a run is judged by comes from the last probe before its start.
func TestTheBaselineIsThatOfTheLastProbe(t *testing.T) {
	t.Parallel()
	h := enginetest.New(t, nil)
	id := h.Run("U0ANN", "restart router")
	shown := h.Until(id, runs.Awaiting)
	other := h.Run("U0ANN", "restart dea") // which kato's history will have
	h.Until(other, runs.Awaiting)
	h.Press("U0BOB", other, true)
	h.Until(other, runs.Succeeded)
	h.Press("U0BOB", id, true)
	r := h.Until(id, runs.Succeeded)
	if r.Plan.Hints.History == shown.Plan.Hints.History {
		t.Errorf("the baseline is the request's: %q", r.Plan.Hints.History)
	}
}
