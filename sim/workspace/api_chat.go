package workspace

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"
)

// These are Slack's limits for the text of a message, in characters.
const (
	maxText       = 40000
	maxUpdateText = 4000
)

// target returns the channel that a call names and checks that the bot may
// post there. A user's ID names the direct message with that user.
func (w *Workspace) target(id string) (*channel, error) {
	if _, isUser := w.names.users[id]; isUser && id != BotUser {
		return w.direct(id), nil
	}
	ch := w.channels[id]
	switch {
	case ch == nil, ch.Private && !ch.botIn():
		return nil, refuse("channel_not_found")
	case ch.Archived:
		return nil, refuse("is_archived")
	case !ch.botIn() && !slices.Contains(w.opts.Scopes, "chat:write.public"):
		return nil, refuse("not_in_channel")
	}
	return ch, nil
}

// content reads and checks the content of a message.
func (w *Workspace) content(method string, p params) (text string, blocks json.RawMessage, err error) {
	text = p["text"]
	if raw := p["blocks"]; raw != "" {
		if errs := Validate([]byte(raw)); len(errs) > 0 {
			err := blocksError(errs)
			w.violateLocked("%s: %v: %s", method, err, strings.Join(err.messages, "; "))
			return "", nil, err
		}
		blocks = withIDs([]byte(raw))
	}
	if p["markdown_text"] != "" && text == "" && blocks == nil {
		blocks = withIDs(must(json.Marshal([]object{{"type": "markdown", "text": p["markdown_text"]}})))
		text = p["markdown_text"]
	}
	limit := maxText
	if method == "chat.update" {
		limit = maxUpdateText
	}
	if utf8.RuneCountInString(text) > limit {
		w.violateLocked("%s: msg_too_long: the text has over %d characters", method, limit)
		return "", nil, refuse("msg_too_long")
	}
	if len(blocks) > 0 && text == "" {
		w.violateLocked("%s: blocks without a text: notifications and screen readers get nothing", method)
	}
	return text, blocks, nil
}

func blocksError(errs []error) *apiError {
	e := &apiError{name: "invalid_blocks"}
	for _, err := range errs {
		if errors.Is(err, ErrBlocksTooLong) {
			e.name = "msg_blocks_too_long"
		}
		e.messages = append(e.messages, "[ERROR] "+err.Error())
	}
	return e
}

// withIDs adds the IDs to blocks and elements that Slack would generate.
func withIDs(raw []byte) json.RawMessage {
	blocks := decodeBlocks(raw)
	if len(blocks) == 0 {
		return nil
	}
	eachBlock(blocks, func(b object) {
		if b.str("block_id") == "" {
			b["block_id"] = secret()[:5]
		}
		for _, e := range parts(b) {
			if interactive(e.str("type")) && e.str("action_id") == "" {
				e["action_id"] = secret()[:5]
			}
		}
	})
	return must(json.Marshal(blocks))
}

func must(raw []byte, err error) json.RawMessage {
	if err != nil {
		panic(err) // can't fail: the values came from JSON
	}
	return raw
}

func (w *Workspace) chatPost(p params) (object, error) {
	ch, err := w.target(p["channel"])
	if err != nil {
		return nil, err
	}
	text, blocks, err := w.content("chat.postMessage", p)
	if err != nil {
		return nil, err
	}
	if text == "" && blocks == nil {
		return nil, refuse("no_text")
	}
	m := w.post(&message{
		channel: ch.ID, user: BotUser, thread: w.parent(ch, p["thread_ts"]), text: text, blocks: blocks,
		broadcast: p.yes("reply_broadcast"),
	})
	return object{"channel": ch.ID, "ts": m.ts, "message": w.wire(m)}, nil
}

// parent returns the message that a reply belongs to. Like Slack, it posts a
// reply to a deleted message into the channel.
func (w *Workspace) parent(ch *channel, ts string) string {
	m := ch.find(ts)
	if m == nil {
		return ""
	}
	if m.thread != "" {
		return m.thread
	}
	m.rev = w.touch() // its reply count changes
	return m.ts
}

