package als

import (
	"slices"
	"strings"
)

// Condition is the state of a role or a process, in kato's words and in
// capitals.
type Condition string

// Unknown is the condition of a role that kato does not mention, or for which
// it uses an unknown word. It is never healthy.
const Unknown Condition = "UNKNOWN"

// conditions are the words of kato and supervisord.
var conditions = []Condition{"RUNNING", "READY", "STARTING", "STOPPING", "STOPPED", "START", "STOP", "FATAL", "BACKOFF", "EXITED",
	Unknown, "ROGUE", "OFFLINE", "UNREACHABLE"}

// Healthy reports whether the role runs.
func (c Condition) Healthy() bool { return c == "RUNNING" || c == "READY" }

// Moving reports whether the condition may soon change by itself.
func (c Condition) Moving() bool {
	switch c {
	case "STARTING", "STOPPING", "START", "STOP", "BACKOFF", Unknown:
		return true
	}
	return false
}

// Down reports whether the role has stopped for good.
func (c Condition) Down() bool { return c == "STOPPED" || c == "EXITED" }

// Silent reports whether the role's node did not answer. The role's real
// condition is not known then.
func (c Condition) Silent() bool { return c == "UNREACHABLE" || c == "OFFLINE" }

func condition(s string) Condition {
	c := Condition(strings.ToUpper(strings.Trim(s, `"'()[],;`)))
	if slices.Contains(conditions, c) {
		return c
	}
	return Unknown
}

// Status is the answer of `kato status`: node, then role or process, then
// condition. The node is "" if the output names none.
type Status map[string]map[string]Condition

// Of returns the condition of a role on a node, or Unknown if the status lacks
// it.
func (s Status) Of(node, role string) Condition {
	if c, ok := s[node][role]; ok {
		return c
	}
	return Unknown
}

// Nodes returns the nodes that have the role, sorted; for "" all nodes.
func (s Status) Nodes(role string) []string {
	var out []string
	for node, roles := range s {
		if _, ok := roles[role]; ok || role == "" {
			out = append(out, node)
		}
	}
	slices.SortFunc(out, byIP)
	return out
}

// Roles returns the roles of a node, sorted.
func (s Status) Roles(node string) []string {
	var out []string
	for r := range s[node] {
		out = append(out, r)
	}
	slices.Sort(out)
	return out
}

// set notes a role's condition. A role that is there twice has the condition
// that is not healthy, and is a gap.
func (s Status) set(node, role string, c Condition, g *gaps) {
	old, twice := s[node][role]
	switch {
	case s[node] == nil && !s.room(g):
		return
	case twice:
		g.say("%s on %s is there twice", role, nodeWords(node))
		c = worse(old, c)
	case len(s[node]) == wordsMost:
		g.tooMany(wordsMost, "role")
		return
	case s[node] == nil:
		s[node] = map[string]Condition{}
	}
	s[node][role] = c
}

// room reports whether the status may have one node more.
func (s Status) room(g *gaps) bool {
	if len(s) < nodesMost {
		return true
	}
	g.tooMany(nodesMost, "node")
	return false
}

// open begins a node. A node that is there twice is a gap: perhaps the line
// that names another node is missing.
func (s Status) open(node string, g *gaps) {
	if s[node] != nil {
		g.say("%s is there twice", nodeWords(node))
		return
	}
	if s.room(g) {
		s[node] = map[string]Condition{}
	}
}

// worse returns the condition to rely on if an output has two for one role:
// never the healthy one.
func worse(a, b Condition) Condition {
	if a.Healthy() {
		return b
	}
	return a
}

func knownCondition(s string) bool {
	return slices.Contains(conditions, Condition(strings.ToUpper(s)))
}
