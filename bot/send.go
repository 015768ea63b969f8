package bot

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"alsbot/runs"
)

// send sends a message and deletes its rows. It returns an error if the message
// has to be sent again. If Slack will never accept it, send says it in another
// way where it can, logs the error and deletes the rows.
func (s *sender) send(ctx context.Context, q *channelQueue, msg *message) error {
	if q.unsure {
		// The last answer was lost, so Slack may have the message. A network
		// that is still down must not add a repetition: send again only once
		// Slack answers.
		if err := s.client.whoAmI(ctx); err != nil {
			return err
		}
	}
	long, cancel := withGrace(ctx, shutdownGrace)
	defer cancel()
	err := kindOf(msg.kind).send(s, ctx, long, q, msg)
	var gone *runs.NotFoundError
	if errors.As(err, &gone) {
		s.log.Warn("the run to tell about is no longer on record", "run", msg.run, "kind", msg.kind)
		msg.at, msg.also, err = nil, nil, nil
	}
	if err == nil {
		err = s.index.ackRows(long, msg)
	}
	if err == nil && msg.after != nil {
		msg.after()
	}
	return err
}

// waitForRate waits until Slack allows the method and, for posts, until the
// channel's own rate does.
func (s *sender) waitForRate(ctx context.Context, q *channelQueue, method string) error {
	if method == methodPost {
		if err := q.posts.Wait(ctx); err != nil {
			return err
		}
	}
	if method == methodUpdate {
		if s.updates.Tokens() > -updateBurst {
			s.updates.ReserveN(time.Now(), 1) // a change of state doesn't wait for the budget; progress then does
		}
	}
	if !pause(ctx, s.client.pauses.left(method)) {
		return ctx.Err()
	}
	return nil
}

// sendRun shows a run's present state in its one message.
func (s *sender) sendRun(ctx, long context.Context, q *channelQueue, msg *message) error {
	r, a, err := s.engine.Load(ctx, msg.run)
	if err != nil {
		return err
	}
	m, err := s.runMessage(ctx, r, a)
	if err != nil {
		return err
	}
	channel, thread := s.runDestination(ctx, r)
	if channel == "" {
		return nil // requested on the command line, and its cluster has no channel
	}
	k := metadata{run: r.ID, kind: string(runs.TellRun)}
	at, _, err := s.index.find(ctx, msg.key)
	if err != nil {
		return err
	}
	msg.at, err = s.updateOrPost(ctx, long, q, at, channel, thread, func(bool) content { return m }, k)
	t := classify(err)
	if t.fate != refused {
		return err
	}
	s.log.Error("Slack does not take the message of a run", "run", r.ID, "channel", channel, "code", t.code, "next", channelAdvice(t.code))
	if at.Refused == "" || r.State.Final() {
		s.notifyRequester(long, r, m, t.code)
	}
	msg.at = &messageRef{Channel: channel, Refused: t.code}
	return nil
}

// updateOrPost updates the message at at. If there is none any more, it posts a
// new one and returns where that is. draw returns the content; fresh is true
// for a new message, whose thread is empty.
func (s *sender) updateOrPost(ctx, long context.Context, q *channelQueue, at messageRef, channel, thread string, draw func(fresh bool) content, k metadata) (*messageRef, error) {
	if at.TS != "" {
		if err := s.waitForRate(ctx, q, methodUpdate); err != nil {
			return nil, err
		}
		err := s.client.update(long, at, draw(false), k)
		switch classify(err).code {
		case "message_not_found", "cant_update_message", "edit_window_closed":
			s.log.Warn("a message cannot be changed any more; writing it anew", "run", k.run, "kind", k.kind, "error", err)
		default:
			return nil, err
		}
	}
	if err := s.waitForRate(ctx, q, methodPost); err != nil {
		return nil, err
	}
	now, err := s.client.post(long, channel, thread, draw(true), k)
	if err != nil {
		return nil, err
	}
	return &now, nil
}

