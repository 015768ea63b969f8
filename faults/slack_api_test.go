package faults

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"alsbot/sim/workspace"
)

const (
	methodPost   = "chat.postMessage"
	methodUpdate = "chat.update"
)

// apiTrouble is a fault of Slack's Web API while runs are shown.
type apiTrouble struct {
	name    string
	begin   func(h *testbed)
	end     func(h *testbed) // nil: it ends by itself
	after   bool             // it begins when the runs have messages
	seconds int              // the wait that Slack asks for
	brief   bool             // also in the short profile
	repeats int              // messages that may be there twice, in all
}

// slackAPI tests every fault of the Web API while three runs are shown in one
// channel. A trial is a run. The rounds run side by side, because they mostly
// wait.
func slackAPI(t *testing.T, r *report) {
	patienceAsked, outage := 2, 3*time.Second
	if r.n > 1 {
		patienceAsked, outage = 30, time.Minute
	}
	var repeats atomic.Int64
	t.Run("rounds", func(t *testing.T) {
		for round := range r.n {
			t.Run(fmt.Sprint(round), func(t *testing.T) {
				t.Parallel()
				repeats.Add(slackRound(t, r, apiTroubles(patienceAsked, outage), options{}, nil))
			})
			t.Run(fmt.Sprint(round, " TLS"), func(t *testing.T) {
				t.Parallel()
				f := newFront(t)
				repeats.Add(slackRound(t, r, f.troubles(min(outage, 20*time.Second)), options{change: f.yaml}, f))
			})
		}
	})
	r.figure("%d messages told twice", repeats.Load())
}

// slackRound tests faults, each in a channel of its own: Slack accepts one post
// a second in each. It returns how many messages there were too many.
func slackRound(t *testing.T, r *report, cases []apiTrouble, o options, f *front) (repeats int64) {
	o.clusters, o.oracle = len(cases), oracle{Min: time.Second, Max: 1500 * time.Millisecond}
	h := newTestbed(t, o)
	var env []string
	if f != nil {
		f.open(h.slack.URL())
		env = append(env, "SSL_CERT_FILE="+f.root)
	}
	h.start(env...)
	must(t, h.verify(h.ask(0))) // the bot then knows who is in which group
	for i, c := range cases {
		if r.n > 1 || c.brief {
			must(t, h.sockets(2)) // closed sockets come back in their own time
			repeats += int64(h.through(r, i, c))
		}
	}
	return repeats
}

func apiTroubles(seconds int, outage time.Duration) []apiTrouble {
	fail := func(times int, f workspace.Fault, methods ...string) func(*testbed) {
		return func(h *testbed) {
			for _, m := range methods {
				h.slack.Fail(m, times, f)
			}
		}
	}
	off := func(h *testbed) {
		time.Sleep(outage)
		h.slack.SetOutage(workspace.OutageOff)
	}
	return []apiTrouble{
		{name: "429 for a post", begin: fail(1, workspace.RateLimited(seconds), methodPost), seconds: seconds, brief: true},
		{name: "429 for an update", begin: fail(1, workspace.RateLimited(seconds), methodUpdate), seconds: seconds, after: true},
		{name: "500", begin: fail(1, workspace.Status(500), methodPost)},
		{name: "502 for an update", begin: fail(1, workspace.Status(502), methodUpdate), after: true},
		{name: "503", begin: fail(2, workspace.Status(503), methodPost)},
		{name: "connections cut", begin: fail(1, workspace.Cut(), methodPost)},
		{name: "connections cut under updates", begin: fail(1, workspace.Cut(), methodUpdate), after: true},
		{name: "fatal_error", begin: fail(1, workspace.Refused("fatal_error"), methodPost)},
		{name: "a post's answer lost", begin: fail(1, workspace.AnswerLost(), methodPost), repeats: 1, brief: true},
		{name: "an update's answer lost", begin: fail(1, workspace.AnswerLost(), methodUpdate), after: true},
		{name: "everything 503", begin: func(h *testbed) { h.slack.SetOutage(workspace.Outage503) }, end: off, brief: true},
		{name: "everything cut, sockets too", begin: func(h *testbed) { h.slack.SetOutage(workspace.OutageCut) }, end: off, after: true, brief: true},
	}
}

