package bot

import (
	"context"
	"time"

	"alsbot/jobs"
)

// channelOf finds the lane of something about a run: the channel in which it
// was told before, or in which it would be told.
func (s *sender) channelOf(ctx context.Context, key string, row jobs.Outgoing) string {
	if at, ok, err := s.index.find(ctx, key); err == nil && ok {
		return at.Channel
	}
	r, _, err := s.engine.Get(ctx, row.Run)
	if err != nil {
		return ""
	}
	if row.Kind == jobs.TellApproval {
		for _, channel := range s.approvalChannels(r) {
			return channel
		}
	}
	channel, _ := s.runDestination(ctx, r)
	return channel
}

// runChannel is where a run's message goes: where it was asked for, else its
// cluster's channel. What follows on another run goes into that one's thread.
func (s *sender) runDestination(ctx context.Context, r jobs.Run) (channel, thread string) {
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

// approvalChannels are where a request for approval can go, best first.
func (s *sender) approvalChannels(r jobs.Run) []string {
	c, _ := s.cfg.Cluster(r.Request.Cluster)
	var some []string
	for _, channel := range []string{c.Approvals, c.Channel, r.Origin.Channel} {
		if channel != "" {
			some = append(some, channel)
		}
	}
	return some
}

// askedAt is where a run's approval is asked for: where its card is, else
// where that is going to be.
func (s *sender) approvalRef(ctx context.Context, r jobs.Run) (messageRef, error) {
	at, known, err := s.index.find(ctx, approvalKey(r.ID))
	if some := s.approvalChannels(r); !known && len(some) > 0 {
		at.Channel = some[0]
	}
	return at, err
}

// fresh reports whether a response URL that came with the run can still work.
func responseURLValid(asked time.Time) bool { return time.Since(asked) < responseURLLife-time.Minute }

// responseLife is how long Slack takes answers by a response URL.
const responseURLLife = 30 * time.Minute
