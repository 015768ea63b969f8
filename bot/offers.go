package bot

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/slack-go/slack"

	"alsbot/jobs"
	"alsbot/runs"
)

// actionOffer starts the action ID of an offer; the offer's number, from 0,
// follows, because Slack wants the ID unique in a block. An offer is a command
// that a run's verdict suggests, shown as a button on the run's last message.
// The button's value is the run's ID and the offer's number, never the command:
// alsbot reads that from the store and treats it as if the person had typed it.
const actionOffer = "offer-"

// offers adds a button for each command that the run offers.
func offers(card *card, r runs.Run) {
	var buttons []slack.BlockElement
	for i, command := range r.Offers() {
		label := card.cleaner.line(command)
		if label == "" {
			continue
		}
		n := strconv.Itoa(i)
		b := slack.NewButtonBlockElement(actionOffer+n, r.ID+" "+n, plainText(label, maxButton))
		b.AccessibilityLabel = defuse(shorten("Ask for "+label, maxButton))
		buttons = append(buttons, b)
	}
	if len(buttons) > 0 {
		card.add(slack.NewActionBlock("offers-"+r.ID, buttons...))
	}
}

// acceptOffer requests the command that a button offers, for the person who
// pressed it.
func (b *Bot) acceptOffer(ctx context.Context, d delivery) jobs.Answer {
	id, which, _ := strings.Cut(d.value, " ")
	unknown := jobs.Answer{Bad: true, Text: textUnknownButton}
	r, _, err := b.engine.Load(ctx, id)
	var gone *runs.NotFoundError
	switch {
	case errors.As(err, &gone):
		return unknown
	case err != nil:
		return b.internalError(d, err)
	}
	n, err := strconv.Atoi(which)
	some := r.Offers()
	if err != nil || n < 0 || n >= len(some) {
		return unknown
	}
	a := b.ask(ctx, d, some[n])
	if a.Bad { // the person has not typed the command, and may have to
		a.Text = "`" + some[n] + "`: " + a.Text
	}
	return a
}
