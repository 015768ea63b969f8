package bot

import (
	"context"
	"errors"
	"strings"
	"time"

	"alsbot/crashpoint"
	"alsbot/jobs"
	"alsbot/store"
)

// places remembers where something was told.
type messageIndex struct {
	st     store.Store
	engine engine
}

// messages is the bot's own bucket: "run/ID" and "approval/ID" → where it is.
var messages = store.Bucket[messageRef]{Name: "messages"}

// find returns where something was told, and whether it was.
func (p messageIndex) find(ctx context.Context, key string) (messageRef, bool, error) {
	var at messageRef
	var ok bool
	err := p.st.View(ctx, func(tx store.Tx) (err error) {
		at, ok, err = messages.Get(tx, key)
		return err
	})
	return at, ok, err
}

// told deletes the errand's rows and notes, in the same transaction, where
// it was told (nil: nothing to note). It does not give up while ctx lives:
// what has been told and is not written down would be told again.
func (p messageIndex) ackRows(ctx context.Context, msg *message, at *messageRef) error {
	for {
		err := p.st.Update(ctx, func(tx store.Tx) error {
			if at != nil {
				if err := messages.Put(tx, msg.key, *at); err != nil {
					return err
				}
			}
			for _, row := range msg.rows {
				if err := p.engine.Told(tx, row); err != nil {
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
	sweepPage  = 200 // places that are looked at together
)

// forget drops, once a day, the places of runs that are no longer on record.
func (p messageIndex) sweepDaily(ctx context.Context, report func(error)) {
	for pause(ctx, sweepEvery) {
		if err := p.sweep(ctx); err != nil && ctx.Err() == nil {
			report(err)
		}
	}
}

// sweep deletes the refs of all runs that are no longer on record.
func (p messageIndex) sweep(ctx context.Context) error {
	for from := ""; ; {
		keys, err := p.page(ctx, from)
		if err != nil || len(keys) == 0 {
			return err
		}
		from = keys[len(keys)-1] + "\x00"
		gone, err := p.withoutRun(ctx, keys)
		if err != nil {
			return err
		}
		if err := p.deleteAll(ctx, gone); err != nil {
			return err
		}
	}
}

// withoutRun returns those keys whose run is no longer on record.
func (p messageIndex) withoutRun(ctx context.Context, keys []string) (gone []string, err error) {
	for _, key := range keys {
		_, run, _ := strings.Cut(key, "/")
		_, _, err := p.engine.Get(ctx, run)
		var unknown *jobs.NotFoundError
		if errors.As(err, &unknown) {
			gone = append(gone, key)
		} else if err != nil {
			return nil, err
		}
	}
	return gone, nil
}

func (p messageIndex) deleteAll(ctx context.Context, keys []string) error {
	if len(keys) == 0 {
		return nil
	}
	return p.st.Update(ctx, func(tx store.Tx) error {
		for _, key := range keys {
			if err := messages.Delete(tx, key); err != nil {
				return err
			}
		}
		return nil
	})
}

// page returns the next keys in order, from the key from on.
func (p messageIndex) page(ctx context.Context, from string) (keys []string, err error) {
	err = p.st.View(ctx, func(tx store.Tx) error {
		keys = nil
		return messages.Scan(tx, store.Range{From: from}, func(key string, _ messageRef) bool {
			keys = append(keys, key)
			return len(keys) < sweepPage
		})
	})
	return keys, err
}
