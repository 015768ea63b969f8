package als

import (
	"slices"
	"strings"
)

// Impact is what an approver has to know first: what stops, for whom, on which
// nodes, and how long it took last time. It repeats in words what the plan has,
// and binds nothing.
type Impact struct {
	// Stops are the roles that stop or restart. Known is false if roles stop and
	// the plan can't tell which.
	Stops []Outage
	Known bool
	Nodes []string // the nodes that are worked on, in words
	Last  string   // a sentence
}

// Outage is a role that stops, and what that means for people.
type Outage struct {
	Role  string
	Nodes []string // in words
	For   string   // what stops working, and for whom; "" if that isn't known
}

// gravest are the roles without which most stops, in this order.
var gravest = []string{"primary", "router", "load_balancer", "controller", "dea"}

// Impact returns what the plan stops, the gravest first.
func (p Plan) Impact() Impact {
	i := Impact{Known: true, Last: p.lastTimeNote()}
	stopping := p.Effect == Restart && p.Operation != opStartName
	if stopping {
		roles, nodes := byRole(p.Hints.Restarts)
		slices.SortStableFunc(roles, func(a, b string) int { return gravity(a) - gravity(b) })
		for _, role := range roles {
			i.Stops = append(i.Stops, Outage{Role: role, Nodes: nodes[role], For: stopsWithout(role, len(nodes[role]))})
		}
		i.Known = len(roles) > 0
	}
	i.Nodes = p.workedOn()
	return i
}

func gravity(role string) int {
	if i := slices.Index(gravest, role); i >= 0 {
		return i
	}
	return len(gravest)
}

// workedOn returns the nodes that the plan names, in words. The core counts
// where it is named, not because kato runs there to reach the others.
func (p Plan) workedOn() []string {
	names := nodesOf(p.Hints.Restarts)
	add := func(name string) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, f := range p.Facts {
		if f.Key == "nodes" {
			for _, name := range f.Items() {
				add(name)
			}
		}
	}
	reached := len(names) > 0
	for _, s := range p.Steps {
		if !s.Repeatable && (!reached || s.Node != Core) {
			add(nodeWords(s.Node))
		}
	}
	return names
}

// lastTimeNote returns the plan's note on how long it took last time, "" if it
// has none.
func (p Plan) lastTimeNote() string {
	i := slices.IndexFunc(p.Notes, func(n string) bool {
		return n == neverDone || strings.HasPrefix(n, tookBefore) && strings.HasSuffix(n, tookAfter)
	})
	if i < 0 {
		return ""
	}
	return p.Notes[i]
}

// Items returns the parts of a fact that lists several things, else its value
// alone. Roles are listed with all their nodes: "dea on 10.0.0.12, 10.0.0.13".
func (f Fact) Items() []string {
	if strings.Contains(f.Value, "; ") || strings.HasSuffix(f.Key, "roles") || f.Key == "targets" {
		return strings.Split(f.Value, "; ")
	}
	return strings.Split(f.Value, ", ")
}

// WorstFirst returns the plan's findings, those that stop it first, otherwise
// in their order.
func (p Plan) WorstFirst() []Finding {
	found := slices.Clone(p.Findings)
	slices.SortStableFunc(found, func(a, b Finding) int { return a.Level.weight() - b.Level.weight() })
	return found
}

// weight sorts levels, the worst first. A level that this version doesn't know
// comes first.
func (l Level) weight() int {
	switch l {
	case Stop:
		return 1
	case Warn:
		return 2
	default:
		return 0
	}
}
