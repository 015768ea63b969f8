package bot

import (
	"context"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"alsbot/als"
	"alsbot/jobs"
)

// Who rejects is asked why, in a modal; they may leave it empty. Its private
// metadata is what the button carried and the channel of the request: who may
// decide, and about what, is asked of the engine again when it comes back.
const (
	callbackReject = "reject"
	inputWhy       = "why"
	openLimit      = 2 * time.Second // a trigger lives for three
)

// askWhy opens the modal for who has pressed Reject. Where it cannot be
// opened, the caller rejects without a reason: that is what was pressed.
func (b *Bot) openRejectModal(ctx context.Context, d delivery, r jobs.Run) bool {
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

func rejectModal(c cleaner, d delivery, r jobs.Run) slack.ModalViewRequest {
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

// rejected takes the modal back: the run is rejected, with the reason if one was given.
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

// stale reports a button, or a modal behind one, of another plan than the present one.
func (b *Bot) stalePlan(ctx context.Context, run, digest string) (jobs.Answer, bool) {
	_, a, err := b.engine.Get(ctx, run)
	if err == nil && a != nil && digestPrefix(a.Digest) != digest {
		return jobs.Answer{Bad: true, Text: textStaleButton}, true
	}
	return jobs.Answer{}, false
}
