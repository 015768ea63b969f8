package als

import (
	"cmp"
	"fmt"
	"strings"
)

// How a step ended, in words.

// describeEnd says how a step ended, as a clause. It quotes kato, which is no
// proof.
func describeEnd(rs Results, step stepID) string {
	r, ok := rs.find(step, "")
	switch {
	case !ok:
		return "the step was not run"
	case r.Trouble != "":
		return printable(r.Trouble, 200)
	}
	if p, asks := Prompt(r.Output); asks {
		return "it asked a person and got no answer: " + p
	}
	if missingKato(r) {
		return "kato was not found on " + nodeWords(r.Node)
	}
	s := fmt.Sprintf("kato ended with status %d", r.Exit)
	if said := complaint(r.Output); said != "" {
		return s + " and said: " + said
	}
	if r.Exit != 0 {
		s += lastWords(r.Output)
	}
	return s
}

// failedStep returns the first step that failed, and why. It ignores clean-up
// and tolerated steps.
func failedStep(p Plan, rs Results) (Finding, bool) {
	for _, s := range p.Steps {
		r, ok := rs.Find(s.ResultKey(), s.Node)
		if !ok || s.Always || s.Tolerate || r.OK() {
			continue
		}
		if f, bad := trouble(r); bad {
			return f, true
		}
	}
	return Finding{}, false
}

// nothingRead returns the verdict if a step's result is missing or cannot be
// used.
func nothingRead(f Finding) Verdict {
	return Verdict{Outcome: Failed, Summary: fullSentence(f.Text), Next: f.Fix.Or(ReadOutput)}
}

// trouble says why the result of a kato command cannot be used. ok is false if
// nothing is wrong with it, which does not prove success.
func trouble(r Result) (f Finding, ok bool) {
	stop := func(fix Advice, format string, args ...any) (Finding, bool) {
		return Finding{Level: Stop, Text: fmt.Sprintf(format, args...), Fix: fix}, true
	}
	who := nodeWords(r.Node)
	if p, asks := Prompt(r.Output); asks && r.Trouble != "" { // it was stopped while it waited for the answer
		return stop(promptFix(p), "%s on %s: something asked a person and got no answer: %s", r.Step, who, p)
	}
	if r.Trouble != "" {
		return stop(r.Fix.sentence(), "%s on %s: %s", r.Step, who, printable(r.Trouble, 200))
	}
	if missingKato(r) {
		return stop(Advise("Set clusters[].kato in the configuration to kato's path on the nodes, e.g. /home/helion/bin/kato. If an upgrade was under way, it may have been interrupted."),
			"kato not found on %s", who)
	}
	if p, asks := Prompt(r.Output); asks {
		return stop(promptFix(p), "%s on %s: something asked a person and got no answer: %s", r.Step, who, p)
	}
	said := complaint(r.Output)
	switch {
	case r.Exit != 0 && said != "":
		return stop(Advice{}, "%s on %s ended with status %d: %s", r.Step, who, r.Exit, said)
	case r.Exit != 0:
		return stop(Advice{}, "%s on %s ended with status %d%s", r.Step, who, r.Exit, lastWords(r.Output))
	case said != "":
		return stop(Advice{}, "%s on %s: %s", r.Step, who, said)
	}
	return Finding{}, false
}

// unread is like trouble for a step whose output is the answer: it is wrong
// too if that is not whole.
func unread(r Result) (f Finding, ok bool) {
	if f, bad := trouble(r); bad {
		return f, true
	}
	g := &gaps{}
	if g.textEnd(clean(r.Output)); r.Cut {
		g.say("alsbot reads only the last 1 MiB of it")
	}
	if err := g.err("what " + nodeWords(r.Node) + " answers"); err != nil {
		return findingOf(Stop, err), true
	}
	return Finding{}, false
}

// fixFirst returns what to do next after a step, preceded by how to fix the
// step's own trouble, if known.
func fixFirst(rs Results, step stepID, next Advice) Advice {
	r, _ := rs.find(step, "")
	f, _ := trouble(r)
	return f.Fix.And(next)
}

// promptFix says how to avoid a question.
func promptFix(p string) Advice {
	l := strings.ToLower(p)
	switch {
	case strings.Contains(l, "sudo"):
		return Advise("Let the system user call sudo without a password, or set clusters[].run_as so that kato is run from root.")
	case strings.Contains(l, "password:"), strings.Contains(l, "passphrase"):
		return Advise("Set up passwordless SSH from the core to every node of the cluster.")
	case strings.Contains(l, "continue connecting"):
		return Advise("Log in once from that node to the other to accept its host key, or add it to the node's known_hosts.")
	}
	return Advise("Run the command once by hand on the node, and see what it asks.")
}

// lastWords returns an output's last line as the end of a sentence.
func lastWords(out []byte) string {
	return cmp.Or(lastLine(out), " and printed nothing")
}

func lastLine(out []byte) string {
	lines := clean(out)
	for i := len(lines) - 1; i >= 0; i-- {
		if l := strings.TrimRight(printable(lines[i], 160), "."); l != "" {
			return "; its last line was: " + l
		}
	}
	return ""
}

// badSteps is like failedStep for several steps: it describes the first that
// failed, and names the others and those that were not begun.
func badSteps(p Plan, rs Results) (first Finding, bad bool) {
	var others, left []string
	for _, s := range p.Steps {
		r, ran := rs.Find(s.ResultKey(), s.Node)
		f, wrong := trouble(r)
		switch {
		case !ran && !bad:
			first, bad = Finding{Text: s.Name + " was not run"}, true
		case !ran:
			left = append(left, s.Name)
		case wrong && !bad:
			first, bad = f, true
		case wrong:
			others = append(others, s.Name)
		}
	}
	if len(others) > 0 {
		first.Text += "; so it is with: " + list(others)
	}
	if len(left) > 0 {
		first.Text += "; not begun: " + list(left)
	}
	return first, bad
}
