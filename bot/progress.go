package bot

import (
	"context"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"alsbot/jobs"
)

// grew notes that a message has news, and says whether to look at it at once.
func (s *sender) grew(key string) bool {
	if _, known := s.grown[key]; known {
		return false
	}
	s.grown[key] = s.pace[key]
	return true
}

// show begins to show the news of messages whose turn has come, and says
// when the next one's is. Progress is for idle lanes only, it leaves a part
// of the budget of updates to the states, and it is never caught up with.
func (s *sender) show(ctx context.Context, now time.Time) time.Duration {
	again := retryMost
	for key, last := range s.grown {
		if wait := last.Add(progressIn).Sub(now); wait > 0 {
			again = min(again, wait)
			continue
		}
		if s.telling[key] {
			again = min(again, time.Second) // what is being told may be older than the news
			continue
		}
		at, ok, err := s.places.find(ctx, key)
		if err != nil || !ok || at.TS == "" {
			delete(s.grown, key) // its message comes by the outbox first, and is up to date then
			continue
		}
		l := s.lane(at.Channel)
		if l.busy || len(l.ordered) > 0 || s.active >= maxActive {
			again = min(again, time.Second)
			continue
		}
		if s.updates.Tokens() < spare || s.client.pauses.left(methodUpdate) > 0 || l.next.After(now) {
			again = min(again, time.Second)
			continue
		}
		delete(s.grown, key)
		s.shown(key, now)
		_, id, _ := strings.Cut(key, "/")
		s.begin(ctx, l, &errand{lane: at.Channel, key: key, kind: progress, run: id})
	}
	return again
}

// shown keeps the pace of a message: news that come within progressIn wait.
func (s *sender) shown(key string, now time.Time) {
	s.pace[key] = now
	for key, at := range s.pace {
		if now.Sub(at) > progressIn {
			delete(s.pace, key)
		}
	}
}

// showProgress shows a run that is not over, or its card, as it is now. What
// is over has a row in the outbox, which shows it.
func (s *sender) showProgress(ctx, long context.Context, e *errand) error {
	r, a, err := s.engine.Get(ctx, e.run)
	if err != nil || r.State.Final() {
		return err
	}
	at, ok, err := s.places.find(ctx, e.key)
	if err != nil || !ok || at.TS == "" {
		return err
	}
	var m message
	kind := jobs.TellRun
	if e.key == cardKey(r.ID) {
		if a == nil {
			return nil
		}
		m, kind = approvalMessage(s.cleaner, r, *a), jobs.TellApproval
	} else if m, err = s.runMessage(ctx, r, a); err != nil {
		return err
	}
	s.updates.ReserveN(time.Now(), 1)
	return s.client.update(long, at, m, mark{run: r.ID, kind: string(kind)})
}

// panicked logs a panic with its stack and returns it as an error.
func (b *Bot) panicked(doing string, p any) error {
	b.log.Error("panic while "+doing, "panic", p, "stack", string(debug.Stack()))
	return fmt.Errorf("panic while %s: %v", doing, p)
}
