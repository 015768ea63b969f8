package jobs_test

import (
	"os"
	"slices"
	"testing"

	"alsbot/runs"
	"alsbot/store"
	"alsbot/upkeep/enginetest"
)

// A snapshot is put back that was taken while a run was under way. The node
// has been cleaned since; what it printed is still beside the store, whole,
// and so the run ends as it did.
func TestARestoredRunHasItsOutput(t *testing.T) {
	t.Parallel()
	h := enginetest.New(t, nil)
	h.Fault("slow", "20ms:data export")
	id := h.Run("U0ANN", "export cluster")
	h.Begun(id)
	copied, err := os.Create(h.Config.Store.Path + ".copy")
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Store.Snapshot(t.Context(), copied); err != nil {
		t.Fatal(err)
	}
	if err := copied.Close(); err != nil {
		t.Fatal(err)
	}
	first := h.Until(id, runs.Succeeded)
	h.Eventually("leftovers", "a clean node", func(tx store.Tx) (bool, error) {
		_, there, err := store.Bucket[struct{}]{Name: "leftovers"}.Get(tx, id)
		return !there, err
	})
	h.Stop()
	if err := os.Rename(copied.Name(), h.Config.Store.Path); err != nil {
		t.Fatal(err)
	}
	h.Open()
	again := h.Until(id, runs.Succeeded)
	for i, s := range again.Steps {
		if s.Trouble != "" || s.Size != first.Steps[i].Size || s.Exit == nil || *s.Exit != 0 {
			t.Errorf("step %d: %d of %d bytes: %s", i+1, s.Size, first.Steps[i].Size, s.Trouble)
		}
	}
	h.Called(1, "data", "export")
}

// A snapshot has no outputs. Where they were lost with the disk, what a
// command has printed so far is fetched again from its node, and the run goes
// on to its end.
func TestARunGoesOnThatHasLostItsOutput(t *testing.T) {
	t.Parallel()
	h := enginetest.New(t, nil)
	h.Fault("slow", "300ms:data export")
	id := h.Run("U0ANN", "export cluster")
	at := 0 // the step that exports
	h.Eventually("runs", "some output", func(tx store.Tx) (bool, error) {
		r, _, err := enginetest.Records.Get(tx, id)
		at = slices.IndexFunc(r.Steps, func(s runs.StepRecord) bool { return s.Step.Key == "export" })
		return at >= 0 && r.Steps[at].Size > 0, err
	})
	h.Stop()
	if err := os.RemoveAll(h.Config.Store.Path + ".output"); err != nil {
		t.Fatal(err)
	}
	h.Open()
	r := h.Until(id, runs.Succeeded)
	for i, s := range r.Steps[at:] { // what ended before has no output any more
		n, err := h.Store.BlobSize(t.Context(), s.Blob)
		if err != nil || n != s.Size || s.Trouble != "" {
			t.Errorf("step %d: %d of %d bytes are here, %v: %s", at+i+1, n, s.Size, err, s.Trouble)
		}
	}
	h.Called(1, "data", "export")
}
