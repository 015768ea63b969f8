package als

import (
	"fmt"
	"slices"
	"time"
)

// Whether the roles that should run by now do run: judged after whatever
// restarts them.

// patience is how long roles may take to start.
const patience = 2 * time.Minute

// settled holds the roles that should run against a fresh status. A role that
// is FATAL or STOPPED is down at once; one that is starting is waited for.
func settled(s Status, want []onNode) (down, moving []string) {
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

// rolesAfter judges the roles that should run by now.
func rolesAfter(c Cluster, p Plan, rs Results, want []onNode) Verdict {
	if len(want) == 0 {
		return Verdict{Outcome: Succeeded}
	}
	status, err := readStep(rs, againRoles, ReadStatus)
	if err != nil {
		return unconfirmed(c, p, rs, err)
	}
	down, moving := settled(status, want)
	var rows [][]string
	var bad, silent []onNode
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
		look := "Look at the node's logs"
		if len(silent) > 0 {
			look = "See that " + list(nodesOf(silent)) + " can be reached"
		}
		v = v.offering(look+", then try %s.", c.turnCommands(opStartName, bad)...)
	case len(moving) > 0:
		v.Outcome = Waiting
		v.Summary = "Not yet running: " + list(moving) + "."
		v = v.offering("Look again with %s; "+typedAll(c.turnCommands(opRestartName, bad))+" restarts what hangs.", c.command("status"))
	}
	return v
}

// unconfirmed is the verdict when the verification could not be read.
func unconfirmed(c Cluster, p Plan, rs Results, err error) Verdict {
	f := findingOf(Stop, err)
	v := Verdict{Outcome: Failed, Next: f.Mend, Summary: "It cannot be confirmed that it worked: " + f.Text}
	looks := c.typed("status")
	if slices.ContainsFunc(p.Steps, func(s Step) bool { return s.Name == stepPatch }) {
		v.Summary += "; " + how(rs, stepPatch)
		looks = c.typed("patch", "status") + " and " + looks
	}
	v.Summary += "."
	if v.Next == "" {
		v.Next = "Look with " + looks + "."
	}
	return v
}
