package workspace_test

import (
	"encoding/json"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"
	"github.com/slack-go/slack/socketmode"

	"alsbot/sim/workspace"
)

func TestCommandOverSocketMode(t *testing.T) {
	w := start(t, nil)
	listen(t, w, func(c *socketmode.Client, e socketmode.Event) {
		cmd, ok := e.Data.(slack.SlashCommand)
		if !ok {
			t.Errorf("unexpected %s", e.Type)
			return
		}
		ack(t, c, e, map[string]any{"text": cmd.Command + " got: " + cmd.Text + " from " + cmd.UserID + " in " + cmd.ChannelID})
	})
	got, err := w.Say(within(t), ann, ops, "/als patch install <b> & @ben in #ops @prod")
	if err != nil {
		t.Fatal(err)
	}
	// The workspace reads the bot's answer as mrkdwn, so references show as
	// names.
	if want := "/als got: patch install <b> & @ben in #ops @prod from U0ANN in C0OPS"; got.Text != want {
		t.Errorf("the answer reads %q, want %q", got.Text, want)
	}
	if !strings.Contains(string(got.Payload), `&lt;b&gt; &amp; <@U0BEN|ben> in <#C0OPS|ops> @prod`) &&
		!strings.Contains(unquote(t, got.Payload), `&lt;b&gt; &amp; <@U0BEN|ben> in <#C0OPS|ops> @prod`) {
		t.Errorf("text must come escaped, with references: %s", unquote(t, got.Payload))
	}
	if mine, others := w.Ephemerals(ann, ops), w.Ephemerals(ben, ops); len(mine) != 1 || len(others) != 0 {
		t.Errorf("the answer must be seen by one person only: %v, %v", mine, others)
	}
}

func unquote(t *testing.T, payload json.RawMessage) string {
	t.Helper()
	var p struct{ Text string }
	if err := json.Unmarshal(payload, &p); err != nil {
		t.Fatal(err)
	}
	return p.Text
}

func TestUnansweredCommand(t *testing.T) {
	w := start(t, func(o *workspace.Options) { o.AckTimeout = 50 * time.Millisecond })
	if _, err := w.Say(within(t), ann, ops, "/als help"); !errors.Is(err, workspace.ErrDispatch) {
		t.Errorf("with no socket: %v", err)
	}
	listen(t, w, func(*socketmode.Client, socketmode.Event) {})
	if _, err := w.Say(within(t), ann, ops, "/als help"); !errors.Is(err, workspace.ErrTimeout) {
		t.Errorf("with no acknowledgement: %v", err)
	}
	shown := w.Ephemerals(ann, ops)
	if len(shown) != 2 || !strings.Contains(shown[1].Text(), "operation_timeout") {
		t.Errorf("the person must be told: %v", shown)
	}
}

func TestPress(t *testing.T) {
	w := start(t, nil)
	api, ctx := client(w), within(t)
	listen(t, w, func(c *socketmode.Client, e socketmode.Event) {
		cb, ok := e.Data.(slack.InteractionCallback)
		if !ok {
			t.Errorf("unexpected %s", e.Type)
			return
		}
		ack(t, c, e)
		a := cb.ActionCallback.BlockActions[0]
		_, _, err := api.PostMessageContext(ctx, cb.Channel.ID, slack.MsgOptionText(cb.User.ID+" "+a.ActionID+" "+a.Value+" "+cb.Container.MessageTs, false), slack.MsgOptionTS(cb.Container.MessageTs))
		if err != nil {
			t.Error(err)
		}
	})
	_, ts, err := api.PostMessageContext(ctx, ops, slack.MsgOptionText("go?", false), slack.MsgOptionBlocks(approveButton()))
	if err != nil {
		t.Fatal(err)
	}
	old := w.Messages(ops)[0]
	if _, err = w.Press(ctx, ben, ops, ts, "Approve"); err != nil {
		t.Fatal(err)
	}
	want := ben + " approve id-1 " + ts
	if _, err = w.WaitMessage(ctx, ops, func(m workspace.Message) bool { return m.Thread == ts && m.Fallback == want }); err != nil {
		t.Fatal(err)
	}
	if _, err = w.Press(ctx, ben, ops, ts, "Launch"); err == nil || !strings.Contains(err.Error(), "Approve (approve), Reject (reject)") {
		t.Errorf("a button that is not there must be refused with what is: %v", err)
	}
	if _, _, _, err = api.UpdateMessageContext(ctx, ops, ts, slack.MsgOptionText("decided", false), slack.MsgOptionBlocks()); err != nil {
		t.Fatal(err)
	}
	if _, err = w.Press(ctx, ben, ops, ts, "Approve"); err == nil {
		t.Error("a button that has gone was pressed")
	}
	if _, err = w.PressOld(ctx, ann, old, "Reject"); err != nil {
		t.Errorf("an old screen's button can be pressed: %v", err)
	}
	want = ann + " reject id-1 " + ts
	if _, err = w.WaitMessage(ctx, ops, func(m workspace.Message) bool { return m.Fallback == want }); err != nil {
		t.Fatal(err)
	}
}

