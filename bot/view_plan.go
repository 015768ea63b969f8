package bot

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"alsbot/als"
)

// The plan on an approval request: first what stops, for whom, on which nodes,
// and how long it took last time (impactOn); then what the checks found, the
// worst first, what it is about, and the commands (planOn). Each part has a
// share of the room. A part that takes more is counted, so that the others keep
// their place, and the card knows that it was cut.

const (
	maxImpact  = 1200
	maxNamed   = 120 // code points of the nodes that one line names
	minFinding = 40  // a finding that is longer is never cut below that
	roomForCut = 70  // for the line that says how much was left out
	maxListed  = 800 // a longer list is counted, because nobody reads it
	maxCounted = 400 // code points of a list that is counted
	maxNotes   = 600 // notes, if not all fits

	findingsPart = 45 // percent of the room that findings may take from the rest
)

// planOn draws a plan in at most room code points.
func planOn(c *card, p als.Plan, room int) {
	var steps, verify, notes []string
	for i, s := range p.Steps {
		steps = append(steps, stepText(c, i, s))
		if _, script := s.Script(); script {
			c.cut = true // the line has its name only
		}
	}
	for _, s := range p.Verify {
		verify = append(verify, c.oneLine(fmt.Sprintf(" - %s, on %s", s.Name, s.Node)))
	}
	for _, n := range p.Notes {
		if n != p.Impact().Last {
			notes = append(notes, c.oneLine(n))
		}
	}
	found, rows := findingTexts(c, p.WorstFirst()), newFactRows(c, p.Bound())
	needs := []int{rows.length(), lengths(steps), lengths(verify), lengths(notes)}
	others := needs[0] + needs[1] + needs[2] + needs[3]
	room -= roomForCut
	forFindings := min(lengths(found), max(room*findingsPart/100, room-others))
	c.lines(c.fittingFindings(found, forFindings)...)
	if others > room-forFindings {
		needs[3] = min(needs[3], maxNotes) // they are not bound
	}
	share := shares(needs, room-forFindings)
	text := rows.fitting(c, share[0])
	text = append(text, c.fitting(steps, share[1], "more command", "more commands")...)
	if len(verify) > 0 {
		text = append(append(text, "Then it is verified:"), c.fitting(verify, share[2], "more look", "more looks")...)
	}
	text = append(text, c.fitting(notes, share[3], "more note", "more notes")...)
	c.pre(strings.Join(text, "\n"), room)
}

// impactOn draws what stops. It repeats what the plan has below, so what it
// leaves out is not lost.
func impactOn(c *card, p als.Plan) {
	was, i := c.cut, p.Impact()
	c.within(maxImpact, func() {
		lines := [][]part{stopsLine(c, p.Effect, i)}
		for _, o := range i.Stops {
			words := "• " + o.Role + " on " + counted(o.Nodes, "nodes", maxNamed)
			if o.For != "" {
				words += ": " + o.For
			}
			lines = append(lines, []part{c.say(words)})
		}
		if len(i.Nodes) > 0 {
			lines = append(lines, []part{c.bold("Nodes:"), c.say(" " + counted(i.Nodes, "nodes", maxNamed))})
		}
		if i.Last != "" {
			lines = append(lines, []part{c.bold("How long:"), c.say(" " + i.Last)})
		}
		c.lines(lines...)
	})
	c.cut = was
}

// stopsLine says in one line what stops.
func stopsLine(c *card, effect als.Effect, i als.Impact) []part {
	switch {
	case effect == als.Destroy:
		return []part{c.bold("What is lost:"), c.say(" data that the command overwrites or forgets")}
	case !i.Known:
		return []part{c.bold("What stops:"), c.say(" not known, the plan names no role")}
	case len(i.Stops) == 0:
		return []part{c.bold("What stops:"), c.say(" nothing")}
	}
	return []part{c.bold("What stops:"), c.say(" " + plural(len(i.Stops), "role", "roles"))}
}

// stopsSummary is stopsLine for the fallback text.
func stopsSummary(p *als.Plan) string {
	if p == nil {
		return ""
	}
	i := p.Impact()
	switch {
	case p.Effect == als.Destroy:
		return ". Overwrites or forgets data"
	case !i.Known:
		return ". What stops is not known"
	case len(i.Stops) == 0:
		return ". Nothing stops"
	}
	var roles, nodes []string
	for _, o := range i.Stops {
		roles = append(roles, o.Role)
		for _, n := range o.Nodes {
			if !slices.Contains(nodes, n) {
				nodes = append(nodes, n)
			}
		}
	}
	return ". Stops " + counted(roles, "roles", maxNamed) + " on " + counted(nodes, "nodes", maxNamed)
}

