package workspace_test

import (
	"context"
	"errors"
	"io"
	"log"
	"os"
	"testing"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"

	"alsbot/sim/workspace"
)

const (
	botToken = "xoxb-sim"
	appToken = "xapp-sim"
	ops      = "C0OPS"
	ann      = "U0ANN"
	ben      = "U0BEN"

	triggerLife = 30 * time.Second

	// patience is how long a test waits for something that must happen. It is
	// a safety limit.
	patience = 5 * time.Minute
)

// lacks ends a test for which the machine lacks a program: a skip on a
// laptop, a failure in CI.
func lacks(t *testing.T, program, why string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatalf("%s: %s is not installed; scripts/setup installs it", why, program)
	}
	t.Skipf("%s: %s is not installed; to run this test, run scripts/setup as root", why, program)
}

func options() workspace.Options {
	return workspace.Options{
		Users: []workspace.User{
			{ID: ann, Name: "ann", RealName: "Ann Lee", Title: "operator"},
			{ID: ben, Name: "ben", RealName: "Ben Ortiz", Title: "approver"},
		},
		Groups:   []workspace.Group{{ID: "S0LEADS", Handle: "leads", Members: []string{ben}}},
		Channels: []workspace.Channel{{ID: ops, Name: "ops"}, {ID: "C0ELSE", Name: "elsewhere", BotAbsent: true}, {ID: "C0OLD", Name: "old", Archived: true}},
		BotToken: botToken, AppToken: appToken, SigningSecret: "shhh",
		AckTimeout: triggerLife, TriggerLife: triggerLife, // 3 s are short beside other tests
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
	// t.Context ends before the clean-ups, and the app's remaining work would
	// fail.
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// listen runs a Socket Mode client until the test ends. It passes each event
// to handle, which must acknowledge it.
func listen(t *testing.T, w *workspace.Workspace, handle func(*socketmode.Client, socketmode.Event)) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	c := socketmode.New(client(w), socketmode.OptionLog(log.New(io.Discard, "", 0)))
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = c.RunContext(ctx) // ends with ctx
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
