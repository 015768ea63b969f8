package als

import (
	"fmt"
	"slices"
	"strings"
)

// Whole shows everything that a plan binds, and all that goes with it: every
// finding, fact, step, script and note, nothing counted and nothing shortened.
// An approver can check it against the digest. What the digest covers must be
// here.
func (p Plan) Whole() string {
	var b strings.Builder
	head := func(format string, args ...any) { fmt.Fprintf(&b, "\n"+format+"\n", args...) }
	fmt.Fprintf(&b, "Operation: %s, effect: %s\n", p.Operation, p.Effect)
	if p.Nothing != "" {
		head("Nothing to do: %s", p.Nothing)
	}
	if len(p.Findings) > 0 {
		head("What the checks found, the worst first (%d)", len(p.Findings))
	}
	for _, f := range p.WorstFirst() {
		fmt.Fprintf(&b, " - %s: %s\n", f.Level, f.Text)
		if !f.Fix.Empty() {
			fmt.Fprintf(&b, "   %s\n", f.Fix)
		}
	}
	if len(p.Bound()) > 0 {
		head("What it is about")
	}
	for _, f := range p.Bound() {
		b.WriteString(f.whole())
	}
	if len(p.Steps) > 0 {
		head("Commands, in this order (%d)", len(p.Steps))
	}
	for i, s := range p.Steps {
		fmt.Fprintf(&b, "%d. %s, on %s\n", i+1, s.Name, nodeWords(s.Node))
		b.WriteString(s.whole())
	}
	if len(p.Verify) > 0 {
		head("Then it is verified")
	}
	for _, s := range p.Verify {
		fmt.Fprintf(&b, " - %s, on %s\n", s.Name, nodeWords(s.Node))
	}
	if len(p.Notes) > 0 {
		head("Notes")
	}
	for _, n := range p.Notes {
		fmt.Fprintf(&b, " - %s\n", n)
	}
	return strings.TrimRight(b.String(), "\n")
}

// whole shows how a node is reached.
func (t Target) whole() string {
	as := t.User
	if t.RunAs != "" {
		as += " running as " + t.RunAs
	}
	if t.Via != "" {
		as += " via " + t.Via
	}
	return fmt.Sprintf("%s at %s as %s, kato %s, runs_dir %s, host keys %s", nodeWords(t.Node), t.Addr, as, t.Kato, t.RunsDir, orNoneText(strings.Join(t.HostKeys, " ")))
}

// Bound returns the facts of the plan, and as facts what an approval binds
// besides: how the nodes are reached, and the last good backup.
func (p Plan) Bound() []Fact {
	bound := slices.Clone(p.Facts)
	if p.Backup != "" {
		bound = append(bound, Fact{Key: "backup", Name: "last good backup", Value: "run " + p.Backup})
	}
	if len(p.Targets) == 0 {
		return bound
	}
	ways := make([]string, len(p.Targets))
	for i, t := range p.Targets {
		ways[i] = t.whole()
	}
	return append(bound, Fact{Key: "targets", Name: "reached", Value: strings.Join(ways, "; ")})
}

// whole shows a fact: a list one by one, with its length.
func (f Fact) whole() string {
	items := f.Items()
	if len(items) < 2 {
		return fmt.Sprintf(" %s: %s\n", f.Name, f.Value)
	}
	return fmt.Sprintf(" %s (%d):\n   %s\n", f.Name, len(items), strings.Join(items, "\n   "))
}

// whole shows a step's command, a script with its text.
func (s Step) whole() string {
	var b strings.Builder
	fmt.Fprintf(&b, "   %s\n", s.Line())
	if s.Always {
		b.WriteString("   in any case, also after a failure\n")
	}
	if s.Secret != "" {
		fmt.Fprintf(&b, "   with %s of the config on its stdin\n", s.Secret)
	}
	if text, ok := s.Script(); ok {
		fmt.Fprintf(&b, "   which is this script:\n     | %s\n", strings.ReplaceAll(strings.Trim(text, "\n"), "\n", "\n     | "))
	}
	return b.String()
}

// Script returns the text of a script that Line shows by its name only.
func (s Step) Script() (text string, ok bool) {
	if !s.isScript() {
		return "", false
	}
	return s.Argv[2], true
}
