package workspace

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// slackbot is the user who tells a person about an error.
const slackbot = "USLACKBOT"

// Ack is the result of a person's action.
type Ack struct {
	TS      string          // of the posted message, or of the answer
	Payload json.RawMessage // the app's acknowledgement, if it has content
	Text    string          // the answer as the person reads it, if there is one
	Took    time.Duration
}

// Say types text into a channel. Text that starts with "/" is a slash command,
// and "@alsbot …" is a mention, which the app receives. Other text is a
// message that the app doesn't receive. If the app doesn't answer, Say returns
// ErrTimeout or ErrDispatch, and the person sees it too.
func (w *Workspace) Say(ctx context.Context, userID, channelID, text string) (Ack, error) {
	return w.SayInThread(ctx, userID, channelID, "", text)
}

// SayInThread replies to the message ts. Slash commands don't work there.
func (w *Workspace) SayInThread(ctx context.Context, userID, channelID, ts, text string) (Ack, error) {
	user, ok := w.names.users[userID]
	if !ok {
		return Ack{}, fmt.Errorf("no user %q in the workspace", userID)
	}
	w.mu.Lock()
	ch := w.channels[channelID]
	w.mu.Unlock()
	if ch == nil || !ch.has(userID) {
		return Ack{}, fmt.Errorf("%s is not in channel %q", user.Name, channelID)
	}
	text = strings.TrimSpace(text)
	if strings.HasPrefix(text, "/") {
		word, rest, _ := strings.Cut(text, " ")
		switch {
		case ts != "":
			return w.tell(userID, ch, word+" is not supported in threads. Sorry!")
		case word != w.opts.Command, user.Team != "" && user.Org == "":
			return w.tell(userID, ch, word+" is not a valid command. In Slack, all messages that start with the \"/\" character are interpreted as commands.")
		}
		return w.command(ctx, user, ch, strings.TrimSpace(rest))
	}
	return w.say(ctx, user, ch, ts, text)
}

// tell shows a line to one person only and returns it as an error.
func (w *Workspace) tell(userID string, ch *channel, line string) (Ack, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	m := w.post(&message{channel: ch.ID, user: slackbot, to: userID, text: escape(line)})
	return Ack{TS: m.ts, Text: line}, errors.New(line)
}

func (w *Workspace) say(ctx context.Context, user User, ch *channel, ts, text string) (Ack, error) {
	encoded := w.encode(text, false)
	w.mu.Lock()
	m := w.post(&message{channel: ch.ID, user: user.ID, text: encoded, thread: w.parent(ch, ts)})
	event := object{"type": "app_mention", "user": user.ID, "text": encoded, "ts": m.ts, "event_ts": m.ts, "channel": ch.ID, "team": user.team()}
	if user.Team != "" {
		event["user_team"], event["source_team"] = user.Team, user.Team
	}
	if m.thread != "" {
		event["thread_ts"] = m.thread
	}
	mentioned := strings.Contains(encoded, "<@"+BotUser+">") && ch.botIn() && ch.dm == ""
	w.mu.Unlock()
	started := time.Now()
	var err error
	if mentioned {
		err = w.deliverEvent(ctx, event)
	}
	return Ack{TS: m.ts, Took: time.Since(started)}, err
}

func (w *Workspace) command(ctx context.Context, user User, ch *channel, text string) (Ack, error) {
	w.mu.Lock()
	payload := object{
		"token": "simulated", "team_id": user.team(), "team_domain": "simulated", "enterprise_id": w.opts.Org, "channel_id": ch.ID, "channel_name": channelName(ch),
		"user_id": user.ID, "user_name": user.Name, "command": w.opts.Command, "text": w.encode(text, true), "api_app_id": appID,
		"is_enterprise_install": "false", "trigger_id": w.newTrigger(user.ID),
		"response_url": w.newResponseURL("commands", &responseURL{user: user.ID, channel: ch.ID}),
	}
	w.mu.Unlock()
	started := time.Now()
	answer, err := w.deliver(ctx, delivery{kind: "slash_commands", payload: payload})
	ack := Ack{Payload: answer, Took: time.Since(started)}
	if err != nil {
		shown, _ := w.tell(user.ID, ch, fmt.Sprintf("%s failed with the error %q", w.opts.Command, slackWord(err)))
		ack.TS, ack.Text = shown.TS, shown.Text
		return ack, err
	}
	m := w.showAnswer(user.ID, ch.ID, answer)
	if m != nil {
		ack.TS, ack.Text = m.TS, m.Text()
	}
	return ack, nil
}

// slackWord returns the part of an error that Slack would show.
func slackWord(err error) string {
	if errors.Is(err, ErrTimeout) {
		return ErrTimeout.Error()
	}
	return ErrDispatch.Error()
}

// showAnswer posts the content of a command's acknowledgement, if any.
func (w *Workspace) showAnswer(userID, channelID string, answer json.RawMessage) *Message {
	p, err := readFields(answer)
	if err != nil || p["text"] == "" && p["blocks"] == "" {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	text, blocks, err := w.content("acknowledgement", p)
	if err != nil {
		return nil // it is recorded as a violation
	}
	m := &message{channel: channelID, user: BotUser, text: text, blocks: blocks}
	if p["response_type"] != "in_channel" {
		m.to = userID
	}
	out := w.export(w.post(m))
	return &out
}

func channelName(ch *channel) string {
	if ch.dm != "" {
		return "directmessage"
	}
	return ch.Name
}

var typed = regexp.MustCompile(`(^|[\s(])(https?://[^\s<>|]+|[@#][\p{L}0-9][\p{L}0-9._-]*)`)

// encode returns typed text in Slack's encoding: entities for & < >, and
// references for people, groups, channels and addresses that exist. In slash
// commands (should_escape) a reference includes its name.
func (w *Workspace) encode(text string, command bool) string {
	return typed.ReplaceAllStringFunc(escape(text), func(match string) string {
		at := strings.IndexAny(match, "@#h")
		before, word := match[:at], match[at:]
		if strings.HasPrefix(word, "http") {
			return before + "<" + word + ">"
		}
		reference, name := w.reference(word)
		switch {
		case reference == "":
			return match
		case command && name != "":
			return before + "<" + reference + "|" + name + ">"
		}
		return before + "<" + reference + ">"
	})
}

func (w *Workspace) reference(word string) (reference, name string) {
	name = word[1:]
	if word[0] == '#' {
		for id, n := range w.names.channels {
			if n == name {
				return "#" + id, name
			}
		}
		return "", ""
	}
	switch name {
	case "here", "channel", "everyone":
		return "!" + name, ""
	}
	for _, u := range w.names.list {
		if u.Name == name {
			return "@" + u.ID, name
		}
	}
	for id, handle := range w.names.groups {
		if handle == name {
			return "!subteam^" + id, "@" + name
		}
	}
	return "", ""
}
