package bot

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	sockets        = 2                      // one is open while the other is renewed
	stagger        = 2 * time.Second        // between the starts of the sockets: Slack then renews them that far apart
	stableAfter    = 10 * time.Second       // a socket that lived this long is replaced at once
	refusedPause   = time.Minute            // between attempts if Slack refuses the token
	renewalOverlap = 30 * time.Second       // for Slack to close what it has announced to close
	ackFlush       = 200 * time.Millisecond // for acknowledgements in transit when alsbot stops
	maxFrame       = 4 << 20                // bytes of one message from Slack
)

// connect keeps sockets to Slack open until ctx ends. No error of Slack or the
// network makes it return.
func (b *Bot) connect(ctx context.Context) error {
	var g errgroup.Group
	for i := range sockets {
		g.Go(func() error {
			if pause(ctx, time.Duration(i)*b.timing.stagger) {
				b.keepConnected(ctx)
			}
			return nil
		})
	}
	return g.Wait()
}

// keepConnected opens one socket after the other. If Slack announces the end of
// a socket, it opens the next one before that. It replaces the first socket
// that ends at once, because people are typing; after sockets that end early it
// waits longer each time.
func (b *Bot) keepConnected(ctx context.Context) {
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
			if failed = true; s.wasOpen() {
				last = nil
			}
		}
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) >= stableAfter {
			wait = 0
		}
		rest := wait
		wait = min(max(wait*2, b.timing.retryFirst), retryMax)
		if failed {
			b.health.trouble(s.err)
			rest = pauseAfter(s.err, rest)
			b.log.Info("socket to Slack ended", "again_in", rest.Round(time.Millisecond), "error", s.err)
		}
		if !pause(ctx, rest) {
			return
		}
	}
}

// pauseAfter returns how long to wait after an error; rest is for errors that
// don't say.
func pauseAfter(err error, rest time.Duration) time.Duration {
	switch t := classify(errors.Unwrap(err)); {
	case t.fate == limited:
		return t.after
	case t.code != "":
		return refusedPause
	case rest > 0:
		return rest/2 + rand.N(rest/2+1) //nolint:gosec // spreads tries, keeps no secret
	}
	return 0
}
