package als

import (
	"fmt"
	"slices"
	"time"
)

// Whether the roles run that should run after a change.

// patience is how long roles may take to start.
const patience = 2 * time.Minute

// notRunning lists the roles that should run and do not. A role that is FATAL
// or STOPPED is down; a role that is starting may still come up.
func notRunning(s Status, want []roleOn) (down, moving []string) {
	for _, w := range want {
		c := s.Of(w.Node, w.Role)
		switch {
		case c.Healthy():
		case c.Moving():
			moving = append(moving, fmt.Sprintf("%s is %s", w, c))
		default:
			down = append(down, fmt.Sprintf("%s is %s", w, c))
		}
	}
	return down, moving
}

// rolesAfter judges whether the wanted roles run.
func rolesAfter(c Cluster, p Plan, rs Results, want []roleOn) Verdict {
	if len(want) == 0 {
		return Verdict{Outcome: Succeeded}
	}
	status, err := c.status(rs, probeRolesAfter)
	if err != nil {
		return verificationUnread(c, p, rs, err)
	}
	down, moving := notRunning(status, want)
	var rows [][]string
	var bad, silent []roleOn
	for _, w := range want {
		st := status.Of(w.Node, w.Role)
		rows = append(rows, []string{nodeWords(w.Node), w.Role, string(st)})
		if !st.Healthy() {
			bad = append(bad, w)
		}
		if st.Silent() {
			silent = append(silent, w)
		}
	}
	v := Verdict{Outcome: Succeeded, Report: table(rows)}
	switch {
	case len(down) > 0:
		v.Outcome = Failed
		v.Summary = "A role does not run: " + list(down) + "."
		start := c.turnCommands(opStartName, bad)
		v.Next = offer("Look at the node's logs, then try %s.", start...)
		if len(silent) > 0 {
			v.Next = Advise("See that %s can be reached, then try %s.", list(nodesOf(silent)), start).offering(start...)
		}
	case len(moving) > 0:
		v.Outcome = Waiting
		v.Summary = "Not yet running: " + list(moving) + "."
		again := c.command("status")
		v.Next = Advise("Look again with %s; %s restarts what hangs.", again, c.turnCommands(opRestartName, bad)).offering(again)
	}
	return v
}

// unseenOutcome returns the outcome of steps whose effect could not be seen.
func unseenOutcome(p Plan, rs Results) Outcome {
	for _, s := range p.Steps {
		if r, ok := rs.Find(s.ResultKey(), s.Node); !s.Always && (!ok || !r.OK()) {
			return Failed
		}
	}
	return Unconfirmed
}

// verificationUnread returns the verdict if the results of the verification
// could not be read.
func verificationUnread(c Cluster, p Plan, rs Results, err error) Verdict {
	f := findingOf(Stop, err)
	v := Verdict{Outcome: unseenOutcome(p, rs), Next: f.Fix, Summary: "It cannot be confirmed that it worked: " + f.Text}
	probes := Advise("%s", c.command("status"))
	if slices.ContainsFunc(p.Steps, func(s Step) bool { return s.ResultKey() == stepPatch.key }) {
		v.Summary += "; " + describeEnd(rs, stepPatch)
		probes = Advise("%s and %s", c.command("patch", "status"), probes)
	}
	v.Summary += "."
	v.Next = v.Next.Or(Advise("Look with %s.", probes))
	return v
}
