package jobs_test

import (
	"errors"
	"testing"
	"time"

	"alsbot/runs"
	"alsbot/store"
	"alsbot/upkeep/enginetest"
)

// A clock that is half a day ahead when alsbot starts again ends nothing that
// runs on a node.
func TestAWrongClockEndsNoStep(t *testing.T) {
	t.Parallel()
	h := enginetest.New(t, nil)
	h.Fault("slow", "200ms:data export")
	id := h.Run("U0ANN", "export cluster")
	h.Begun(id)
	h.Offline(func(tx store.Tx) error {
		r, _, err := enginetest.Records.Get(tx, id)
		r.Steps[0].Started = r.Steps[0].Started.Add(-13 * time.Hour)
		return errors.Join(err, enginetest.Records.Put(tx, id, r))
	})
	if r := h.Until(id, runs.Succeeded); r.Steps[0].Trouble != "" {
		t.Errorf("the record: %+v", r.Steps[0])
	}
}
