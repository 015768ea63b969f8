package jobs_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"alsbot/jobs"
	"alsbot/runs"
	"alsbot/store"
	"alsbot/upkeep/enginetest"
)

// A crash in a read leaves output that no record counts. The next try begins
// anew: nothing of the first stands behind a shorter second.
func TestAReadBegunAgainKeepsNothingOfTheFirstTry(t *testing.T) {
	t.Parallel()
	h := enginetest.New(t, nil)
	if err := h.Cluster.Fault("hang", "session"); err != nil {
		t.Fatal(err)
	}
	id := h.Run("U0DAN", "version")
	r := h.Until(id, runs.Running)
	if err := h.Store.WriteBlob(t.Context(), r.Steps[0].Blob, 0, bytes.Repeat([]byte("old line\n"), 1000)); err != nil {
		t.Fatal(err)
	}
	h.Stop()
	if err := h.Cluster.Fault("hang", ""); err != nil {
		t.Fatal(err)
	}
	h.Open()
	r = h.Until(id, runs.Succeeded)
	var all bytes.Buffer
	if err := h.Engine.WriteOutput(t.Context(), id, &all); err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(all.Bytes(), []byte("old line")) || int64(all.Len()) != r.Steps[0].Size {
		t.Errorf("%d bytes on record, %d bytes kept:\n%.300s", r.Steps[0].Size, all.Len(), all.Bytes())
	}
}

// unanswered makes it so that alsbot died before it heard that its node has
// begun a run's first step.
func unanswered(h *enginetest.Rig, id string) {
	h.T.Helper()
	h.Offline(func(tx store.Tx) error {
		r, _, err := enginetest.Records.Get(tx, id)
		if err != nil {
			return err
		}
		r.Steps[0].Begun = false
		return enginetest.Records.Put(tx, id, r)
	})
}

// alsbot dies before it hears that the node has begun, and then the node lets
// nobody look: that does not say that nothing was begun. The run stays what it
// is until the node answers.
func TestANodeThatRefusesDoesNotSayThatNothingBegan(t *testing.T) {
	t.Parallel()
	h, id := enginetest.Installing(t)
	dir := filepath.Join(h.Cluster.Home(h.Cluster.Core), ".alsbot/runs")
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	unanswered(h, id)
	h.Eventually("runs", "word of it", func(tx store.Tx) (bool, error) {
		r, _, err := enginetest.Records.Get(tx, id)
		return strings.Contains(r.Remark, "drwxr-xr-x") || r.State.Final(), err
	})
	h.Until(id, runs.Running)
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	h.Begun(id)
	h.Ask("U0ANN", "cancel "+id)
	if r := h.Until(id, runs.Cancelled); r.Steps[0].Exit == nil {
		t.Errorf("the record: %+v", r.Steps[0])
	}
	h.Called(1, "patch", "install")
}

// alsbot dies before it hears that the node has begun, and comes back with a
// config by which the node's runs are somewhere else: there nothing is begun.
func TestAStartIsNotSentAgainToAnotherPlace(t *testing.T) {
	t.Parallel()
	h, id := enginetest.Installing(t)
	h.Kato("patch", "install") // a claim may be some time before the command
	h.Config.Clusters[0].RunsDir = ".alsbot/others"
	unanswered(h, id)
	if r := h.Until(id, runs.Lost); !strings.Contains(r.Trouble, ".alsbot/runs of") || !strings.Contains(r.Trouble, ".alsbot/others of") {
		t.Errorf("%s", r.Trouble)
	}
	h.Called(1, "patch", "install")
}

// An engine that is told to stop does, also when a node does not answer, and
// says so to who asks then.
func TestStopsBesideAHangingNode(t *testing.T) {
	t.Parallel()
	h := enginetest.New(t, nil)
	if err := h.Cluster.Fault("hang", "session"); err != nil {
		t.Fatal(err)
	}
	h.Until(h.Run("U0DAN", "version"), runs.Running)
	h.Run("U0ANN", "patch install")
	stopped := make(chan struct{})
	first := h.Engine
	go func() { h.Stop(); close(stopped) }()
	select {
	case <-stopped:
	case <-time.After(enginetest.Safety):
		t.Fatal("it does not stop")
	}
	ans, err := first.Ask(t.Context(), jobs.Ask{Key: "late", By: enginetest.Slack("U0DAN"), Text: "version"})
	if err != nil || !ans.Bad || ans.Run != "" {
		t.Errorf("asked after the end: %+v, %v", ans, err)
	}
	h.Open()
}
