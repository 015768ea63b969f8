package bot

import (
	"context"
	"strings"

	"alsbot/runs"
)

// sendFollowUp says in a run's thread what was seen after the run's end: a role
// that has fallen, for example. If the run has no message, it says so in the
// channel that would have it: nobody looks into a thread that isn't there.
func (s *sender) sendFollowUp(ctx, long context.Context, q *channelQueue, msg *message) error {
	r, _, err := s.engine.Load(ctx, msg.run)
	if err != nil {
		return err
	}
	at, err := s.threadOf(ctx, r)
	if err != nil {
		return err
	}
	if at.TS == "" {
		at.Channel, _ = s.runDestination(ctx, r)
	}
	m := followUpMessage(s.cleaner, r, strings.Join(msg.texts(), "\n"))
	if at.Channel == "" {
		s.log.Warn("there is no channel to say what followed a run", "run", r.ID, "text", m.text)
		return nil
	}
	if err := s.waitForRate(ctx, q, methodPost); err != nil {
		return err
	}
	_, err = s.client.post(long, at.Channel, at.TS, m, metadata{run: r.ID, kind: string(runs.TellFollowUp)})
	if t := classify(err); t.fate == refused {
		s.log.Error("Slack does not take what followed a run", "run", r.ID, "channel", at.Channel, "code", t.code, "next", channelAdvice(t.code), "text", m.text)
		s.notifyRequester(long, r, m, t.code)
		return nil
	}
	return err
}
