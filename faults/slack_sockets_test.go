package faults

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
)

// slackSockets tests faults of Socket Mode: sockets that are renewed while
// people type, too many of them, and ones that only look open. A trial is a
// command or a silence.
func slackSockets(t *testing.T, r *report) {
	h := newTestbed(t, options{slackWaits: slackWaits})
	h.start()
	must(t, h.sockets(2))
	var deaf time.Duration
	for range r.n {
		h.renewed(r)
		r.trial(h.tooMany())
		if r.n == 1 {
			continue // half a minute of silence is too long for the short profile
		}
		must(t, h.sockets(2))
		h.slack.FreezeSockets()
		took, err := h.hears()
		deaf = max(deaf, took)
		r.trial(err)
	}
	if r.n > 1 {
		r.atMost("deaf, at most", deaf, 40*time.Second)
	}
}

// renewed types while Slack renews the sockets: no command is lost.
func (h *testbed) renewed(r *report) {
	before := h.slack.Opened()
	h.slack.Disconnect("refresh_requested")
	for range 40 {
		r.trial(h.typed())
		time.Sleep(25 * time.Millisecond)
	}
	// after the faults of an earlier trial this may take a while
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := h.slack.Wait(ctx, func() bool { return h.slack.Opened() > before }); err != nil {
		r.trial(fmt.Errorf("no socket was opened though Slack asked for it: %w", err))
	}
}

// typed types one command that is answered at once.
func (h *testbed) typed() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	ack, err := h.slack.Say(ctx, ann, channelOf(0), "/als runs")
	if err == nil && strings.Contains(ack.Text, "failed with the error") {
		err = fmt.Errorf("the answer is %q", ack.Text)
	}
	return err
}

// tooMany makes Slack say for five seconds that there are too many sockets: the
// bot asks seldom, and comes back.
func (h *testbed) tooMany() error {
	before := h.slack.Calls("apps.connections.open")
	began := time.Now()
	for until := began.Add(5 * time.Second); time.Now().Before(until); time.Sleep(100 * time.Millisecond) {
		h.slack.Disconnect("too_many_websockets")
	}
	tries := h.slack.Calls("apps.connections.open") - before
	seconds := int(math.Ceil(time.Since(began).Seconds()))
	if tries > seconds+2 { // one a second, and one at once for each socket
		return fmt.Errorf("%d sockets were tried in %d s", tries, seconds)
	}
	_, err := h.hears()
	return err
}

// hears types until every socket answers, and returns how long that took: Slack
// delivers to all sockets in turn.
func (h *testbed) hears() (time.Duration, error) {
	began := time.Now()
	for good := 0; ; {
		since := time.Since(began)
		err := h.typed()
		if good++; err != nil {
			good = 0
		}
		if good == 4 || time.Since(began) > patience {
			return since, err
		}
		if err != nil {
			time.Sleep(100 * time.Millisecond)
		}
	}
}
