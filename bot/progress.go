package bot

import (
	"context"
	"strings"
	"time"

	"alsbot/runs"
)

// markDirty records that a message has news, and reports whether to scan at
// once.
func (s *sender) markDirty(key string) bool {
	if _, known := s.dirty[key]; known {
		return false
	}
	s.dirty[key] = s.shownAt[key]
	return true
}

// showDirty starts to show the news of messages that are due, and returns when
// the next one is. Progress uses idle queues only, leaves part of the update
// budget to changes of state, and skips what it could not show in time.
func (s *sender) showDirty(ctx context.Context, now time.Time) time.Duration {
	again := retryMax
	for key, last := range s.dirty {
		if wait := last.Add(progressEvery).Sub(now); wait > 0 {
			again = min(again, wait)
			continue
		}
		if s.inFlight[key] {
			again = min(again, time.Second) // what is being sent may be older than the news
			continue
		}
		at, ok, err := s.index.find(ctx, key)
		if err != nil || !ok || at.TS == "" {
			delete(s.dirty, key) // its message will come from the outbox and be up to date
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

// noteShown records when a message was shown: news within progressEvery waits.
func (s *sender) noteShown(key string, now time.Time) {
	s.shownAt[key] = now
	for key, at := range s.shownAt {
		if now.Sub(at) > progressEvery {
			delete(s.shownAt, key)
		}
	}
}

// showProgress updates the message of a run that has not ended, or its approval
// request. A run that has ended has a row in the outbox, which shows it.
func (s *sender) showProgress(ctx, long context.Context, _ *channelQueue, msg *message) error {
	r, a, err := s.engine.Load(ctx, msg.run)
	if err != nil || r.State.Final() {
		return err
	}
	at, ok, err := s.index.find(ctx, msg.key)
	if err != nil || !ok || at.TS == "" {
		return err
	}
	var m content
	kind := runs.TellRun
	if msg.key == approvalKey(r.ID) {
		if a == nil {
			return nil
		}
		m, kind = approvalMessage(s.cleaner, r, *a), runs.TellApproval
	} else if m, err = s.runMessage(ctx, r, a); err != nil {
		return err
	}
	s.updates.ReserveN(time.Now(), 1)
	return s.client.update(long, at, m, metadata{run: r.ID, kind: string(kind)})
}
