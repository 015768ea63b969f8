package faults

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"alsbot/runs"
	"alsbot/sim/workspace"
)

// waiting lets runs end during an outage, all of one channel, and measures how
// long it takes until the channel shows all of them. A trial is a run.
func waiting(t *testing.T, r *report) {
	outage := 3 * time.Second
	if r.n >= 100 {
		outage = 2 * time.Minute
	}
	if r.n > 100 {
		outage = 10 * time.Minute
	}
	// Each run has a queue of its own. A queued run becomes void if, when its
	// turn comes, no one can say whether the requester still has the right.
	h := newTestbed(t, options{clusters: min(r.n, 100), oracle: oracle{Min: 20 * time.Millisecond, Max: 100 * time.Millisecond, Bytes: 1 << 10}})
	h.start()
	must(t, h.verify(h.ask(0))) // the bot then knows who is in which group
	over := time.Now().Add(outage)
	h.slack.SetOutage(workspace.Outage503)
	var ids []string
	for i := range min(r.n, 100) {
		id, err := h.sayIn(0, fmt.Sprintf("/als patch update @c%d", i))
		if err != nil {
			r.trial(err)
			continue
		}
		ids = append(ids, id)
	}
	var runs []runs.Run
	for _, id := range ids {
		run, err := h.end(id)
		if err != nil {
			r.trial(err)
			continue
		}
		runs = append(runs, run)
	}
	time.Sleep(time.Until(over))
	h.slack.SetOutage(workspace.OutageOff)
	began := time.Now()
	for _, run := range runs {
		n, err := h.countMessages(run)
		if err == nil && n != 1 {
			err = fmt.Errorf("%d messages of run %s", n, run.ID)
		}
		if err = errors.Join(err, h.oracle.checkRan(run.ID+"-1", 1)); err != nil {
			err = fmt.Errorf("%s, %s: %w", run.State, run.Trouble, err)
		}
		r.trial(err)
	}
	r.atMost("told of all", time.Since(began), time.Minute)
	posts := 0
	for _, m := range h.slack.Messages(channelOf(0)) {
		if m.Thread == "" && m.User == workspace.BotUser && strings.Contains(m.Text(), "@c") {
			posts++
		}
	}
	r.figure("in %d messages", posts)
}
