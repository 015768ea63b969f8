package store

import (
	"context"
	"sync"
)

// watchers holds the channels that receive after commits, by bucket. The zero
// value is ready to use.
type watchers struct {
	mu     sync.Mutex
	by     map[string]map[chan struct{}]bool
	closed bool
}

func (w *watchers) add(ctx context.Context, bucket string) <-chan struct{} {
	ch := make(chan struct{}, 1) // one signal waits; later ones merge into it
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		close(ch)
		return ch
	}
	if w.by == nil {
		w.by = map[string]map[chan struct{}]bool{}
	}
	if w.by[bucket] == nil {
		w.by[bucket] = map[chan struct{}]bool{}
	}
	w.by[bucket][ch] = true
	context.AfterFunc(ctx, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.by[bucket][ch] {
			delete(w.by[bucket], ch)
			close(ch)
		}
	})
	return ch
}

func (w *watchers) notify(buckets map[string]bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for b := range buckets {
		for ch := range w.by[b] {
			select {
			case ch <- struct{}{}:
			default:
			}
		}
	}
}

// close closes all channels.
func (w *watchers) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	for _, channels := range w.by {
		for ch := range channels {
			close(ch)
		}
	}
	w.by = nil
}
