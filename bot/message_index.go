package bot

import (
	"context"
	"errors"
	"strings"
	"time"

	"alsbot/crashpoint"
	"alsbot/runs"
	"alsbot/store"
)

// messageIndex stores where each message is in Slack.
type messageIndex struct {
	st     store.Store
	engine engine
}

// messages is the bot's bucket of messages: "run/ID" and "approval/ID" → where
// the message is.
var messages = store.Bucket[messageRef]{Name: "messages"}

// find returns where a message is, and whether it was ever sent.
func (x messageIndex) find(ctx context.Context, key string) (messageRef, bool, error) {
	var at messageRef
	var ok bool
	err := x.st.View(ctx, func(tx store.Tx) (err error) {
		at, ok, err = messages.Get(tx, key)
		return err
	})
	return at, ok, err
}

// ackRows deletes the message's rows from the outbox and stores, in the same
// transaction, where the message is now and what goes with that. It retries
// until ctx ends: a message that Slack has and the store doesn't know would be
// sent again.
func (x messageIndex) ackRows(ctx context.Context, msg *message) error {
	if len(msg.rows) == 0 {
		return nil // no row asked for it
	}
	for {
		err := x.st.Update(ctx, func(tx store.Tx) error {
			if msg.at != nil {
				if err := messages.Put(tx, msg.key, *msg.at); err != nil {
					return err
				}
			}
			if msg.also != nil {
				if err := msg.also(tx); err != nil {
					return err
				}
			}
			for _, row := range msg.rows {
				if err := x.engine.Sent(tx, row); err != nil {
					return err
				}
			}
			return nil
		})
		if err == nil {
			crashpoint.Point(crashpoint.AfterAck)
		}
		if err == nil || !pause(ctx, storePause) {
			return err
		}
	}
}

const (
	sweepEvery = 24 * time.Hour
	sweepPage  = 200 // keys per transaction
)

// sweepDaily deletes, once a day, the refs of runs that are no longer on
// record.
func (x messageIndex) sweepDaily(ctx context.Context, report func(error)) {
	for pause(ctx, sweepEvery) {
		if err := x.sweep(ctx); err != nil && ctx.Err() == nil {
			report(err)
		}
	}
}

// sweep deletes the refs of all runs that are no longer on record.
func (x messageIndex) sweep(ctx context.Context) error {
	for from := ""; ; {
		keys, err := x.page(ctx, from)
		if err != nil || len(keys) == 0 {
			return err
		}
		from = keys[len(keys)-1] + "\x00"
		gone, err := x.withoutRun(ctx, keys)
		if err != nil {
			return err
		}
		if err := x.deleteAll(ctx, gone); err != nil {
			return err
		}
	}
}

// withoutRun returns those keys whose run is no longer on record.
func (x messageIndex) withoutRun(ctx context.Context, keys []string) (gone []string, err error) {
	for _, key := range keys {
		_, run, _ := strings.Cut(key, "/")
		_, _, err := x.engine.Load(ctx, run)
		var unknown *runs.NotFoundError
		if errors.As(err, &unknown) {
			gone = append(gone, key)
		} else if err != nil {
			return nil, err
		}
	}
	return gone, nil
}

func (x messageIndex) deleteAll(ctx context.Context, keys []string) error {
	if len(keys) == 0 {
		return nil
	}
	return x.st.Update(ctx, func(tx store.Tx) error {
		for _, key := range keys {
			if err := messages.Delete(tx, key); err != nil {
				return err
			}
		}
		return nil
	})
}

// page returns the next keys in order, starting with from.
func (x messageIndex) page(ctx context.Context, from string) (keys []string, err error) {
	err = x.st.View(ctx, func(tx store.Tx) error {
		keys = nil
		return messages.Scan(tx, store.Range{From: from}, func(key string, _ messageRef) bool {
			keys = append(keys, key)
			return len(keys) < sweepPage
		})
	})
	return keys, err
}
