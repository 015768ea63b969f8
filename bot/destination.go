package bot

import (
	"context"
	"time"

	"alsbot/runs"
)

// channelOf returns the channel, and so the queue, of a row about a run: the
// one that has the message already, else the one that will have it.
func (s *sender) channelOf(ctx context.Context, key string, row runs.Outgoing) string {
	if at, ok, err := s.index.find(ctx, key); err == nil && ok {
		return at.Channel
	}
	r, _, err := s.engine.Load(ctx, row.Run)
	if err != nil {
		return ""
	}
	if row.Kind == runs.TellApproval {
		for _, channel := range s.approvalChannels(r) {
			return channel
		}
	}
	channel, _ := s.runDestination(ctx, r)
	return channel
}

// runDestination returns where a run's message goes: to where the run was
// requested, else to its cluster's channel. A run that follows another one goes
// into that one's thread.
func (s *sender) runDestination(ctx context.Context, r runs.Run) (channel, thread string) {
	channel, thread = r.Origin.Channel, r.Origin.Thread
	if channel == "" {
		channel = s.clusterChannel(r.Request.Cluster)
	}
	if r.After == "" || thread != "" {
		return channel, thread
	}
	if at, ok, err := s.index.find(ctx, runKey(r.After)); err == nil && ok && at.TS != "" {
		return at.Channel, at.TS
	}
	return channel, ""
}

func (s *sender) clusterChannel(name string) string {
	c, _ := s.cfg.Cluster(name)
	return c.Channel
}

// approvalChannels returns the channels that an approval request can go to,
// best first.
func (s *sender) approvalChannels(r runs.Run) []string {
	c, _ := s.cfg.Cluster(r.Request.Cluster)
	var some []string
	for _, channel := range []string{c.Approvals, c.Channel, r.Origin.Channel} {
		if channel != "" {
			some = append(some, channel)
		}
	}
	return some
}

// approvalRef returns where a run's approval request is, or the channel it will
// go to.
func (s *sender) approvalRef(ctx context.Context, r runs.Run) (messageRef, error) {
	at, known, err := s.index.find(ctx, approvalKey(r.ID))
	if some := s.approvalChannels(r); !known && len(some) > 0 {
		at.Channel = some[0]
	}
	return at, err
}

// responseURLValid reports whether a response URL from a run requested at that
// time can still work.
func responseURLValid(asked time.Time) bool { return time.Since(asked) < responseURLLife-time.Minute }

// responseURLLife is how long Slack accepts answers at a response URL.
const responseURLLife = 30 * time.Minute
