package faults

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"testing"
	"time"
)

// twice makes Slack deliver each command three times: on two sockets, and on
// the first socket after a restart. A trial is a command.
func twice(t *testing.T, r *report) {
	const side = 8
	h := newTestbed(t, options{clusters: side, oracle: oracle{Min: 20 * time.Millisecond, Max: 100 * time.Millisecond, Bytes: 1 << 10}})
	h.start()
	must(t, h.sockets(2))
	var slowest time.Duration
	for done := 0; done < r.n; {
		batch := min(r.n-done, 25)
		h.slack.DuplicateDeliveries(batch)
		h.slack.RedeliverOnReconnect(batch)
		var ids []string
		for i := range batch {
			began := time.Now()
			id, err := h.sayIn(i%side, fmt.Sprintf("/als patch update @c%d", i%side))
			slowest = max(slowest, time.Since(began))
			if err != nil {
				r.trial(err)
				continue
			}
			ids = append(ids, id)
		}
		h.kill()
		h.start() // repeated deliveries arrive now
		must(t, h.sockets(2))
		for _, id := range ids {
			if _, err := h.end(id); err != nil {
				t.Log(err)
			}
		}
		for _, id := range ids {
			r.trial(h.once(id))
		}
		done += batch
	}
	if n, err := h.oracle.begun(); err != nil || n != r.n {
		r.trial(fmt.Errorf("%d commands were delivered three times each, and kato was called %d times: %w", r.n, n, err))
	}
	r.atMost("answered at most after", slowest, 3*time.Second)
}

// once returns an error unless the run began once and has one message; one that
// was posted while the bot died may be there twice.
func (h *testbed) once(id string) error {
	n, err := h.truth(id)
	if err == nil && n > 2 {
		err = fmt.Errorf("%d messages of run %s", n, id)
	}
	return err
}

// sockets waits until that many are open.
func (h *testbed) sockets(n int) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return h.slack.Wait(ctx, func() bool { return h.slack.Sockets() >= n })
}

// begun counts all executions.
func (o oracle) begun() (int, error) {
	b, err := os.ReadFile(o.Ledger)
	return bytes.Count(b, []byte("\n")), err
}
