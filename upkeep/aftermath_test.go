package upkeep_test

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"alsbot/runs"
	"alsbot/store"
	"alsbot/upkeep/enginetest"
)

var (
	leftoversOf = store.Bucket[struct{}]{Name: "leftovers"}
)

// givenUp is a house with an export that was given up, as its node is gone;
// kato is its process there.
func givenUp(t *testing.T) (h *enginetest.Rig, id string, kato int) {
	t.Helper()
	h = enginetest.New(t, nil)
	h.Fault("silent", "yes:data export")
	id = h.Run("U0ANN", "export cluster")
	h.Begun(id)
	kato = h.Kato("data", "export") // a claim may be some time before the command
	h.Fault("down@10.0.0.11", "yes")
	h.Remarked(id, "10.0.0.11")
	h.Unreachable(id)
	h.Remarked(id, "acknowledge "+id)
	h.Ask("U0ANN", "acknowledge "+id)
	h.Until(id, runs.Lost)
	return h, id, kato
}

// back brings a given-up run's node back, until nothing of the run is left to be done there.
func back(h *enginetest.Rig, id string) {
	h.T.Helper()
	h.Fault("down@10.0.0.11", "")
	h.Restart()
	h.Eventually("leftovers", "the end of what it has left", func(tx store.Tx) (bool, error) {
		_, there, err := leftoversOf.Get(tx, id)
		return !there, err
	})
}

// The node comes back and knows nothing of the run.
func TestANodeThatWasSetUpAnewIsSaid(t *testing.T) {
	t.Parallel()
	h, id, _ := givenUp(t)
	if err := os.RemoveAll(h.Cluster.Path("10.0.0.11", "/home/"+h.Cluster.User+"/.alsbot")); err != nil {
		t.Fatal(err)
	}
	back(h, id)
	if says := strings.Join(h.Posted(), "\n"); !strings.Contains(says, "knows nothing of run "+id) {
		t.Errorf("the channel hears %s", says)
	}
	if r := h.Until(id, runs.Lost); !strings.Contains(r.Trouble, "set up anew") || !strings.Contains(r.Next.Text, "output "+id) {
		t.Errorf("the record: %s %s", r.Trouble, r.Next.Text)
	}
	h.Called(1, "data", "export")
}

// The node comes back after a power cut: nothing of the run is left there, and
// people who wait for word of it hear that.
func TestANodeThatLostItsPowerIsSaid(t *testing.T) {
	t.Parallel()
	h, id, kato := givenUp(t)
	claim, err := os.ReadFile(h.Cluster.Path("10.0.0.11", "/home/"+h.Cluster.User+"/.alsbot/runs/"+id+"-2/claim"))
	var wrapper int
	if _, bad := fmt.Sscanf(string(claim), "run %d", &wrapper); err != nil || bad != nil {
		t.Fatal(err, bad)
	}
	for _, pid := range []int{wrapper, kato} {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	private := h.Cluster.Path("10.0.0.11", "/home/"+h.Cluster.User+"/.alsbot-"+id)
	if _, err := os.Stat(private); err != nil {
		t.Error(err)
	}
	back(h, id)
	if _, err := os.Stat(private); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the private directory of the export: %v", err)
	}
	if says := strings.Join(h.Posted(), "\n"); !strings.Contains(says, "Run "+id+" (export cluster @prod), which was given up as lost, no longer runs there") {
		t.Errorf("the channel hears %s", says)
	}
	h.Called(1, "data", "export")
}

// What became of a run that is lost is looked for on its node; its files go
// when that is on record.
func TestWhatBecameOfALostRunIsFound(t *testing.T) {
	t.Parallel()
	h, id := enginetest.Lost(t)
	name := h.Config.Clusters[0].Name
	if w, err := h.Engine.Watched(t.Context(), name); err != nil || len(w.Lost) != 1 || w.Lost[0] != id {
		t.Errorf("monitoring sees as lost: %v, %v", w.Lost, err)
	}
	h.Ask("U0ANN", "acknowledge "+id)
	if w, err := h.Engine.Watched(t.Context(), name); err != nil || len(w.Lost) != 0 {
		t.Errorf("monitoring still sees as lost: %v, %v", w.Lost, err)
	}
	h.Restart()
	h.Eventually("outbox", "the word that it still runs", func(store.Tx) (bool, error) {
		return strings.Contains(strings.Join(h.Posted(), "\n"), "run "+id+" (patch install @prod), which was given up as lost, still runs there"), nil
	})
	if err := syscall.Kill(h.Kato("patch", "install"), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	ended := h.Cluster.Path("10.0.0.10", "/home/"+h.Cluster.User+"/.alsbot/runs/"+id+"-1/exit")
	for limit := time.Now().Add(enginetest.Safety); ; runtime.Gosched() {
		if status, err := os.ReadFile(ended); err == nil && strings.HasPrefix(string(status), "exit ") {
			break
		} else if time.Now().After(limit) {
			t.Fatalf("the node does not see the end: %q, %v", status, err)
		}
	}
	h.Restart()
	h.Eventually("leftovers", "the end of what it has left", func(tx store.Tx) (bool, error) {
		_, there, err := leftoversOf.Get(tx, id)
		return !there, err
	})
	r := h.Until(id, runs.Lost)
	if s := r.Steps[0]; s.Exit == nil || *s.Exit != 137 || !strings.Contains(s.Trouble, "exit status 137") {
		t.Errorf("the record: %+v", s)
	}
	if says := strings.Join(h.Posted(), "\n"); !strings.Contains(says, "has ended on core (@prod) with exit status 137") {
		t.Errorf("the channel hears %s", says)
	}
	h.Called(1, "patch", "install")
}
