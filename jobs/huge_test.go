package jobs_test

import (
	"fmt"
	"strings"
	"testing"

	"alsbot/jobs"
	"alsbot/sim/node"
	"alsbot/store"
)

// A cluster says more than a record can hold, as a broken or hostile node may.
// What cannot be put on record ends in words all the same, instead of looking
// at the cluster over and over.
func TestMoreThanARecordHoldsEndsInWords(t *testing.T) {
	h := newHouse(t, nil)
	approved := h.run("U0ANN", "patch install")
	h.until(approved, jobs.Awaiting)
	h.offline(func(tx store.Tx) error { // it is long already
		r, _, err := recordsOf.Get(tx, approved)
		if err != nil {
			return err
		}
		r.Plan.Notes = append(r.Plan.Notes, strings.Repeat("long ", 170_000))
		return recordsOf.Put(tx, approved, r)
	})
	if err := h.cluster.Update(func(s *node.State) {
		for i := range 7000 {
			s.Patches = append(s.Patches, &node.Patch{Name: fmt.Sprintf("p%05d%s", i, strings.Repeat("x", 50)), Severity: "required", Roles: []string{"router"}})
		}
	}); err != nil {
		t.Fatal(err)
	}
	h.press("U0BOB", approved, true)
	for id, end := range map[string]jobs.State{approved: jobs.Void, h.run("U0ANN", "patch install"): jobs.Failed} {
		r := h.until(id, end)
		if !strings.Contains(r.Trouble, "more than can be put on record") || !strings.Contains(r.Next, "retry "+id) {
			t.Errorf("%.300s\n%s", r.Trouble, r.Next)
		}
	}
	if _, a, err := h.engine.Get(t.Context(), approved); err != nil || a.State != jobs.ApprovalVoid {
		t.Errorf("its approval is %s, %v", a.State, err)
	}
	h.called(0, "patch", "install")
}
