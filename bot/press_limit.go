package bot

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	pressEvery = 3 * time.Second  // a person's presses, on average
	pressBurst = 20               // presses that a person can make at once
	pressTell  = 10 * time.Second // between two answers to presses too many
)

// pressLimits limits each person's presses, or mentions. Each press that counts
// looks rights up in Slack, each mention is answered in its channel, and everybody
// can do both: one person must not use up what Slack allows to all.
type pressLimits struct {
	mu     sync.Mutex
	people map[string]*personPresses
	swept  time.Time
}

type personPresses struct {
	limiter *rate.Limiter
	told    time.Time // when the person was last told
}

// allow reports whether a person may press now. If not, tell reports whether
// the person should be told: not at every press of a storm.
func (l *pressLimits) allow(user string, now time.Time) (ok, tell bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sweep(now)
	p := l.people[user]
	if p == nil {
		p = &personPresses{limiter: rate.NewLimiter(rate.Every(pressEvery), pressBurst)}
		l.people[user] = p
	}
	if p.limiter.AllowN(now, 1) {
		return true, false
	}
	if tell = now.Sub(p.told) >= pressTell; tell {
		p.told = now
	}
	return false, tell
}

// sweep forgets people who have not pressed for a while.
func (l *pressLimits) sweep(now time.Time) {
	if l.people == nil {
		l.people = make(map[string]*personPresses)
	}
	if now.Sub(l.swept) < time.Minute {
		return
	}
	l.swept = now
	for user, p := range l.people {
		if p.limiter.TokensAt(now) >= pressBurst {
			delete(l.people, user)
		}
	}
}
