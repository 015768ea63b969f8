package faults

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

// sigterm stops the bot while runs go on: it refuses new work in words, ends
// within five seconds, and the next start resumes the runs. A trial is a run.
func sigterm(t *testing.T, r *report) {
	const side = 4
	h := newTestbed(t, options{clusters: side, oracle: oracle{Min: 2 * time.Second, Max: 5 * time.Second, Bytes: 32 << 10}})
	h.start()
	var longest time.Duration
	for range r.n {
		runs := h.begun(side)
		var ended sync.WaitGroup
		var late string
		ended.Go(func() { late, _ = h.tryAsk(0) })
		took, err := h.stop()
		longest = max(longest, took)
		ended.Wait()
		h.start()
		for _, run := range runs {
			r.trial(errors.Join(err, h.verify(run.ID)))
		}
		// a run accepted at the last moment is like any other
		if late != "" {
			if err := h.verify(late); err != nil {
				r.trial(fmt.Errorf("accepted while stopping: %w", err))
			}
		}
	}
	r.atMost("exit, at most", longest, 5*time.Second)
	r.trial(refusedInWords(t))
	earlier(t, r)
}

// refusedInWords returns an error unless a stopped engine says so to the
// requester. The process is gone within milliseconds, so this asks an engine in
// process.
func refusedInWords(t *testing.T) error {
	d := newEngineBed(t, nil)
	d.halt()
	ans, err := d.say(ann, "patch update @c0")
	if err == nil && (!ans.Bad || !strings.Contains(ans.Text, "shutting down")) {
		err = fmt.Errorf("a stopping bot answers %q", ans.Text)
	}
	return err
}
