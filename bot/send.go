package bot

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"alsbot/jobs"
)

// tell tells one errand and deletes its rows. It returns an error when the
// errand has to be told again; what Slack will never take is said otherwise
// as far as possible, logged, and done with.
func (s *sender) tell(ctx context.Context, l *lane, e *errand) error {
	if l.doubt {
		// The last answer was lost. Only when Slack answers again is it said
		// again, so that nothing is repeated for want of a network.
		if err := s.client.whoAmI(ctx); err != nil {
			return err
		}
	}
	long, cancel := linger(ctx, lastWords)
	defer cancel()
	var at *place
	var err error
	switch e.kind {
	case jobs.TellRun:
		at, err = s.tellRun(ctx, long, l, e)
	case progress:
		return s.showProgress(ctx, long, e)
	case digest:
		return s.tellDigest(ctx, long, l, e)
	case jobs.TellApproval:
		at, err = s.tellApproval(ctx, long, l, e)
	case jobs.TellOutput:
		err = s.tellOutput(ctx, long, l, e)
	case jobs.TellFile:
		return s.tellAttached(ctx, long, l, e)
	case jobs.TellReply:
		err = s.tellReply(ctx, long, e)
	case jobs.TellChannel:
		err = s.tellChannel(ctx, long, l, e)
	default:
		s.log.Error("the outbox asks for something that this version cannot tell", "kind", e.kind, "row", e.rows[0].Seq)
	}
	var gone *jobs.NotFoundError
	if errors.As(err, &gone) {
		s.log.Warn("the run to tell about is no longer on record", "run", e.run, "kind", e.kind)
		err = nil
	}
	if err != nil {
		return err
	}
	return s.places.told(long, e, at)
}

// ready waits until a method may be called and, for posts, until the
// channel's own rate allows it.
func (s *sender) ready(ctx context.Context, l *lane, method string) error {
	if method == methodPost {
		if err := l.posts.Wait(ctx); err != nil {
			return err
		}
	}
	if method == methodUpdate {
		if s.updates.Tokens() > -updateCap {
			s.updates.ReserveN(time.Now(), 1) // a state does not wait for the budget, but progress then does
		}
	}
	if !pause(ctx, s.client.pauses.left(method)) {
		return ctx.Err()
	}
	return nil
}

// tellRun shows a run's present state in its one message.
func (s *sender) tellRun(ctx, long context.Context, l *lane, e *errand) (*place, error) {
	r, a, err := s.engine.Get(ctx, e.run)
	if err != nil {
		return nil, err
	}
	m, err := s.runMessage(ctx, r, a)
	if err != nil {
		return nil, err
	}
	channel, thread := s.runChannel(ctx, r)
	if channel == "" {
		return nil, nil // asked for on the command line, and its cluster has no channel
	}
	k := mark{run: r.ID, kind: string(jobs.TellRun)}
	at, _, err := s.places.find(ctx, e.key)
	if err != nil {
		return nil, err
	}
	now, err := s.put(ctx, long, l, at, channel, thread, m, k)
	t := understand(err)
	if t.fate != refused {
		return now, err
	}
	s.log.Error("Slack does not take the message of a run", "run", r.ID, "channel", channel, "code", t.code, "next", mendRefusal(t.code))
	if at.Refused == "" || r.State.Final() {
		s.tellAside(long, r, m, t.code)
	}
	return &place{Channel: channel, Refused: t.code}, nil
}

// put shows m in the message at, or as a new one if there is none any more.
func (s *sender) put(ctx, long context.Context, l *lane, at place, channel, thread string, m message, k mark) (*place, error) {
	if at.TS != "" {
		if err := s.ready(ctx, l, methodUpdate); err != nil {
			return nil, err
		}
		err := s.client.update(long, at, m, k)
		switch understand(err).code {
		case "message_not_found", "cant_update_message", "edit_window_closed":
			s.log.Warn("a message cannot be changed any more; writing it anew", "run", k.run, "kind", k.kind, "error", err)
		default:
			return nil, err
		}
	}
	if err := s.ready(ctx, l, methodPost); err != nil {
		return nil, err
	}
	now, err := s.client.post(long, channel, thread, m, k)
	if err != nil {
		return nil, err
	}
	return &now, nil
}

// tellAside tells who asked, privately, what their channel does not show.
func (s *sender) tellAside(ctx context.Context, r jobs.Run, m message, code string) {
	if r.Origin.ResponseURL == "" || !fresh(r.Asked) {
		return
	}
	if !r.State.Final() {
		m = textMessage(s.cleaner, sayUntold(r.ID, mendSlack(code)))
	}
	if err := s.client.respond(ctx, r.Origin.ResponseURL, m); err != nil {
		s.log.Warn("telling who asked", "run", r.ID, "error", err)
	}
}

