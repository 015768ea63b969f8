package bot

import (
	"context"
	"time"

	"alsbot/crashpoint"
	"alsbot/jobs"
	"alsbot/store"
)

// places remembers where something was told.
type places struct {
	st     store.Store
	engine engine
}

// messages is the bot's own bucket: "run/ID" and "approval/ID" → where it is.
var messages = store.Bucket[place]{Name: "messages"}

// find returns where something was told, and whether it was.
func (p places) find(ctx context.Context, key string) (place, bool, error) {
	var at place
	var ok bool
	err := p.st.View(ctx, func(tx store.Tx) (err error) {
		at, ok, err = messages.Get(tx, key)
		return err
	})
	return at, ok, err
}

// told deletes the errand's rows and notes, in the same transaction, where
// it was told (nil: nothing to note). It does not give up while ctx lives:
// what has been told and is not written down would be told again.
func (p places) told(ctx context.Context, e *errand, at *place) error {
	for {
		err := p.st.Update(ctx, func(tx store.Tx) error {
			if at != nil {
				if err := messages.Put(tx, e.key, *at); err != nil {
					return err
				}
			}
			for _, row := range e.rows {
				if err := p.engine.Told(tx, row); err != nil {
					return err
				}
			}
			return nil
		})
		if err == nil {
			crashpoint.Point(crashpoint.AfterAck)
		}
		if err == nil || !pause(ctx, storeRest) {
			return err
		}
	}
}

// channelOf finds the lane of something about a run: the channel in which it
// was told before, or in which it would be told.
func (s *sender) channelOf(ctx context.Context, key string, row jobs.Outgoing) string {
	if at, ok, err := s.places.find(ctx, key); err == nil && ok {
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
	channel, _ := s.runChannel(ctx, r)
	return channel
}

// runChannel is where a run's message goes: where it was asked for, else its
// cluster's channel. What follows on another run goes into that one's thread.
func (s *sender) runChannel(ctx context.Context, r jobs.Run) (channel, thread string) {
	channel, thread = r.Origin.Channel, r.Origin.Thread
	if channel == "" {
		channel = s.clusterChannel(r.Request.Cluster)
	}
	if r.After == "" || thread != "" {
		return channel, thread
	}
	if at, ok, err := s.places.find(ctx, runKey(r.After)); err == nil && ok && at.TS != "" {
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
func (s *sender) askedAt(ctx context.Context, r jobs.Run) (place, error) {
	at, known, err := s.places.find(ctx, cardKey(r.ID))
	if some := s.approvalChannels(r); !known && len(some) > 0 {
		at.Channel = some[0]
	}
	return at, err
}

// fresh reports whether a response URL that came with the run can still work.
func fresh(asked time.Time) bool { return time.Since(asked) < responseLife-time.Minute }

// responseLife is how long Slack takes answers by a response URL.
const responseLife = 30 * time.Minute
