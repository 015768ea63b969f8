package jobs_test

import (
	"bytes"
	"strings"
	"testing"

	"alsbot/config"
	"alsbot/jobs"
	"alsbot/store"
)

// installing is a house in which `patch install` runs on a node and does not end.
func installing(t *testing.T) (*house, string) {
	t.Helper()
	h := newHouse(t, nil)
	if err := h.cluster.Fault("silent", "yes:patch install"); err != nil {
		t.Fatal(err)
	}
	id := h.run("U0ANN", "patch install")
	h.until(id, jobs.Awaiting)
	h.press("U0BOB", id, true)
	h.begun(id)
	return h, id
}

// begun waits until the node has claimed the first step of a run.
func (h *house) begun(id string) {
	h.t.Helper()
	changed := h.st.Watch(h.t.Context(), "runs")
	for r := h.until(id, jobs.Running); !r.Steps[0].Begun; r = h.until(id, jobs.Running) {
		<-changed
	}
}

// A cluster that is taken out of the config while a command runs there: what
// became of it cannot be known.
func TestAClusterLeavesTheConfigDuringARun(t *testing.T) {
	h, id := installing(t)
	h.stop()
	h.cfg.Clusters[0].Name = "other"
	h.open()
	r := h.until(id, jobs.Lost)
	if !strings.Contains(r.Trouble, "no longer in alsbot's config") || !strings.Contains(r.Next, "acknowledge "+id) {
		t.Errorf("%s\n%s", r.Trouble, r.Next)
	}
	if !strings.Contains(r.Next, "`patch status @prod`, `status @prod`") {
		t.Errorf("what shows the patches is not named: %s", r.Next)
	}
}

// Whom a cluster was closed to nobody knows when it is out of the config: its
// records do not become open to all who may view others.
func TestAClusterLeavesTheConfigAndItsRecordsStayClosed(t *testing.T) {
	h := newHouse(t, func(c *config.Config) {
		c.Clusters[0].Access = config.Access{Viewer: []string{"U0ANN"}, Operator: []string{"U0ANN"}}
	})
	id := h.run("U0ANN", "version")
	h.until(id, jobs.Succeeded)
	h.stop()
	h.cfg.Clusters[0].Name = "other"
	h.open()
	for _, command := range []string{"run ", "output ", "retry "} {
		if ans := h.ask("U0DAN", command+id); !ans.Bad || !strings.Contains(ans.Text, "viewer role on @prod") {
			t.Errorf("%s: %+v", command, ans)
		}
	}
	if ans := h.ask("U0ANN", "run "+id); ans.Bad { // an operator of all
		t.Errorf("%+v", ans)
	}
}

// An older alsbot takes over a run whose operation it does not have.
func TestAnOperationLeavesDuringARun(t *testing.T) {
	h, id := installing(t)
	h.stop()
	st, err := store.OpenBolt(h.cfg.Store.Path, store.Ballast(0))
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
	h.open()
	r := h.until(id, jobs.Lost)
	if !strings.Contains(r.Trouble, "no operation patch conjure") {
		t.Error(r.Trouble)
	}
}

// lost is a house with a run that is lost, since its cluster was not in the
// config for a while; its command goes on.
func lost(t *testing.T) (*house, string) {
	t.Helper()
	h, id := installing(t)
	h.stop()
	name := h.cfg.Clusters[0].Name
	h.cfg.Clusters[0].Name = "other"
	h.open()
	h.until(id, jobs.Lost)
	h.stop()
	h.cfg.Clusters[0].Name = name
	h.open()
	return h, id
}

// A lost run closes its cluster's line, says so, and is counted once however
// much goes on around it; acknowledging it opens the line, whose next run sees
// whether that command is at work still.
func TestAcknowledgeOpensTheLine(t *testing.T) {
	h, id := lost(t)
	if ans := h.ask("U0DAN", "acknowledge "+id); !ans.Bad {
		t.Errorf("a viewer acknowledged it: %s", ans.Text)
	}
	next := h.run("U0ANN", "export cluster")
	h.until(next, jobs.Queued)
	h.until(h.run("U0DAN", "version"), jobs.Succeeded)
	if says, err := h.engine.Waiting(t.Context(), next); err != nil || !strings.Contains(says, "acknowledge "+id) {
		t.Errorf("it says %q, %v", says, err)
	}
	if n := h.count(id); n > 1 {
		t.Errorf("the lost run was counted %d times", n)
	}
	ans := h.ask("U0ANN", "acknowledge "+id)
	if ans.Bad || !strings.Contains(ans.Text, "open again") {
		t.Errorf("acknowledge: %+v", ans)
	}
	if r := h.until(next, jobs.Failed); !strings.Contains(r.Trouble, "`kato patch install` runs on the core already") {
		t.Errorf("the next one is planned again when its turn comes, and kato is still at work there: %s", r.Trouble)
	}
	if r := h.until(id, jobs.Lost); r.Settled == nil || r.Settled.By != slack("U0ANN") {
		t.Errorf("who settled it: %+v", r.Settled)
	}
	if ans := h.ask("U0ANN", "acknowledge "+next); !ans.Bad {
		t.Errorf("a run that is not lost was acknowledged: %s", ans.Text)
	}
}

// A press or a cancel that comes late is answered, and counts nothing again.
func TestAnEndIsCountedOnce(t *testing.T) {
	h := newHouse(t, nil)
	id := h.run("U0ANN", "patch install")
	h.until(id, jobs.Awaiting)
	h.press("U0BOB", id, false)
	h.until(id, jobs.Rejected)
	h.press("U0CAT", id, true)
	if ans := h.ask("U0ANN", "cancel "+id); !ans.Bad {
		t.Errorf("a rejected run was cancelled: %s", ans.Text)
	}
	h.stop()
	if n := h.count(id); n != 1 {
		t.Errorf("the run was counted %d times", n)
	}
	h.open()
}

// count is how often the end of a run was observed.
func (h *house) count(id string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.seen[id]
}
