package workspace_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/slack-go/slack"
)

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
