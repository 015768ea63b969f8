package als

import (
	"fmt"
	"slices"
	"strings"
)

// Advice is what a person can do next: a text for people, and beside it, as
// data, all that alsbot has to know of the text. Nothing reads the text again.
type Advice struct {
	Text string `json:"text,omitempty"` // for people; it has the commands in back-ticks
	// Commands are what Text tells people to type, without back-ticks, as a rule
	// whole commands, of alsbot or of a node's shell.
	Commands []string `json:"commands,omitempty"`
	// Offers are whole commands of Commands that get a button: at most
	// MaxOffers, and none with the effect Destroy. An offered command is checked
	// and approved as if it was typed.
	Offers []string `json:"offers,omitempty"`
	// Reword is true if only other words than were typed help: the same words
	// would be refused again.
	Reword bool `json:"reword,omitempty"`
	// Generic is true if nothing better was known than to read the output. Text
	// begins with that advice then; Specific is the rest.
	Generic bool `json:"generic,omitempty"`
}

// MaxOffers limits the commands that an advice offers. If there are more, Text
// names them all.
const MaxOffers = 3

// Typed is a command as a person types it. In a text it stands in back-ticks.
type Typed string

func (c Typed) String() string { return "`" + string(c) + "`" }

// Advise returns an advice. Of the arguments, a Typed, each Typed of a list
// and the commands of another Advice become commands of this one. All others
// are text and nothing more, also if they contain back-ticks.
func Advise(format string, args ...any) Advice {
	var a Advice
	words := make([]any, len(args))
	for i, arg := range args {
		words[i] = arg
		switch arg := arg.(type) {
		case Typed:
			a.Commands = append(a.Commands, string(arg))
		case []Typed:
			a.Commands = append(a.Commands, plain(arg[:min(len(arg), listMost)])...)
			words[i] = listCommands(arg)
		case Advice:
			a.Commands = append(a.Commands, arg.Commands...)
		}
	}
	a.Text = fmt.Sprintf(format, words...)
	return a
}

// offer returns an advice to continue with certain commands, which are offered.
// words says what to do; its %s becomes the commands.
func offer(words string, commands ...Typed) Advice {
	return Advise(words, commands).offering(commands...)
}

// offering returns the advice with those of its commands that get a button.
func (a Advice) offering(commands ...Typed) Advice {
	a.Offers = plain(commands[:min(len(commands), MaxOffers)])
	return a
}

// ReadOutput is the advice if there is no better one. This package does not
// know the run's ID, so the engine replaces it with a command.
var ReadOutput = Advice{Text: readOutput, Generic: true}

const readOutput = "Read the output of this run."

// String returns the text.
func (a Advice) String() string { return a.Text }

// Empty reports whether there is nothing to do, or nothing is known.
func (a Advice) Empty() bool { return a.Text == "" }

// Or returns the advice, or the other one if it is empty.
func (a Advice) Or(other Advice) Advice {
	if a.Empty() {
		return other
	}
	return a
}

// And returns the advice followed by another one.
func (a Advice) And(next Advice) Advice {
	switch {
	case a.Empty():
		return next
	case next.Empty():
		return a
	}
	offers := slices.Concat(a.Offers, next.Offers)
	return Advice{
		Text:     a.Text + " " + next.Text,
		Commands: slices.Concat(a.Commands, next.Commands),
		Offers:   offers[:min(len(offers), MaxOffers)],
		Reword:   a.Reword || next.Reword,
		Generic:  a.Generic,
	}
}

// Specific returns the advice without what is generic in it.
func (a Advice) Specific() Advice {
	if a.Generic {
		a.Text, a.Generic = strings.TrimSpace(strings.TrimPrefix(a.Text, readOutput)), false
	}
	return a
}

// rewording returns the advice, marked as one that only other words follow.
func (a Advice) rewording() Advice {
	a.Reword = true
	return a
}

// sentence turns an advice that is a clause into one that is a sentence.
func (a Advice) sentence() Advice {
	a.Text = fullSentence(a.Text)
	return a
}

// Ended returns the advice, which may be a clause, so that a sentence can
// follow.
func (a Advice) Ended() Advice {
	if a.Text != "" && !strings.HasSuffix(a.Text, ".") && !strings.HasSuffix(a.Text, "?") {
		a.Text += "."
	}
	return a
}

// replace returns the advice with its placeholders filled in.
func (a Advice) replace(places *strings.Replacer) Advice {
	a.Text, a.Commands = places.Replace(a.Text), slices.Clone(a.Commands)
	for i, command := range a.Commands {
		a.Commands[i] = places.Replace(command)
	}
	return a
}

func plain(commands []Typed) []string {
	var out []string
	for _, c := range commands {
		out = append(out, string(c))
	}
	return out
}

// listCommands lists commands in a sentence.
func listCommands(commands []Typed) string {
	out := make([]string, len(commands))
	for i, c := range commands {
		out[i] = c.String()
	}
	return list(out)
}
