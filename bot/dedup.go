package bot

import (
	"context"
	"sync"
	"time"

	"alsbot/store"
)

// dedup remembers deliveries, so that a press or a mention that Slack delivers
// twice is answered once. It doesn't cover commands: the engine gives them the
// same answer again.
type dedup struct {
	mu    sync.Mutex
	seen  map[string]time.Time
	swept time.Time
}

const (
	dedupFor        = 10 * time.Minute
	mentionsKeptFor = 24 * time.Hour
)

// mentions is the bot's bucket of answered mentions, with the message's time
// first in the key.
var mentions = store.Bucket[bool]{Name: "mentions"}

// isNew reports whether a delivery arrives for the first time.
func (b *Bot) isNew(ctx context.Context, d delivery) bool {
	switch d.kind {
	case kindPress, kindReason:
		return b.dedup.firstTime(d.key(), time.Now())
	case kindMention:
		return b.dedup.firstTime(d.key(), time.Now()) && !b.mentionSeen(ctx, d)
	case kindIgnored, kindCommand: // the engine recognizes a repeated command
	}
	return true
}

// firstTime reports whether a key is new, and remembers it.
func (d *dedup) firstTime(key string, now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.seen == nil {
		d.seen = make(map[string]time.Time)
	}
	if now.Sub(d.swept) > time.Minute {
		for k, at := range d.seen {
			if now.Sub(at) > dedupFor {
				delete(d.seen, k)
			}
		}
		d.swept = now
	}
	if at, ok := d.seen[key]; ok && now.Sub(at) < dedupFor {
		return false
	}
	d.seen[key] = now
	return true
}

// mentionSeen reports whether a mention was answered before. Slack repeats a
// mention for minutes, also to the next process. If the store fails, the
// mention counts as new: the person gets an answer.
func (b *Bot) mentionSeen(ctx context.Context, d delivery) (known bool) {
	if err := b.st.View(ctx, func(tx store.Tx) (err error) {
		_, known, err = mentions.Get(tx, d.mentionKey())
		return err
	}); err != nil {
		b.log.Error("looking up a mention", "error", err)
	}
	return known
}

// recordMention stores that the engine has taken a mention. Storing it earlier
// would lose a mention after a crash: Slack delivers it again, and it would
// count as answered.
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

// mentionKey returns the mention's key in the store.
func (d delivery) mentionKey() string { return d.timestamp() + " " + d.key() }

// timestamp returns when the mention was written, in Slack's form, which sorts
// by time.
func (d delivery) timestamp() string { return shorten(d.ts, 20) }

// deleteOldMentions deletes up to 20 mentions that were written before a time.
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

// seconds returns the whole seconds of a Slack timestamp.
func seconds(ts string) int64 {
	var n int64
	for i := 0; i < len(ts) && i < 15 && '0' <= ts[i] && ts[i] <= '9'; i++ {
		n = n*10 + int64(ts[i]-'0')
	}
	return n
}
