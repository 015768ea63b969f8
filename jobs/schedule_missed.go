package jobs

import (
	"fmt"
	"sync"
	"time"
)

// moment is a time by the wall clock, and how long the process had been up
// then. The two diverge when the clock is put forward or the host is suspended.
type moment struct {
	at time.Time
	up time.Duration
}

// slotChecks records when the slots of a timer were checked, to say why one was
// missed, as far as alsbot can know.
type slotChecks struct {
	start time.Time // of the first check, with the monotonic reading

	mu     sync.Mutex
	last   moment // the last check that went well
	failed error  // why there was none since
}

func newSlotChecks() *slotChecks {
	now := time.Now()
	return &slotChecks{start: now, last: moment{at: now.Round(0)}}
}

func (l *slotChecks) moment(now time.Time) moment {
	return moment{at: now.Round(0), up: now.Sub(l.start)}
}

// done records how a check at now has ended.
func (l *slotChecks) done(now time.Time, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failed = err; err == nil {
		l.last = l.moment(now)
	}
}

// why says why a slot that is found late at now was missed.
func (l *slotChecks) why(slot, now time.Time) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return whyMissed(slot, l.start.Round(0), l.last, l.moment(now), l.failed)
}

// whyMissed is why for an alsbot that started at start, by the clock of then,
// and whose last good check was last. failed is what has prevented one since.
// Times are shown in the slot's zone.
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
