package als

import (
	"fmt"
	"strings"
)

// Probes are reads that change nothing. An answer that is missing or cannot be
// read never counts as good news.

// Probes of the roles, before and after.
var (
	probeRoles      = stepID{"roles", "list the roles"}
	probeRolesAfter = stepID{"roles-after", "list the roles again"}
)

// probe returns a kato command that only reads, on the core.
func (c Cluster) probe(id stepID, args ...string) Step {
	return id.probe(Core, c.kato(args...))
}

// probeRoles returns the probe of the roles before a change. It tolerates a
// failure: if kato hangs because a node is down, people must still be able to
// fix the node.
func (c Cluster) probeRoles() Step {
	s := c.probe(probeRoles, "status")
	s.Tolerate = true
	return s
}

// readPlan returns the plan of an operation that only reads.
func readPlan(r Request, steps ...Step) Plan {
	p := newPlan(r, Read)
	p.Steps = steps
	return p
}

// readStep reads the result of a step. What is wrong with the step itself goes
// before what the reader says.
func readStep[T any](rs Results, step stepID, read func([]byte) (T, error)) (T, error) {
	var none T
	r, ok := rs.find(step, "")
	if !ok {
		return none, fmt.Errorf("%s: nothing came back", step.label)
	}
	if r.Trouble != "" || missingKato(r) {
		f, _ := trouble(r)
		return none, &Refusal{Text: f.Text, Next: f.Fix}
	}
	v, err := read(r.Output)
	if err != nil {
		if p, asks := Prompt(r.Output); asks {
			return none, &Refusal{Text: step.label + ": something asked a person and got no answer: " + p, Next: promptFix(p)}
		}
		if r.Exit != 0 {
			return none, fmt.Errorf("%w (status %d)", err, r.Exit)
		}
		return none, err
	}
	return v, nil
}

// findingOf turns a reader's error into a finding.
func findingOf(level Level, err error) Finding {
	if r, ok := err.(*Refusal); ok { //nolint:errorlint // readStep returns it as it is
		return Finding{Level: level, Text: r.Text, Fix: r.Next}
	}
	return Finding{Level: level, Text: err.Error()}
}

// reading returns an operation that shows what one kato command prints.
func reading(op Operation, argv func(Request) []string) Operation {
	op.Family, op.Effect = familyRoles, always(Read)
	word := strings.Fields(op.Name)[0]
	run := stepID{"kato", "run kato"}.of(word, " "+word)
	op.Plan = func(r Request, c Cluster, _ Results) (Plan, error) {
		return readPlan(r, c.probe(run, argv(r)...)), nil
	}
	judge := op.Judge
	op.Judge = func(r Request, c Cluster, p Plan, rs Results) Verdict {
		res, ok := rs.find(run, "")
		if !ok {
			return Verdict{Outcome: Failed, Summary: "Nothing came back.", Next: Advise("Try again.")}
		}
		if judge != nil {
			return judge(r, c, p, Results{res})
		}
		if f, bad := trouble(res); bad {
			return nothingRead(f)
		}
		return Verdict{Outcome: Succeeded, Summary: fmt.Sprintf("kato's answer: %d lines.", shownLines(res.Output))}
	}
	return op
}

func shownLines(out []byte) int {
	n := 0
	for _, l := range clean(out) {
		if strings.TrimSpace(l) != "" {
			n++
		}
	}
	return n
}
