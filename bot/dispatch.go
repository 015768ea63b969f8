package bot

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"alsbot/jobs"
	"alsbot/runs"
)

const (
	askLimit      = 2500 * time.Millisecond // Slack waits 3 s for an acknowledgement
	pressAckAfter = 800 * time.Millisecond  // a press that takes longer is acknowledged before it is decided
	pressLimit    = 15 * time.Second
	replyLimit    = time.Minute
	personLimit   = 700 * time.Millisecond // a look-up of who sent a delivery
	maxAck        = 16 << 10               // bytes of an acknowledgement; Slack silently drops more than 20,480
)

// ack acknowledges a delivery once, with a payload or without one (nil). It
// reports whether Slack got the payload.
type ack func(payload json.RawMessage) bool

// handle carries out one delivery and acknowledges it. Socket Mode and HTTP
// both call it.
func (b *Bot) handle(ctx context.Context, d delivery, ack ack) {
	defer func() {
		if p := recover(); p != nil {
			b.answer(ctx, d, ack, b.internalError(d, b.recovered("working on a delivery", p)))
		}
	}()
	if d.kind == kindIgnored || b.isTalk(ctx, d) || !b.isNew(ctx, d) {
		ack(nil)
		return
	}
	if no, refused := b.refuseSender(ctx, d); refused {
		if no.Text == "" {
			ack(nil)
			return
		}
		b.noteRefused(ctx, d, no)
		b.answerPrivately(ctx, d, ack, no)
		return
	}
	switch d.kind {
	case kindCommand:
		if d.command != b.cfg.Slack.Command {
			b.answer(ctx, d, ack, jobs.Answer{Bad: true, Text: textOtherCommand})
			return
		}
		b.answer(ctx, d, ack, b.ask(ctx, d, d.text))
	case kindMention:
		a := b.ask(ctx, d, d.text)
		ack(nil) // an event takes no answer: the answer goes into the thread
		b.recordMention(ctx, d)
		b.reply(ctx, d, a)
	case kindPress, kindReason:
		b.press(ctx, d, ack)
	case kindIgnored: // acknowledged above
	}
}

// isTalk reports whether a mention is meant for somebody else: the message
// begins with the mention of another user, or the bot wrote it.
func (b *Bot) isTalk(ctx context.Context, d delivery) bool {
	return d.kind == kindMention && b.client.identified(ctx) && (d.mentioned != b.client.botUser() || d.user == b.client.botUser())
}

// refuseSender refuses a delivery that is not from a person of the bot's own
// workspace, or that comes from one who presses or speaks too often. An answer without a
// text is none: the person has been told a moment ago.
func (b *Bot) refuseSender(ctx context.Context, d delivery) (no jobs.Answer, refused bool) {
	if !b.client.identified(ctx) {
		return jobs.Answer{Bad: true, Text: textNotIdentified}, true
	}
	if no, tooMany := b.limitSender(d); tooMany {
		return no, true
	}
	if !b.client.isOwnWorkspace(d.team, d.enterprise) {
		b.log.Warn("a delivery from another workspace", "team", d.team, "user", d.user)
		if b.client.isOwnOrganization(d.enterprise) {
			return jobs.Answer{Bad: true, Text: textOtherWorkspace}, true
		}
		return jobs.Answer{Bad: true, Text: textStranger}, true
	}
	ctx, cancel := context.WithTimeout(ctx, personLimit)
	defer cancel()
	stranger, err := b.client.isStranger(ctx, d)
	switch {
	case err != nil:
		b.log.Warn("looking up the workspace of a person", "user", d.user, "error", err)
		return jobs.Answer{Bad: true, Text: textPersonUnknown}, true
	case stranger:
		b.log.Warn("a delivery from a person of another organization", "teams", d.home, "user", d.user)
		return jobs.Answer{Bad: true, Text: textStranger}, true
	}
	return jobs.Answer{}, false
}

// noteRefused puts a refusal that never reached the engine into the audit log.
func (b *Bot) noteRefused(ctx context.Context, d delivery, no jobs.Answer) {
	what := d.text
	if d.action != "" {
		what = d.action + " " + d.value
	}
	if err := b.engine.Refused(ctx, runs.Refusal{By: d.principal(), What: what, Why: no.Text}); err != nil && ctx.Err() == nil {
		b.log.Error("recording a refusal in the audit log", "user", d.user, "error", err)
	}
}

// limitSender refuses a press, or a mention, of a person who has made too many.
// A slash command costs Slack nothing: its answer goes with the acknowledgement.
func (b *Bot) limitSender(d delivery) (no jobs.Answer, tooMany bool) {
	limits, words := &b.presses, textTooMany
	switch d.kind {
	case kindPress, kindReason:
	case kindMention:
		limits, words = &b.talk, textTooManyMentions
	case kindCommand, kindIgnored:
		return jobs.Answer{}, false
	}
	ok, tell := limits.allow(d.user, time.Now())
	if ok {
		return jobs.Answer{}, false
	}
	b.log.Warn("a person presses or mentions alsbot too often", "user", d.user)
	if tell {
		no = jobs.Answer{Bad: true, Text: words}
	}
	return no, true
}

// ask passes a command to the engine. If the engine fails, ask returns a
// sentence that says so.
func (b *Bot) ask(ctx context.Context, d delivery, text string) jobs.Answer {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	origin := runs.Origin{Channel: d.channel, Thread: d.thread}
	if b.client.checkResponseURL(d.responseURL) == nil {
		origin.ResponseURL = d.responseURL
	}
	if d.kind == kindPress {
		origin.Thread = ""
	}
	a, err := b.engine.Ask(ctx, jobs.Ask{
		Key: d.key(), By: d.principal(), Text: text, Origin: origin,
	})
	if err != nil {
		return b.internalError(d, err)
	}
	return a
}

// press carries out a press of a button and sends the answer to the person who
// pressed. It acknowledges within a second, even if looking up rights takes
// longer.
func (b *Bot) press(ctx context.Context, d delivery, ack ack) {
	done := make(chan jobs.Answer, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil {
				done <- b.internalError(d, b.recovered("working on a press", p))
			}
		}()
		done <- b.decide(ctx, d)
	}()
	timer := time.NewTimer(pressAckAfter)
	defer timer.Stop()
	select {
	case a := <-done:
		ack(nil)
		b.reply(ctx, d, a)
	case <-timer.C:
		ack(nil)
		b.reply(ctx, d, <-done)
	}
}

// decide carries out what a button stands for. A button has only the run's ID
// and the start of its plan's digest; the engine checks who may press it.
func (b *Bot) decide(ctx context.Context, d delivery) jobs.Answer {
	ctx, cancel := context.WithTimeout(ctx, pressLimit)
	defer cancel()
	run, digest, _ := strings.Cut(d.value, " ")
	if run == "" {
		return jobs.Answer{Bad: true, Text: textUnknownButton}
	}
	if d.kind == kindReason {
		return b.submitRejection(ctx, d)
	}
	if strings.HasPrefix(d.action, actionOffer) {
		return b.acceptOffer(ctx, d)
	}
	switch d.action {
	case actionApprove, actionReject:
		if no, stale := b.stalePlan(ctx, run, digest); stale {
			b.noteRefused(ctx, d, no)
			return no
		}
		by := d.principal()
		if d.action == actionReject {
			r, may, err := b.engine.MayReject(ctx, run, by)
			if err == nil && may && b.openRejectModal(ctx, d, r) {
				return jobs.Answer{}
			}
		}
		ans, err := b.engine.Press(ctx, run, d.action == actionApprove, by)
		if err != nil {
			return b.internalError(d, err)
		}
		return ans
	case actionCancel:
		return b.ask(ctx, d, "cancel "+run)
	}
	return jobs.Answer{Bad: true, Text: textUnknownButton}
}

// internalError logs an error of alsbot's own and returns an answer with a
// number that finds it in the log.
func (b *Bot) internalError(d delivery, err error) jobs.Answer {
	id := strings.ToLower(rand.Text()[:8])
	b.log.Error("answering a delivery", "id", id, "user", d.user, "channel", d.channel, "text", b.cleaner.line(d.text), "action", d.action, "error", err)
	return jobs.Answer{Bad: true, Text: textTrouble(id)}
}

// answer puts the answer to a command into the acknowledgement. If the
// acknowledgement takes none, answer sends it afterwards.
func (b *Bot) answer(ctx context.Context, d delivery, ack ack, a jobs.Answer) {
	if d.kind != kindCommand {
		ack(nil)
		b.reply(ctx, d, a)
		return
	}
	payload, err := b.ackPayload(a)
	if err != nil {
		b.log.Error("writing an acknowledgement", "error", err)
	}
	if !ack(payload) {
		b.reply(ctx, d, a)
	}
}

// answerPrivately is answer for a person who gets none in the channel, not even
// in a thread: else everyone who mentions the bot could make it write there.
func (b *Bot) answerPrivately(ctx context.Context, d delivery, ack ack, a jobs.Answer) {
	if d.kind == kindMention {
		d.kind = kindPress // its answers are for one person
		d.thread = ""
	}
	b.answer(ctx, d, ack, a)
}

// ackPayload renders an answer so that it fits into an acknowledgement.
func (b *Bot) ackPayload(a jobs.Answer) (json.RawMessage, error) {
	as := slack.ResponseTypeEphemeral
	if a.Public {
		as = slack.ResponseTypeInChannel
	}
	for most := maxMessage; ; most /= 2 {
		m := answerMessage(b.cleaner, a, most)
		no := false
		payload, err := json.Marshal(slack.WebhookMessage{
			ResponseType: as, Text: m.text, Parse: "none", UnfurlLinks: &no, UnfurlMedia: &no,
			Blocks: &slack.Blocks{BlockSet: m.blocks},
		})
		if err != nil || len(payload) <= maxAck || most < 200 {
			return payload, err
		}
	}
}

// reply sends an answer after the acknowledgement: to the response URL, into
// the thread of a mention, or privately in the channel.
func (b *Bot) reply(ctx context.Context, d delivery, a jobs.Answer) {
	if a.Text == "" && a.Pre == "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, replyLimit)
	defer cancel()
	m := answerMessage(b.cleaner, a, maxMessage)
	err := errors.New("there is no way to answer")
	switch {
	case d.responseURL != "":
		err = b.client.respond(ctx, d.responseURL, m)
	case d.kind == kindMention:
		_, err = b.client.post(ctx, d.channel, d.thread, m, metadata{})
	case d.channel != "":
		err = b.client.postEphemeral(ctx, d.channel, d.user, m)
	}
	if err != nil {
		b.log.Warn("answering", "user", d.user, "channel", d.channel, "error", err, "answer", a.Text)
	}
}
