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
type heard struct {
	mu     sync.Mutex
	recent map[string]time.Time
	swept  time.Time
}

const (
	heardFor     = 10 * time.Minute
	mentionsKept = 24 * time.Hour
)

// mentions is the bot's own bucket: time of the message → that it was taken.
var mentions = store.Bucket[bool]{Name: "mentions"}

// first reports whether a delivery comes for the first time.
func (b *Bot) first(ctx context.Context, d delivery) bool {
	switch d.kind {
	case aPress, aReason:
		return b.heard.once(d.key(), time.Now())
	case aMention:
		return b.heard.once(d.key(), time.Now()) && !b.knownMention(ctx, d)
	}
	return true
}

// once reports whether a key is new.
func (h *heard) once(key string, now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.recent == nil {
		h.recent = make(map[string]time.Time)
	}
	if now.Sub(h.swept) > time.Minute {
		for k, at := range h.recent {
			if now.Sub(at) > heardFor {
				delete(h.recent, k)
			}
		}
		h.swept = now
	}
	if at, ok := h.recent[key]; ok && now.Sub(at) < heardFor {
		return false
	}
	h.recent[key] = now
	return true
}

// knownMention reports whether a mention was answered before: Slack tells of
// one again for minutes, also to the next process. Trouble with the store does
// not keep anybody from being answered.
func (b *Bot) knownMention(ctx context.Context, d delivery) (known bool) {
	if err := b.st.View(ctx, func(tx store.Tx) (err error) {
		_, known, err = mentions.Get(tx, d.mention())
		return err
	}); err != nil {
		b.log.Error("looking up a mention", "error", err)
	}
	return known
}

// noteMention remembers a mention that the engine has taken. It is not noted
// before: what a crash has cut off there comes again, and is not known then.
func (b *Bot) noteMention(ctx context.Context, d delivery) {
	if err := b.st.Update(ctx, func(tx store.Tx) error {
		if err := dropMentions(tx, time.Now().Add(-mentionsKept)); err != nil {
			return err
		}
		return mentions.Put(tx, d.mention(), true)
	}); err != nil {
		b.log.Error("noting a mention", "error", err)
	}
}

// mention is a mention's key in the store.
func (d delivery) mention() string { return d.stamp() + " " + d.key() }

// stamp is when a mention was written, as Slack has it: it sorts by time.
func (d delivery) stamp() string { return short(d.at, 20) }

// dropMentions forgets the oldest mentions.
func dropMentions(tx store.Tx, before time.Time) error {
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