// runMessage renders a run as it is now.
func (s *sender) runMessage(ctx context.Context, r jobs.Run, a *jobs.Approval) (message, error) {
	v := runView{Run: r, Approval: a, Now: time.Now()}
	var err error
	switch r.State {
	case jobs.Awaiting:
		v.Asked, err = s.askedAt(ctx, r)
	case jobs.Queued:
		v.Waits, err = s.engine.Waiting(ctx, r.ID)
	case jobs.Running:
		tail, _, bad := s.engine.Output(ctx, r.ID, 16<<10)
		if bad != nil {
			s.log.Warn("reading the output of a run that goes on", "run", r.ID, "error", bad)
		}
		v.Tail = wholeLines(tail, 16<<10) // a run is shown also without it
	}
	return runMessage(s.cleaner, v), err
}

// wholeLines drops the beginning of a tail that may be half a line: half a
// secret would not be known as one.
func wholeLines(tail []byte, max int) []byte {
	if len(tail) < max {
		return tail
	}
	if i := strings.IndexByte(string(tail), '\n'); i >= 0 {
		return tail[i+1:]
	}
	return tail[min(len(tail), 1<<10):]
}

// tellApproval shows an approval's present state on its card. A card that
// cannot be posted where approvers look is posted where it can be: nobody
// could approve what nobody sees.
func (s *sender) tellApproval(ctx, long context.Context, l *lane, e *errand) (*place, error) {
	r, a, err := s.engine.Get(ctx, e.run)
	if err != nil {
		return nil, err
	}
	if a == nil {
		return nil, nil
	}
	at, _, err := s.places.find(ctx, e.key)
	if err != nil {
		return nil, err
	}
	m := approvalMessage(s.cleaner, r, *a)
	k := mark{run: r.ID, kind: string(jobs.TellApproval)}
	channels := s.approvalChannels(r)
	if at.TS != "" {
		channels = append([]string{at.Channel}, channels...)
	}
	code := "no channel is configured for approvals"
	for _, channel := range channels {
		now, err := s.put(ctx, long, l, at, channel, "", m, k)
		t := understand(err)
		if t.fate != refused {
			e.stray = now != nil && now.Channel != channels[0]
			return now, err
		}
		code, at = t.code, place{}
		s.log.Error("Slack does not take a request for approval", "run", r.ID, "channel", channel, "code", code, "next", mendRefusal(code))
	}
	s.tellAside(long, r, m, code)
	e.stray = true
	return &place{Channel: e.lane, Refused: code}, nil
}

// tellReply says something to who asked, privately.
func (s *sender) tellReply(ctx, long context.Context, e *errand) error {
	row := e.rows[0]
	m := textMessage(s.cleaner, row.Text)
	origin, to, asked := row.Origin, "", row.At
	if row.Run != "" {
		r, _, err := s.engine.Get(ctx, row.Run)
		if err != nil {
			return err
		}
		if origin == (jobs.Origin{}) {
			origin = r.Origin
		}
		asked = r.Asked
		if r.By.Source == jobs.FromSlack {
			to = r.By.ID
		}
	}
	if origin.ResponseURL != "" && fresh(asked) {
		err := s.client.respond(long, origin.ResponseURL, m)
		if understand(err).fate != refused {
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
	err := s.client.whisper(long, origin.Channel, to, m)
	if t := understand(err); t.fate == refused {
		s.log.Warn("telling who asked", "run", row.Run, "channel", origin.Channel, "code", t.code, "next", mendRefusal(t.code))
		return nil
	}
	return err
}

// tellChannel says what waits for a cluster's channel, as one message.
func (s *sender) tellChannel(ctx, long context.Context, l *lane, e *errand) error {
	if e.lane == "" {
		s.log.Warn("a cluster has something to say and no channel", "cluster", e.rows[0].Cluster, "text", e.rows[0].Text,
			"next", "name a channel for it under clusters in the config")
		return nil
	}
	var lines []string
	for _, row := range e.rows {
		lines = append(lines, strings.ReplaceAll(row.Text, "\n", " "))
	}
	text := strings.Join(lines, "\n")
	if n := len(lines); n > 1 {
		text = fmt.Sprintf("@%s, %d pieces of news:\n%s", e.rows[0].Cluster, n, text)
	}
	if err := s.ready(ctx, l, methodPost); err != nil {
		return err
	}
	_, err := s.client.post(long, e.lane, "", textMessage(s.cleaner, text), mark{})
	if t := understand(err); t.fate == refused {
		s.log.Error("Slack does not take a message for a cluster's channel", "channel", e.lane, "code", t.code, "next", mendRefusal(t.code), "text", text)
		return nil
	}
	return err
}
