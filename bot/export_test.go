package bot

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"time"

	"github.com/slack-go/slack"

	"alsbot/jobs"
	"alsbot/runs"
)

// These names export what the tests need.

type (
	RunView    = runView
	MessageRef = messageRef
)

func View(m content) (text string, blocks []slack.Block, plain string) {
	return m.text, m.blocks, m.plain().text
}

func RunMessage(v RunView, secrets ...string) content {
	return runMessage(newCleaner(secrets...), v)
}

func ApprovalMessage(r runs.Run, a runs.Approval) content {
	return approvalMessage(newCleaner(), r, a)
}

func AnswerMessage(a jobs.Answer) content { return answerMessage(newCleaner(), a, maxMessage) }

func Clean(s string, secrets ...string) string { return newCleaner(secrets...).text(s) }

func CleanStream(w io.Writer, secrets ...string) io.WriteCloser {
	return &cleanWriter{cleaner: newCleaner(secrets...), to: w}
}

func Shares(needs []int, room int) []int { return shares(needs, room) }

func Counted(items []string, noun string, max int) string { return counted(items, noun, max) }

func Escape(s string) string              { return escape(s) }
func Unescape(s string) string            { return unescape(s) }
func Cut(s string, n int) string          { return cut(s, n) }
func Pieces(text string) []string         { return pieces(text) }
func Preformatted(s string) []slack.Block { return []slack.Block{preformatted(s)} }

// Parsed is a delivery in a form that tests can compare.
type Parsed struct {
	Kind                                                                            int
	ID, Team, User, Channel, Thread, Command, Text, Action, Value, ResponseURL, Key string
}

func parsed(d delivery) Parsed {
	p := Parsed{Kind: int(d.kind), ID: d.id, Team: d.team, User: d.user, Channel: d.channel, Thread: d.thread,
		Command: d.command, Text: d.text, Action: d.action, Value: d.value, ResponseURL: d.responseURL}
	if d.kind != kindIgnored {
		p.Key = d.key()
	}
	return p
}

func ParseForm(b []byte) (Parsed, error) { d, err := parseForm(b, "spare"); return parsed(d), err }
func ParseCommand(b []byte) (Parsed, error) {
	d, err := parseCommand(b, "spare")
	return parsed(d), err
}
func ParseInteraction(b []byte) (Parsed, error) {
	d, err := parseInteraction(b, "spare")
	return parsed(d), err
}
func ParseEvent(b []byte) (Parsed, string, error) {
	d, c, err := parseEvent(b)
	return parsed(d), c, err
}

func CheckSignature(h http.Header, body []byte, secret string) error {
	return checkSignature(h, body, secret)
}

func (c *Client) CheckResponseURL(u string) error { return c.checkResponseURL(u) }

// SetIdleTimeout makes sockets that are silent for d count as dead.
func (b *Bot) SetIdleTimeout(d time.Duration) { b.timing.idleTimeout = d }

// SetRenewalOverlap keeps a socket that Slack renews for d beside its
// successor.
func (b *Bot) SetRenewalOverlap(d time.Duration) { b.timing.renewalOverlap = d }

// SetRetryFirst makes the first retry, of a message or a socket, come after d.
func (b *Bot) SetRetryFirst(d time.Duration) { b.timing.retryFirst = d }

// SetStagger starts the second socket d after the first.
func (b *Bot) SetStagger(d time.Duration) { b.timing.stagger = d }

// SetBacklog makes the bot handle presses and mentions one by one, with n
// waiting.
func (b *Bot) SetBacklog(n int) { b.slow = newPool(1, n) }

func (b *Bot) AckPayload(a jobs.Answer) (json.RawMessage, error) { return b.ackPayload(a) }

// MemberCache returns the cached look-up of members over fetch.
func MemberCache(fetch func(context.Context, string) ([]string, error)) *Client {
	return &Client{members: newMembers(fetch)}
}

// PeopleCache returns the cached look-up of people over fetch.
func PeopleCache(fetch func(context.Context, string) (jobs.Person, error)) *Client {
	return &Client{people: newPeople(fetch)}
}

// Sweep deletes the refs of runs that are no longer on record.
func (b *Bot) Sweep(ctx context.Context) error {
	return messageIndex{st: b.st, engine: b.engine}.sweep(ctx)
}

// FrameFilter passes on what a WebSocket server sends, without Slack's
// announcement of the end.
func FrameFilter(r io.Reader, leaving func(string)) io.Reader { return newFrameFilter(r, leaving) }

// Sends reports whether the sender has a line for a kind of rows.
func Sends(k runs.Kind) bool {
	kind, ok := messageKinds[k]
	return ok && kind.send != nil && kind.place != nil
}
