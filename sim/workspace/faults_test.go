package workspace_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"

	"alsbot/sim/workspace"
)

func TestFaults(t *testing.T) {
	w := start(t, nil)
	ctx := within(t)
	api := slack.New(botToken, slack.OptionAPIURL(w.APIURL()), slack.OptionHTTPClient(&http.Client{Timeout: 5 * time.Second}))
	post := func() error {
		_, _, err := api.PostMessageContext(ctx, ops, slack.MsgOptionText("x", false))
		return err
	}
	var limited *slack.RateLimitedError
	var status slack.StatusCodeError
	for _, c := range []struct {
		what   string
		fault  workspace.Fault
		posted int
		ok     func(error) bool
	}{
		{"rate limit", workspace.RateLimited(7), 0, func(err error) bool { return errors.As(err, &limited) && limited.RetryAfter == 7*time.Second }},
		{"server error", workspace.Status(503), 0, func(err error) bool { return errors.As(err, &status) && status.Code == 503 }},
		{"Slack's error", workspace.Refused("fatal_error"), 0, func(err error) bool { return slackError(err) == "fatal_error" }},
		{"no answer", workspace.NoAnswer(), 0, func(err error) bool { return err != nil }},
		{"cut", workspace.Cut(), 0, func(err error) bool { return err != nil }},
		{"answer lost", workspace.AnswerLost(), 1, func(err error) bool { return err != nil }},
	} {
		before := len(w.Messages(ops))
		w.Fail("chat.postMessage", 1, c.fault)
		if _, err := api.AuthTestContext(ctx); err != nil {
			t.Errorf("%s: another method failed too: %v", c.what, err)
		}
		if err := post(); !c.ok(err) {
			t.Errorf("%s: got %v", c.what, err)
		}
		if n := len(w.Messages(ops)) - before; n != c.posted {
			t.Errorf("%s: %d messages arrived, want %d", c.what, n, c.posted)
		}
		if err := post(); err != nil {
			t.Errorf("%s: it lasts too long: %v", c.what, err)
		}
	}
	if n := w.Calls("chat.postMessage"); n != 12 {
		t.Errorf("%d calls on record, want 12", n)
	}
	w.SetOutage(workspace.Outage503)
	if err := post(); !errors.As(err, &status) {
		t.Errorf("outage: %v", err)
	}
	w.SetOutage(workspace.OutageOff)
	if err := post(); err != nil {
		t.Errorf("after the outage: %v", err)
	}
}

// collect acknowledges every delivery and sends its envelope ID to the
// channel.
func collect(t *testing.T, w *workspace.Workspace) <-chan string {
	t.Helper()
	ids := make(chan string, 20)
	listen(t, w, func(c *socketmode.Client, e socketmode.Event) {
		_ = c.Ack(*e.Request) // the socket may be gone
		ids <- e.Request.EnvelopeID
	})
	return ids
}

func TestDuplicateDelivery(t *testing.T) {
	w := start(t, nil)
	ids := collect(t, w)
	w.DuplicateDeliveries(1)
	if _, err := w.Say(within(t), ann, ops, "/als one"); err != nil {
		t.Fatal(err)
	}
	if first, second := <-ids, <-ids; first != second {
		t.Errorf("envelopes %s and %s, want the same twice", first, second)
	}
}

func TestCutAndRedelivery(t *testing.T) {
	w := start(t, func(o *workspace.Options) { o.AckTimeout = 3 * time.Second })
	ids := collect(t, w)
	w.RedeliverOnReconnect(1)
	w.CutAfterDelivery(1)
	// The acknowledgement may come before or after the cut, so Say may fail or
	// not.
	_, _ = w.Say(within(t), ann, ops, "/als one")
	if err := w.Wait(within(t), func() bool { return w.Opened() > 1 && w.Sockets() == 1 }); err != nil {
		t.Fatal(err)
	}
	first := <-ids
	select {
	case second := <-ids:
		if first != second {
			t.Errorf("envelopes %s and %s, want the same twice", first, second)
		}
	default:
		// The first copy died with the socket; this is the second one.
	}
	if _, err := w.Say(within(t), ann, ops, "/als two"); err != nil {
		t.Errorf("on the new socket: %v", err)
	}
}

func TestHalfOpenSocket(t *testing.T) {
	w := start(t, func(o *workspace.Options) { o.AckTimeout = 50 * time.Millisecond })
	collect(t, w)
	if n := w.FreezeSockets(); n != 1 {
		t.Fatalf("%d sockets to freeze, want 1", n)
	}
	if _, err := w.Say(within(t), ann, ops, "/als one"); !errors.Is(err, workspace.ErrTimeout) {
		t.Errorf("a half-open socket answered: %v", err)
	}
	if n := w.Sockets(); n != 1 {
		t.Errorf("a half-open socket must still count: %d", n)
	}
}

func TestDisconnectReasons(t *testing.T) {
	w := start(t, nil)
	collect(t, w)
	for _, reason := range []string{"warning", "refresh_requested"} {
		before := w.Opened()
		w.Disconnect(reason)
		err := w.Wait(within(t), func() bool { return w.Opened() > before && w.Sockets() == 1 })
		if err != nil {
			t.Errorf("%s: the client did not come back: %v", reason, err)
		}
	}
	w.Disconnect("link_disabled")
	err := w.Wait(within(t), func() bool {
		return slices.ContainsFunc(w.Record(), func(c workspace.Call) bool { return c.Error == "socket_mode_disabled" })
	})
	if err != nil {
		t.Errorf("link_disabled: %v", err)
	}
}

func TestStrangersAreRefused(t *testing.T) {
	w := start(t, nil)
	if err := workspace.New(options()).Start("0.0.0.0:0"); err == nil || !strings.Contains(err.Error(), "loopback") {
		t.Errorf("a public address: %v", err)
	}
	for _, c := range []struct {
		what, header, value string
		want                int
	}{
		{"a rebound name", "Host", "evil.example", http.StatusForbidden},
		{"another page", "Origin", "http://evil.example", http.StatusForbidden},
		{"a sandboxed page", "Origin", "null", http.StatusForbidden},
		{"localhost", "Host", "localhost:80", http.StatusOK},
	} {
		req, err := http.NewRequestWithContext(within(t), http.MethodPost, w.APIURL()+"api.test", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set(c.header, c.value)
		if c.header == "Host" {
			req.Host = c.value
		}
		req.Header.Set("Authorization", "Bearer "+botToken)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != c.want {
			t.Errorf("%s: %d, want %d", c.what, resp.StatusCode, c.want)
		}
	}
}
