package als

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A reader returns everything that an output says, or an error. With the error
// it returns what it could read, for people: nothing may be concluded from
// that part.

// gaps collects what a reader cannot read of an output.
type gaps struct {
	lines []string // the first lines that it cannot read
	more  int      // how many others there are
	other []string // what else is wrong, as clauses
}

// notAllRead ends a list of which a part cannot be read.
const notAllRead = "(not all read)"

// gapsMost limits the lines that an error quotes.
const gapsMost = 3

// A node claims how long its lists are. No cluster has as much as this, and
// what follows compares every entry with every other, or asks every node.
const (
	nodesMost   = 500
	patchesMost = 1000
	wordsMost   = 500 // roles or processes of a node, roles or nodes of a patch
)

// tooMany notes a list that is longer than any cluster's.
func (g *gaps) tooMany(most int, noun string) {
	said := "it has more than " + count(most, noun)
	if !slices.Contains(g.other, said) {
		g.say("%s", said)
	}
}

// line notes a line or a value that cannot be read.
func (g *gaps) line(l string) {
	if len(g.lines) == gapsMost {
		g.more++
		return
	}
	g.lines = append(g.lines, printable(l, 120))
}

// say notes what else is wrong.
func (g *gaps) say(format string, args ...any) {
	if len(g.other) < gapsMost {
		g.other = append(g.other, fmt.Sprintf(format, args...))
	}
}

// textEnd notes an output of lines whose last line may be cut off.
func (g *gaps) textEnd(lines []string) {
	if last := lines[len(lines)-1]; !isNoise(last) {
		g.say("the output breaks off at %q", printable(last, 60))
	}
}

// err returns nil if everything was read. what is the subject: "the list of
// nodes".
func (g *gaps) err(what string) error {
	var parts []string
	if len(g.lines) > 0 {
		quoted := make([]string, len(g.lines))
		for i, l := range g.lines {
			quoted[i] = "\"" + l + "\""
		}
		s := "alsbot cannot read " + strings.Join(quoted, ", ")
		if g.more > 0 {
			s += fmt.Sprintf(" and %d more", g.more)
		}
		parts = append(parts, s)
	}
	parts = append(parts, g.other...)
	if len(parts) == 0 {
		return nil
	}
	return errors.New(what + " is not complete: " + strings.Join(parts, "; "))
}
