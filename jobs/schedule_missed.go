package jobs

import (
	"fmt"
	"sync"
	"time"
)

// moment is a time by the clock on the wall, and how long the process had been
// up then. The two part when the clock is put forward or the host stands still.
type moment struct {
	at time.Time
	up time.Duration
}

// looks remembers when the slots of a timer were looked at, so that of one
// that was missed it can be said why, as far as that is known.
type looks struct {
	start time.Time // of alsbot's look at its schedules, with the monotonic reading

	mu     sync.Mutex
	last   moment // the last look that went well
	failed error  // why there was none since
}

func startLooks() *looks {
	now := time.Now()
	return &looks{start: now, last: moment{at: now.Round(0)}}
}

func (l *looks) moment(now time.Time) moment {
	return moment{at: now.Round(0), up: now.Sub(l.start)}
}

// done notes how a look at now has ended.
func (l *looks) done(now time.Time, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failed = err; err == nil {
		l.last = l.moment(now)
	}
}

// why says what is known of why a slot that is found late at now was missed.
func (l *looks) why(slot, now time.Time) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return whyMissed(slot, l.start.Round(0), l.last, l.moment(now), l.failed)
}

// whyMissed is why for an alsbot that was started at start, by the clock of
// then, and whose last good look was last. failed is what came in its way since.
// Times are those of the slot's zone.
func whyMissed(slot, start time.Time, last, now moment, failed error) string {
	if begun := now.at.Add(-now.up); begun.Before(start) {
		start = begun // the clock was ahead then
	}
	clock := func(t time.Time) string { return t.In(slot.Location()).Format(slotTime) }
	leap := now.at.Sub(last.at) - (now.up - last.up)
	switch {
	case slot.Before(start):
		return "alsbot runs only since " + clock(start)
	case failed != nil:
		return fmt.Sprintf("alsbot could not write it down (%v)", failed)
	case leap > onTime:
		return fmt.Sprintf("the clock of alsbot's host went from %s to %s at once: it was put forward, or the host stood still",
			clock(last.at), clock(now.at))
	}
	return "alsbot was running, but came to it only at " + clock(now.at)
}
