package als

import (
	"slices"
	"strings"
)

// Preconditions that several procedures share. Each is written once, as a
// Check in prechecks.go; an operation names those that it needs and where.

// Check is one precondition.
type Check struct {
	Name string // what is to be so, as a clause
	Why  string // what would happen otherwise, as a clause
	// Fix is what to do about it. NODE and @CLUSTER stand for where it is amiss.
	Fix string

	probes func(c Cluster, node string) []Step // nil where the survey tells all
	read   func(c Cluster, node string, rs Results) observation
}

// observation is what a check has seen: that all is well, what is amiss, or that it
// could not be seen.
type observation struct {
	level   Level // "" is all well
	problem string
	// asIs is a finding as it is: why and mend of the check are not its own.
	asIs *Finding
}

func problem(level Level, text string) observation { return observation{level: level, problem: text} }

func unseen(level Level, text, fix string) observation {
	return observation{level: level, asIs: &Finding{Level: level, Text: text, Fix: fix}}
}

// Need is a precondition, asked of one node.
type Need struct {
	Check
	Node string // as steps name it
	// Warn is set where the operation may begin although it is not met.
	Warn bool
}

// Probes are the read-only steps that the need takes.
func (n Need) Probes(c Cluster) []Step {
	if n.probes == nil {
		return nil
	}
	return n.probes(c, n.Node)
}

// Finding is what is amiss by the results of Looks, with why it matters and
// how to fix it. It is false when all is well.
func (n Need) Finding(c Cluster, rs Results) (Finding, bool) {
	s := n.read(c, n.Node, rs)
	if s.level == "" {
		return Finding{}, false
	}
	f := Finding{Level: s.level, Text: s.problem + ": " + n.Why, Fix: strings.NewReplacer("NODE", nodeWords(n.Node), "@CLUSTER", "@"+c.Name).Replace(n.Fix)}
	if s.asIs != nil {
		f = *s.asIs
	}
	if n.Warn {
		f.Level = Warn
	}
	return f, true
}

// probesFor are the looks of all the needs, each of them once.
func (c Cluster) probesFor(needs []Need) []Step {
	var out []Step
	for _, n := range needs {
		for _, s := range n.Probes(c) {
			if !slices.ContainsFunc(out, func(have Step) bool { return have.Key == s.Key && have.Node == s.Node }) {
				out = append(out, s)
			}
		}
	}
	return out
}

// checkNeeds holds what was seen against the needs: what is amiss becomes findings,
// and a note says what is as it is to be.
func (p *Plan) checkNeeds(c Cluster, needs []Need, rs Results) {
	var names, bad []string
	for _, n := range needs {
		if f, found := n.Finding(c, rs); found {
			p.Findings, bad = append(p.Findings, f), append(bad, n.Name)
		}
		if !slices.Contains(names, n.Name) {
			names = append(names, n.Name)
		}
	}
	well := slices.DeleteFunc(names, func(name string) bool { return slices.Contains(bad, name) })
	if len(well) > 0 {
		p.Notes = append(p.Notes, "Checked: "+strings.Join(well, "; ")+".")
	}
}

// Preconditions lists every check, on every node that it is about: what
// `alsbot check --connect` looks at. No operation waits for them, so that
// they only warn. Disk and memory are those of an upgrade.
func Preconditions(c Cluster) []Need {
	needs := []Need{{filesystemNode, Core, true}, {rolesRun, Core, true}, {notInMaintenance, Core, true}}
	if len(c.Nodes) > 1 {
		needs = append(needs, Need{coreReaches, Core, true})
	}
	for _, ip := range c.ips() {
		disk, memory := c.upgradeRoom(ip)
		for _, k := range []Check{sudoAsksNothing, freeDisk(disk), freeMemory(memory), noOtherJob} {
			needs = append(needs, Need{k, c.at(ip), true})
		}
	}
	return needs
}
