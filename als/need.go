package als

import (
	"slices"
	"strings"
)

// Preconditions that several operations share. Each is a Check in
// prechecks.go. An operation names those that it needs, and on which node.

// Check is one precondition.
type Check struct {
	Name string // the precondition, as a clause
	Key  string // of its findings; never changes
	Why  string // what would happen without it, as a clause
	// Fix is what to do if the check fails. NODE and @CLUSTER stand for the
	// place.
	Fix Advice

	probes func(c Cluster, node string) []Step // nil if the survey is enough
	read   func(c Cluster, node string, rs Results) observation
}

// observation is the result of a check: it is met, it is not, or that could
// not be seen.
type observation struct {
	level    Level // "" if the precondition is met
	problem  string
	subjects []string // what is affected, where the node alone does not say it
	// volatile is true of what changes by itself.
	volatile bool
	// asIs replaces the finding that the check's Why and Fix would make.
	asIs *Finding
}

// passing returns the observation as one of what changes by itself.
func (o observation) passing() observation {
	o.volatile = true
	return o
}

// of returns the observation with what is affected.
func (o observation) of(subjects []string) observation {
	o.subjects = subjects
	return o
}

func problem(level Level, text string) observation { return observation{level: level, problem: text} }

func unseen(level Level, text string, fix Advice) observation {
	return observation{level: level, asIs: &Finding{Level: level, Text: text, Fix: fix}}
}

// Need is a precondition on one node.
type Need struct {
	Check
	Node string // as steps name it
	// Warn is true if the operation may begin although the check fails.
	Warn bool
}

// Probes returns the read-only steps whose results Finding needs.
func (n Need) Probes(c Cluster) []Step {
	if n.probes == nil {
		return nil
	}
	return n.probes(c, n.Node)
}

// Finding returns what is wrong by the results of Probes, why it matters and
// how to fix it. It returns false if the precondition is met.
func (n Need) Finding(c Cluster, rs Results) (Finding, bool) {
	s := n.read(c, n.Node, rs)
	if s.level == "" {
		return Finding{}, false
	}
	f := Finding{Level: s.level, Key: n.Key, Text: s.problem + ": " + n.Why, Fix: n.Fix.replace(strings.NewReplacer("NODE", nodeWords(n.Node), "@CLUSTER", "@"+c.Name))}
	if s.asIs != nil {
		f = *s.asIs
		f.Key = "unseen-" + n.Key
	}
	if f.Subjects = s.subjects; len(f.Subjects) == 0 {
		f.Subjects = []string{n.Node}
	}
	f.Volatile = f.Volatile || s.volatile
	if n.Warn {
		f.Level = Warn
	}
	return f, true
}

// probesFor returns the probes of all needs, each once.
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

// checkNeeds adds a finding to the plan for each need that is not met, and one
// note that names those that are.
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

// Preconditions returns every check on every node where it applies: those that
// `alsbot check --connect` makes. They only warn, since no operation waits for
// them. Disk and memory are those that an upgrade needs.
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
