package config_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"alsbot/config"
)

func TestSecretIsMaskedEverywhere(t *testing.T) {
	c := load(t, strings.ReplaceAll(minimal, "xoxb-1", "xoxb-hush"))
	if c.Slack.BotToken.Reveal() != "xoxb-hush" {
		t.Fatalf("got %q", c.Slack.BotToken.Reveal())
	}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T %[1]v"} {
		fmt.Fprintf(&out, verb, c)
		fmt.Fprintf(&out, verb, c.Slack)
		fmt.Fprintf(&out, verb, c.Slack.BotToken)
	}
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "slack", c.Slack, "token", c.Slack.BotToken)
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "slack", c.Slack, "token", c.Slack.BotToken)
	j, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	y, err := yaml.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	all := out.String() + string(j) + string(y)
	for _, leak := range []string{"hush", fmt.Sprintf("%x", "hush"), fmt.Sprintf("%X", "hush")} {
		if strings.Contains(all, leak) {
			t.Errorf("%s is in the output", leak)
		}
	}
	if got := fmt.Sprintf("%v|%v", config.Secret(""), config.Secret("x")); got != "|••••••" {
		t.Errorf("got %s", got)
	}
}
