package jobs_test

import (
	"os"
	"testing"

	"alsbot/jobs"
	"alsbot/store"
)

// A snapshot is put back that was taken while a run was under way. The node
// has been cleaned since; what it printed is still beside the store, whole,
// and so the run ends as it did.
func TestARestoredRunHasItsOutput(t *testing.T) {
	h := newHouse(t, nil)
	h.fault("slow", "20ms:data export")
	id := h.run("U0ANN", "export cluster")
	h.begun(id)
	copied, err := os.Create(h.cfg.Store.Path + ".copy")
	if err != nil {
		t.Fatal(err)
	}
	if err := h.st.Snapshot(t.Context(), copied); err != nil {
		t.Fatal(err)
	}
	if err := copied.Close(); err != nil {
		t.Fatal(err)
	}
	first := h.until(id, jobs.Succeeded)
	h.eventually("leftovers", "a clean node", func(tx store.Tx) (bool, error) {
		_, there, err := leftoversOf.Get(tx, id)
		return !there, err
	})
	h.stop()
	if err := os.Rename(copied.Name(), h.cfg.Store.Path); err != nil {
		t.Fatal(err)
	}
	h.open()
	again := h.until(id, jobs.Succeeded)
	for i, s := range again.Steps {
		if s.Trouble != "" || s.Size != first.Steps[i].Size || s.Exit == nil || *s.Exit != 0 {
			t.Errorf("step %d: %d of %d bytes: %s", i+1, s.Size, first.Steps[i].Size, s.Trouble)
		}
	}
	h.called(1, "data", "export")
}

// A snapshot has no outputs. Where they were lost with the disk, what a
// command has printed so far is fetched again from its node, and the run goes
// on to its end.
func TestARunGoesOnThatHasLostItsOutput(t *testing.T) {
	h := newHouse(t, nil)
	h.fault("slow", "300ms:data export")
	id := h.run("U0ANN", "export cluster")
	h.eventually("runs", "some output", func(tx store.Tx) (bool, error) {
		r, _, err := recordsOf.Get(tx, id)
		return len(r.Steps) > 0 && r.Steps[0].Size > 0, err
	})
	h.stop()
	if err := os.RemoveAll(h.cfg.Store.Path + ".output"); err != nil {
		t.Fatal(err)
	}
	h.open()
	r := h.until(id, jobs.Succeeded)
	for i, s := range r.Steps {
		n, err := h.st.BlobSize(t.Context(), s.Blob)
		if err != nil || n != s.Size || s.Trouble != "" {
			t.Errorf("step %d: %d of %d bytes are here, %v: %s", i+1, n, s.Size, err, s.Trouble)
		}
	}
	h.called(1, "data", "export")
}
