package faults

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

// sigterm tells the bot to stop while runs go on: it refuses new work in
// words, ends within five seconds, and the next start picks the runs up. A
// trial is a run.
func sigterm(t *testing.T, r *report) {
	const side = 4
	h := newHouse(t, options{clusters: side, oracle: oracle{Min: 2 * time.Second, Max: 5 * time.Second, Bytes: 32 << 10}})
	h.start()
	var longest time.Duration
	said := 0
	for range r.n {
		runs := h.begun(side)
		var ended sync.WaitGroup
		var answer string
		ended.Go(func() { answer = h.askWhileStopping() })
		took, err := h.stop()
		longest = max(longest, took)
		ended.Wait()
		if strings.Contains(answer, "shutting down") {
			said++
		}
		h.start()
		for _, run := range runs {
			r.trial(errors.Join(err, h.verify(run.ID)))
		}
		// what was accepted in the last moment is a run like any other
		if id, no := runIn(answer); no == nil {
			if err := h.verify(id); err != nil {
				r.trial(fmt.Errorf("accepted while stopping: %w", err))
			}
		}
	}
	r.atMost("exit, at most", longest, 5*time.Second)
	r.figure("refused in words %d", said)
}

// askWhileStopping types a command again and again until the bot says
// something else than that it took it, or is gone. It returns the last answer.
func (h *house) askWhileStopping() (answer string) {
	time.Sleep(time.Millisecond)
	id, err := h.tryAsk(0)
	if err != nil {
		return err.Error()
	}
	return "Run `" + id + "`:"
}
