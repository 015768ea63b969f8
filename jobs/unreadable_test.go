package jobs_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"alsbot/jobs"
	"alsbot/store"
)

// What a command has printed cannot be read any more on alsbot's host: the run
// ends in words all the same, and its cluster's line is open.
func TestARunWhoseOutputCannotBeReadEnds(t *testing.T) {
	h := newHouse(t, nil)
	id := h.run("U0ANN", "export cluster")
	blob := filepath.Join(h.cfg.Store.Path+".output", h.until(id, jobs.Succeeded).Steps[1].Blob)
	h.offline(func(tx store.Tx) error {
		r, _, err := recordsOf.Get(tx, id)
		r.State, r.Ended, r.Verdict, r.Next = jobs.Running, time.Time{}, nil, ""
		for i := range r.Steps {
			r.Steps[i].Ended = r.Steps[i].Ended.Add(-time.Hour)
		}
		return errors.Join(err, recordsOf.Put(tx, id, r), store.Bucket[jobs.State]{Name: "runs.active"}.Put(tx, id, jobs.Running),
			os.Remove(blob), os.Mkdir(blob, 0o700))
	})
	if r := h.until(id, jobs.Failed); !strings.Contains(r.Why(), "cannot be read") {
		t.Errorf("trouble: %s; %s", r.Trouble, r.Verdict.Summary)
	}
}
