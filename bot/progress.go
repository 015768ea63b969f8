package bot

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"alsbot/jobs"
)

// grew notes that a run has news, and says whether to look at it at once.
func (s *sender) grew(id string) bool {
	if _, known := s.grown[id]; known {
		return false
	}
	s.grown[id] = s.pace[id]
	return true
}

// show begins to show the progress of runs whose turn has come, and says
// when the next one's is. Progress is for idle lanes only, it leaves a part
// of the budget of updates to the states, and it is never caught up with.
func (s *sender) show(ctx context.Context, now time.Time) time.Duration {
	again := retryMost
	for id, last := range s.grown {
		if wait := last.Add(progressIn).Sub(now); wait > 0 {
			again = min(again, wait)
			continue
		}
		key := string(jobs.TellRun) + "/" + id
		if s.telling[key] {
			again = min(again, time.Second) // what is being told may be older than the news
			continue
		}
		at, ok, err := s.places.find(ctx, key)
		if err != nil || !ok || at.TS == "" {
			delete(s.grown, id) // its message comes by the outbox first, and is up to date then
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
		delete(s.grown, id)
		s.shown(id, now)
		s.begin(ctx, l, &errand{lane: at.Channel, key: key, kind: progress, run: id})
	}
	return again
}

// shown keeps the pace of a run: news that come within progressIn wait.
func (s *sender) shown(id string, now time.Time) {
	s.pace[id] = now
	for id, at := range s.pace {
		if now.Sub(at) > progressIn {
			delete(s.pace, id)
		}
	}
}

// showProgress shows a running run as it is now. A run that is no longer
// running has a row in the outbox, which shows it.
func (s *sender) showProgress(ctx, long context.Context, e *errand) error {
	r, a, err := s.engine.Get(ctx, e.run)
	if err != nil || r.State.Final() {
		return err
	}
	at, ok, err := s.places.find(ctx, e.key)
	if err != nil || !ok || at.TS == "" {
		return err
	}
	m, err := s.runMessage(ctx, r, a)
	if err != nil {
		return err
	}
	s.updates.ReserveN(time.Now(), 1)
	return s.client.update(long, at, m, mark{run: r.ID, kind: string(jobs.TellRun)})
}

// panicked logs a panic with its stack and returns it as an error.
func (b *Bot) panicked(doing string, p any) error {
	b.log.Error("panic while "+doing, "panic", p, "stack", string(debug.Stack()))
	return fmt.Errorf("panic while %s: %v", doing, p)
}
