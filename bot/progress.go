package bot

import (
	"context"
	"strings"
	"time"

	"alsbot/jobs"
)

// grew notes that a message has news, and says whether to look at it at once.
func (s *sender) markDirty(key string) bool {
	if _, known := s.dirty[key]; known {
		return false
	}
	s.dirty[key] = s.shownAt[key]
	return true
}

// show begins to show the news of messages whose turn has come, and says
// when the next one's is. Progress is for idle lanes only, it leaves a part
// of the budget of updates to the states, and it is never caught up with.
func (s *sender) showDirty(ctx context.Context, now time.Time) time.Duration {
	again := retryMax
	for key, last := range s.dirty {
		if wait := last.Add(progressEvery).Sub(now); wait > 0 {
			again = min(again, wait)
			continue
		}
		if s.inFlight[key] {
			again = min(again, time.Second) // what is being told may be older than the news
			continue
		}
		at, ok, err := s.index.find(ctx, key)
		if err != nil || !ok || at.TS == "" {
			delete(s.dirty, key) // its message comes by the outbox first, and is up to date then
			continue
		}
		q := s.queue(at.Channel)
		if q.busy || len(q.messages) > 0 || s.active >= maxActive {
			again = min(again, time.Second)
			continue
		}
		if s.updates.Tokens() < reservedUpdates || s.client.pauses.left(methodUpdate) > 0 || q.notBefore.After(now) {
			again = min(again, time.Second)
			continue
		}
		delete(s.dirty, key)
		s.noteShown(key, now)
		_, id, _ := strings.Cut(key, "/")
		s.start(ctx, q, &message{queue: at.Channel, key: key, kind: progress, run: id})
	}
	return again
}

// shown keeps the pace of a message: news that come within progressIn wait.
func (s *sender) noteShown(key string, now time.Time) {
	s.shownAt[key] = now
	for key, at := range s.shownAt {
		if now.Sub(at) > progressEvery {
			delete(s.shownAt, key)
		}
	}
}

// showProgress shows a run that is not over, or its card, as it is now. What
// is over has a row in the outbox, which shows it.
func (s *sender) showProgress(ctx, long context.Context, msg *message) error {
	r, a, err := s.engine.Get(ctx, msg.run)
	if err != nil || r.State.Final() {
		return err
	}
	at, ok, err := s.index.find(ctx, msg.key)
	if err != nil || !ok || at.TS == "" {
		return err
	}
	var m content
	kind := jobs.TellRun
	if msg.key == approvalKey(r.ID) {
		if a == nil {
			return nil
		}
		m, kind = approvalMessage(s.cleaner, r, *a), jobs.TellApproval
	} else if m, err = s.runMessage(ctx, r, a); err != nil {
		return err
	}
	s.updates.ReserveN(time.Now(), 1)
	return s.client.update(long, at, m, metadata{run: r.ID, kind: string(kind)})
}
