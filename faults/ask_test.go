package faults

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// ask types `patch update` into the channel of cluster i, as an operator, and
// returns the ID of the accepted run.
func (h *testbed) ask(i int) string {
	h.t.Helper()
	id, err := h.tryAsk(i)
	must(h.t, err)
	return id
}

// tryAsk requests a run on cluster i. Like a person, it asks again if alsbot
// says so: on a busy machine, looking up rights can take too long.
func (h *testbed) tryAsk(i int) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		ack, err := h.slack.Say(ctx, ann, channelOf(i), fmt.Sprintf("/als patch update @c%d", i))
		if err != nil {
			return "", err
		}
		if !strings.Contains(ack.Text, "Try again in a minute") {
			return runIn(ack.Text)
		}
		time.Sleep(time.Second)
	}
}

// runIn returns the run's ID in an answer.
func runIn(text string) (string, error) {
	_, rest, ok := strings.Cut(text, "Run ")
	id, _, _ := strings.Cut(strings.TrimLeft(rest, "`"), ":")
	id = strings.Trim(id, "` ")
	if !ok || len(id) != 10 {
		return "", fmt.Errorf("no run was accepted: %q", text)
	}
	return id, nil
}
