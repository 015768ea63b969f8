package jobs_test

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"alsbot/jobs"
	"alsbot/store"
)

var (
	recordsOf   = store.Bucket[jobs.Run]{Name: "runs"}
	leftoversOf = store.Bucket[struct{}]{Name: "leftovers"}
)

// away lets a run's node be out of reach for an hour already.
func (h *house) away(id string) {
	h.t.Helper()
	h.offline(func(tx store.Tx) error {
		r, _, err := recordsOf.Get(tx, id)
		if err != nil {
			return err
		}
		r.Unheard = time.Now().UTC().Add(-time.Hour)
		return recordsOf.Put(tx, id, r)
	})
}

// remarked waits until a run's message says something.
func (h *house) remarked(id, what string) {
	h.t.Helper()
	h.eventually("runs", what, func(tx store.Tx) (bool, error) {
		r, _, err := recordsOf.Get(tx, id)
		return strings.Contains(r.Remark, what), err
	})
}

// Somebody has tried to cancel it first: it can be given up all the same, and
// nothing of it runs any more, clean-up and the steps after it included.
func TestACancelledRunOnANodeThatIsGoneIsGivenUp(t *testing.T) {
	h := newHouse(t, nil)
	if err := h.cluster.Fault("silent", "yes:data export"); err != nil {
		t.Fatal(err)
	}
	id := h.run("U0ANN", "export cluster")
	h.begun(id)
	if ans := h.ask("U0ANN", "acknowledge "+id); !ans.Bad || !strings.Contains(ans.Text, "cancel "+id) {
		t.Errorf("a run whose node answers was given up: %s", ans.Text)
	}
	if err := h.cluster.Fault("down@10.0.0.11", "yes"); err != nil {
		t.Fatal(err)
	}
	h.ask("U0ANN", "cancel "+id)
	h.remarked(id, "10.0.0.11")
	h.away(id)
	h.remarked(id, "acknowledge "+id)
	if ans := h.ask("U0DAN", "run "+id); !strings.Contains(ans.Pre, "acknowledge "+id) { // Slack may be down
		t.Errorf("the record:\n%s", ans.Pre)
	}
	next := h.run("U0ANN", "maintenance on")
	h.until(next, jobs.Queued)
	if says, err := h.engine.Waiting(t.Context(), next); err != nil || !strings.Contains(says, "`run "+id+"`") {
		t.Errorf("it waits in these words: %q, %v", says, err)
	}
	ans := h.ask("U0ANN", "acknowledge "+id)
	if ans.Bad || !strings.Contains(ans.Text, "given up") {
		t.Errorf("%+v", ans)
	}
	r := h.until(id, jobs.Lost)
	if r.Settled == nil || r.Steps[0].Exit != nil || len(r.Steps) < 2 || r.Steps[1].Sent {
		t.Errorf("the record: %+v", r)
	}
	h.until(next, jobs.Succeeded)
	h.called(1, "data", "export")
	if _, err := jobs.VerifyAudit(t.Context(), h.st); err != nil {
		t.Error(err)
	}
}

// givenUp is a house with an export that was given up, as its node is gone;
// kato is its process there.
func givenUp(t *testing.T) (h *house, id string, kato int) {
	t.Helper()
	h = newHouse(t, nil)
	h.fault("silent", "yes:data export")
	id = h.run("U0ANN", "export cluster")
	h.begun(id)
	kato = h.kato("data", "export") // a claim may be some time before the command
	h.fault("down@10.0.0.11", "yes")
	h.remarked(id, "10.0.0.11")
	h.away(id)
	h.remarked(id, "acknowledge "+id)
	h.ask("U0ANN", "acknowledge "+id)
	h.until(id, jobs.Lost)
	return h, id, kato
}

// back brings a given-up run's node back, until nothing of the run is left to be done there.
func (h *house) back(id string) {
	h.t.Helper()
	h.fault("down@10.0.0.11", "")
	h.restart()
	h.eventually("leftovers", "the end of what it has left", func(tx store.Tx) (bool, error) {
		_, there, err := leftoversOf.Get(tx, id)
		return !there, err
	})
}

