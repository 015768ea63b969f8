package jobs_test

import (
	"bytes"
	"strings"
	"testing"

	"alsbot/config"
	"alsbot/runs"
	"alsbot/store"
	"alsbot/upkeep/enginetest"
)

// A cluster that is taken out of the config while a command runs there: what
// became of it cannot be known.
func TestAClusterLeavesTheConfigDuringARun(t *testing.T) {
	t.Parallel()
	h, id := enginetest.Installing(t)
	h.Stop()
	h.Config.Clusters[0].Name = "other"
	h.Open()
	r := h.Until(id, runs.Lost)
	if !strings.Contains(r.Trouble, "no longer in alsbot's config") || !strings.Contains(r.Next.Text, "acknowledge "+id) {
		t.Errorf("%s\n%s", r.Trouble, r.Next.Text)
	}
	if !strings.Contains(r.Next.Text, "`patch status @prod`, `status @prod`") {
		t.Errorf("what shows the patches is not named: %s", r.Next.Text)
	}
}

// Whom a cluster was closed to nobody knows when it is out of the config: its
// records do not become open to all who may view others.
func TestAClusterLeavesTheConfigAndItsRecordsStayClosed(t *testing.T) {
	t.Parallel()
	h := enginetest.New(t, func(c *config.Config) {
		c.Clusters[0].Access = config.Access{Viewer: []string{"U0ANN"}, Operator: []string{"U0ANN"}}
	})
	id := h.Run("U0ANN", "version")
	h.Until(id, runs.Succeeded)
	h.Stop()
	h.Config.Clusters[0].Name = "other"
	h.Open()
	for _, command := range []string{"run ", "output ", "retry "} {
		if ans := h.Ask("U0DAN", command+id); !ans.Bad || !strings.Contains(ans.Text, "there is no run") {
			t.Errorf("%s: %+v", command, ans)
		}
	}
	if ans := h.Ask("U0ANN", "run "+id); ans.Bad { // an operator of all
		t.Errorf("%+v", ans)
	}
}

// An older alsbot takes over a run whose operation it does not have.
func TestAnOperationLeavesDuringARun(t *testing.T) {
	t.Parallel()
	h, id := enginetest.Installing(t)
	h.Stop()
	st, err := store.OpenBolt(h.Config.Store.Path, store.Ballast(0))
	if err != nil {
		t.Fatal(err)
	}
	err = st.Update(t.Context(), func(tx store.Tx) error {
		raw, err := tx.Get("runs", id)
		if err != nil {
			return err
		}
		return tx.Put("runs", id, bytes.Replace(raw, []byte(`"operation":"patch install"`), []byte(`"operation":"patch conjure"`), 1))
	})
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	h.Open()
	r := h.Until(id, runs.Lost)
	if !strings.Contains(r.Trouble, "no operation patch conjure") {
		t.Error(r.Trouble)
	}
}

// A lost run closes its cluster's line, says so, and is counted once however
// much goes on around it; acknowledging it opens the line, whose next run sees
// whether that command is at work still.
func TestAcknowledgeOpensTheLine(t *testing.T) {
	t.Parallel()
	h, id := enginetest.Lost(t)
	if ans := h.Ask("U0DAN", "acknowledge "+id); !ans.Bad {
		t.Errorf("a viewer acknowledged it: %s", ans.Text)
	}
	next := h.Run("U0ANN", "export cluster")
	h.Until(next, runs.Queued)
	h.Until(h.Run("U0DAN", "version"), runs.Succeeded)
	if says, err := h.Engine.Waiting(t.Context(), next); err != nil || !strings.Contains(says, "acknowledge "+id) {
		t.Errorf("it says %q, %v", says, err)
	}
	if n := h.Ended(id); n > 1 {
		t.Errorf("the lost run was counted %d times", n)
	}
	ans := h.Ask("U0ANN", "acknowledge "+id)
	if ans.Bad || !strings.Contains(ans.Text, "open again") {
		t.Errorf("acknowledge: %+v", ans)
	}
	if r := h.Until(next, runs.Failed); !strings.Contains(r.Trouble, "`kato patch install` runs on the core already") {
		t.Errorf("the next one is planned again when its turn comes, and kato is still at work there: %s", r.Trouble)
	}
	if r := h.Until(id, runs.Lost); r.Settled == nil || r.Settled.By != enginetest.Slack("U0ANN") {
		t.Errorf("who settled it: %+v", r.Settled)
	}
	if ans := h.Ask("U0ANN", "acknowledge "+next); !ans.Bad {
		t.Errorf("a run that is not lost was acknowledged: %s", ans.Text)
	}
}

// A press or a cancel that comes late is answered, and counts nothing again.
func TestAnEndIsCountedOnce(t *testing.T) {
	t.Parallel()
	h := enginetest.New(t, nil)
	id := h.Run("U0ANN", "patch install")
	h.Until(id, runs.Awaiting)
	h.Press("U0BOB", id, false)
	h.Until(id, runs.Rejected)
	h.Press("U0CAT", id, true)
	if ans := h.Ask("U0ANN", "cancel "+id); !ans.Bad {
		t.Errorf("a rejected run was cancelled: %s", ans.Text)
	}
	h.Stop()
	if n := h.Ended(id); n != 1 {
		t.Errorf("the run was counted %d times", n)
	}
	h.Open()
}
