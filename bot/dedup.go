package bot

import (
	"context"
	"sync"
	"time"

	"alsbot/store"
)

// heard remembers deliveries whose answers would be seen twice if they came
// twice. That commands have no second effect is the engine's care; this is
// for the answers to presses and mentions.
type dedup struct {
	mu    sync.Mutex
	seen  map[string]time.Time
	swept time.Time
}

const (
	dedupFor        = 10 * time.Minute
	mentionsKeptFor = 24 * time.Hour
)

// mentions is the bot's own bucket: time of the message → that it was taken.
var mentions = store.Bucket[bool]{Name: "mentions"}

// first reports whether a delivery comes for the first time.
func (b *Bot) isNew(ctx context.Context, d delivery) bool {
	switch d.kind {
	case kindPress, kindReason:
		return b.dedup.firstTime(d.key(), time.Now())
	case kindMention:
		return b.dedup.firstTime(d.key(), time.Now()) && !b.mentionSeen(ctx, d)
	}
	return true
}

// once reports whether a key is new.
func (h *dedup) firstTime(key string, now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.seen == nil {
		h.seen = make(map[string]time.Time)
	}
	if now.Sub(h.swept) > time.Minute {
		for k, at := range h.seen {
			if now.Sub(at) > dedupFor {
				delete(h.seen, k)
			}
		}
		h.swept = now
	}
	if at, ok := h.seen[key]; ok && now.Sub(at) < dedupFor {
		return false
	}
	h.seen[key] = now
	return true
}

// knownMention reports whether a mention was answered before: Slack tells of
// one again for minutes, also to the next process. Trouble with the store does
// not keep anybody from being answered.
func (b *Bot) mentionSeen(ctx context.Context, d delivery) (known bool) {
	if err := b.st.View(ctx, func(tx store.Tx) (err error) {
		_, known, err = mentions.Get(tx, d.mentionKey())
		return err
	}); err != nil {
		b.log.Error("looking up a mention", "error", err)
	}
	return known
}

// noteMention remembers a mention that the engine has taken. It is not noted
// before: what a crash has cut off there comes again, and is not known then.
func (b *Bot) recordMention(ctx context.Context, d delivery) {
	if err := b.st.Update(ctx, func(tx store.Tx) error {
		if err := deleteOldMentions(tx, time.Now().Add(-mentionsKeptFor)); err != nil {
			return err
		}
		return mentions.Put(tx, d.mentionKey(), true)
	}); err != nil {
		b.log.Error("noting a mention", "error", err)
	}
}

// mention is a mention's key in the store.
func (d delivery) mentionKey() string { return d.timestamp() + " " + d.key() }

// stamp is when a mention was written, as Slack has it: it sorts by time.
func (d delivery) timestamp() string { return shorten(d.ts, 20) }

// dropMentions forgets the oldest mentions.
func deleteOldMentions(tx store.Tx, before time.Time) error {
	var old []string
	limit := before.Unix()
	if err := mentions.Scan(tx, store.Range{}, func(key string, _ bool) bool {
		if seconds(key) >= limit {
			return false
		}
		old = append(old, key)
		return len(old) < 20
	}); err != nil {
		return err
	}
	for _, key := range old {
		if err := mentions.Delete(tx, key); err != nil {
			return err
		}
	}
	return nil
}

// seconds reads the whole seconds at the beginning of a Slack timestamp.
func seconds(ts string) int64 {
	var n int64
	for i := 0; i < len(ts) && i < 15 && '0' <= ts[i] && ts[i] <= '9'; i++ {
		n = n*10 + int64(ts[i]-'0')
	}
	return n
}
