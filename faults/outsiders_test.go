package faults

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"alsbot/runs"
	"alsbot/sim/workspace"
)

// outsiderPeople are people who count for nobody, although the config gives
// each of them every right, by name and by group. Slack sends no slash command
// of a stranger whose own workspace does not have the app.
var outsiderPeople = []struct {
	workspace.User
	says  string // what they are told
	slash string // the same for a slash command; "" if Slack sends none
}{
	{workspace.User{ID: "U0STR", Name: "stranger", Team: "T0OTHER"}, "another organization (Slack Connect)", ""},
	{workspace.User{ID: "U0ORG", Name: "orgstranger", Team: "T0OTHER", Org: "E0ELSE"}, "another organization (Slack Connect)", "another organization (Slack Connect)"},
	{workspace.User{ID: "U0GUEST", Name: "guest", Guest: true}, "is a guest account", "is a guest account"},
	{workspace.User{ID: "U0ONE", Name: "oneguest", OneGuest: true}, "is a guest account", "is a guest account"},
	{workspace.User{ID: "U0BOT", Name: "otherbot", Bot: true}, "is a bot", "is a bot"},
	{workspace.User{ID: "U0GONE", Name: "gone", Deleted: true}, "is deactivated", "is deactivated"},
}

// outsiderTurns is how often one person tries everything: whoever presses more
// is told so, and not who may press.
const outsiderTurns = 4

// outsiderAt is the person whose turn it is. There are as many of each kind as it
// takes.
func outsiderAt(turn int) workspace.User {
	p := outsiderPeople[turn%len(outsiderPeople)].User
	p.ID += strconv.Itoa(turn / len(outsiderPeople) / outsiderTurns)
	p.Name += strings.TrimPrefix(p.ID, outsiderPeople[turn%len(outsiderPeople)].ID)
	return p
}

// outsiders has people who are no full members of the workspace try everything
// that Slack delivers, over sockets and over HTTP. A trial is an attempt.
func outsiders(t *testing.T, r *report) {
	everybody := map[string]workspace.User{}
	for i := range r.n {
		everybody[outsiderAt(i).ID] = outsiderAt(i)
	}
	for _, http := range []bool{false, true} {
		o := options{http: http, extra: "approval: {effects: [change, restart], quorum: 1}\n", change: func(yaml string) string {
			all := strings.Join(slices.Sorted(maps.Keys(everybody)), ", ")
			return strings.Replace(yaml, "operator: [S0OPS], approver: [S0LEADS]", "operator: [S0OPS, "+all+"], approver: [S0LEADS, "+all+"]", 1)
		}}
		o.people = slices.Collect(maps.Values(everybody))
		h := newTestbed(t, o)
		h.start()
		for i := range r.n {
			who, kind := outsiderAt(i), outsiderPeople[i%len(outsiderPeople)]
			must(t, h.slack.SetGroupMembers("S0OPS", ann, who.ID))
			must(t, h.slack.SetGroupMembers("S0LEADS", bob, cat, who.ID))
			h.outsider(who, kind.says, kind.slash, r)
		}
		r.trial(h.checkAudit())
	}
}

// outsider has one person try everything on a request of ann's, which must go on
// waiting.
func (h *testbed) outsider(who workspace.User, says, slash string, r *report) {
	user := who.ID
	id, err := h.tryAsk(0)
	if err != nil {
		r.trial(err)
		return
	}
	m, err := h.approvalOf(id, "0 of 1")
	if err != nil {
		r.trial(err)
		return
	}
	tries := map[string]func() error{
		"a mention": func() error { return h.says(user, "@alsbot cancel "+id) },
		"Approve":   func() error { return h.pressOf(user, m, "Approve") },
		"Reject":    func() error { return h.pressOf(user, m, "Reject") },
	}
	if slash != "" {
		tries["a slash command"] = func() error { return h.says(user, "/als cancel "+id) }
	}
	if h.opts.http {
		tries["a view"] = func() error { return h.submits(who, id, m) }
	}
	for name, try := range tries {
		words := says
		if name == "a slash command" {
			words = slash
		}
		told := h.told(user, m.Channel, words)
		err := try()
		if err == nil {
			err = h.isTold(user, m.Channel, told, words)
		}
		if err == nil {
			err = h.waitsStill(id)
		}
		if err != nil {
			err = fmt.Errorf("%s, %s: %w", user, name, err)
		}
		r.trial(err)
	}
	if err := h.say(0, "/als cancel "+id); err != nil {
		r.trial(err)
	}
	if _, err := h.end(id); err != nil {
		r.trial(err)
	}
}

// says types a text as someone. Slack may not deliver it.
func (h *testbed) says(user, text string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_, err := h.slack.Say(ctx, user, channelOf(0), text)
	return err
}

func (h *testbed) pressOf(user string, m workspace.Message, button string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_, err := h.slack.PressOld(ctx, user, m, button)
	return err
}

// submits posts, signed as by Slack, the view in which a person gives the reason
// for a rejection. No view is opened for an outsider, so none can be filled in.
func (h *testbed) submits(who workspace.User, id string, m workspace.Message) error {
	run, err := h.run(id)
	if err != nil {
		return err
	}
	payload := fmt.Sprintf(`{"type":"view_submission","team":{"id":"T0SIM"},"user":{"id":%q,"team_id":%q},"view":{"id":"V1","callback_id":"reject","private_metadata":%q}}`,
		who.ID, cmp.Or(who.Team, "T0SIM"), id+" "+run.Digest[:12]+" "+m.Channel)
	body := url.Values{"payload": {payload}}.Encode()
	at := strconv.FormatInt(time.Now().Unix(), 10)
	mac := hmac.New(sha256.New, []byte("faults-signing-secret"))
	_, _ = fmt.Fprintf(mac, "v0:%s:%s", at, body) // a hash takes everything
	req, err := http.NewRequest(http.MethodPost, "http://"+h.listen+"/slack/interactions", strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("X-Slack-Request-Timestamp", at)
	req.Header.Set("X-Slack-Signature", "v0="+hex.EncodeToString(mac.Sum(nil)))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("answered %d", resp.StatusCode)
	}
	_ = resp.Body.Close()
	return err
}

// told counts the messages that a person sees with these words: answers to
// mentions are in a thread, others are for that person only.
func (h *testbed) told(user, channel, words string) (n int) {
	for _, m := range append(h.slack.Messages(channel), h.slack.Ephemerals(user, channel)...) {
		if m.User == workspace.BotUser && strings.Contains(m.Text(), words) {
			n++
		}
	}
	return n
}

// isTold waits until a person sees one more message with these words.
func (h *testbed) isTold(user, channel string, before int, words string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := h.slack.Wait(ctx, func() bool { return h.told(user, channel, words) > before }); err != nil {
		return fmt.Errorf("not told %q: %w\n%s", words, err, h.slack.Transcript(channel))
	}
	return nil
}

// waitsStill returns an error unless nothing has become of a request.
func (h *testbed) waitsStill(id string) error {
	r, err := h.run(id)
	if err == nil && (r.State != runs.Awaiting || r.Cancel != nil) {
		err = fmt.Errorf("run %s is %s", id, r.State)
	}
	return err
}
