package jobs_test

import (
	"bytes"
	"testing"
	"time"

	"alsbot/jobs"
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
