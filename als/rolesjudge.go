package als

import (
	"fmt"
	"strings"
)

// What became of a start, a stop or a restart. The first two are seen in the
// roles' state, whatever kato says of itself. A restart is not: the roles ran
// before as well, so kato must say of every node that it was done, and its
// history must not deny it.

func judgeTurn(r Request, c Cluster, p Plan, rs Results) Verdict {
	pairs := unpack(p.Hints[hintRestarts])
	switch r.Operation {
	case "stop":
		return judgeStop(c, p, rs, pairs)
	case opRestartName:
		return judgeRestart(c, p, rs, pairs)
	}
	v := rolesAfter(c, p, rs, pairs)
	f, bad := badSteps(p, rs)
	if v.Outcome == Succeeded {
		v.Whole = !bad
		v.Summary = sentence(isAreRunning(len(pairs))) + "."
		if bad {
			v.Summary += " Yet " + f.Text + "."
		}
		return v
	}
	if bad {
		v.Summary += " " + sentence(f.Text) + "."
		if f.Mend != "" {
			v.Next, v.Offers = f.Mend, nil
		}
	}
	return v
}

func judgeRestart(c Cluster, p Plan, rs Results, pairs []onNode) Verdict {
	v := rolesAfter(c, p, rs, pairs)
	if f, bad := badSteps(p, rs); bad {
		state := v.Summary
		if v.Outcome == Succeeded {
			v.Outcome, state = Failed, sentence(isAreRunning(len(pairs)))+", perhaps since before."
		}
		v.Summary = "Not restarted everywhere: " + f.Text + ". " + state
		if f.Mend != "" {
			v.Next, v.Offers = f.Mend, nil
		} else if v.Next == "" {
			v.Next = "Read the output of this run, then try again."
		}
		return v
	}
	if v.Outcome != Succeeded {
		return v
	}
	running := isAreRunning(len(pairs))
	fresh, known := entries(p, rs, opRestartName)
	well := 0
	for _, a := range fresh {
		switch strings.ToLower(a.Status) {
		case "succeeded":
			well++
		case "failed":
			return denied(v, fmt.Sprintf("Not restarted everywhere: kato's history says that `%s` failed. %s, perhaps since before.", a.Command, sentence(running)))
		}
	}
	switch {
	case well >= len(p.Steps):
		v.Whole, v.Summary = true, "Restarted, by kato's history; "+running+"."
	case !known:
		v.Summary = "Unconfirmed: kato did not complain, and " + running + ", but its history cannot be read, and nothing else shows that they were restarted."
	case len(fresh) >= len(p.Steps):
		v.Summary = "Unconfirmed: kato did not complain, and " + running + ", but its history does not say what became of the restart."
	default:
		return denied(v, fmt.Sprintf("It cannot be confirmed that the roles were restarted: kato's history has %d of %s since the run began. %s, perhaps since before.",
			len(fresh), count(len(p.Steps), "such command"), sentence(running)))
	}
	return v
}

func denied(v Verdict, summary string) Verdict {
	v.Outcome, v.Summary, v.Next = Failed, summary, "Read the output of this run, then try again."
	return v
}

func isAreRunning(n int) string {
	if n == 1 {
		return "the role runs"
	}
	return fmt.Sprintf("all %d roles run", n)
}

// badSteps is failedStep for steps that are tolerated: the first in words,
// the others by name.
func badSteps(p Plan, rs Results) (first Finding, bad bool) {
	var others []string
	for _, s := range p.Steps {
		f, wrong := Finding{Text: s.Name + " was not run"}, true
		if r, ok := rs.Find(s.Name, s.Node); ok {
			f, wrong = trouble(r)
		}
		switch {
		case wrong && !bad:
			first, bad = f, true
		case wrong:
			others = append(others, s.Name)
		}
	}
	if len(others) > 0 {
		first.Text += "; so it is with: " + list(others)
	}
	return first, bad
}

func judgeStop(c Cluster, p Plan, rs Results, pairs []onNode) Verdict {
	status, err := readStep(rs, againRoles, ReadStatus)
	f, bad := badSteps(p, rs)
	if err != nil {
		v := nothingRead(findingOf(Stop, err))
		v.Summary = "It cannot be confirmed that the roles stopped. " + v.Summary
		return v
	}
	var rows [][]string
	var running, moving []string
	for _, w := range pairs {
		st := status.Of(w.Node, w.Role)
		rows = append(rows, []string{nodeWords(w.Node), w.Role, string(st)})
		switch {
		case st.Down(), st == "FATAL":
		case st == "STOPPING" || st == Unknown || st == "STOP":
			moving = append(moving, fmt.Sprintf("%s is %s", w, st))
		default:
			running = append(running, fmt.Sprintf("%s is %s", w, st))
		}
	}
	v := Verdict{Outcome: Succeeded, Report: table(rows), Whole: !bad, Summary: "Stopped: " + pairWords(pairs) + "."}
	switch {
	case len(running) > 0:
		v.Outcome, v.Summary, v.Next = Failed, "Not stopped: "+list(running)+".", "Read the output of this run, then try again."
	case len(moving) > 0:
		v.Outcome, v.Summary = Waiting, "Still stopping: "+list(moving)+"."
		v = v.offering("Look again with %s.", c.command("status"))
	default:
		v = v.offering("Start again with %s.", c.turnCommands(opStartName, pairs)...)
	}
	if bad {
		v.Summary += " " + sentence(f.Text) + "."
	}
	return v
}
