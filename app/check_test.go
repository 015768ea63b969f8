package app_test

import (
	"path/filepath"
	"strings"
	"testing"

	"alsbot/app"
	"alsbot/config"
	"alsbot/sim/workspace"
)

// If Slack doesn't let the bot see a channel, check neither calls the channel
// ok nor reports it as wrong.
func TestCheckWarnsOfWhatItCannotSee(t *testing.T) {
	ws := workspace.New(workspace.Options{
		Channels: []workspace.Channel{{ID: "C0PROD", Name: "prod"}},
		Scopes:   []string{"commands", "chat:write", "files:write", "usergroups:read", "app_mentions:read", "users:read", "im:write"},
		BotToken: "xoxb-check", AppToken: "xapp-check",
	})
	if err := ws.Start("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ws.Close() })
	dir := t.TempDir()
	cfg := &config.Config{
		Slack:    config.Slack{Mode: "socket", AppToken: "xapp-check", BotToken: "xoxb-check", APIURL: ws.APIURL(), Command: "/als"},
		Store:    config.Store{Engine: "bolt", Path: filepath.Join(dir, "alsbot.db")},
		Clusters: []config.Cluster{{Name: "prod", Channel: "C0PROD", IdentityFile: filepath.Join(dir, "none")}},
	}
	var out strings.Builder
	app.Check(t.Context(), cfg, true, &out)
	for _, want := range []string{"warn  slack channel C0PROD of @prod: not looked at", "ok    slack permissions: all that is needed"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("there is no line %q:\n%s", want, out.String())
		}
	}
}
