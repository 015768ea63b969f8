package jobs_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"alsbot/als"
	"alsbot/runs"
	"alsbot/store"
	"alsbot/upkeep/enginetest"
)

// What a command has printed cannot be read any more on alsbot's host: the run
// ends in words all the same, and its cluster's line is open.
func TestARunWhoseOutputCannotBeReadEnds(t *testing.T) {
	t.Parallel()
	h := enginetest.New(t, nil)
	id := h.Run("U0ANN", "export cluster")
	blob := filepath.Join(h.Config.Store.Path+".output", h.Until(id, runs.Succeeded).Steps[1].Blob)
	h.Offline(func(tx store.Tx) error {
		r, _, err := enginetest.Records.Get(tx, id)
		r.State, r.Ended, r.Verdict, r.Next = runs.Running, time.Time{}, nil, als.Advice{}
		for i := range r.Steps {
			r.Steps[i].Ended = r.Steps[i].Ended.Add(-time.Hour)
		}
		return errors.Join(err, enginetest.Records.Put(tx, id, r), store.Bucket[runs.State]{Name: "runs.active"}.Put(tx, id, runs.Running),
			os.Remove(blob), os.Mkdir(blob, 0o700))
	})
	if r := h.Until(id, runs.Failed); !strings.Contains(r.Why(), "cannot be read") {
		t.Errorf("trouble: %s; %s", r.Trouble, r.Verdict.Summary)
	}
}
