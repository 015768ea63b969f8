package jobs_test

import (
	"fmt"
	"strings"
	"testing"

	"alsbot/jobs"
	"alsbot/sim/node"
)

// A cluster says more than a record can hold, as a broken or hostile node may.
// What cannot be put on record ends in words all the same, instead of looking
// at the cluster over and over.
func TestMoreThanARecordHoldsEndsInWords(t *testing.T) {
	h := newHouse(t, nil)
	if err := h.cluster.Update(func(s *node.State) {
		for i := range 7000 {
			s.Patches = append(s.Patches, &node.Patch{Name: fmt.Sprintf("p%05d%s", i, strings.Repeat("x", 50)), Severity: "required", Roles: []string{"router"}})
		}
	}); err != nil {
		t.Fatal(err)
	}
	id := h.run("U0ANN", "patch install")
	r := h.until(id, jobs.Failed)
	if !strings.Contains(r.Trouble, "more than can be put on record") || !strings.Contains(r.Next, "retry "+id) {
		t.Errorf("%.300s\n%s", r.Trouble, r.Next)
	}
}