// findingTexts returns a line for each finding.
func findingTexts(c *card, found []als.Finding) []string {
	var out []string
	for _, f := range found {
		s := levelIcon(f.Level) + " " + f.Text
		if !f.Fix.Empty() {
			s += " → " + f.Fix.Text
		}
		out = append(out, c.cleaner.line(s))
	}
	return out
}

// fittingFindings cuts long findings, so that every one has its line.
func (c *card) fittingFindings(found []string, room int) [][]part {
	needs := make([]int, len(found))
	for i, f := range found {
		needs[i] = utf8.RuneCountInString(f) + 1
	}
	share := shares(needs, room)
	var lines [][]part
	for i, f := range found {
		if share[i] < min(needs[i], minFinding) {
			c.cut = true
			return append(lines, []part{c.say("… and " + plural(len(found)-i, "more finding", "more findings"))})
		}
		short := shorten(f, share[i]-1)
		c.cut = c.cut || short != f
		lines = append(lines, []part{c.say(short)})
	}
	return lines
}

// stepText returns what a step runs, and where.
func stepText(c *card, i int, s als.Step) string {
	text := fmt.Sprintf("%d. %s\n   %s", i+1, c.oneLine(fmt.Sprintf("%s, on %s", s.Name, s.Node)), c.oneLine(s.Line()))
	if s.Always {
		text += "\n   in any case, also after a failure"
	}
	if s.Secret != "" {
		text += "\n   " + c.oneLine("with "+s.Secret+" of the config on its stdin")
	}
	return text
}

// oneLine cleans text for a monospaced line. It keeps blanks: in a command,
// they count.
func (c *card) oneLine(s string) string {
	return strings.ReplaceAll(c.cleaner.text(s), "\n", "⏎")
}

// factRows are a plan's facts in two columns.
type factRows struct {
	facts  []als.Fact
	values []string
	names  []string
	width  int
}

func newFactRows(c *card, facts []als.Fact) factRows {
	rows := factRows{facts: facts}
	for _, f := range facts {
		name := shorten(c.oneLine(f.Name), maxButton)
		rows.names, rows.values = append(rows.names, name), append(rows.values, c.oneLine(f.Value))
		rows.width = max(rows.width, utf8.RuneCountInString(name))
	}
	return rows
}

// overhead is what the rows take beside their values.
func (rows factRows) overhead() int { return len(rows.names) * (rows.width + 3) }

func (rows factRows) length() int {
	n := rows.overhead()
	for i := range rows.values {
		n += rows.need(i)
	}
	return n
}

// need returns what a value takes with its end.
func (rows factRows) need(i int) int {
	if rows.tooLong(i) {
		return maxCounted
	}
	return utf8.RuneCountInString(rows.values[i]) + 1
}

// tooLong reports whether a value is a list that is counted in any case.
func (rows factRows) tooLong(i int) bool {
	return utf8.RuneCountInString(rows.values[i]) > maxListed && len(rows.facts[i].Items()) > 1
}

// fitting returns the rows. A list that is too long is counted.
func (rows factRows) fitting(c *card, room int) []string {
	needs := make([]int, len(rows.values))
	for i := range rows.values {
		needs[i] = rows.need(i)
	}
	share := shares(needs, room-rows.overhead())
	var out []string
	for i, v := range rows.values {
		if share[i] < needs[i] || rows.tooLong(i) {
			c.cut = true
			v = rows.counted(c, i, max(min(share[i]-1, maxCounted), roomForCut/2))
		}
		out = append(out, rows.names[i]+strings.Repeat(" ", rows.width-utf8.RuneCountInString(rows.names[i])+2)+v)
	}
	return c.fitting(out, room, "more fact", "more facts")
}

// counted returns a long value in at most max code points.
func (rows factRows) counted(c *card, i, max int) string {
	items := rows.facts[i].Items()
	for k, item := range items {
		role, nodes, ok := strings.Cut(item, " on ")
		if n := strings.Count(nodes, ", ") + 1; ok && n > 1 {
			item = fmt.Sprintf("%s on %d nodes", role, n)
		}
		items[k] = c.oneLine(item)
	}
	return counted(items, rows.names[i], max)
}
