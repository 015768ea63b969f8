package bot

import (
	"context"

	"alsbot/runs"
	"alsbot/store"
)

// A request whose plan doesn't fit on its message is posted without an Approve
// button. In the transaction that records where it is, its approval gets the
// reason, and a row asks for the file with the whole plan (send_plan.go). Once
// Slack has the file, the reason goes and the button comes.

// sendApproval shows an approval's present state in its message. If approvers'
// own channel refuses the message, it goes to the next channel that takes it: a
// request that no one sees can't be approved.
func (s *sender) sendApproval(ctx, long context.Context, q *channelQueue, msg *message) error {
	r, a, err := s.engine.Load(ctx, msg.run)
	if err != nil || a == nil {
		return err
	}
	at, _, err := s.index.find(ctx, msg.key)
	if err != nil {
		return err
	}
	k := metadata{run: r.ID, kind: string(runs.TellApproval)}
	channels := s.approvalChannels(r)
	if at.TS != "" {
		channels = append([]string{at.Channel}, channels...)
	}
	unshown := unshownAtFirst(s.cleaner, r)
	draw := func(fresh bool) content {
		if fresh {
			a.Unshown, a.Filed = unshown, false
		}
		return approvalMessage(s.cleaner, r, *a)
	}
	code := "no channel is configured for approvals"
	for _, channel := range channels {
		now, err := s.updateOrPost(ctx, long, q, at, channel, "", draw, k)
		t := classify(err)
		if t.fate != refused {
			msg.at, msg.misplaced = now, now != nil && now.Channel != channels[0]
			if now != nil {
				msg.also = func(tx store.Tx) error { return recordUnshown(tx, r.ID, unshown) }
			}
			return err
		}
		code, at = t.code, messageRef{}
		s.log.Error("Slack does not take a request for approval", "run", r.ID, "channel", channel, "code", code, "next", channelAdvice(code))
	}
	s.notifyRequester(long, r, draw(true), code)
	msg.at, msg.misplaced = &messageRef{Channel: msg.queue, Refused: code}, true
	return nil
}

// unshownAtFirst says why approvers can't read all that they would approve when
// the request has just been posted; "" if the message has it all.
func unshownAtFirst(c cleaner, r runs.Run) string {
	if planFits(c, r) {
		return ""
	}
	return textPlanComes
}

// recordUnshown records what a new message of a request doesn't show, and asks
// for the file that does.
func recordUnshown(tx store.Tx, run, unshown string) error {
	if _, err := runs.SetShown(tx, run, unshown, false); err != nil || unshown == "" {
		return err
	}
	return runs.Tell(tx, runs.Outgoing{Kind: runs.TellPlan, Run: run})
}
