package bot

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
	"golang.org/x/time/rate"

	"alsbot/jobs"
)

const (
	// memberAge is how long an answer of Slack about people stays in the cache.
	memberAge = 5 * time.Minute
	// flightGap is how long a look-up that has to be new waits at most for one
	// of the same ID that is under way.
	flightGap = time.Second
)

// errTooMany says that look-ups for people without rights have used up their
// share of what Slack allows.
var errTooMany = errors.New("too many look-ups for people without access; the next one is possible in a few seconds")

// lookups caches what Slack says about one kind of thing, by its ID. Callers who
// want the same at the same time share one call.
//
// Anyone can press a button, so look-ups for people who are not known to have
// rights have a budget, and calls of their own: however many they cause, they
// don't delay the look-up for an approver.
type lookups[T any] struct {
	fetch  func(ctx context.Context, id string) (T, error)
	budget *rate.Limiter // of look-ups for people who are not known to have rights
	// firstFree allows the first look-up of each ID without regard to the
	// budget, for IDs that come from the config.
	firstFree bool

	flights singleflight.Group
	mu      sync.Mutex
	known   map[string]*answered[T]
	under   map[string]flight // the last flight of each key
}

// answered is what Slack has said about an ID. at is zero if no look-up has
// succeeded.
type answered[T any] struct {
	value T
	at    time.Time
}

// flight is a call that is under way, or was.
type flight struct {
	began  time.Time
	landed chan struct{}
}

// get returns what Slack says about an ID, from the cache as far as f allows.
// yes reports whether a value gives the person of the caller any right; the
// budget isn't for a person whom the config names. Without an answer of Slack,
// get returns an error and never an old value.
func (l *lookups[T]) get(ctx context.Context, id string, named bool, yes func(T) bool, f jobs.Freshness) (T, error) {
	last, tried := l.last(id)
	hasRights := !last.at.IsZero() && yes(last.value)
	if !last.at.IsZero() && time.Since(last.at) < memberAge && (f == jobs.Cached || f == jobs.FreshYes && !hasRights) {
		return last.value, nil
	}
	lane := "known/"
	if !hasRights && !named && f != jobs.Fresh {
		lane = "open/"
		if !tried && l.firstFree {
			l.budget.ReserveN(time.Now(), 1) // it counts
		} else if !l.budget.Allow() {
			var none T
			return none, errTooMany
		}
	}
	return l.share(ctx, lane, id, f != jobs.Cached)
}

// last returns the last answer about an ID, and whether a look-up was ever
// tried.
func (l *lookups[T]) last(id string) (answered[T], bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if a := l.known[id]; a != nil {
		return *a, true
	}
	return answered[T]{}, false
}

// share looks an ID up for all who want it now. A caller who wants it new does
// not join a call that has begun before. A caller that gives up doesn't take
// the answer from the others.
func (l *lookups[T]) share(ctx context.Context, lane, id string, isNew bool) (T, error) {
	key := lane + id
	if isNew {
		key = "new/" + key
	}
	answer := l.flights.DoChan(key, func() (any, error) {
		if isNew {
			l.waitForFlight(key)
			l.flights.Forget(key)
		}
		landed := l.begin(key)
		defer close(landed)
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callLimit)
		defer cancel()
		return l.fetchAndStore(ctx, id)
	})
	var none T
	select {
	case a := <-answer:
		if a.Err != nil {
			return none, a.Err
		}
		v, _ := a.Val.(T)
		return v, nil
	case <-ctx.Done():
		return none, fmt.Errorf("looking up %s: %w", id, ctx.Err())
	}
}

// waitForFlight waits until the call before has landed, but not for long: it
// may hang.
func (l *lookups[T]) waitForFlight(key string) {
	l.mu.Lock()
	before := l.under[key]
	l.mu.Unlock()
	if before.landed == nil {
		return
	}
	t := time.NewTimer(time.Until(before.began.Add(flightGap)))
	defer t.Stop()
	select {
	case <-before.landed:
	case <-t.C:
	}
}

func (l *lookups[T]) begin(key string) (landed chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.under == nil {
		l.under = make(map[string]flight)
	}
	landed = make(chan struct{})
	l.under[key] = flight{began: time.Now(), landed: landed}
	return landed
}

func (l *lookups[T]) fetchAndStore(ctx context.Context, id string) (T, error) {
	asked := time.Now()
	value, err := l.fetch(ctx, id)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.known == nil {
		l.known = make(map[string]*answered[T])
	}
	if l.known[id] == nil {
		l.known[id] = &answered[T]{}
	}
	if err == nil && !asked.Before(l.known[id].at) {
		*l.known[id] = answered[T]{value: value, at: asked}
	}
	return value, err
}
