package workspace_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"
	"github.com/slack-go/slack/socketmode"

	"alsbot/sim/workspace"
)

const (
	botToken = "xoxb-sim"
	appToken = "xapp-sim"
	ops      = "C0OPS"
	ann      = "U0ANN"
	ben      = "U0BEN"
)

func options() workspace.Options {
	return workspace.Options{
		Users: []workspace.User{
			{ID: ann, Name: "ann", RealName: "Ann Lee", Title: "operator"},
			{ID: ben, Name: "ben", RealName: "Ben Ortiz", Title: "approver"},
		},
		Groups:   []workspace.Group{{ID: "S0LEADS", Handle: "leads", Members: []string{ben}}},
		Channels: []workspace.Channel{{ID: ops, Name: "ops"}, {ID: "C0ELSE", Name: "elsewhere", BotAbsent: true}, {ID: "C0OLD", Name: "old", Archived: true}},
		BotToken: botToken, AppToken: appToken, SigningSecret: "shhh",
	}
}

func start(t *testing.T, change func(*workspace.Options)) *workspace.Workspace {
	t.Helper()
	o := options()
	if change != nil {
		change(&o)
	}
	w := workspace.New(o)
	if err := w.Start("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

func client(w *workspace.Workspace) *slack.Client {
	return slack.New(botToken, slack.OptionAppLevelToken(appToken), slack.OptionAPIURL(w.APIURL()))
}

func within(t *testing.T) context.Context {
	t.Helper()
	// Not of t.Context, which ends before the clean-ups: what the app still has
	// to finish then would fail.
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// listen runs a Socket Mode client until the test ends and gives each event to
// handle, which acknowledges it.
func listen(t *testing.T, w *workspace.Workspace, handle func(*socketmode.Client, socketmode.Event)) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	c := socketmode.New(client(w), socketmode.OptionLog(log.New(io.Discard, "", 0)))
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = c.RunContext(ctx) // it ends with ctx
	}()
	pumped := make(chan struct{})
	go func() {
		defer close(pumped)
		for {
			select {
			case e := <-c.Events:
				if e.Request != nil && e.Request.EnvelopeID != "" {
					handle(c, e)
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	t.Cleanup(func() { cancel(); <-done; <-pumped })
	if err := w.Wait(within(t), func() bool { return w.Opened() > 0 }); err != nil {
		t.Fatal(err)
	}
}

func ack(t *testing.T, c *socketmode.Client, e socketmode.Event, payload ...any) {
	t.Helper()
	if err := c.Ack(*e.Request, payload...); err != nil {
		t.Error(err)
	}
}

func slackError(err error) string {
	var refused slack.SlackErrorResponse
	if errors.As(err, &refused) {
		return refused.Err
	}
	if err == nil {
		return ""
	}
	return "not a Slack error: " + err.Error()
}

func approveButton() slack.Block {
	return slack.NewActionBlock("decide",
		slack.NewButtonBlockElement("approve", "id-1", slack.NewTextBlockObject(slack.PlainTextType, "Approve", false, false)),
		slack.NewButtonBlockElement("reject", "id-1", slack.NewTextBlockObject(slack.PlainTextType, "Reject", false, false)))
}

func TestPostUpdateThread(t *testing.T) {
	w := start(t, nil)
	api, ctx := client(w), within(t)
	_, ts, err := api.PostMessageContext(ctx, ops, slack.MsgOptionText("install 3 patches", false), slack.MsgOptionBlocks(
		slack.NewSectionBlock(slack.NewTextBlockObject(slack.MarkdownType, "install *3* patches for <@U0ANN> &lt;now&gt;", false, false), nil, nil), approveButton()))
	if err != nil {
		t.Fatal(err)
	}
	m := w.Messages(ops)[0]
	if want := "install *3* patches for @ann <now>\n[Approve] [Reject]"; m.Text() != want {
		t.Errorf("text is %q, want %q", m.Text(), want)
	}
	if _, _, _, err = api.UpdateMessageContext(ctx, ops, ts, slack.MsgOptionText("approved", false)); err != nil {
		t.Fatal(err)
	}
	if m = w.Messages(ops)[0]; len(m.Buttons()) != 2 || m.Fallback != "approved" || m.Edits != 1 {
		t.Errorf("an update without blocks must keep them: %q, buttons %v, %d edits", m.Fallback, m.Buttons(), m.Edits)
	}
	if _, _, _, err = api.UpdateMessageContext(ctx, ops, ts, slack.MsgOptionText("approved", false), slack.MsgOptionBlocks()); err != nil {
		t.Fatal(err)
	}
	if m = w.Messages(ops)[0]; m.Text() != "approved" {
		t.Errorf("empty blocks must take the old ones away: %q", m.Text())
	}
	_, reply, err := api.PostMessageContext(ctx, ops, slack.MsgOptionText("output", false), slack.MsgOptionTS(ts))
	if err != nil {
		t.Fatal(err)
	}
	if reply <= ts {
		t.Errorf("timestamps must increase: %s after %s", reply, ts)
	}
	if thread := w.Thread(ops, ts); len(thread) != 2 || thread[1].Thread != ts {
		t.Errorf("thread is %+v", thread)
	}
	if v := w.Violations(); len(v) > 0 {
		t.Errorf("violations: %v", v)
	}
}

func TestRefusals(t *testing.T) {
	w := start(t, nil)
	api, ctx := client(w), within(t)
	_, ts, err := api.PostMessageContext(ctx, ops, slack.MsgOptionText("hello", false))
	if err != nil {
		t.Fatal(err)
	}
	said, err := w.Say(ctx, ann, ops, "good morning")
	if err != nil {
		t.Fatal(err)
	}
	post := func(channel string, options ...slack.MsgOption) error {
		_, _, err := api.PostMessageContext(ctx, channel, options...)
		return err
	}
	update := func(ts, text string) error {
		_, _, _, err := api.UpdateMessageContext(ctx, ops, ts, slack.MsgOptionText(text, false))
		return err
	}
	long := slack.NewSectionBlock(slack.NewTextBlockObject(slack.MarkdownType, strings.Repeat("é", 3001), false, false), nil, nil)
	var many []slack.Block
	for range 5 {
		many = append(many, slack.NewSectionBlock(slack.NewTextBlockObject(slack.MarkdownType, strings.Repeat("x", 2900), false, false), nil, nil))
	}
	_, noUser := api.GetUserInfoContext(ctx, "U0NOBODY")
	_, noGroup := api.GetUserGroupMembersContext(ctx, "S0NONE")
	_, badTrigger := api.OpenViewContext(ctx, "1.2.3", modal())
	_, badAuth := slack.New("xoxb-wrong", slack.OptionAPIURL(w.APIURL())).AuthTestContext(ctx)
	_, appAuth := slack.New(appToken, slack.OptionAPIURL(w.APIURL())).AuthTestContext(ctx)
	_, ephemeral := api.PostEphemeralContext(ctx, ops, "U0NOBODY", slack.MsgOptionText("hi", false))
	for _, c := range []struct {
		what string
		err  error
		want string
	}{
		{"an unknown channel", post("C0NONE", slack.MsgOptionText("x", false)), "channel_not_found"},
		{"a channel without the bot", post("C0ELSE", slack.MsgOptionText("x", false)), "not_in_channel"},
		{"an archived channel", post("C0OLD", slack.MsgOptionText("x", false)), "is_archived"},
		{"nothing to say", post(ops), "no_text"},
		{"a huge text", post(ops, slack.MsgOptionText(strings.Repeat("x", 40001), false)), "msg_too_long"},
		{"a long section", post(ops, slack.MsgOptionText("x", false), slack.MsgOptionBlocks(long)), "invalid_blocks"},
		{"much text in blocks", post(ops, slack.MsgOptionText("x", false), slack.MsgOptionBlocks(many...)), "msg_blocks_too_long"},
		{"an update of nothing", update("1.000001", "x"), "message_not_found"},
		{"an update of a person's message", update(said.TS, "x"), "cant_update_message"},
		{"an update that is too long", update(ts, strings.Repeat("x", 4001)), "msg_too_long"},
		{"an unknown user", noUser, "user_not_found"},
		{"an unknown group", noGroup, "no_such_subteam"},
		{"an unknown trigger", badTrigger, "invalid_trigger_id"},
		{"a wrong token", badAuth, "invalid_auth"},
		{"the app's token", appAuth, "not_allowed_token_type"},
		{"an ephemeral message to nobody", ephemeral, "user_not_found"},
	} {
		if got := slackError(c.err); got != c.want {
			t.Errorf("%s: got %q, want %q", c.what, got, c.want)
		}
	}
	var refused slack.SlackErrorResponse
	err = post(ops, slack.MsgOptionText("x", false), slack.MsgOptionBlocks(long))
	if !errors.As(err, &refused) || len(refused.ResponseMetadata.Messages) != 1 || !strings.Contains(refused.ResponseMetadata.Messages[0], "/blocks/0/text/text") {
		t.Errorf("the refusal must name the place: %+v", refused.ResponseMetadata)
	}
}

func TestBlocksWithoutTextAreAViolation(t *testing.T) {
	w := start(t, nil)
	if _, _, err := client(w).PostMessageContext(within(t), ops, slack.MsgOptionBlocks(slack.NewDividerBlock())); err != nil {
		t.Fatal(err)
	}
	if v := w.Violations(); len(v) != 1 || !strings.Contains(v[0], "without a text") {
		t.Errorf("violations: %q", v)
	}
}

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
	// What the bot sends back is read as mrkdwn, so the references show as names.
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
		o.AckTimeout = 200 * time.Millisecond
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
		if e.Request.RetryAttempt == 1 {
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
	ahead.Store(int64(4 * time.Second))
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

func TestUpload(t *testing.T) {
	w := start(t, nil)
	api, ctx := client(w), within(t)
	_, ts, err := api.PostMessageContext(ctx, ops, slack.MsgOptionText("report", false))
	if err != nil {
		t.Fatal(err)
	}
	send := func(size int) error {
		_, err := api.UploadFileContext(ctx, slack.UploadFileParameters{Filename: "out.txt", FileSize: size, Content: "hello\n", Channel: ops, ThreadTimestamp: ts})
		return err
	}
	if err := send(5); err == nil {
		t.Error("a file of another length was taken")
	}
	if err := send(6); err != nil {
		t.Fatal(err)
	}
	files := w.Thread(ops, ts)[1].Files
	if len(files) != 1 || string(files[0].Content) != "hello\n" || files[0].Name != "out.txt" {
		t.Errorf("files are %+v", files)
	}
	w.MisdirectUploads(true)
	if err := send(6); err == nil || !strings.Contains(err.Error(), "refusing to send the token") {
		t.Errorf("a misdirected upload: %v", err)
	}
}
