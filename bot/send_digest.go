package bot

import (
	"context"
	"errors"
	"time"

	"alsbot/jobs"
)

// After an outage many runs may have ended of which nobody was told. Slack
// takes one message a second in a channel; so those that are over are told
// together, a line each, and the channel is up to date within a minute.

const (
	digestFrom = 15          // errands in a lane
	digestAge  = time.Minute // and how long the first has waited
	digestRuns = 40          // in one message
	digestMin  = 5           // fewer are told one by one
)

// digest is the kind of an errand that tells of many runs at once.
const digest jobs.Kind = "digest"

// nextErrand is what a lane tells next: its first errand, or, after an outage, as
// many as can be told together with it.
func (l *lane) nextErrand(now time.Time) *errand {
	head := l.ordered[0]
	if len(l.ordered) < digestFrom || now.Sub(head.rows[0].At) < digestAge || head.kind != jobs.TellRun || l.undigested == head.key {
		return head
	}
	return &errand{lane: head.lane, key: string(digest), kind: digest, rows: head.rows, together: l.ordered}
}

// tellDigest tells of the runs in the lane that have ended and were never
// told of. With too few of those the first errand is told by itself.
func (s *sender) tellDigest(ctx, long context.Context, l *lane, e *errand) error {
	var over []jobs.Run
	told := make(map[string]bool)
	for _, one := range e.together {
		if one.kind != jobs.TellRun || len(over) == digestRuns {
			continue
		}
		r, ok, err := s.digestible(ctx, one)
		if err != nil {
			return err
		}
		if ok {
			over = append(over, r)
			told[r.ID] = true
		}
	}
	if len(over) < digestMin {
		l.undigested = e.together[0].key
		return nil // looked at again, the first errand is told by itself
	}
	if err := s.ready(ctx, l, methodPost); err != nil {
		return err
	}
	_, err := s.client.post(long, e.lane, "", digestMessage(s.cleaner, over), mark{kind: string(digest)})
	if t := understand(err); t.fate == refused {
		l.undigested = e.together[0].key
		return nil
	}
	if err != nil {
		return err
	}
	all := &errand{}
	for _, one := range e.together {
		if told[one.run] && (one.kind == jobs.TellRun || one.kind == jobs.TellOutput) {
			all.rows = append(all.rows, one.rows...)
		}
	}
	return s.places.told(long, all, nil)
}

// digestible returns the run of an errand if it is over and has no message.
func (s *sender) digestible(ctx context.Context, e *errand) (jobs.Run, bool, error) {
	r, _, err := s.engine.Get(ctx, e.run)
	var gone *jobs.NotFoundError
	if errors.As(err, &gone) {
		return r, false, nil
	}
	if err != nil || !r.State.Final() || r.Origin.Thread != "" || r.After != "" {
		return r, false, err
	}
	at, _, err := s.places.find(ctx, e.key)
	return r, at.TS == "", err
}
