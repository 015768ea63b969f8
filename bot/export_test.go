package bot

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"time"

	"github.com/slack-go/slack"

	"alsbot/jobs"
)

// What the tests need to see of the inside.

type (
	RunView = runView
	Place   = place
)

func View(m message) (text string, blocks []slack.Block, plain string) {
	return m.text, m.blocks, m.plain().text
}

func RunMessage(v RunView, secrets ...string) message {
	return runMessage(newCleaner(secrets...), v)
}

func ApprovalMessage(r jobs.Run, a jobs.Approval) message {
	return approvalMessage(newCleaner(), r, a)
}

func AnswerMessage(a jobs.Answer) message { return answerMessage(newCleaner(), a, maxMessage) }

func Clean(s string, secrets ...string) string { return newCleaner(secrets...).text(s) }

func CleanStream(w io.Writer, secrets ...string) io.WriteCloser {
	return &cleanWriter{cleaner: newCleaner(secrets...), to: w}
}

func Escape(s string) string              { return escape(s) }
func Typed(s string) string               { return typed(s) }
func Cut(s string, n int) string          { return cut(s, n) }
func Pieces(text string) []string         { return pieces(text) }
func Preformatted(s string) []slack.Block { return []slack.Block{preformatted(s)} }

// Parsed is a delivery, as tests compare it.
type Parsed struct {
	Kind                                                                        int
	ID, Team, User, Channel, Thread, Command, Text, Action, Value, Respond, Key string
}

func parsed(d delivery) Parsed {
	p := Parsed{Kind: int(d.kind), ID: d.id, Team: d.team, User: d.user, Channel: d.channel, Thread: d.thread,
		Command: d.command, Text: d.text, Action: d.action, Value: d.value, Respond: d.respond}
	if d.kind != nothing {
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
func ParseEvent(b []byte, self string) (Parsed, string, error) {
	d, c, err := parseEvent(b, self)
	return parsed(d), c, err
}

func Signed(h http.Header, body []byte, secret string) error { return signed(h, body, secret) }

func (c *Client) Trusted(u string) error { return c.trusted(u) }

// SetQuiet makes sockets that are silent for d count as dead.
func (b *Bot) SetQuiet(d time.Duration) { b.quiet = d }

// SetNotice keeps a socket that Slack renews for d beside its successor.
func (b *Bot) SetNotice(d time.Duration) { b.notice = d }

// SetBacklog lets presses and mentions be worked on one by one, and n wait.
func (b *Bot) SetBacklog(n int) { b.slow = newPool(1, n) }

func (b *Bot) AckPayload(a jobs.Answer) (json.RawMessage, error) { return b.ackPayload(a) }

// Directory returns the cached look-up of members over fetch.
func Directory(fetch func(context.Context, string) ([]string, error)) func(context.Context, string, bool) ([]string, error) {
	d := &directory{fetch: fetch}
	return d.of
}

// Sweep drops the places of runs that are no longer on record.
func (b *Bot) Sweep(ctx context.Context) error {
	return places{st: b.st, engine: b.engine}.sweep(ctx)
}

// Frames passes on what a WebSocket server sends.
func Frames(r io.Reader, leaving func(string)) io.Reader { return newFrames(r, leaving) }
