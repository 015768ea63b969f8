package bot

import (
	"context"
	"errors"
	"strings"
	"time"

	"alsbot/jobs"
	"alsbot/store"
)

const (
	forgetEvery = 24 * time.Hour
	forgetPage  = 200 // places that are looked at together
)

// forget drops, once a day, the places of runs that are no longer on record.
func (p places) forget(ctx context.Context, say func(error)) {
	for pause(ctx, forgetEvery) {
		if err := p.sweep(ctx); err != nil && ctx.Err() == nil {
			say(err)
		}
	}
}

// sweep looks at every place once.
func (p places) sweep(ctx context.Context) error {
	for from := ""; ; {
		keys, err := p.page(ctx, from)
		if err != nil || len(keys) == 0 {
			return err
		}
		from = keys[len(keys)-1] + "\x00"
		var gone []string
		for _, key := range keys {
			_, run, _ := strings.Cut(key, "/")
			_, _, err := p.engine.Get(ctx, run)
			var unknown *jobs.NotFoundError
			if errors.As(err, &unknown) {
				gone = append(gone, key)
			} else if err != nil {
				return err
			}
		}
		if len(gone) == 0 {
			continue
		}
		if err := p.st.Update(ctx, func(tx store.Tx) error {
			for _, key := range gone {
				if err := messages.Delete(tx, key); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return err
		}
	}
}

func (p places) page(ctx context.Context, from string) (keys []string, err error) {
	err = p.st.View(ctx, func(tx store.Tx) error {
		keys = nil
		return messages.Scan(tx, store.Range{From: from}, func(key string, _ place) bool {
			keys = append(keys, key)
			return len(keys) < forgetPage
		})
	})
	return keys, err
}
