package faults

import (
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"alsbot/runs"
)

// sshDown kills a real sshd with all its sessions while runs go on and starts
// it again. A trial is a run.
func sshDown(t *testing.T, r *report) {
	const side = 4
	h := newTestbed(t, options{clusters: side, core: realSSHD, oracle: oracle{Min: 3 * time.Second, Max: 6 * time.Second, Bytes: 64 << 10}})
	h.start()
	for range max(1, r.n/side) {
		var ids []string
		for i := range side {
			ids = append(ids, h.ask(i))
		}
		var errs []error
		for _, id := range ids {
			_, err := h.until(id, "begun", func(r runs.Run) bool { return len(r.Steps) == 1 && r.Steps[0].Begun || r.State.Final() })
			errs = append(errs, err)
		}
		h.sshd.stop()
		time.Sleep(time.Duration(rand.Int64N(int64(4 * time.Second))))
		h.sshd.start()
		for i, id := range ids {
			r.trial(errors.Join(errs[i], h.verify(id)))
		}
	}
}
