package bot

import (
	"context"
	"errors"
	"slices"
	"time"

	"alsbot/runs"
)

// After an outage many runs may have ended without a message. Slack accepts one
// message a second in a channel, so the sender lists ended runs in one message,
// a line each, and the channel is up to date within a minute.

const (
	digestFrom = 15          // messages in a queue
	digestAge  = time.Minute // and the age of the first one
	digestRuns = 40          // runs in one digest
	digestMin  = 5           // fewer are sent one by one
)

// nextMessage returns what the queue sends next: a request for approval, else its
// first message or, after an outage, a digest of as many as possible.
func (q *channelQueue) nextMessage(now time.Time) *message {
	if i := slices.IndexFunc(q.messages, func(m *message) bool { return m.kind == runs.TellApproval }); i >= 0 {
		return q.messages[i]
	}
	head := q.messages[0]
	if len(q.messages) < digestFrom || now.Sub(head.rows[0].At) < digestAge || head.kind != runs.TellRun || q.notDigested == head.key {
		return head
	}
	return &message{queue: head.queue, key: string(digest), kind: digest, rows: head.rows, candidates: q.messages}
}

// sendDigest lists the runs in the queue that have ended and have no message
// yet. If there are too few, the first message is sent by itself.
func (s *sender) sendDigest(ctx, long context.Context, q *channelQueue, msg *message) error {
	var ended []runs.Run
	digested := make(map[string]bool)
	for _, other := range msg.candidates {
		if other.kind != runs.TellRun || len(ended) == digestRuns {
			continue
		}
		r, ok, err := s.digestible(ctx, other)
		if err != nil {
			return err
		}
		if ok {
			ended = append(ended, r)
			digested[r.ID] = true
		}
	}
	if len(ended) < digestMin {
		q.notDigested, msg.rows = msg.candidates[0].key, nil
		return nil // the next scan sends the first message by itself
	}
	if err := s.waitForRate(ctx, q, methodPost); err != nil {
		return err
	}
	_, err := s.client.post(long, msg.queue, "", digestMessage(s.cleaner, ended), metadata{kind: string(digest)})
	if t := classify(err); t.fate == refused {
		q.notDigested, msg.rows = msg.candidates[0].key, nil
		return nil
	}
	if err != nil {
		return err
	}
	msg.rows = nil
	for _, other := range msg.candidates {
		if digested[other.run] && (other.kind == runs.TellRun || other.kind == runs.TellOutput) {
			msg.rows = append(msg.rows, other.rows...)
		}
	}
	return nil
}

// digestible returns the run of a message, and whether it has ended and has no
// message in Slack.
func (s *sender) digestible(ctx context.Context, msg *message) (runs.Run, bool, error) {
	r, _, err := s.engine.Load(ctx, msg.run)
	var gone *runs.NotFoundError
	if errors.As(err, &gone) {
		return r, false, nil
	}
	if err != nil || !r.State.Final() || r.Origin.Thread != "" || r.After != "" {
		return r, false, err
	}
	at, _, err := s.index.find(ctx, msg.key)
	return r, at.TS == "", err
}
