package bot

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/slack-go/slack"

	"alsbot/jobs"
)

// The commands that a run's verdict offers are buttons on its last message.
// A button's value is the run's ID and which of its offers it is, never the
// command: that is read from the store, and then it is as if typed.

const actionOffer = "offer-" // and which, counted from 0: Slack wants it unique in a block

// offers adds a button for each command that the run offers.
func offers(card *card, r jobs.Run) {
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

// taken asks for what a run offers, in the name of who pressed.
func (b *Bot) acceptOffer(ctx context.Context, d delivery) jobs.Answer {
	id, which, _ := strings.Cut(d.value, " ")
	unknown := jobs.Answer{Bad: true, Text: textUnknownButton}
	r, _, err := b.engine.Get(ctx, id)
	var gone *jobs.NotFoundError
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
	if a.Bad { // who pressed has not typed it, and may have to
		a.Text = "`" + some[n] + "`: " + a.Text
	}
	return a
}
