package faults

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"alsbot/app"
	"alsbot/jobs"
	"alsbot/runs"
	"alsbot/sim/node"
	"alsbot/sim/workspace"
)

// ownApproval tests an approver who approves their own request, through every
// way in. A trial is an attempt.
func ownApproval(t *testing.T, r *report) {
	me := app.OwnAccount()
	linked := func(yaml string) string {
		return strings.Replace(yaml, "admin: {", fmt.Sprintf("admin: {users: {%q: %s}, ", me, ann), 1)
	}
	for _, quorum := range []int{1, 2} {
		h := newTestbed(t, options{change: linked, extra: fmt.Sprintf("approval: {effects: [change, restart], quorum: %d}\n", quorum) +
			"schedules:\n  - {name: yearly, cluster: c0, cron: \"0 0 1 1 *\", timezone: UTC, command: patch update}\n"})
		must(t, h.slack.SetGroupMembers("S0LEADS", ann, bob, cat))
		h.start()
		for name, try := range h.waysToApprove(quorum) {
			err := try()
			if err != nil {
				err = fmt.Errorf("quorum %d, %s: %w", quorum, name, err)
			}
			r.trial(err)
		}
		r.trial(h.checkAudit())
	}
}

func (h *testbed) waysToApprove(quorum int) map[string]func() error {
	ask := func(text string) func() (string, error) {
		return func() (string, error) { return h.sayIn(0, "/als "+text) }
	}
	own := func(ask func() (string, error)) func() error {
		return func() error {
			id, err := ask()
			if err != nil {
				return err
			}
			return h.uncounted(id, quorum, func(m workspace.Message) error { return h.turnedAway(m) })
		}
	}
	return map[string]func() error{
		"the button":          own(ask("patch update @c0")),
		"a schedule, by hand": own(ask("schedule run yearly")),
		"the command line": own(func() (string, error) {
			ans, err := h.askLocal("patch update @c0")
			return ans.Run, err
		}),
		"a request that was tried": own(h.retried),
		"a request that is renewed": own(func() (string, error) {
			return h.renewedRequest(quorum)
		}),
		"twice at once": h.waiting(quorum, func(m workspace.Message) error {
			return together(func() error { return h.turnedAway(m) }, func() error { return h.turnedAway(m) })
		}),
		"an old screen, after a restart": h.waiting(quorum, func(m workspace.Message) error {
			h.kill()
			h.start()
			return h.turnedAway(m)
		}),
		"typed words": h.waiting(quorum, func(m workspace.Message) error {
			id := runOf(m)
			for _, words := range []string{"approve " + id, "approvals approve " + id, "run " + id + " --approve"} {
				if err := h.say(0, "/als "+words); err != nil {
					return err
				}
				if err := h.localSays(words); err != nil {
					return err
				}
			}
			return nil
		}),
	}
}

// waiting requests an update, lets do try to approve it, and checks.
func (h *testbed) waiting(quorum int, do func(workspace.Message) error) func() error {
	return func() error {
		id, err := h.tryAsk(0)
		if err != nil {
			return err
		}
		return h.uncounted(id, quorum, do)
	}
}

// uncounted returns an error unless the approval that do gives doesn't count,
// even if all the others that the request needs are there.
func (h *testbed) uncounted(id string, quorum int, do func(workspace.Message) error) error {
	m, err := h.approvalOf(id, fmt.Sprintf("0 of %d", quorum))
	if err != nil {
		return err
	}
	if err := do(m); err != nil {
		return err
	}
	if quorum == 2 { // one counts, and the requester still does not
		if _, err := h.presses(bob, m); err != nil {
			return err
		}
		if m, err = h.approvalOf(id, "1 of 2"); err != nil {
			return err
		}
		if err := do(m); err != nil {
			return err
		}
	}
	r, err := h.run(id)
	if err != nil || r.State != runs.Awaiting {
		return fmt.Errorf("run %s is %s: %w", id, r.State, err)
	}
	if err := h.say(0, "/als cancel "+id); err != nil {
		return err
	}
	r, err = h.end(id)
	if err == nil && r.State != runs.Cancelled {
		err = fmt.Errorf("run %s is %s", id, r.State)
	}
	return errors.Join(err, h.oracle.checkRan(id+"-1", 0))
}