// The node comes back and knows nothing of the run.
func TestANodeThatWasSetUpAnewIsSaid(t *testing.T) {
	h, id, _ := givenUp(t)
	if err := os.RemoveAll(h.cluster.Path("10.0.0.11", "/home/"+h.cluster.User+"/.alsbot")); err != nil {
		t.Fatal(err)
	}
	h.back(id)
	if says := strings.Join(h.told(), "\n"); !strings.Contains(says, "knows nothing of run "+id) {
		t.Errorf("the channel hears %s", says)
	}
	if r := h.until(id, jobs.Lost); !strings.Contains(r.Trouble, "set up anew") || !strings.Contains(r.Next, "output "+id) {
		t.Errorf("the record: %s %s", r.Trouble, r.Next)
	}
	h.called(1, "data", "export")
}

// The node comes back after a power cut: nothing of the run is left there, and
// people who wait for word of it hear that.
func TestANodeThatLostItsPowerIsSaid(t *testing.T) {
	h, id, kato := givenUp(t)
	claim, err := os.ReadFile(h.cluster.Path("10.0.0.11", "/home/"+h.cluster.User+"/.alsbot/runs/"+id+"-1/claim"))
	var wrapper int
	if _, bad := fmt.Sscanf(string(claim), "run %d", &wrapper); err != nil || bad != nil {
		t.Fatal(err, bad)
	}
	for _, pid := range []int{wrapper, kato} {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	h.back(id)
	if says := strings.Join(h.told(), "\n"); !strings.Contains(says, "Run "+id+" (export cluster @prod), which was given up as lost, no longer runs there") {
		t.Errorf("the channel hears %s", says)
	}
	h.called(1, "data", "export")
}

// What became of a run that is lost is looked for on its node; its files go
// when that is on record.
func TestWhatBecameOfALostRunIsFound(t *testing.T) {
	h, id := lost(t)
	name := h.cfg.Clusters[0].Name
	if w, err := h.engine.Watched(t.Context(), name); err != nil || len(w.Lost) != 1 || w.Lost[0] != id {
		t.Errorf("monitoring sees as lost: %v, %v", w.Lost, err)
	}
	h.ask("U0ANN", "acknowledge "+id)
	if w, err := h.engine.Watched(t.Context(), name); err != nil || len(w.Lost) != 0 {
		t.Errorf("monitoring still sees as lost: %v, %v", w.Lost, err)
	}
	h.restart()
	h.eventually("outbox", "the word that it still runs", func(store.Tx) (bool, error) {
		return strings.Contains(strings.Join(h.told(), "\n"), "run "+id+" (patch install @prod), which was given up as lost, still runs there"), nil
	})
	if err := syscall.Kill(h.kato("patch", "install"), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	ended := h.cluster.Path("10.0.0.10", "/home/"+h.cluster.User+"/.alsbot/runs/"+id+"-1/exit")
	for limit := time.Now().Add(safety); ; runtime.Gosched() {
		if status, err := os.ReadFile(ended); err == nil && strings.HasPrefix(string(status), "exit ") {
			break
		} else if time.Now().After(limit) {
			t.Fatalf("the node does not see the end: %q, %v", status, err)
		}
	}
	h.restart()
	h.eventually("leftovers", "the end of what it has left", func(tx store.Tx) (bool, error) {
		_, there, err := leftoversOf.Get(tx, id)
		return !there, err
	})
	r := h.until(id, jobs.Lost)
	if s := r.Steps[0]; s.Exit == nil || *s.Exit != 137 || !strings.Contains(s.Trouble, "exit status 137") {
		t.Errorf("the record: %+v", s)
	}
	if says := strings.Join(h.told(), "\n"); !strings.Contains(says, "has ended on core (@prod) with exit status 137") {
		t.Errorf("the channel hears %s", says)
	}
	h.called(1, "patch", "install")
}
