package jobs_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"alsbot/jobs"
	"alsbot/store"
)

// A crash in a read leaves output that no record counts. The next try begins
// anew: nothing of the first stands behind a shorter second.
func TestAReadBegunAgainKeepsNothingOfTheFirstTry(t *testing.T) {
	h := newHouse(t, nil)
	if err := h.cluster.Fault("hang", "session"); err != nil {
		t.Fatal(err)
	}
	id := h.run("U0DAN", "version")
	r := h.until(id, jobs.Running)
	if err := h.st.WriteBlob(t.Context(), r.Steps[0].Blob, 0, bytes.Repeat([]byte("old line\n"), 1000)); err != nil {
		t.Fatal(err)
	}
	h.stop()
	if err := h.cluster.Fault("hang", ""); err != nil {
		t.Fatal(err)
	}
	h.open()
	r = h.until(id, jobs.Succeeded)
	var all bytes.Buffer
	if err := h.engine.WriteOutput(t.Context(), id, &all); err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(all.Bytes(), []byte("old line")) || int64(all.Len()) != r.Steps[0].Size {
		t.Errorf("%d bytes on record, %d bytes kept:\n%.300s", r.Steps[0].Size, all.Len(), all.Bytes())
	}
}

// unanswered makes it so that alsbot died before it heard that its node has
// begun a run's first step.
func (h *house) unanswered(id string) {
	h.t.Helper()
	h.offline(func(tx store.Tx) error {
		r, _, err := recordsOf.Get(tx, id)
		if err != nil {
			return err
		}
		r.Steps[0].Begun = false
		return recordsOf.Put(tx, id, r)
	})
}

// alsbot dies before it hears that the node has begun, and then the node lets
// nobody look: that does not say that nothing was begun. The run stays what it
// is until the node answers.
func TestANodeThatRefusesDoesNotSayThatNothingBegan(t *testing.T) {
	h, id := installing(t)
	runs := filepath.Join(h.cluster.Home(h.cluster.Core), ".alsbot/runs")
	if err := os.Chmod(runs, 0o755); err != nil {
		t.Fatal(err)
	}
	h.unanswered(id)
	h.eventually("runs", "word of it", func(tx store.Tx) (bool, error) {
		r, _, err := recordsOf.Get(tx, id)
		return strings.Contains(r.Remark, "drwxr-xr-x") || r.State.Final(), err
	})
	h.until(id, jobs.Running)
	if err := os.Chmod(runs, 0o700); err != nil {
		t.Fatal(err)
	}
	h.begun(id)
	h.ask("U0ANN", "cancel "+id)
	if r := h.until(id, jobs.Cancelled); r.Steps[0].Exit == nil {
		t.Errorf("the record: %+v", r.Steps[0])
	}
	h.called(1, "patch", "install")
}

// alsbot dies before it hears that the node has begun, and comes back with a
// config by which the node's runs are somewhere else: there nothing is begun.
func TestAStartIsNotSentAgainToAnotherPlace(t *testing.T) {
	h, id := installing(t)
	h.kato("patch", "install") // a claim may be some time before the command
	h.cfg.Clusters[0].RunsDir = ".alsbot/others"
	h.unanswered(id)
	if r := h.until(id, jobs.Lost); !strings.Contains(r.Trouble, ".alsbot/runs of") || !strings.Contains(r.Trouble, ".alsbot/others of") {
		t.Errorf("%s", r.Trouble)
	}
	h.called(1, "patch", "install")
}

// An engine that is told to stop does, also when a node does not answer, and
// says so to who asks then.
func TestStopsBesideAHangingNode(t *testing.T) {
	h := newHouse(t, nil)
	if err := h.cluster.Fault("hang", "session"); err != nil {
		t.Fatal(err)
	}
	h.until(h.run("U0DAN", "version"), jobs.Running)
	h.run("U0ANN", "patch install")
	stopped := make(chan struct{})
	first := h.engine
	go func() { h.stop(); close(stopped) }()
	select {
	case <-stopped:
	case <-time.After(safety):
		t.Fatal("it does not stop")
	}
	ans, err := first.Ask(t.Context(), jobs.Ask{Key: "late", By: slack("U0DAN"), Text: "version"})
	if err != nil || !ans.Bad || ans.Run != "" {
		t.Errorf("asked after the end: %+v, %v", ans, err)
	}
	h.open()
}
