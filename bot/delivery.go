package bot

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"unicode"

	"alsbot/runs"
)

// delivery is one thing that Slack delivers: what a person typed or pressed.
// IDs say who it was; names in payloads are no identity.
type delivery struct {
	kind        deliveryKind
	id          string // a trigger, event or envelope; the same on repetition
	team        string
	enterprise  string
	user        string
	home        []string // the workspaces that the payload names as the person's
	channel     string
	thread      string
	command     string // of kindCommand
	text        string // as typed
	trigger     string // of kindPress: opens a modal, for three seconds
	action      string // of kindPress
	value       string
	responseURL string
	ts          string // when a mention was written
	mentioned   string // the user ID that a mention begins with
}

type deliveryKind int

const (
	kindIgnored deliveryKind = iota // acknowledged, and nothing else
	kindCommand                     // a slash command
	kindMention                     // a message that begins with a mention
	kindPress                       // a press of a button
	kindReason                      // a submitted reject modal; text is the reason
)

// key identifies the delivery: a repetition has the same key.
func (d delivery) key() string {
	h := sha256.New()
	for _, s := range []string{d.id, d.team, d.user, d.channel, d.command, d.text, d.action, d.value} {
		h.Write([]byte(s))
		h.Write([]byte{0})
	}
	return hex.EncodeToString(h.Sum(nil))
}

// principal returns who sent the delivery.
func (d delivery) principal() runs.Principal {
	return runs.Principal{Source: runs.FromSlack, ID: d.user}
}

// errPayload reports a body that looks like nothing that Slack sends.
var errPayload = errors.New("this is not a payload of Slack")

// parseForm parses the body of a slash command. fallbackID identifies the
// delivery if the payload has no trigger.
func parseForm(body []byte, fallbackID string) (delivery, error) {
	v, err := url.ParseQuery(string(body))
	if err != nil {
		return delivery{}, errPayload
	}
	return newCommand(v.Get, fallbackID)
}

// parseCommand parses a slash command from Socket Mode, which has the form's
// fields as JSON.
func parseCommand(raw []byte, fallbackID string) (delivery, error) {
	var m map[string]any
	if json.Unmarshal(raw, &m) != nil {
		return delivery{}, errPayload
	}
	return newCommand(func(key string) string { s, _ := m[key].(string); return s }, fallbackID)
}

func newCommand(get func(string) string, fallbackID string) (delivery, error) {
	d := delivery{
		kind: kindCommand, id: cmp.Or(get("trigger_id"), fallbackID), team: get("team_id"), enterprise: get("enterprise_id"),
		user: get("user_id"), channel: get("channel_id"), command: get("command"),
		text: unescape(get("text")), responseURL: get("response_url"),
	}
	if d.user == "" || d.command == "" {
		return delivery{}, errPayload
	}
	return d, nil
}

type (
	ref struct {
		ID           string `json:"id"`
		EnterpriseID string `json:"enterprise_id"`
	}
	interaction struct {
		Type      string `json:"type"`
		TriggerID string `json:"trigger_id"`
		Team      ref    `json:"team"`
		User      struct {
			ID     string `json:"id"`
			TeamID string `json:"team_id"`
		} `json:"user"`
		Channel   ref    `json:"channel"`
		Response  string `json:"response_url"`
		Container struct {
			ChannelID string `json:"channel_id"`
			ThreadTS  string `json:"thread_ts"`
		} `json:"container"`
		Actions []struct {
			ActionID string `json:"action_id"`
			Value    string `json:"value"`
			Type     string `json:"type"`
		} `json:"actions"`
		View struct {
			ID       string `json:"id"`
			Callback string `json:"callback_id"`
			Private  string `json:"private_metadata"`
			State    struct {
				Values map[string]map[string]struct {
					Value string `json:"value"`
				} `json:"values"`
			} `json:"state"`
		} `json:"view"`
	}
)

