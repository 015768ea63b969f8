package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"
	"golang.org/x/sync/errgroup"

	"alsbot/jobs"
)

const (
	sockets   = 2                      // so that one is open while the other is renewed
	stagger   = 2 * time.Second        // between their beginnings: Slack renews them that far apart
	settled   = 10 * time.Second       // a socket that lived as long is renewed at once
	hopeless  = time.Minute            // between tries when Slack does not take the token
	ackFlush  = 200 * time.Millisecond // for acknowledgements on their way when alsbot stops
	frameMost = 4 << 20                // bytes of one message of Slack
)

// connect keeps sockets to Slack open until ctx ends. Nothing that Slack or
// the network does makes it return.
func (b *Bot) connect(ctx context.Context) error {
	var g errgroup.Group
	for i := range sockets {
		g.Go(func() error {
			if pause(ctx, time.Duration(i)*stagger) {
				b.keepSocket(ctx)
			}
			return nil
		})
	}
	return g.Wait()
}

// keepSocket opens one socket after the other. The first comes back at once,
// as people are typing; one that ends early again, ever more slowly.
func (b *Bot) keepSocket(ctx context.Context) {
	wait := time.Duration(0)
	for ctx.Err() == nil {
		began := time.Now()
		err := b.socket(ctx)
		if ctx.Err() != nil {
			return
		}
		b.health.trouble(err)
		if time.Since(began) >= settled {
			wait = 0
		}
		rest := wait
		wait = min(max(wait*2, retryFirst), retryMost)
		switch t := understand(errors.Unwrap(err)); {
		case t.fate == limited:
			rest = t.after
		case t.code != "":
			rest = hopeless
		case rest > 0:
			rest = rest/2 + rand.N(rest) //nolint:gosec // spreads tries, keeps no secret
		}
		b.log.Info("socket to Slack ended", "again_in", rest.Round(time.Millisecond), "error", err)
		if !pause(ctx, rest) {
			return
		}
	}
}

// session is one socket while it is open.
type session struct {
	*Bot
	client *socketmode.Client
	ctx    context.Context // of the socket, which outlives the bot's until all is acknowledged
	open   sync.WaitGroup  // deliveries that are not acknowledged yet
	up     bool
	why    error
	// stopping is true when alsbot goes down: what comes now is left to
	// Slack, which gives it to another replica or tells the person.
	stopping bool
}

// socket opens one socket and works with it until it ends. slack-go would
// open the next one itself, at once and without measure; so the end of the
// connection ends its context, and keepSocket decides.
func (b *Bot) socket(ctx context.Context) error {
	sctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var draining sync.WaitGroup
	defer draining.Wait()
	defer cancel()
	s := &session{Bot: b, ctx: sctx, client: socketmode.New(b.client.sockets,
		socketmode.OptionDialer(b.dialer(cancel)), socketmode.OptionReadLimit(frameMost),
		socketmode.OptionLog(log.New(io.Discard, "", 0)))}
	ended := make(chan error, 1)
	go func() { ended <- s.client.RunContext(sctx) }()
	defer s.mark(false)
	stop := ctx.Done()
	for {
		select {
		case e := <-s.client.Events:
			s.take(e, cancel)
		case err := <-ended:
			return s.reason(err)
		case <-stop:
			stop, s.stopping = nil, true
			draining.Go(func() { s.drain(cancel) })
		}
	}
}

// drain lets what was taken in be acknowledged, then ends the socket.
func (s *session) drain(cancel context.CancelFunc) {
	defer cancel()
	long, stop := context.WithTimeout(s.ctx, lastWords)
	defer stop()
	all := make(chan struct{})
	go func() { s.open.Wait(); close(all) }()
	select {
	case <-all:
		pause(long, ackFlush)
	case <-long.Done():
	}
}

// take looks at one event of the socket.
func (s *session) take(e socketmode.Event, cancel context.CancelFunc) {
	switch e.Type {
	case socketmode.EventTypeHello:
		s.mark(true)
		s.log.Info("connected to Slack", "sockets", e.Request.NumConnections)
	case socketmode.EventTypeConnectionError:
		if c, ok := e.Data.(*slack.ConnectionErrorEvent); ok {
			s.why = c.ErrorObj
		}
		cancel()
	case socketmode.EventTypeInvalidAuth:
		s.why = slack.SlackErrorResponse{Err: "invalid_auth"}
	case socketmode.EventTypeIncomingError:
		if c, ok := e.Data.(*slack.IncomingEventError); ok {
			s.why = c.ErrorObj
		}
	case socketmode.EventTypeErrorBadMessage:
		// slack-go is stricter than it has to be: we read less of it.
		bad, ok := e.Data.(*socketmode.ErrorBadMessage)
		var r socketmode.Request
		if ok && json.Unmarshal(bad.Message, &r) == nil {
			s.deliver(r)
		}
	default:
		if e.Request != nil {
			s.deliver(*e.Request)
		}
	}
}

// deliver hands an envelope to the pool, and acknowledges it on this socket.
func (s *session) deliver(r socketmode.Request) {
	if r.EnvelopeID == "" || s.stopping {
		return
	}
	var d delivery
	var err error
	switch r.Type {
	case socketmode.RequestTypeSlashCommands:
		d, err = parseCommand(r.Payload, r.EnvelopeID)
	case socketmode.RequestTypeInteractive:
		d, err = parseInteraction(r.Payload, r.EnvelopeID)
	case socketmode.RequestTypeEventsAPI:
		d, _, err = parseEvent(r.Payload, s.Bot.client.botUser())
	}
	if err != nil {
		s.log.Warn("an envelope that cannot be read", "type", r.Type, "envelope", r.EnvelopeID, "error", err)
	}
	s.open.Add(1)
	var once sync.Once
	ack := func(payload json.RawMessage) bool {
		sent := false
		once.Do(func() {
			defer s.open.Done()
			sent = s.ack(r, payload)
		})
		return sent
	}
	if !s.poolFor(d).take(func(ctx context.Context) { s.handle(ctx, d, ack) }) {
		s.answer(s.ctx, delivery{kind: d.kind}, ack, jobs.Answer{Bad: true, Text: sayBusy})
	}
}

// ack acknowledges an envelope, and reports whether the payload went along.
func (s *session) ack(r socketmode.Request, payload json.RawMessage) bool {
	var body any
	carried := len(payload) == 0 || r.AcceptsResponsePayload
	if len(payload) > 0 && carried {
		body = payload
	}
	if err := s.client.AckCtx(s.ctx, r.EnvelopeID, body); err != nil {
		s.log.Warn("acknowledging an envelope", "envelope", r.EnvelopeID, "error", err)
		return false
	}
	return carried
}

// mark keeps count of open sockets.
func (s *session) mark(up bool) {
	switch {
	case up && !s.up:
		s.health.up()
	case !up && s.up:
		s.health.down(s.why)
	}
	s.up = up
}

// reason says in words why the socket ended.
func (s *session) reason(err error) error {
	if s.why != nil {
		err = s.why
	}
	if err == nil || errors.Is(err, context.Canceled) {
		return fmt.Errorf("the socket to Slack was closed: %w", errClosed)
	}
	return fmt.Errorf("connecting to Slack: %w", inWords(err))
}

var errClosed = errors.New("by Slack, or by the network")
