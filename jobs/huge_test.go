package jobs_test

import (
	"fmt"
	"strings"
	"testing"

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