// parseInteraction parses a press of a button or a submitted modal. It returns
// kindIgnored for other interactions.
func parseInteraction(raw []byte, fallbackID string) (delivery, error) {
	var in interaction
	if json.Unmarshal(raw, &in) != nil || in.Type == "" {
		return delivery{}, errPayload
	}
	if in.Type == "view_submission" && in.View.Callback == callbackReject {
		return in.rejectReason(fallbackID)
	}
	if in.Type != "block_actions" || len(in.Actions) == 0 {
		return delivery{}, nil
	}
	d := delivery{
		kind: kindPress, id: cmp.Or(in.TriggerID, fallbackID), team: cmp.Or(in.Team.ID, in.User.TeamID), enterprise: in.Team.EnterpriseID,
		user: in.User.ID, home: []string{in.User.TeamID}, channel: cmp.Or(in.Channel.ID, in.Container.ChannelID), thread: in.Container.ThreadTS,
		trigger: in.TriggerID, action: in.Actions[0].ActionID, value: in.Actions[0].Value, responseURL: in.Response,
	}
	if d.user == "" {
		return delivery{}, errPayload
	}
	return d, nil
}

// rejectReason parses the reject modal. The modal's metadata says which channel
// the request is in.
func (in interaction) rejectReason(fallbackID string) (delivery, error) {
	at := strings.LastIndex(in.View.Private, " ")
	if at < 0 || in.User.ID == "" {
		return delivery{}, errPayload
	}
	return delivery{
		kind: kindReason, id: cmp.Or(in.View.ID, fallbackID), team: cmp.Or(in.Team.ID, in.User.TeamID), enterprise: in.Team.EnterpriseID,
		user: in.User.ID, home: []string{in.User.TeamID}, value: in.View.Private[:at], channel: in.View.Private[at+1:], text: in.View.State.Values[inputWhy][inputWhy].Value,
	}, nil
}

type event struct {
	Type      string `json:"type"`
	Challenge string `json:"challenge"`
	TeamID    string `json:"team_id"`
	EventID   string `json:"event_id"`
	Event     struct {
		Type       string            `json:"type"`
		Subtype    string            `json:"subtype"`
		BotID      string            `json:"bot_id"`
		AppID      string            `json:"app_id"`
		User       string            `json:"user"`
		Text       string            `json:"text"`
		Channel    string            `json:"channel"`
		TS         string            `json:"ts"`
		ThreadTS   string            `json:"thread_ts"`
		UserTeam   string            `json:"user_team"`
		SourceTeam string            `json:"source_team"`
		Team       string            `json:"team"`
		Edited     json.RawMessage   `json:"edited"`
		Files      []json.RawMessage `json:"files"`
	} `json:"event"`
}

// parseEvent parses a message that names the bot. It ignores messages of bots
// and workflows, edited messages and messages with files: no person typed them
// here and now. challenge is what Slack's URL verification wants back.
func parseEvent(raw []byte) (d delivery, challenge string, err error) {
	var e event
	if json.Unmarshal(raw, &e) != nil || e.Type == "" {
		return delivery{}, "", errPayload
	}
	if e.Type == "url_verification" {
		return delivery{}, e.Challenge, nil
	}
	m := e.Event
	if e.Type != "event_callback" || m.Type != "app_mention" || m.Subtype != "" || m.BotID != "" || m.AppID != "" ||
		len(m.Edited) > 0 || len(m.Files) > 0 || m.User == "" || m.Channel == "" {
		return delivery{}, "", nil
	}
	rest, ok := afterMention(m.Text)
	if !ok {
		return delivery{}, "", nil
	}
	// The event's ID differs if Slack reports one message twice; the message's
	// place does not.
	return delivery{
		kind: kindMention, id: cmp.Or(m.Channel+" "+m.TS, e.EventID), team: e.TeamID, user: m.User, channel: m.Channel,
		home: []string{m.UserTeam, m.SourceTeam, m.Team}, mentioned: rest.user,
		ts: m.TS, thread: cmp.Or(m.ThreadTS, m.TS), text: unescape(rest.text),
	}, "", nil
}

// addressed is a message that begins with a mention.
type addressed struct{ user, text string }

// afterMention returns whom a message begins to speak to, and the text after
// that. Only blanks can come before. A message that has a mention further on
// speaks of a command and gives none, and so does one that begins with a quote
// or with code.
func afterMention(text string) (addressed, bool) {
	rest, ok := strings.CutPrefix(strings.TrimSpace(text), "<@")
	if !ok {
		return addressed{}, false
	}
	who, rest, ok := strings.Cut(rest, ">")
	user, _, _ := strings.Cut(who, "|")
	if !ok || user == "" {
		return addressed{}, false
	}
	return addressed{user: user, text: strings.TrimLeftFunc(rest, func(r rune) bool {
		return r == ':' || r == ',' || unicode.IsSpace(r)
	})}, true
}
