package als

import (
	"fmt"
	"slices"
	"strings"
)

// Usage returns the usage line of an operation: its words, arguments and
// flags.
func Usage(op Operation) string {
	parts := []string{op.Name}
	for _, p := range op.Params {
		w := p.Name
		if p.Many {
			w += "…"
		}
		if p.Optional {
			w = "[" + w + "]"
		}
		parts = append(parts, w)
	}
	for _, f := range op.Flags {
		w := "[" + flagWords(f) + "]"
		if f.Group != "" {
			w = "[--" + f.Group + " …]"
		}
		if !slices.Contains(parts, w) {
			parts = append(parts, w)
		}
	}
	return strings.Join(parts, " ")
}

func flagWords(f Flag) string {
	if f.Kind == "" {
		return "--" + f.Name
	}
	return "--" + f.Name + " " + placeholder(f.Kind)
}

func placeholder(k Kind) string {
	switch k {
	case KindIP:
		return "IP"
	case KindRole:
		return "ROLE"
	case KindPath:
		return "DIR"
	case KindArchive:
		return "FILE"
	case KindVersion:
		return "V"
	case KindSeconds:
		return "SECONDS"
	default:
		return "NAME"
	}
}

// Help returns the help for a topic as plain text: for "" all commands, for a
// command its details, for the first word of several commands all of them. An
// unknown topic is a *Refusal.
func Help(c Catalogue, topic string) (string, error) {
	topic = strings.ToLower(strings.Join(strings.Fields(topic), " "))
	if topic == "" {
		return overview(c), nil
	}
	if op, ok := c.Find(topic); ok {
		return describe(op), nil
	}
	var b strings.Builder
	var names []string
	for _, op := range c {
		names = append(names, op.Name)
		if verb, _, _ := strings.Cut(op.Name, " "); verb == topic || strings.ToLower(op.Family) == topic {
			fmt.Fprintf(&b, "%s\n    %s (%s)\n", Usage(op), op.Summary, op.Effect(Request{Operation: op.Name}))
		}
	}
	if b.Len() > 0 {
		return b.String(), nil
	}
	next := Advice{Text: DidYouMean(topic, names)}
	return "", refuse(next.Or(Advise("Type %s to see all commands.", Typed("help"))), "there is no command %q", topic)
}

// overview returns one screen with the names of all commands, by family and
// effect.
func overview(c Catalogue) string {
	var b strings.Builder
	for _, family := range families(c) {
		heading := family
		for _, effect := range Effects {
			names := c.named(family, effect)
			if len(names) == 0 {
				continue
			}
			word := string(effect)
			for _, line := range wrap(strings.Join(names, ", "), 50) {
				fmt.Fprintf(&b, "%-12s %-8s %s\n", heading, word, line)
				heading, word = "", ""
			}
		}
	}
	b.WriteString("\nread: changes nothing. change: no role restarts. restart: roles stop, start or restart. destroy: data is overwritten.\n")
	b.WriteString("help COMMAND tells more. plan COMMAND… shows what would happen. @cluster says where. --reason \"…\" says why.\n")
	return b.String()
}

// named returns the names of a family's operations with this effect, when they
// are typed without flags.
func (c Catalogue) named(family string, effect Effect) []string {
	var names []string
	for _, op := range c {
		if op.Family == family && op.Effect(Request{Operation: op.Name}) == effect {
			names = append(names, op.Name)
		}
	}
	return names
}

// families returns the families in the order in which they first appear.
func families(c Catalogue) []string {
	var out []string
	for _, op := range c {
		if !slices.Contains(out, op.Family) {
			out = append(out, op.Family)
		}
	}
	return out
}

// wrap breaks a list into lines, after commas.
func wrap(list string, width int) []string {
	var lines []string
	line := ""
	for _, item := range strings.SplitAfter(list, ", ") {
		if line != "" && len(line)+len(strings.TrimSpace(item)) > width {
			lines = append(lines, strings.TrimSpace(line))
			line = ""
		}
		line += item
	}
	return append(lines, line)
}

// describe returns the help for one command.
func describe(op Operation) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n%s.\nEffect: %s\n", Usage(op), capitalized(op.Summary), effects(op))
	if len(op.Params)+len(op.Flags) > 0 {
		b.WriteString("\n")
	}
	for _, p := range op.Params {
		fmt.Fprintf(&b, "  %-20s %s\n", p.Name, p.Help)
	}
	groups := map[string]bool{}
	for _, f := range op.Flags {
		if f.Group == "" {
			fmt.Fprintf(&b, "  %-20s %s\n", flagWords(f), f.Help)
			continue
		}
		if groups[f.Group] {
			continue
		}
		groups[f.Group] = true
		var names []string
		for _, g := range op.Flags {
			if g.Group == f.Group {
				names = append(names, "--"+g.Name)
			}
		}
		fmt.Fprintf(&b, "  %s: %s\n", f.Group, f.Help)
		for _, line := range wrap(strings.Join(names, ", "), 90) {
			b.WriteString("      " + line + "\n")
		}
	}
	fmt.Fprintf(&b, "\nExample: %s\n", op.Example)
	if op.Detail != "" {
		b.WriteString("\n" + op.Detail + "\n")
	}
	if op.Proof != "" {
		b.WriteString("\nProof: " + op.Proof + "\n")
	}
	return b.String()
}

// effects names an operation's effect, and the flags that change it.
func effects(op Operation) string {
	plain := op.Effect(Request{Operation: op.Name})
	out := string(plain)
	for _, f := range op.Flags {
		with := op.Effect(Request{Operation: op.Name, Flags: map[string][]string{f.Name: {""}}})
		if with != plain {
			out += fmt.Sprintf("; %s with --%s", with, f.Name)
		}
	}
	return out
}

func capitalized(s string) string {
	if s == "" || strings.HasPrefix(s, "kato") {
		return s // kato is lower case even at the beginning
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// Markdown returns the text of docs/commands.md: every command of the
// catalogue.
func Markdown(c Catalogue) string {
	var b strings.Builder
	b.WriteString("# Commands\n\nWritten by `make generate` from the catalogue in `als/`; do not edit.\n\n")
	b.WriteString("The same words work in Slack, in a schedule's `command:` and on the command line:\n\n")
	b.WriteString("    [verb …] [argument …] [--flag[=value] …] [--reason \"…\"] [@cluster]\n")
	for _, family := range families(c) {
		fmt.Fprintf(&b, "\n## %s\n\n| command | what it does | effect |\n|---|---|---|\n", capitalized(family))
		for _, op := range c {
			if op.Family == family {
				fmt.Fprintf(&b, "| `%s` | %s | %s |\n", Usage(op), cell(op.Summary), effects(op))
			}
		}
	}
	b.WriteString("\n## In detail\n")
	for _, op := range c {
		fmt.Fprintf(&b, "\n### %s\n\n```\n%s```\n", op.Name, describe(op))
	}
	return b.String()
}

func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }
