package bot

import (
	"context"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"alsbot/als"
	"alsbot/jobs"
	"alsbot/runs"
)

// A person who rejects is asked for a reason in a modal, and may leave it
// empty. The modal's private metadata has the button's value and the channel of
// the request. When the modal comes back, the engine checks again who may
// decide about what.
const (
	callbackReject = "reject"
	inputWhy       = "why"
	openLimit      = 2 * time.Second // a trigger lives for three seconds
)

// openRejectModal opens the modal for the person who pressed Reject. If it
// can't be opened, the caller rejects without a reason: the person did press
// Reject.
func (b *Bot) openRejectModal(ctx context.Context, d delivery, r runs.Run) bool {
	if d.trigger == "" {
		return false
	}
	err := b.client.call(ctx, methodOpen, openLimit, func(ctx context.Context) error {
		_, err := b.client.api.OpenViewContext(ctx, d.trigger, rejectModal(b.cleaner, d, r))
		return err
	})
	if err != nil {
		b.log.Warn("asking for the reason of a rejection", "run", r.ID, "user", d.user, "error", err)
	}
	return err == nil
}

func rejectModal(c cleaner, d delivery, r runs.Run) slack.ModalViewRequest {
	card := newCard(c)
	card.line(card.code(r.Text))
	card.line(append([]part{card.say("Asked by ")}, who(card, r.By)...)...)
	text := slack.NewPlainTextInputBlockElement(plainText("Not before the release is out", 150), inputWhy)
	text.Multiline, text.MaxLength = true, als.MaxReason
	input := slack.NewInputBlock(inputWhy, plainText("Why? Whoever asked is told", 150), nil, text)
	input.Optional = true
	return slack.ModalViewRequest{
		Type: slack.VTModal, CallbackID: callbackReject, PrivateMetadata: d.value + " " + d.channel,
		Title: plainText("Reject this run?", 24), Submit: plainText("Reject", 24), Close: plainText("Not now", 24),
		Blocks: slack.Blocks{BlockSet: append(card.message("").blocks, input)},
	}
}

// submitRejection rejects the run that a submitted modal is about, with the
// reason if there is one.
func (b *Bot) submitRejection(ctx context.Context, d delivery) jobs.Answer {
	run, digest, _ := strings.Cut(d.value, " ")
	if no, stale := b.stalePlan(ctx, run, digest); stale {
		return no
	}
	ans, err := b.engine.Reject(ctx, run, d.text, d.principal())
	if err != nil {
		return b.internalError(d, err)
	}
	return ans
}

// stalePlan reports a button or a modal that belongs to an earlier plan, and
// returns the answer to it.
func (b *Bot) stalePlan(ctx context.Context, run, digest string) (jobs.Answer, bool) {
	_, a, err := b.engine.Load(ctx, run)
	if err == nil && a != nil && digestPrefix(a.Digest) != digest {
		return jobs.Answer{Bad: true, Text: textStaleButton}, true
	}
	return jobs.Answer{}, false
}
