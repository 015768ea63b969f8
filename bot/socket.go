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
	"sync/atomic"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"
	"golang.org/x/sync/errgroup"

	"alsbot/jobs"
)

const (
	sockets     = 2                      // so that one is open while the other is renewed
	stagger     = 2 * time.Second        // between their beginnings: Slack renews them that far apart
	settled     = 10 * time.Second       // a socket that lived as long is renewed at once
	retireLimit = 8 * time.Second        // Slack gives notice about 10 s ahead
	hopeless    = time.Minute            // between tries when Slack does not take the token
	notice      = 30 * time.Second       // for Slack to close what it has announced to close
	ackFlush    = 200 * time.Millisecond // for acknowledgements on their way when alsbot stops
	frameMost   = 4 << 20                // bytes of one message of Slack
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

// keepSocket opens one socket after the other, the next one before the last
// is closed if Slack gives notice. The first comes back at once, as people
// are typing; what ends early again, ever more slowly.
func (b *Bot) keepSocket(ctx context.Context) {
	var all sync.WaitGroup
	defer all.Wait()
	var last *session
	wait := time.Duration(0)
	for ctx.Err() == nil {
		began := time.Now()
		s := b.newSession(ctx)
		all.Go(s.run)
		old := last
		if old != nil {
			all.Go(func() { old.retire(s) })
		}
		failed := false
		select {
		case <-s.leaving:
			last = s
		case <-s.done:
			if failed = true; s.greeted() {
				last = nil
			}
		}
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) >= settled {
			wait = 0
		}
		rest := wait
		wait = min(max(wait*2, retryFirst), retryMost)
		if failed {
			b.health.trouble(s.err)
			rest = restAfter(s.err, rest)
			b.log.Info("socket to Slack ended", "again_in", rest.Round(time.Millisecond), "error", s.err)
		}
		if !pause(ctx, rest) {
			return
		}
	}
}

// restAfter is how long to wait after an error, if not asked otherwise rest.
func restAfter(err error, rest time.Duration) time.Duration {
	switch t := understand(errors.Unwrap(err)); {
	case t.fate == limited:
		return t.after
	case t.code != "":
		return hopeless
	case rest > 0:
		return rest/2 + rand.N(rest/2+1) //nolint:gosec // spreads tries, keeps no secret
	}
	return 0
}

// session is one socket.
type session struct {
	*Bot
	parent  context.Context // the bot's
	ctx     context.Context // the socket's, which outlives it until all is acknowledged
	cancel  context.CancelFunc
	client  *socketmode.Client
	hello   chan struct{} // closed when Slack has greeted
	leaving chan struct{} // closed when Slack has given notice
	quit    chan struct{} // closed by retire
	done    chan struct{} // closed at the end; then err says why
	err     error

	open     atomic.Int64 // deliveries that are not acknowledged yet
	lastAck  atomic.Int64 // when one was, in nanoseconds
	up       bool
	why      error
	stopping bool // alsbot goes down: what comes now is left to Slack
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
		socketmode.OptionReadLimit(frameMost), socketmode.OptionLog(log.New(io.Discard, "", 0)))
	return s
}

// run opens the socket and works with it until it ends. slack-go would open
// the next one itself, at once and without measure; so the end of the
// connection ends its context, and keepSocket decides.
func (s *session) run() {
	ended := make(chan error, 1)
	go func() { ended <- s.client.RunContext(s.ctx) }()
	defer close(s.done)
	defer s.mark(false)
	defer s.cancel()
	stop, quit := s.parent.Done(), s.quit
	var idle <-chan time.Time
	var latest time.Time
	for {
		select {
		case e := <-s.client.Events:
			s.take(e)
		case err := <-ended:
			s.err = s.reason(err)
			return
		case <-stop:
			stop, s.stopping = nil, true
			idle, latest = time.After(0), time.Now().Add(lastWords)
		case <-quit:
			quit = nil
			s.lastAck.Store(time.Now().UnixNano()) // what is on its way here still comes
			idle = time.After(0)
		case now := <-idle:
			idle = time.After(ackFlush / 10)
			if s.open.Load() == 0 && now.UnixNano()-s.lastAck.Load() > int64(ackFlush) || s.stopping && now.After(latest) {
				s.cancel()
			}
		}
	}
}

// retire ends the socket some time after its successor is open. Slack closes
// what it has announced to close, and until then may still deliver there; who
// closes first may lose what is on its way. If the successor never opens, the
// socket is kept as long as Slack does.
func (s *session) retire(next *session) {
	select {
	case <-next.hello:
	case <-next.done:
		if !next.greeted() {
			return
		}
	case <-s.done:
		return
	}
	if pause(s.ctx, s.notice) {
		close(s.quit)
	}
}

// greeted reports whether the socket was ever open.
func (s *session) greeted() bool {
	select {
	case <-s.hello:
		return true
	default:
		return false
	}
}

// take looks at one event of the socket.
func (s *session) take(e socketmode.Event) {
	switch e.Type {
	case socketmode.EventTypeHello:
		s.mark(true)
		s.log.Info("connected to Slack", "sockets", e.Request.NumConnections)
	case socketmode.EventTypeConnectionError:
		if c, ok := e.Data.(*slack.ConnectionErrorEvent); ok {
			s.why = c.ErrorObj
		}
		s.cancel()
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
			sent = s.ack(r, payload)
			s.lastAck.Store(time.Now().UnixNano())
			s.open.Add(-1)
		})
		return sent
	}
	if s.poolFor(d).take(func(ctx context.Context) { s.handle(ctx, d, ack) }) {
		return
	}
	switch d.kind {
	case aCommand, nothing:
		s.answer(s.ctx, delivery{kind: d.kind}, ack, jobs.Answer{Bad: true, Text: sayBusy})
	default:
		// Left as it is: Slack tells of a mention again, and shows who pressed
		// a button that nothing came of it.
		s.open.Add(-1)
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
		close(s.hello)
	case !up && s.up:
		s.health.down()
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
