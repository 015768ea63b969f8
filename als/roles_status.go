package als

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// What `kato status` finds, held against the list of nodes: kato may leave out
// a node, and a role that is not in the status is not known to run.

// probeNodes returns the probe of the list of nodes.
func (c Cluster) probeNodes() Step {
	s := c.probe(probeNodes, "node", "list")
	s.Tolerate = true
	return s
}

func orNoneRoles(roles []string) string {
	if len(roles) == 0 {
		return "(roles not read)"
	}
	return strings.Join(roles, " ")
}

func judgeStatus(r Request, c Cluster, p Plan, rs Results) Verdict {
	status, err := readPart(rs, probeRoles, ReadStatus)
	if len(c.Nodes) == 0 { // without a survey
		c.Nodes, _ = readStep(rs, probeNodes, ReadNodes)
	}
	status = c.oneStatus(status)
	var rows [][]string
	for _, node := range status.Nodes("") {
		name := nodeWords(node)
		for _, role := range status.Roles(node) {
			rows = append(rows, []string{name, role, string(status.Of(node, role))})
			name = ""
		}
	}
	v := Verdict{Outcome: Succeeded, Report: table(rows), Whole: !r.Has("all"), Next: statusAdvice(c, status)}
	if err == nil {
		err = missingInStatus(p, rs, status, true)
	}
	if err != nil {
		return partRead(err, readWords(status, "role"), v)
	}
	v.Data.Roles = countRoles(status)
	v.Summary = v.Data.Roles.Text
	v.Concern = v.Data.Roles.Down > 0
	if nodes, unread := readStep(rs, probeNodes, ReadNodes); unread == nil {
		if more := strangers(nodes, status); len(more) > 0 {
			v.Concern = true
			v.Summary += " In the status and not in kato's list of nodes: " + list(more) + "."
		}
	}
	return v
}

// readWords says what was read of a status that is not whole.
func readWords(status Status, noun string) string {
	bad, all := unhealthy(status)
	return fmt.Sprintf("%d of %s on %s run", all-len(bad), count(all, noun), count(len(status), "node"))
}

// missingInStatus holds a status against the list of nodes, and returns an
// error if the status lacks any of them, or that cannot be told. roles is
// false for a status of processes.
func missingInStatus(p Plan, rs Results, status Status, roles bool) error {
	if !slices.ContainsFunc(p.Steps, func(s Step) bool { return s.ResultKey() == probeNodes.key }) {
		return nil // the plan of an earlier version
	}
	nodes, err := readStep(rs, probeNodes, ReadNodes)
	if err != nil {
		return fmt.Errorf("whether these are all nodes cannot be seen: %w", err)
	}
	absent, missing := status.lacks(nodes)
	switch {
	case len(absent) > 0:
		return fmt.Errorf("kato tells nothing of %d of %s: %s", len(absent), count(len(nodes), "node"), list(absent))
	case len(missing) > 0 && roles:
		return errors.New("kato's list of nodes has roles of which its status tells nothing: " + list(missing))
	}
	return nil
}

// lacks returns the nodes of a list of which the status tells nothing, and the
// roles of the others of which it tells nothing.
func (s Status) lacks(nodes []Node) (absent, missing []string) {
	for _, n := range nodes {
		seen, ok := s[n.IP]
		if len(nodes) == 1 && len(s) == 1 { // kato may not name the only node
			for _, only := range s {
				seen, ok = only, true
			}
		}
		if !ok {
			absent = append(absent, n.IP)
			continue
		}
		for _, role := range n.Roles {
			if _, has := seen[role]; !has {
				missing = append(missing, role+" on "+n.IP)
			}
		}
	}
	return absent, missing
}

// strangers returns the nodes of a status that a list of nodes lacks.
func strangers(nodes []Node, status Status) []string {
	if len(nodes) == 1 && len(status) == 1 || len(nodes) == 0 {
		return nil
	}
	var out []string
	for _, ip := range status.Nodes("") {
		if !slices.ContainsFunc(nodes, func(n Node) bool { return n.IP == ip }) {
			out = append(out, nodeWords(ip))
		}
	}
	return out
}

// statusAdvice says what to do about the roles that do not run.
func statusAdvice(c Cluster, status Status) (advice Advice) {
	var moving, resting bool
	var silent []string
	for _, node := range status.Nodes("") {
		for _, st := range status[node] {
			switch {
			case st.Silent() && !slices.Contains(silent, nodeWords(node)):
				silent = append(silent, nodeWords(node))
			case st.Silent(), st.Healthy():
			case st.Moving():
				moving = true
			default:
				resting = true
			}
		}
	}
	if len(silent) > 0 {
		advice = Advise("See that %s can be reached: how the roles are there is not known.", list(silent))
	}
	if moving {
		advice = advice.And(Advise("What is STARTING may need a minute."))
	}
	if resting {
		advice = advice.And(Advise("Start what is FATAL or STOPPED with %s.", c.command("start", "ROLE", "--node", "IP")))
	}
	return advice
}

// unhealthy lists in words the roles, or processes, that do not run, and
// returns how many there are in all.
func unhealthy(status Status) (bad []string, all int) {
	for _, node := range status.Nodes("") {
		for _, role := range status.Roles(node) {
			all++
			if st := status.Of(node, role); !st.Healthy() {
				bad = append(bad, fmt.Sprintf("%s on %s is %s", role, nodeWords(node), st))
			}
		}
	}
	return bad, all
}