// through requests runs during a fault and judges them and their messages. It
// returns how many messages there were too many.
func (h *testbed) through(r *report, channel int, c apiTrouble) int {
	h.quiet()
	before := len(h.slack.Record())
	if !c.after {
		c.begin(h)
	}
	var ids []string
	for i := range 3 {
		id, err := h.sayIn(channel, fmt.Sprintf("/als patch update @c%d", (channel+i)%h.opts.clusters))
		if err != nil {
			r.trial(fmt.Errorf("%s: %w", c.name, err))
			continue
		}
		ids = append(ids, id)
	}
	if c.after {
		if err := h.shown(channelOf(channel), ids); err != nil {
			r.trial(fmt.Errorf("%s: %w", c.name, err))
		}
		c.begin(h)
	}
	if c.end != nil {
		c.end(h)
	}
	again := 0
	for _, id := range ids {
		n, err := h.truth(id)
		if n > 1 {
			again += n - 1
		}
		if err == nil && n != 1 && again > c.repeats {
			err = fmt.Errorf("%d messages of run %s:\n%s", n, id, h.slack.Transcript(channelOf(channel)))
		}
		if err != nil {
			err = fmt.Errorf("%s: %w", c.name, err)
		}
		r.trial(err)
	}
	if err := errors.Join(h.inOrder(channelOf(channel), ids), patient(h.slack.Record()[before:], c.seconds)); err != nil {
		r.trial(fmt.Errorf("%s: %w", c.name, err))
	}
	return again
}

// sayIn types a command into the channel of cluster i and returns the ID of the
// accepted run.
func (h *testbed) sayIn(i int, text string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	ack, err := h.slack.Say(ctx, ann, channelOf(i), text)
	if err != nil {
		return "", err
	}
	return runIn(ack.Text)
}

// truth is verify, but it returns how many messages show the run.
func (h *testbed) truth(id string) (int, error) {
	r, err := h.end(id)
	if err != nil {
		return 0, err
	}
	if len(r.Steps) != 1 {
		return 0, fmt.Errorf("run %s has %d steps: %s %s", id, len(r.Steps), r.State, r.Trouble)
	}
	out, err := h.get("/runs/" + id + "/output")
	if err != nil {
		return 0, err
	}
	step := r.Steps[0]
	n, err := h.countMessages(r)
	return n, errors.Join(err, h.oracle.checkRan(step.ID, 1), h.oracle.checkOutput(step.ID, out, step.Exit), h.checkAudit())
}

// quiet waits until nothing has been called for a while, so that the next fault
// hits the messages that it is meant for.
func (h *testbed) quiet() {
	for last := -1; ; time.Sleep(300 * time.Millisecond) {
		now := len(h.slack.Record())
		if now == last {
			return
		}
		last = now
	}
}

// shown waits until runs have messages.
func (h *testbed) shown(channel string, ids []string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return h.slack.Wait(ctx, func() bool {
		text := h.slack.Transcript(channel)
		return !slices.ContainsFunc(ids, func(id string) bool { return !strings.Contains(text, id) })
	})
}

// inOrder returns an error unless the first messages of runs are in the order
// of the runs.
func (h *testbed) inOrder(channel string, ids []string) error {
	last := -1
	messages := h.slack.Messages(channel)
	for _, id := range ids {
		for i, m := range messages {
			if m.User != workspace.BotUser || !strings.Contains(m.Text(), id) {
				continue
			}
			if i < last {
				return fmt.Errorf("run %s is told of too early:\n%s", id, h.slack.Transcript(channel))
			}
			last = i
			break
		}
	}
	return nil
}

// patient returns an error if the bot called again sooner than Slack allowed.
func patient(calls []workspace.Call, seconds int) error {
	until := map[string]time.Time{}
	for _, c := range calls {
		if left := until[c.Method].Sub(c.At); left > 0 {
			return fmt.Errorf("%s was called %v before Slack wanted it to", c.Method, left)
		}
		if c.Error == "ratelimited" {
			until[c.Method] = c.At.Add(time.Duration(seconds) * time.Second)
		}
	}
	return nil
}
