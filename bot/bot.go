// Package bot connects alsbot to Slack. It turns commands, mentions and button
// presses into calls of the engine, and sends the rows of the engine's outbox
// as messages. It decides nothing: the engine does. It stores only where each
// message is and which mentions it has answered.
//
// A delivery comes in through http.go or socket.go, is parsed in delivery.go,
// handled in dispatch.go, and kept from being answered twice by dedup.go. A
// message goes out through outbox.go and send.go, looks as view_*.go and
// text.go say, and reaches Slack through post.go; trouble.go says what an error
// of Slack means.
package bot

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"runtime/debug"
	"time"

	"golang.org/x/sync/errgroup"

	"alsbot/config"
	"alsbot/jobs"
	"alsbot/runs"
	"alsbot/store"
)

// engine has the methods of jobs.Engine that the bot calls; their contract is
// there.
type engine interface {
	Ask(ctx context.Context, a jobs.Ask) (jobs.Answer, error)
	Press(ctx context.Context, run string, approve bool, by runs.Principal) (jobs.Answer, error)
	Reject(ctx context.Context, run, why string, by runs.Principal) (jobs.Answer, error)
	MayReject(ctx context.Context, run string, by runs.Principal) (runs.Run, bool, error)
	Load(ctx context.Context, id string) (runs.Run, *runs.Approval, error)
	Output(ctx context.Context, id string, max int) (tail []byte, size int64, err error)
	WriteOutput(ctx context.Context, id string, w io.Writer) error
	WriteFile(ctx context.Context, id string, w io.Writer) error
	Delivered(ctx context.Context, id string)
	Waiting(ctx context.Context, id string) (string, error)
	Progress() <-chan string
	UnderWay(ctx context.Context) ([]runs.Run, error)
	Outbox(ctx context.Context, n int) ([]runs.Outgoing, error)
	OutboxChanged(ctx context.Context) <-chan struct{}
	Refused(ctx context.Context, f runs.Refusal) error
	Sent(tx store.Tx, row runs.Outgoing) error
}

// Bot connects one Slack workspace to the engine. New builds it, Run starts it.
type Bot struct {
	cfg     *config.Config
	client  *Client
	engine  engine
	st      store.Store
	log     *slog.Logger
	cleaner cleaner
	quick   pool
	slow    pool
	dedup   dedup
	presses pressLimits
	talk    pressLimits // mentions
	health  health
	timing  timing
}

// timing has the waits that tests shorten.
type timing struct {
	idleTimeout    time.Duration // a socket that is silent for longer is dead
	renewalOverlap time.Duration // how long a socket that Slack renews is kept beside its successor
	stagger        time.Duration // between the starts of the sockets
	retryFirst     time.Duration // before the first retry; the waits double from there to retryMax
}

// New returns a bot that has started nothing yet.
func New(cfg *config.Config, client *Client, engine engine, st store.Store, log *slog.Logger) *Bot {
	return &Bot{
		cfg: cfg, client: client, engine: engine, st: st, log: log, cleaner: client.cleaner,
		quick: newPool(workers, maxWaiting), slow: newPool(workers, maxWaiting),
		timing: timing{idleTimeout: idleTimeout, renewalOverlap: renewalOverlap, stagger: stagger, retryFirst: retryFirst},
	}
}

// Run handles what people type and press, over Socket Mode or HTTP as
// configured, and sends what is in the outbox, until ctx ends. Errors of Slack
// don't end it; an address that it can't listen on does. At the end Run answers
// the deliveries that it has taken and finishes the messages that it is
// sending, for at most 3 seconds.
func (b *Bot) Run(ctx context.Context) error {
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error { b.client.identify(gctx, b.timing.retryFirst, b.health.identity); return nil })
	g.Go(func() error { return b.quick.run(gctx) })
	g.Go(func() error { return b.slow.run(gctx) })
	g.Go(func() error { return newSender(b).run(gctx) })
	g.Go(func() error {
		messageIndex{st: b.st, engine: b.engine}.sweepDaily(gctx, func(err error) { b.log.Error("forgetting where old runs were told", "error", err) })
		return nil
	})
	if b.cfg.Slack.Mode == "http" {
		g.Go(func() error { return b.listen(gctx) })
	} else {
		g.Go(func() error { return b.connect(gctx) })
	}
	return g.Wait()
}

// Ready returns nil if Slack can reach the bot, else the reason why not.
func (b *Bot) Ready() error { return b.health.ready() }

// shutdownGrace is how long work in progress may take after ctx has ended.
const shutdownGrace = 3 * time.Second

// withGrace returns a context that outlives ctx by d, so that work in progress
// can finish.
func withGrace(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	long, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		t := time.AfterFunc(d, cancel)
		context.AfterFunc(long, func() { t.Stop() })
	})
	return long, func() { stop(); cancel() }
}

// recovered logs a panic with its stack and returns it as an error.
func (b *Bot) recovered(doing string, p any) error {
	b.log.Error("panic while "+doing, "panic", p, "stack", string(debug.Stack()))
	return fmt.Errorf("panic while %s: %v", doing, p)
}
