package als

import (
	"errors"
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

// readStep reads the result of a step: all of it, or it returns an error. What
// is wrong with the step itself goes before what the reader says.
func readStep[T any](rs Results, step stepID, read func([]byte) (T, error)) (T, error) {
	v, err := readPart(rs, step, read)
	if err != nil {
		var none T
		return none, err
	}
	return v, nil
}

// readPart is like readStep. With an error it also returns what the reader
// could make out, for people only.
func readPart[T any](rs Results, step stepID, read func([]byte) (T, error)) (T, error) {
	var none T
	r, ok := rs.find(step, "")
	if !ok {
		return none, fmt.Errorf("%s: nothing came back", step.label)
	}
	v, err := read(r.Output)
	if r.Trouble != "" || missingKato(r) {
		f, _ := trouble(r)
		return v, &Refusal{Text: f.Text, Next: f.Fix}
	}
	if p, asks := Prompt(r.Output); asks && (err != nil || r.Exit != 0) {
		return v, &Refusal{Text: step.label + ": something asked a person and got no answer: " + p, Next: promptFix(p)}
	}
	var why []string
	if err != nil {
		why = append(why, err.Error())
	}
	if r.Cut {
		why = append(why, step.label+": alsbot reads only the last 1 MiB of what kato printed")
	}
	if r.Exit != 0 {
		why = append(why, fmt.Sprintf("kato ended with status %d", r.Exit))
	}
	if len(why) == 0 {
		return v, nil
	}
	if err == nil && len(why) == 1 && r.Exit != 0 {
		why[0] = fmt.Sprintf("%s on %s ended with status %d", step.label, nodeWords(r.Node), r.Exit)
	}
	return v, errors.New(strings.Join(why, "; "))
}

// partRead returns the verdict on a read that is not whole: what is missing,
// and then what was read. read says what that is; v has the report on it.
func partRead(err error, read string, v Verdict) Verdict {
	part := nothingRead(findingOf(Stop, err))
	if strings.TrimSpace(v.Report) != "" {
		part.Report = "Incomplete: " + part.Summary + "\n\n" + v.Report
		part.Summary += " What was read: " + read + "."
	}
	return part
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
			return judge(r, c, p, append(Results{res}, rs...))
		}
		if f, bad := unread(res); bad {
			return nothingRead(f)
		}
		if shownLines(res.Output) == 0 {
			return nothingRead(Finding{Text: "kato printed nothing"})
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
