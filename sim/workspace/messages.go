package workspace

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Message is a copy of one message.
type Message struct {
	Channel   string
	TS        string
	Thread    string // the parent's TS, if it is a reply
	User      string // the author
	To        string // the only reader, if it is ephemeral
	Fallback  string // the text field, for notifications and screen readers
	Blocks    json.RawMessage
	Edits     int
	Broadcast bool // a reply that the channel shows too
	Files     []File
	Reactions []string // names of emoji, in the order of their addition

	names *directory
}

// File is a shared file.
type File struct {
	ID      string
	Name    string
	Title   string
	Content []byte
}

// Text returns the message as a person reads it: blocks line by line with
// buttons in square brackets, or the fallback text if there are no blocks.
func (m Message) Text() string {
	text := m.names.plain(m.Fallback)
	if len(m.Blocks) > 0 {
		text = m.names.renderBlocks(m.Blocks)
	}
	for _, f := range m.Files {
		text = strings.TrimPrefix(text+"\n(file "+f.Name+")", "\n")
	}
	return text
}

// Buttons returns the labels of the message's buttons.
func (m Message) Buttons() []string {
	var labels []string
	for _, e := range elements(m.Blocks) {
		if e.kind() == "button" {
			labels = append(labels, e.label())
		}
	}
	return labels
}

func (w *Workspace) export(m *message) Message {
	out := Message{
		Channel: m.channel, TS: m.ts, Thread: m.thread, User: m.user, To: m.to, Fallback: m.text, Blocks: slices.Clone(m.blocks),
		Edits: m.edits, Broadcast: m.broadcast, Reactions: slices.Clone(m.reactions), names: w.names,
	}
	for _, f := range m.files {
		out.Files = append(out.Files, File{ID: f.id, Name: f.name, Title: f.title, Content: slices.Clone(f.content)})
	}
	return out
}

func (w *Workspace) pick(channelID string, want func(*message) bool) []Message {
	w.mu.Lock()
	defer w.mu.Unlock()
	ch := w.channels[channelID]
	if ch == nil {
		return nil
	}
	var out []Message
	for _, m := range ch.messages {
		if !m.deleted && want(m) {
			out = append(out, w.export(m))
		}
	}
	return out
}

// Messages returns what everyone in the channel sees, including replies,
// oldest first.
func (w *Workspace) Messages(channelID string) []Message {
	return w.pick(channelID, func(m *message) bool { return m.to == "" })
}

// Thread returns a message and its replies.
func (w *Workspace) Thread(channelID, ts string) []Message {
	return w.pick(channelID, func(m *message) bool { return m.to == "" && (m.ts == ts || m.thread == ts) })
}

// Ephemerals returns what only userID sees in the channel, oldest first.
func (w *Workspace) Ephemerals(userID, channelID string) []Message {
	return w.pick(channelID, func(m *message) bool { return m.to == userID })
}

// Direct returns the ID of the conversation between the bot and userID, even
// an empty one.
func (w *Workspace) Direct(userID string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.direct(userID).ID
}

// Transcript returns everything in a channel as text and marks what only one
// person sees. It is for the messages of failing tests.
func (w *Workspace) Transcript(channelID string) string {
	var b strings.Builder
	for _, m := range w.pick(channelID, func(*message) bool { return true }) {
		indent := ""
		if m.Thread != "" {
			indent = "    "
		}
		fmt.Fprintf(&b, "%s%s", indent, w.names.user(m.User))
		if m.To != "" {
			fmt.Fprintf(&b, " (only to %s)", w.names.user(m.To))
		}
		if m.Edits > 0 {
			fmt.Fprintf(&b, " (edited %d×)", m.Edits)
		}
		fmt.Fprintf(&b, ": %s\n", strings.ReplaceAll(m.Text(), "\n", "\n  "+indent))
	}
	if b.Len() == 0 {
		return "(nothing)"
	}
	return b.String()
}

// Draft returns a message of the bot with these blocks (JSON text) without
// posting it, to show how the blocks read.
func (w *Workspace) Draft(blocks string) Message {
	return Message{User: BotUser, Blocks: json.RawMessage(blocks), names: w.names}
}
