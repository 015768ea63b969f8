package bot

import (
	"fmt"
	"regexp"

	"github.com/slack-go/slack"
	"go.yaml.in/yaml/v3"
)

// requiredScopes are the permissions that alsbot needs, with what each is for;
// optionalScopes are those that it can do without.
var (
	requiredScopes = []scope{
		{"commands", "the slash command", ""},
		{"chat:write", "messages", ""},
		{"files:write", "long output as a file", ""},
		{"usergroups:read", "rights by user group", ""},
		{"app_mentions:read", "commands in threads, by mention", ""},
		{"users:read", "telling full members from guests and bots", "guests and bots count like full members, and people are shown by their IDs"},
		{"im:write", "files for one person, by direct message", "the file of `report` stays on its node"},
	}
	optionalScopes = []scope{
		{"channels:read", "checking the configured channels", ""},
		{"groups:read", "checking the configured private channels", ""},
		{"chat:write.public", "answers in public channels that alsbot was not invited to", ""},
	}
)

// scope is a permission. without says what is worse without it, if alsbot can
// do without it.
type scope struct{ name, use, without string }

func scopeNames(scopes []scope) []string {
	var some []string
	for _, s := range scopes {
		some = append(some, s.name)
	}
	return some
}

var commandPattern = regexp.MustCompile(`^/[a-z0-9_-]{1,31}$`)

// placeholderURL stands in an HTTP manifest for alsbot's public address, which
// the admin fills in.
const placeholderURL = "https://alsbot.example.com"

// Manifest returns Slack's app manifest as YAML, for the slash command and the
// mode (socket or http). It requests no scope that alsbot doesn't use, and none
// that reads what people write to each other.
func Manifest(command, mode string) ([]byte, error) {
	if !commandPattern.MatchString(command) {
		return nil, fmt.Errorf("slack.command %q cannot be a slash command: write a slash and up to 31 lower case letters, digits, - or _", command)
	}
	m := slack.Manifest{
		Metadata: slack.ManifestMetadata{MajorVersion: 1, MinorVersion: 1},
		Display: slack.Display{
			Name: "alsbot", Description: "Operates ALS and Stackato clusters", BackgroundColor: "#1f2d3d",
			LongDescription: "alsbot operates Helion ALS and Stackato clusters by running kato on their nodes: patches, exports, upgrades, roles. " +
				"What restarts or destroys something waits for somebody else's approval, and every run is on record. " +
				"Type " + command + " help to see what it can do.",
		},
		Features: slack.Features{
			BotUser: slack.BotUser{DisplayName: "alsbot", AlwaysOnline: true},
			SlashCommands: []slack.ManifestSlashCommand{{
				Command: command, Description: "Operate ALS clusters", ShouldEscape: true,
				UsageHint: "help | status @cluster | patch status | export cluster | runs",
			}},
		},
		OAuthConfig: slack.OAuthConfig{Scopes: slack.OAuthScopes{Bot: scopeNames(requiredScopes), BotOptional: scopeNames(optionalScopes)}},
		Settings: slack.Settings{
			EventSubscriptions: &slack.EventSubscriptions{BotEvents: []string{"app_mention"}},
			Interactivity:      &slack.Interactivity{IsEnabled: true},
			SocketModeEnabled:  mode != "http",
		},
	}
	if mode == "http" {
		m.Features.SlashCommands[0].Url = placeholderURL + "/slack/commands"
		m.Settings.Interactivity.RequestUrl = placeholderURL + "/slack/interactions"
		m.Settings.EventSubscriptions.RequestUrl = placeholderURL + "/slack/events"
	}
	return yaml.Marshal(m)
}
