package als

import (
	"fmt"
	"slices"
)

// Verdicts on start, stop and restart. The roles' state proves a start or a
// stop, whatever kato says. It does not prove a restart, since the roles ran
// before too: kato must report success for every node, and its history must
// not deny it.

func judgeTurn(r Request, c Cluster, p Plan, rs Results) Verdict {
	pairs := p.Hints.Restarts
	status, err := c.status(rs, probeRolesAfter)
	switch {
	case err != nil:
		return turnUnverified(r, c, p, rs, err)
	case r.Operation == opStopName:
		return judgeStop(c, p, rs, status, pairs)
	case r.Operation == opRestartName:
		return judgeRestart(c, p, rs, status, pairs)
	}
	v := rolesAfter(c, p, rs, pairs)
	f, bad := badSteps(p, rs)
	if v.Outcome == Succeeded {
		v.Whole = !bad
		v.Summary = capitalized(runningClause(len(pairs))) + "."
		if bad {
			v.Summary += " Yet " + f.Text + "."
		}
		return v
	}
	v.Summary += othersRun(status, pairs)
	if bad {
		v.Summary += " " + capitalized(f.Text) + "."
		v.Next = f.Fix.And(v.Next)
	}
	return v
}

// turnUnverified returns the verdict if the roles' state cannot be read
// afterwards. What kato said of each node is all that is known then, and some
// versions exit with 0 even if a node is down.
func turnUnverified(r Request, c Cluster, p Plan, rs Results, err error) Verdict {
	f := findingOf(Stop, err)
	v := Verdict{Outcome: Unconfirmed, Summary: fmt.Sprintf("It cannot be confirmed that the roles %s: %s.",
		map[string]string{opStartName: "started", opStopName: "stopped", opRestartName: "restarted"}[r.Operation], f.Text)}
	if step, bad := badSteps(p, rs); bad {
		v.Outcome = Failed
		v.Summary += " " + capitalized(step.Text) + "."
	}
	var quiet []string
	for _, s := range p.Steps {
		res, ok := rs.Find(s.ResultKey(), s.Node)
		if _, bad := trouble(res); ok && !bad {
			quiet = append(quiet, nodeWords(c.turnedNode(s)))
		}
	}
	if len(quiet) > 0 {
		v.Summary += " Without a complaint, but unconfirmed: " + list(quiet) + "."
	}
	v.Next = offer("See that every node can be reached, then look with %s.", c.command("status"))
	v.Next = f.Fix.And(v.Next)
	return v
}

func judgeRestart(c Cluster, p Plan, rs Results, status Status, pairs []roleOn) Verdict {
	v := rolesAfter(c, p, rs, pairs)
	f, bad := badSteps(p, rs)
	switch {
	case bad:
		return notEverywhere(c, p, rs, status, v, f)
	case v.Outcome != Succeeded:
		v.Summary += othersRun(status, pairs)
		return v
	}
	running := runningClause(len(pairs))
	entries, known := entriesOf(c, p, rs, p.Steps, opRestartName)
	well, told := 0, 0
	for _, a := range entries {
		switch a.evidence() {
		case evidenceSuccess:
			well, told = well+1, told+1
		case evidenceFailure:
			return notEverywhere(c, p, rs, status, v, Finding{Text: fmt.Sprintf("kato's history says that `%s` failed", a.Command)})
		case evidenceNone:
			told++
		case evidenceMissing:
		}
	}
	switch {
	case known && well == len(p.Steps):
		v.Whole, v.Summary = true, "Restarted, by kato's history; "+running+"."
	case !known:
		v.Outcome, v.Summary = Unconfirmed, "Not confirmed: kato did not complain, and "+running+", but its history cannot be read, and nothing else shows that they were restarted."
	case told == len(p.Steps):
		v.Outcome, v.Summary = Unconfirmed, "Not confirmed: kato did not complain, and "+running+", but its history does not say what became of the restart."
	default:
		v = notEverywhere(c, p, rs, status, v, Finding{})
		v.Summary = fmt.Sprintf("It cannot be confirmed that the roles were restarted: kato's history has %d of %s since the run began.%s",
			told, count(len(p.Steps), "such command"), v.Summary)
	}
	return v
}

// notEverywhere returns the verdict on a restart that did not happen on every
// node, for the reason in f. It says where it happened, how the roles are on
// the other nodes, and what to type for these. v is the verdict of rolesAfter.
func notEverywhere(c Cluster, p Plan, rs Results, status Status, v Verdict, f Finding) Verdict {
	pairs := p.Hints.Restarts
	done, left := restarted(c, p, rs)
	var again []roleOn
	for _, w := range pairs {
		if slices.Contains(left, w.Node) {
			again = append(again, w)
		}
	}
	summary := ""
	if f.Text != "" {
		summary = "Not restarted everywhere: " + f.Text + "."
	}
	if len(done) > 0 {
		summary += " Restarted, by kato's history: " + list(done) + "."
	}
	if v.Outcome != Succeeded {
		v.Summary = summary + " " + v.Summary + othersRun(status, pairs)
		v.Next = f.Fix.And(v.Next)
		return v
	}
	running := runningClause(len(again))
	if len(done) > 0 {
		running = "on " + list(left) + " " + running
	}
	v.Outcome, v.Summary = Failed, summary+" "+capitalized(running)+", perhaps since before."
	v.Next = offer("Read the output of this run, then try %s.", c.turnCommands(opRestartName, again)...)
	v.Next = f.Fix.And(v.Next)
	return v
}

// restarted returns the nodes that were restarted according to both kato and
// its history, and the other nodes.
func restarted(c Cluster, p Plan, rs Results) (done, left []string) {
	entries, known := entriesOf(c, p, rs, p.Steps, opRestartName)
	for i, s := range p.Steps {
		r, ok := rs.Find(s.ResultKey(), s.Node)
		_, bad := trouble(r)
		if ok && !bad && known && entries[i].evidence() == evidenceSuccess {
			done = append(done, c.turnedNode(s))
		} else {
			left = append(left, c.turnedNode(s))
		}
	}
	return done, left
}

// turnedNode returns the node whose roles a step starts, stops or restarts.
func (c Cluster) turnedNode(s Step) string {
	if i := slices.Index(s.Argv, "--node"); i >= 0 {
		return s.Argv[i+1]
	}
	return c.CoreIP()
}

// othersRun names the roles that run, if others do not.
func othersRun(status Status, pairs []roleOn) string {
	const most = 4 // the table lists them all
	well := slices.DeleteFunc(slices.Clone(pairs), func(w roleOn) bool { return !status.Of(w.Node, w.Role).Healthy() })
	switch {
	case len(well) == 0 || len(well) == len(pairs):
		return ""
	case len(well) > most:
		return fmt.Sprintf(" The other %d roles run.", len(well))
	}
	return " Running: " + pairWords(well) + "."
}
