package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"alsbot/jobs"
	"alsbot/runs"
	"alsbot/store"
	"alsbot/upkeep/enginetest"
)

// A cluster says more than a record can hold, as a broken or hostile node may.
// What cannot be put on record ends in words all the same, instead of looking
// at the cluster over and over.
func TestMoreThanARecordHoldsEndsInWords(t *testing.T) {
	t.Parallel()
	h := enginetest.New(t, nil)
	approved := h.Run("U0ANN", "restart")
	h.Until(approved, runs.Awaiting)
	crowd(t, h)
	h.Press("U0BOB", approved, true)
	h.Until(approved, runs.Void)
	r := h.Until(h.Run("U0ANN", "restart"), runs.Failed)
	if !strings.Contains(r.Trouble, "more than can be put on record") || !strings.Contains(r.Next.Text, "retry "+r.ID) {
		t.Errorf("%.300s\n%s", r.Trouble, r.Next.Text)
	}
	if _, a, err := h.Ledger.Load(t.Context(), approved); err != nil || a.State != runs.ApprovalVoid {
		t.Errorf("its approval is %s, %v", a.State, err)
	}
	h.Called(0, "restart")
}

// crowd makes kato tell of 400 nodes with 50 roles each.
func crowd(t *testing.T, h *enginetest.Rig) {
	t.Helper()
	list, status := "", ""
	for n := range 400 {
		ip := fmt.Sprintf("10.1.%d.%d", n/250, n%250)
		list += ip + " base"
		status += "Node " + ip + "\n  base RUNNING\n"
		for r := range 50 {
			role := fmt.Sprintf("a-role-with-a-name-%02d", r)
			list += " " + role
			status += "  " + role + " RUNNING\n"
		}
		list += "\n"
	}
	home := h.Cluster.Home(h.Cluster.Core)
	kato := filepath.Join(home, "bin", "kato")
	script := "#!/bin/sh\ncase \"$*\" in 'node list') exec cat " + home + "/list ;; status) exec cat " + home + "/status ;; esac\nexec " + kato + ".sim \"$@\"\n"
	if err := errors.Join(os.Rename(kato, kato+".sim"), os.WriteFile(kato, []byte(script), 0o755),
		os.WriteFile(filepath.Join(home, "list"), []byte(list), 0o600), os.WriteFile(filepath.Join(home, "status"), []byte(status), 0o600)); err != nil {
		t.Fatal(err)
	}
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
