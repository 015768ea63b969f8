package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"sync"
	"sync/atomic"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"

	"alsbot/jobs"
)

// session is one socket, from opening to close.
type session struct {
	*Bot
	parent  context.Context // of the bot
	ctx     context.Context // of the socket: outlives parent until everything is acknowledged
	cancel  context.CancelFunc
	client  *socketmode.Client
	hello   chan struct{} // closed when Slack has sent its hello
	leaving chan struct{} // closed when Slack has announced the end
	quit    chan struct{} // closed by retire
	done    chan struct{} // closed at the end; then err is the reason
	err     error

	unacked   atomic.Int64 // deliveries not acknowledged yet
	lastAck   atomic.Int64 // when the last one was acknowledged, in nanoseconds
	connected bool
	cause     error
	stopping  bool // alsbot is stopping: Slack delivers what arrives now elsewhere
}

func (b *Bot) newSession(ctx context.Context) *session {
	s := &session{
		Bot: b, parent: ctx, hello: make(chan struct{}), leaving: make(chan struct{}),
		quit: make(chan struct{}), done: make(chan struct{}),
	}
	s.ctx, s.cancel = context.WithCancel(context.WithoutCancel(ctx))
	noticed := sync.OnceFunc(func() { close(s.leaving) })
	s.client = socketmode.New(b.client.sockets,
		socketmode.OptionDialer(b.dialer(func(reason string) {
			b.log.Info("Slack renews a socket", "reason", reason)
			noticed()
		}, s.cancel)),
		socketmode.OptionReadLimit(maxFrame), socketmode.OptionLog(log.New(io.Discard, "", 0)))
	return s
}

// run opens the socket and serves it until it ends. slack-go would open the
// next one itself, at once and without a pause; so the end of the connection
// cancels its context, and keepConnected decides.
func (s *session) run() {
	ended := make(chan error, 1)
	go func() { ended <- s.client.RunContext(s.ctx) }()
	defer close(s.done)
	defer s.setConnected(false)
	defer s.cancel()
	stop, quit := s.parent.Done(), s.quit
	var idle <-chan time.Time
	var latest time.Time
	for {
		select {
		case e := <-s.client.Events:
			s.event(e)
		case err := <-ended:
			s.err = s.endReason(err)
			return
		case <-stop:
			stop, s.stopping = nil, true
			idle, latest = time.After(0), time.Now().Add(shutdownGrace)
		case <-quit:
			quit = nil
			s.lastAck.Store(time.Now().UnixNano()) // deliveries in transit still arrive
			idle = time.After(0)
		case now := <-idle:
			idle = time.After(ackFlush / 10)
			if s.unacked.Load() == 0 && now.UnixNano()-s.lastAck.Load() > int64(ackFlush) || s.stopping && now.After(latest) {
				s.cancel()
			}
		}
	}
}

// retire ends the socket some time after its successor is open. Slack closes
// what it has announced to close and may deliver there until then, so closing
// first could lose a delivery. If the successor never opens, the socket stays
// until Slack closes it.
func (s *session) retire(next *session) {
	select {
	case <-next.hello:
	case <-next.done:
		if !next.wasOpen() {
			return
		}
	case <-s.done:
		return
	}
	if pause(s.ctx, s.timing.renewalOverlap) {
		close(s.quit)
	}
}

// wasOpen reports whether the socket was ever open.
func (s *session) wasOpen() bool {
	select {
	case <-s.hello:
		return true
	default:
		return false
	}
}

// event handles one event of the socket.
func (s *session) event(e socketmode.Event) {
	switch e.Type {
	case socketmode.EventTypeHello:
		s.setConnected(true)
		s.log.Info("connected to Slack", "sockets", e.Request.NumConnections)
	case socketmode.EventTypeConnectionError:
		if c, ok := e.Data.(*slack.ConnectionErrorEvent); ok {
			s.cause = c.ErrorObj
		}
		s.cancel()
	case socketmode.EventTypeInvalidAuth:
		s.cause = slack.SlackErrorResponse{Err: "invalid_auth"}
	case socketmode.EventTypeIncomingError:
		if c, ok := e.Data.(*slack.IncomingEventError); ok {
			s.cause = c.ErrorObj
		}
	case socketmode.EventTypeErrorBadMessage:
		// slack-go is stricter than necessary: alsbot needs fewer of the
		// fields.
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

// deliver hands an envelope to the pool and acknowledges it on this socket.
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
		d, _, err = parseEvent(r.Payload)
	}
	if err != nil {
		s.log.Warn("an envelope that cannot be read", "type", r.Type, "envelope", r.EnvelopeID, "error", err)
	}
	s.unacked.Add(1)
	var once sync.Once
	ack := func(payload json.RawMessage) bool {
		sent := false
		once.Do(func() {
			sent = s.ack(r, payload)
			s.lastAck.Store(time.Now().UnixNano())
			s.unacked.Add(-1)
		})
		return sent
	}
	if s.poolFor(d).submit(func(ctx context.Context) { s.handle(ctx, d, ack) }) {
		return
	}
	switch d.kind {
	case kindCommand, kindIgnored:
		s.answer(s.ctx, delivery{kind: d.kind}, ack, jobs.Answer{Bad: true, Text: textBusy})
	default:
		// No acknowledgement: Slack delivers a mention again, and shows the
		// person who pressed a button that it had no effect.
		s.unacked.Add(-1)
	}
}

// ack acknowledges an envelope and reports whether Slack got the payload.
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

// setConnected counts the socket as open or closed.
func (s *session) setConnected(up bool) {
	switch {
	case up && !s.connected:
		s.health.up()
		close(s.hello)
	case !up && s.connected:
		s.health.down()
	}
	s.connected = up
}

// endReason returns why the socket ended, in words.
func (s *session) endReason(err error) error {
	if s.cause != nil {
		err = s.cause
	}
	if err == nil || errors.Is(err, context.Canceled) {
		return fmt.Errorf("the socket to Slack was closed: %w", errClosed)
	}
	return fmt.Errorf("connecting to Slack: %w", explain(err))
}

var errClosed = errors.New("by Slack, or by the network")