func (w *Workspace) chatPostEphemeral(p params) (object, error) {
	ch, err := w.target(p["channel"])
	if err != nil {
		return nil, err
	}
	if _, ok := w.names.users[p["user"]]; !ok {
		return nil, refuse("user_not_found")
	}
	if !ch.has(p["user"]) {
		return nil, refuse("user_not_in_channel")
	}
	text, blocks, err := w.content("chat.postEphemeral", p)
	if err != nil {
		return nil, err
	}
	if text == "" && blocks == nil {
		return nil, refuse("no_text")
	}
	m := w.post(&message{channel: ch.ID, user: BotUser, to: p["user"], thread: w.parent(ch, p["thread_ts"]), text: text, blocks: blocks})
	return object{"message_ts": m.ts}, nil
}

// own returns a message that the bot may change.
func (w *Workspace) own(p params, refusal string) (*message, error) {
	ch := w.channels[p["channel"]]
	if ch == nil {
		return nil, refuse("channel_not_found")
	}
	m := ch.find(p["ts"])
	switch {
	case m == nil:
		return nil, refuse("message_not_found")
	case m.user != BotUser:
		return nil, refuse(refusal)
	case ch.Archived:
		return nil, refuse("is_archived")
	}
	return m, nil
}

// chatUpdate keeps the blocks if the call has none. Only "[]" removes them,
// with their buttons.
func (w *Workspace) chatUpdate(p params) (object, error) {
	m, err := w.own(p, "cant_update_message")
	if err != nil {
		return nil, err
	}
	text, blocks, err := w.content("chat.update", p)
	if err != nil {
		return nil, err
	}
	if !p.has("text") && !p.has("blocks") && !p.has("markdown_text") {
		return nil, refuse("no_text")
	}
	if p.has("text") || p.has("markdown_text") {
		m.text = text
	}
	if p.has("blocks") || p.has("markdown_text") {
		m.blocks = blocks
	}
	m.edits++
	m.editedAt = w.timestamp()
	m.rev = w.touch()
	return object{"channel": m.channel, "ts": m.ts, "text": m.text, "message": w.wire(m)}, nil
}

func (w *Workspace) chatDelete(p params) (object, error) {
	m, err := w.own(p, "cant_delete_message")
	if err != nil {
		return nil, err
	}
	m.deleted = true
	m.rev = w.touch()
	return object{"channel": m.channel, "ts": m.ts}, nil
}

func (w *Workspace) chatPermalink(p params) (object, error) {
	ch := w.channels[p["channel"]]
	if ch == nil {
		return nil, refuse("channel_not_found")
	}
	if ch.find(p["message_ts"]) == nil {
		return nil, refuse("message_not_found")
	}
	link := w.base + "/archives/" + ch.ID + "/p" + strings.Replace(p["message_ts"], ".", "", 1)
	return object{"channel": ch.ID, "permalink": link}, nil
}

func (w *Workspace) reactionsAdd(p params) (object, error) {
	ch, err := w.target(p["channel"])
	if err != nil {
		return nil, err
	}
	m := ch.find(p["timestamp"])
	switch {
	case m == nil:
		return nil, refuse("message_not_found")
	case p["name"] == "":
		return nil, refuse("invalid_name")
	case slices.Contains(m.reactions, p["name"]):
		return nil, refuse("already_reacted")
	}
	m.reactions = append(m.reactions, p["name"])
	m.rev = w.touch()
	return object{}, nil
}

// blocksValidate implements blocks.validate, which changes nothing.
func (w *Workspace) blocksValidate(p params) (object, error) {
	if errs := Validate([]byte(p["blocks"])); len(errs) > 0 {
		return nil, blocksError(errs)
	}
	return object{}, nil
}

// wire returns a message in the form of the Web API and interaction payloads.
func (w *Workspace) wire(m *message) object {
	out := object{"type": "message", "user": m.user, "ts": m.ts, "text": m.text, "team": teamID}
	if m.user == BotUser {
		out["bot_id"], out["app_id"] = botID, appID
	}
	if m.thread != "" {
		out["thread_ts"], out["parent_user_id"] = m.thread, BotUser
	}
	if len(m.blocks) > 0 {
		out["blocks"] = m.blocks
	}
	if m.editedAt != "" {
		out["edited"] = object{"user": BotUser, "ts": m.editedAt}
	}
	return out
}
