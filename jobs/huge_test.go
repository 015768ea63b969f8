package jobs_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"alsbot/jobs"
	"alsbot/runs"
	"alsbot/sim/node"
	"alsbot/store"
	"alsbot/upkeep/enginetest"
)

// A cluster says more than a record can hold, as a broken or hostile node may.
// What cannot be put on record ends in words all the same, instead of looking
// at the cluster over and over.
func TestMoreThanARecordHoldsEndsInWords(t *testing.T) {
	t.Parallel()
	h := enginetest.New(t, nil)
	approved := h.Run("U0ANN", "patch install")
	h.Until(approved, runs.Awaiting)
	h.Offline(func(tx store.Tx) error { // it is long already
		r, _, err := enginetest.Records.Get(tx, approved)
		if err != nil {
			return err
		}
		r.Plan.Notes = append(r.Plan.Notes, strings.Repeat("long ", 170_000))
		return enginetest.Records.Put(tx, approved, r)
	})
	if err := h.Cluster.Update(func(s *node.State) {
		for i := range 7000 {
			s.Patches = append(s.Patches, &node.Patch{Name: fmt.Sprintf("p%05d%s", i, strings.Repeat("x", 50)), Severity: "required", Roles: []string{"router"}})
		}
	}); err != nil {
		t.Fatal(err)
	}
	h.Press("U0BOB", approved, true)
	for id, end := range map[string]runs.State{approved: runs.Void, h.Run("U0ANN", "patch install"): runs.Failed} {
		r := h.Until(id, end)
		if !strings.Contains(r.Trouble, "more than can be put on record") || !strings.Contains(r.Next.Text, "retry "+id) {
			t.Errorf("%.300s\n%s", r.Trouble, r.Next.Text)
		}
	}
	if _, a, err := h.Ledger.Load(t.Context(), approved); err != nil || a.State != runs.ApprovalVoid {
		t.Errorf("its approval is %s, %v", a.State, err)
	}
	h.Called(0, "patch", "install")
}

// printing is a store that only counts what is kept of output.
type printing struct {
	store.Store
	kept string
}

func (p *printing) WriteBlob(_ context.Context, _ string, _ int64, b []byte) error {
	p.kept += string(b)
	return nil
}

// A node may print without end. What changes something is let go on, and is
// judged as cut off; no more is kept than a share of the disk.
func TestOutputWithoutEndIsNotKept(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		offset int64
		kept   string
	}{{0, "abcdef"}, {jobs.PrintedMost - 6, "abcdef"}, {jobs.PrintedMost - 2, "ab"}, {jobs.PrintedMost, ""}, {jobs.PrintedMost + 9, ""}} {
		st := &printing{}
		cut, err := jobs.Print(t.Context(), st, tt.offset, "abcdef")
		if err != nil || st.kept != tt.kept || (cut == nil) != (tt.kept == "abcdef") {
			t.Errorf("at %d: kept %q, %v, %v", tt.offset, st.kept, cut, err)
		}
	}
}

// A read that prints without end ends in words, and so does a check.
func TestAReadWithoutEndEnds(t *testing.T) {
	t.Parallel()
	h := enginetest.New(t, nil)
	kato := filepath.Join(h.Cluster.Home(h.Cluster.Core), "bin", "kato")
	if err := os.Remove(kato); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(kato, []byte("#!/bin/sh\nexec yes 'Node 10.0.0.10'\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"status", "patch install"} {
		r := h.Until(h.Run("U0ANN", command), runs.Failed)
		said := r.Trouble
		if r.Verdict != nil {
			said = r.Verdict.Summary
		}
		if !strings.Contains(said, "it printed more than 64 MiB, and alsbot keeps no more") {
			t.Errorf("%s: %s", command, said)
		}
		for _, s := range r.Steps {
			if n, err := h.Store.BlobSize(t.Context(), s.Blob); err != nil || n > 64<<20 {
				t.Errorf("%s: %d bytes are kept, %v", command, n, err)
			}
		}
	}
}