func TestMentionAndRedelivery(t *testing.T) {
	w := start(t, func(o *workspace.Options) {
		o.AckTimeout = time.Second
		o.EventRetries = []time.Duration{0, 0}
	})
	attempts := make(chan int, 5)
	listen(t, w, func(c *socketmode.Client, e socketmode.Event) {
		event, ok := e.Data.(slackevents.EventsAPIEvent)
		if !ok {
			t.Errorf("unexpected %s", e.Type)
			return
		}
		mention, ok := event.InnerEvent.Data.(*slackevents.AppMentionEvent)
		if !ok || mention.Text != "<@U0ALSBOT> status" || mention.User != ann {
			t.Errorf("unexpected event %+v", event.InnerEvent.Data)
		}
		attempts <- e.Request.RetryAttempt
		if e.Request.RetryAttempt > 0 {
			ack(t, c, e)
		}
	})
	if _, err := w.Say(within(t), ann, ops, "@alsbot status"); err != nil {
		t.Fatal(err)
	}
	if a, b := <-attempts, <-attempts; a != 0 || b != 1 {
		t.Errorf("attempts %d and %d, want 0 and 1", a, b)
	}
}

func modal() slack.ModalViewRequest {
	plain := func(s string) *slack.TextBlockObject {
		return slack.NewTextBlockObject(slack.PlainTextType, s, false, false)
	}
	input := slack.NewInputBlock("reason", plain("Reason"), nil, slack.NewPlainTextInputBlockElement(nil, "text"))
	return slack.ModalViewRequest{Type: slack.VTModal, CallbackID: "reject", Title: plain("Reject"), Submit: plain("Send"), Blocks: slack.Blocks{BlockSet: []slack.Block{input}}}
}

func TestModal(t *testing.T) {
	w := start(t, nil)
	api, ctx := client(w), within(t)
	listen(t, w, func(c *socketmode.Client, e socketmode.Event) {
		switch data := e.Data.(type) {
		case slack.SlashCommand:
			if _, err := api.OpenViewContext(ctx, data.TriggerID, modal()); err != nil {
				t.Error(err)
			}
			if _, err := api.OpenViewContext(ctx, data.TriggerID, modal()); slackError(err) != "exchanged_trigger_id" {
				t.Errorf("a trigger works once: %v", err)
			}
			ack(t, c, e)
		case slack.InteractionCallback:
			if reason := data.View.State.Values["reason"]["text"].Value; reason == "no" {
				ack(t, c, e, slack.NewErrorsViewSubmissionResponse(map[string]string{"reason": "say more"}))
				return
			}
			ack(t, c, e)
		}
	})
	if _, err := w.Say(ctx, ann, ops, "/als run"); err != nil {
		t.Fatal(err)
	}
	if v, ok := w.Modal(ann); !ok || v.Title != "Reject" {
		t.Fatalf("modal is %+v", v)
	}
	if _, err := w.Submit(ctx, ann, nil); err == nil {
		t.Error("a required field was left empty")
	}
	if _, err := w.Submit(ctx, ann, map[string][]string{"text": {"no"}}); err != nil {
		t.Fatal(err)
	}
	if v, _ := w.Modal(ann); v.Errors["reason"] != "say more" {
		t.Errorf("errors are %v", v.Errors)
	}
	if _, err := w.Submit(ctx, ann, map[string][]string{"text": {"too late in the day"}}); err != nil {
		t.Fatal(err)
	}
	if _, ok := w.Modal(ann); ok {
		t.Error("the modal is still open")
	}
}

func TestHomeAndExpiredTrigger(t *testing.T) {
	var ahead atomic.Int64
	w := start(t, func(o *workspace.Options) {
		o.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	})
	api, ctx := client(w), within(t)
	triggers := make(chan string, 1)
	listen(t, w, func(c *socketmode.Client, e socketmode.Event) {
		ack(t, c, e)
		switch data := e.Data.(type) {
		case slack.SlashCommand:
			triggers <- data.TriggerID
		case slackevents.EventsAPIEvent:
			opened := data.InnerEvent.Data.(*slackevents.AppHomeOpenedEvent)
			view := slack.HomeTabViewRequest{Type: slack.VTHomeTab, Blocks: slack.Blocks{BlockSet: []slack.Block{slack.NewDividerBlock()}}}
			published, err := api.PublishViewContext(ctx, slack.PublishViewContextRequest{UserID: opened.User, View: view})
			if err != nil {
				t.Error(err)
				return
			}
			stale := "0." + published.Hash
			if _, err = api.PublishViewContext(ctx, slack.PublishViewContextRequest{UserID: opened.User, View: view, Hash: &stale}); slackError(err) != "hash_conflict" {
				t.Errorf("a stale hash: %v", err)
			}
		}
	})
	if err := w.OpenHome(ctx, ann); err != nil {
		t.Fatal(err)
	}
	if err := w.Wait(ctx, func() bool { _, ok := w.Home(ann); return ok }); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Say(ctx, ann, ops, "/als run"); err != nil {
		t.Fatal(err)
	}
	trigger := <-triggers
	ahead.Store(int64(triggerLife + time.Second))
	if _, err := api.OpenViewContext(ctx, trigger, modal()); slackError(err) != "expired_trigger_id" {
		t.Errorf("an old trigger: %v", err)
	}
}

func TestResponseURL(t *testing.T) {
	w := start(t, nil)
	api, ctx := client(w), within(t)
	urls := make(chan string, 1)
	listen(t, w, func(c *socketmode.Client, e socketmode.Event) {
		ack(t, c, e)
		urls <- e.Data.(slack.SlashCommand).ResponseURL
	})
	if _, err := w.Say(ctx, ann, ops, "/als patch status"); err != nil {
		t.Fatal(err)
	}
	address := <-urls
	for i := range 6 {
		_, _, err := api.PostMessageContext(ctx, ops, slack.MsgOptionResponseURL(address, slack.ResponseTypeEphemeral), slack.MsgOptionText("line", false))
		if (err != nil) != (i == 5) {
			t.Errorf("post %d: %v", i+1, err)
		}
	}
	if n := len(w.Ephemerals(ann, ops)); n != 5 {
		t.Errorf("%d posts arrived, want 5", n)
	}
}
