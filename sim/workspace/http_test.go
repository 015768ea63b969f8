package workspace_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/slack-go/slack"

	"alsbot/sim/workspace"
)

// app is an HTTP mode app that checks signatures with slack-go.
func app(t *testing.T, secret string, handle func(path string, r *http.Request, body []byte) string) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
			return
		}
		v, err := slack.NewSecretsVerifier(r.Header, secret)
		if err == nil {
			_, _ = v.Write(body)
			err = v.Ensure()
		}
		if err != nil {
			http.Error(rw, "bad signature", http.StatusUnauthorized)
			return
		}
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		_, _ = io.WriteString(rw, handle(r.URL.Path, r, body))
	}))
	t.Cleanup(server.Close)
	return server
}

func TestSignedHTTPMode(t *testing.T) {
	w := start(t, nil)
	ctx := within(t)
	paths := make(chan string, 10)
	server := app(t, "shhh", func(path string, r *http.Request, body []byte) string {
		paths <- path
		switch path {
		case "/slack/commands":
			cmd, err := slack.SlashCommandParse(r)
			if err != nil || cmd.UserID != ann || cmd.Text != "patch status" {
				t.Errorf("command %+v, %v", cmd, err)
			}
			return `{"text":"queued"}`
		case "/slack/interactions":
			cb, err := slack.InteractionCallbackParse(r)
			if err != nil || cb.ActionCallback.BlockActions[0].ActionID != "approve" {
				t.Errorf("interaction %+v, %v", cb, err)
			}
		case "/slack/events":
			var event struct{ Event struct{ Type, Text string } }
			if err := json.Unmarshal(body, &event); err != nil || event.Event.Type != "app_mention" {
				t.Errorf("event %s, %v", body, err)
			}
		}
		return ""
	})
	w.SetRequestURL(server.URL)
	got, err := w.Say(ctx, ann, ops, "/als patch status")
	if err != nil || got.Text != "queued" {
		t.Fatalf("command: %q, %v", got.Text, err)
	}
	_, ts, err := client(w).PostMessageContext(ctx, ops, slack.MsgOptionText("go?", false), slack.MsgOptionBlocks(approveButton()))
	if err != nil {
		t.Fatal(err)
	}
	if _, err = w.Press(ctx, ben, ops, ts, "approve"); err != nil {
		t.Fatal(err)
	}
	if _, err = w.Say(ctx, ann, ops, "@alsbot status"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"/slack/commands", "/slack/interactions", "/slack/events"} {
		if path := <-paths; path != want {
			t.Errorf("delivered to %s, want %s", path, want)
		}
	}
}

func TestHTTPModeTrouble(t *testing.T) {
	w := start(t, func(o *workspace.Options) { o.AckTimeout = 3 * time.Second })
	ctx := within(t)
	wrong := app(t, "another secret", func(string, *http.Request, []byte) string { return "hello" })
	w.SetRequestURL(wrong.URL)
	if _, err := w.Say(ctx, ann, ops, "/als help"); !errors.Is(err, workspace.ErrDispatch) {
		t.Errorf("a signature that is refused: %v", err)
	}
	slow := app(t, "shhh", func(_ string, r *http.Request, _ []byte) string { <-r.Context().Done(); return "" })
	w.SetRequestURL(slow.URL)
	if _, err := w.Say(ctx, ann, ops, "/als help"); !errors.Is(err, workspace.ErrTimeout) {
		t.Errorf("an app that is too slow: %v", err)
	}
	text := app(t, "shhh", func(string, *http.Request, []byte) string { return "plain words" })
	w.SetRequestURL(text.URL)
	if got, err := w.Say(ctx, ann, ops, "/als help"); err != nil || got.Text != "plain words" {
		t.Errorf("a plain answer: %q, %v", got.Text, err)
	}
}