// approvalOf waits for the approval request of a run.
func (h *testbed) approvalOf(id, count string) (found workspace.Message, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	err = h.slack.Wait(ctx, func() bool {
		for _, m := range h.slack.Messages(channelOf(0)) {
			if slices.Contains(m.Buttons(), "Approve") && strings.Contains(m.Text(), id) && strings.Contains(m.Text(), count) {
				found = m
				return true
			}
		}
		return false
	})
	if err != nil {
		err = fmt.Errorf("no message asks for approval of %s with %q:\n%s", id, count, h.slack.Transcript(channelOf(0)))
	}
	return found, err
}

// runOf returns the run whose approval a message requests.
func runOf(m workspace.Message) string {
	_, rest, _ := strings.Cut(m.Text(), "\nrun ")
	return strings.Fields(rest + " ?")[0]
}

// presses presses Approve and returns what that person is told.
func (h *testbed) presses(user string, m workspace.Message) (string, error) {
	before := len(h.slack.Ephemerals(user, m.Channel))
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if _, err := h.slack.PressOld(ctx, user, m, "Approve"); err != nil {
		return "", err
	}
	var told []workspace.Message
	err := h.slack.Wait(ctx, func() bool {
		told = h.slack.Ephemerals(user, m.Channel)[before:]
		return len(told) > 0
	})
	if err != nil {
		return "", fmt.Errorf("%s has pressed Approve and is told nothing", user)
	}
	return told[0].Text(), nil
}

// turnedAway returns an error unless ann presses Approve and is told that it
// doesn't count.
func (h *testbed) turnedAway(m workspace.Message) error {
	told, err := h.presses(ann, m)
	if err == nil && !strings.Contains(told, "You asked for this yourself") {
		err = fmt.Errorf("who presses for the own request is told %q", told)
	}
	return err
}

// retried returns a request that follows from a run that has ended.
func (h *testbed) retried() (string, error) {
	id, err := h.tryAsk(0)
	if err != nil {
		return "", err
	}
	if err := h.say(0, "/als cancel "+id); err != nil {
		return "", err
	}
	if _, err := h.end(id); err != nil {
		return "", err
	}
	return h.sayIn(0, "/als retry "+id)
}

// renewedRequest returns the request that replaces a void one.
func (h *testbed) renewedRequest(quorum int) (string, error) {
	id, err := h.sayIn(0, "/als patch install @c0")
	if err != nil {
		return "", err
	}
	m, err := h.approvalOf(id, fmt.Sprintf("0 of %d", quorum))
	if err != nil {
		return "", err
	}
	if err := h.nodes.Publish(node.Patch{Name: "late-fix", Severity: "required", Roles: []string{"router"}}); err != nil {
		return "", err
	}
	for _, user := range []string{bob, cat}[:quorum] {
		if _, err := h.presses(user, m); err != nil {
			return "", err
		}
	}
	r, err := h.end(id)
	_, fresh, ok := strings.Cut(r.Next.Text, "a fresh request says what changed: see `run ")
	if err == nil && !ok {
		err = fmt.Errorf("run %s is %s and not renewed: %s", id, r.State, r.Next.Text)
	}
	fresh, _, _ = strings.Cut(fresh, "`")
	return fresh, err
}

// localSays types something at the local socket that must be refused.
func (h *testbed) localSays(text string) error {
	ans, err := h.askLocal(text)
	if err == nil && (!ans.Bad || ans.Run != "") {
		err = fmt.Errorf("%q is answered %q", text, ans.Text)
	}
	return err
}

// askLocal types something at the local socket, as the command line does.
func (h *testbed) askLocal(text string) (ans jobs.Answer, err error) {
	client := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", h.socket())
		},
	}}
	body, err := json.Marshal(map[string]string{"Key": rand.Text(), "Text": text})
	if err != nil {
		return ans, err
	}
	resp, err := client.Post("http://alsbot/ask", "application/json", bytes.NewReader(body))
	if err != nil {
		return ans, err
	}
	defer resp.Body.Close()
	return ans, json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&ans)
}
