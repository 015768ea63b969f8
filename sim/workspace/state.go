package workspace

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// directory maps IDs to names. It never changes, so rendering needs no lock.
type directory struct {
	users    map[string]User
	list     []User
	groups   map[string]string
	channels map[string]string
}

func newDirectory(o Options) *directory {
	d := &directory{users: map[string]User{}, groups: map[string]string{}, channels: map[string]string{}}
	d.list = append(slices.Clone(o.Users), User{ID: BotUser, Name: o.BotName, RealName: o.BotName, Title: "app"})
	for _, u := range d.list {
		d.users[u.ID] = u
	}
	for _, g := range o.Groups {
		d.groups[g.ID] = g.Handle
	}
	for _, c := range o.Channels {
		d.channels[c.ID] = c.Name
	}
	return d
}

// channel is a channel or a direct message with its messages, oldest first.
type channel struct {
	Channel
	dm       string // the user's ID, for a direct message with the bot
	messages []*message
}

func (c *channel) botIn() bool { return !c.BotAbsent }

func (c *channel) has(userID string) bool {
	if c.dm != "" {
		return userID == c.dm || userID == BotUser
	}
	if userID == BotUser {
		return c.botIn()
	}
	return c.Members == nil || slices.Contains(c.Members, userID)
}

// find returns a message that everyone can see, or nil.
func (c *channel) find(ts string) *message {
	for _, m := range c.messages {
		if m.ts == ts && m.to == "" && !m.deleted {
			return m
		}
	}
	return nil
}

type message struct {
	channel, ts, thread, user string
	to                        string // the only reader, if it is ephemeral
	text                      string
	blocks                    json.RawMessage // nil if there are none
	editedAt                  string
	edits                     int
	files                     []*file
	reactions                 []string
	broadcast, deleted        bool
	rev                       uint64
}

func (w *Workspace) addChannel(c Channel) *channel {
	ch := &channel{Channel: c}
	w.channels[c.ID] = ch
	w.order = append(w.order, c.ID)
	return ch
}

// direct returns the conversation between the bot and userID.
func (w *Workspace) direct(userID string) *channel {
	id := "D" + strings.TrimPrefix(userID, "U")
	if ch := w.channels[id]; ch != nil {
		return ch
	}
	ch := w.addChannel(Channel{ID: id, Name: w.opts.BotName})
	ch.dm = userID
	w.touch()
	return ch
}

// touch records a change and wakes everyone who waits for one. It returns the
// revision for the changed thing. The caller holds the lock.
func (w *Workspace) touch() uint64 {
	w.rev++
	close(w.changed)
	w.changed = make(chan struct{})
	return w.rev
}

// timestamp returns a new message ID: seconds and microseconds, unique and
// increasing.
func (w *Workspace) timestamp() string {
	w.lastTS = max(w.lastTS+1, w.opts.Now().UnixMicro())
	return fmt.Sprintf("%d.%06d", w.lastTS/1e6, w.lastTS%1e6)
}

// post adds a message to its channel. The caller holds the lock.
func (w *Workspace) post(m *message) *message {
	m.ts = w.timestamp()
	m.rev = w.touch()
	ch := w.channels[m.channel]
	ch.messages = append(ch.messages, m)
	return m
}

func (w *Workspace) violate(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.violateLocked(format, args...)
}

func (w *Workspace) violateLocked(format string, args ...any) {
	w.violations = append(w.violations, fmt.Sprintf(format, args...))
	w.touch()
}

// Violations returns what the app did against Slack's rules, including what
// Slack lets pass, such as blocks without a text for notifications.
func (w *Workspace) Violations() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.violations)
}

// SetGroupMembers changes the members of a user group.
func (w *Workspace) SetGroupMembers(groupID string, userIDs ...string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	g := w.groups[groupID]
	if g == nil {
		return fmt.Errorf("no user group %q: there are %s", groupID, strings.Join(slices.Sorted(maps.Keys(w.groups)), ", "))
	}
	g.Members = slices.Clone(userIDs)
	w.touch()
	return nil
}

// Wait returns nil when cond holds, or ctx's error. It checks cond at once,
// after every change in the workspace, and ten times a second, because cond
// may look elsewhere too.
func (w *Workspace) Wait(ctx context.Context, cond func() bool) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		w.mu.Lock()
		changed := w.changed
		w.mu.Unlock()
		if cond() {
			return nil
		}
		select {
		case <-changed:
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// WaitMessage returns the channel's first message for which cond holds. Its
// error quotes the channel's content.
func (w *Workspace) WaitMessage(ctx context.Context, channelID string, cond func(Message) bool) (Message, error) {
	var found Message
	err := w.Wait(ctx, func() bool {
		for _, m := range w.Messages(channelID) {
			if cond(m) {
				found = m
				return true
			}
		}
		return false
	})
	if err != nil {
		return Message{}, fmt.Errorf("waiting for a message in %s: %w; it holds:\n%s", channelID, err, w.Transcript(channelID))
	}
	return found, nil
}

func secret() string { return rand.Text() }