// notifyRequester tells the requester privately what their channel doesn't
// show.
func (s *sender) notifyRequester(ctx context.Context, r runs.Run, m content, code string) {
	if r.Origin.ResponseURL == "" || !responseURLValid(r.Asked) {
		return
	}
	if !r.State.Final() {
		m = textMessage(s.cleaner, textNotShown(r.ID, codeAdvice(code)))
	}
	if err := s.client.respond(ctx, r.Origin.ResponseURL, m); err != nil {
		s.log.Warn("telling who asked", "run", r.ID, "error", err)
	}
}

// runMessage renders a run as it is now.
func (s *sender) runMessage(ctx context.Context, r runs.Run, a *runs.Approval) (content, error) {
	v := runView{Run: r, Approval: a, Now: time.Now()}
	var err error
	switch r.State {
	case runs.Awaiting:
		v.Asked, err = s.approvalRef(ctx, r)
	case runs.Queued:
		v.Waits, err = s.engine.Waiting(ctx, r.ID)
	case runs.Running:
		tail, _, bad := s.engine.Output(ctx, r.ID, 16<<10)
		if bad != nil {
			s.log.Warn("reading the output of a run that goes on", "run", r.ID, "error", bad)
		}
		v.Tail = wholeLines(tail, 16<<10) // without its output, the run is shown all the same
	case runs.Planned, runs.Succeeded, runs.Unconfirmed, runs.Failed, runs.Cancelled, runs.Lost, runs.Rejected, runs.Expired, runs.Void:
		// the run itself has everything that its message shows
	}
	return runMessage(s.cleaner, v), err
}

// wholeLines drops the start of a tail, which may be half a line: the cleaner
// would not recognize half a secret.
func wholeLines(tail []byte, max int) []byte {
	if len(tail) < max {
		return tail
	}
	if i := strings.IndexByte(string(tail), '\n'); i >= 0 {
		return tail[i+1:]
	}
	return tail[min(len(tail), 1<<10):]
}

// sendReply sends a text to the requester privately.
func (s *sender) sendReply(ctx, long context.Context, _ *channelQueue, msg *message) error {
	row := msg.rows[0]
	m := textMessage(s.cleaner, row.Text)
	origin, to, asked := row.Origin, "", row.At
	if row.Run != "" {
		r, _, err := s.engine.Load(ctx, row.Run)
		if err != nil {
			return err
		}
		if origin == (runs.Origin{}) {
			origin = r.Origin
		}
		asked = r.Asked
		if r.By.Source == runs.FromSlack {
			to = r.By.ID
		}
	}
	if origin.ResponseURL != "" && responseURLValid(asked) {
		err := s.client.respond(long, origin.ResponseURL, m)
		if classify(err).fate != refused {
			return err
		}
	}
	if origin.Channel == "" || to == "" {
		s.log.Warn("there is no way to say this to who asked", "run", row.Run, "text", row.Text)
		return nil
	}
	if !pause(ctx, s.client.pauses.left(methodEphemeral)) {
		return ctx.Err()
	}
	err := s.client.postEphemeral(long, origin.Channel, to, m)
	if t := classify(err); t.fate == refused {
		s.log.Warn("telling who asked", "run", row.Run, "channel", origin.Channel, "code", t.code, "next", channelAdvice(t.code))
		return nil
	}
	return err
}

// sendNotice posts the texts that wait for a cluster's channel as one message.
func (s *sender) sendNotice(ctx, long context.Context, q *channelQueue, msg *message) error {
	if msg.queue == "" {
		s.log.Warn("a cluster has something to say and no channel", "cluster", msg.rows[0].Cluster, "text", msg.rows[0].Text,
			"next", "name a channel for it under clusters in the config")
		return nil
	}
	lines := msg.texts()
	text := strings.Join(lines, "\n")
	if n := len(lines); n > 1 {
		text = fmt.Sprintf("@%s, %d pieces of news:\n%s", msg.rows[0].Cluster, n, text)
	}
	if err := s.waitForRate(ctx, q, methodPost); err != nil {
		return err
	}
	_, err := s.client.post(long, msg.queue, "", textMessage(s.cleaner, text), metadata{})
	if t := classify(err); t.fate == refused {
		s.log.Error("Slack does not take a message for a cluster's channel", "channel", msg.queue, "code", t.code, "next", channelAdvice(t.code), "text", text)
		return nil
	}
	return err
}
