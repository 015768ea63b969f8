// Package workspace simulates a Slack workspace inside one process, for tests
// and for the demo. It serves the Web API, Socket Mode, signed HTTP deliveries
// and a web page on which people talk to the bot. It refuses what Slack
// refuses, under Slack's error names, and can fail on request.
//
// A Workspace serves loopback addresses only.
package workspace

import (
	"context"
	"time"
)

// Options describes a workspace. Only the tokens are required.
type Options struct {
	Users    []User
	Groups   []Group
	Channels []Channel

	Command       string // the app's slash command; "/als" if empty
	BotName       string // the bot's user name; "alsbot" if empty
	BotToken      string // xoxb-…
	AppToken      string // xapp-…; Socket Mode is off without it
	SigningSecret string // signs the deliveries of HTTP mode

	// RequestURL is the base address of the app in HTTP mode, such as
	// "http://127.0.0.1:8080". Deliveries go to /slack/commands,
	// /slack/interactions and /slack/events under it. Empty means Socket Mode.
	RequestURL string

	// Org is the ID of the organization that the workspace belongs to (E…); ""
	// is none.
	Org string

	// Scopes are the scopes granted to the app. nil means those of alsbot's
	// manifest, without the optional ones. A call that lacks its scope is
	// refused.
	Scopes []string

	// AckTimeout is how long the app may take to acknowledge; 0 means 3 s.
	AckTimeout time.Duration
	// TriggerLife is how long a trigger_id is valid; 0 means 3 s.
	TriggerLife time.Duration
	// EventRetries are the pauses before an unacknowledged event is sent
	// again. nil means Slack's own: at once, one minute, five minutes.
	EventRetries []time.Duration
	// PingInterval is the pause between WebSocket pings; 0 means 10 s.
	PingInterval time.Duration
	// Now replaces the clock for timestamps and expiry, not for timeouts.
	Now func() time.Time

	Suggest  func(text string) []Suggestion // completes the text after the command
	Controls []Control                      // switches on the page
	Hints    []string                       // "try this" lines on the page
}

// User is someone who can see at least one channel of the workspace. A full
// member of it has none of the last fields set.
type User struct {
	ID       string // U…
	Name     string // the handle, without @
	RealName string
	Title    string // shown beside the name on the page: operator, approver, viewer

	Team     string // the workspace of someone who comes by Slack Connect; "" is this one
	Org      string // the organization of a workspace other than this one
	Guest    bool   // a guest of several channels
	OneGuest bool   // a guest of one channel
	Bot      bool
	Deleted  bool // deactivated
}

// Group is a user group, which a message mentions as <!subteam^ID>.
type Group struct {
	ID      string // S…
	Handle  string // without @
	Members []string
}

// Channel is a public channel unless Private is set. The bot is a member
// unless BotAbsent is set.
type Channel struct {
	ID        string   // C…
	Name      string   // without #
	Members   []string // user IDs; nil means everyone
	Topic     string
	BotAbsent bool
	Private   bool
	Archived  bool
}

// Suggestion is one completion: Text is the whole text after the command, Help
// says what the command does.
type Suggestion struct {
	Text string `json:"text"`
	Help string `json:"help"`
}

// Control is a switch on the page, for example one that kills the bot.
type Control struct {
	Name  string // identifies it, e.g. "kill"
	Label string // on the button
	Help  string // one line under it
	Do    func(ctx context.Context) error
	State func() string // the present state in a few words; may be nil
}

func (o Options) withDefaults() Options {
	set(&o.Command, "/als")
	set(&o.BotName, "alsbot")
	set(&o.AckTimeout, 3*time.Second)
	set(&o.TriggerLife, 3*time.Second)
	set(&o.PingInterval, 10*time.Second)
	if o.EventRetries == nil {
		o.EventRetries = []time.Duration{0, time.Minute, 5 * time.Minute}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Scopes == nil {
		o.Scopes = []string{"commands", "chat:write", "files:write", "usergroups:read", "users:read", "app_mentions:read", "im:write"}
	}
	return o
}

func set[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
