package als

import (
	"errors"
	"fmt"
	"regexp"
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

func (s Status) set(node, role string, c Condition) {
	if s[node] == nil {
		s[node] = map[string]Condition{}
	}
	if old, ok := s[node][role]; ok && old != c && (!old.Healthy() || !c.Healthy()) {
		c = worse(old, c)
	}
	s[node][role] = c
}

// worse returns the condition to rely on if an output has two for one role:
// never the healthy one.
func worse(a, b Condition) Condition {
	if a.Healthy() {
		return b
	}
	return a
}

var (
	statusHead  = regexp.MustCompile(`(?i)^(?:-+>\s*)?(?:node\s+)?\[?([0-9a-f.:]{2,45}?)\]?:?(?:\s+\(?([a-z]+)\)?)?$`)
	statusTable = regexp.MustCompile(`^([0-9A-Fa-f.:]{2,45}?):?\s+([a-z0-9][a-z0-9_-]{0,63})\s*:?\s+([A-Za-z]+)\b`)
	statusRole  = regexp.MustCompile(`^([a-z0-9][a-z0-9_-]{0,63})\s*(:?)\s+([A-Za-z]+)\b(?:\s+.*)?$`)
)

// ReadStatus reads the output of `kato status`: a block for each node, a table
// with the node in each line, or JSON. Processes listed under a role do not
// count as roles. An output without roles is an error.
func ReadStatus(out []byte) (Status, error) {
	s, err := readConditions(out)
	if err != nil {
		return nil, fmt.Errorf("reading the status of the roles: %w", err)
	}
	return s, nil
}

// ReadProcesses reads the output of `kato process list`, of one node ("") or
// of the cluster, as text or JSON.
func ReadProcesses(out []byte) (Status, error) {
	s, err := readConditions(out)
	if err != nil {
		return nil, fmt.Errorf("reading the list of processes: %w", err)
	}
	return s, nil
}

func readConditions(out []byte) (Status, error) {
	s := Status{}
	var tree any
	if fromJSON(out, &tree) == nil {
		walkStatus(s, "", tree)
	}
	if len(s) == 0 {
		textStatus(s, out)
	}
	for _, roles := range s {
		if len(roles) > 0 {
			return s, nil
		}
	}
	if said := complaint(out); said != "" {
		return nil, errors.New(said)
	}
	return nil, errors.New("it names no role in any shape that kato is known to print")
}

func textStatus(s Status, out []byte) {
	node, indent := "", -1
	for _, line := range clean(out) {
		l := strings.TrimSpace(line)
		in := len(line) - len(strings.TrimLeft(line, " "))
		if m := statusTable.FindStringSubmatch(l); m != nil && isIP(m[1]) && knownCondition(m[3]) {
			s.set(m[1], m[2], condition(m[3]))
			continue
		}
		if m := statusHead.FindStringSubmatch(l); m != nil && isIP(m[1]) {
			node, indent = m[1], -1
			if s[node] == nil {
				s[node] = map[string]Condition{}
			}
			continue
		}
		m := statusRole.FindStringSubmatch(l)
		if m == nil || isIP(m[1]) || !knownCondition(m[3]) && m[3] != strings.ToUpper(m[3]) {
			continue
		}
		if indent < 0 {
			indent = in
		}
		if in > indent { // a process of the role above
			continue
		}
		s.set(node, m[1], condition(m[3]))
	}
}

func knownCondition(s string) bool {
	return slices.Contains(conditions, Condition(strings.ToUpper(s)))
}

// walkStatus finds nodes, roles and conditions at any depth.
func walkStatus(s Status, node string, v any) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			walkStatus(s, node, e)
		}
	case map[string]any:
		for key, inner := range v {
			walkField(s, node, key, inner)
		}
	}
}

// walkField reads one field of an object: a role with its condition, a node,
// or an object with either in it.
func walkField(s Status, node, key string, v any) {
	switch v := v.(type) {
	case string:
		if rolePattern.MatchString(key) && (node != "" || knownCondition(v)) {
			s.set(node, key, condition(v))
		}
		return
	case map[string]any:
		if isIP(key) {
			node = key
		} else if st, ok := stateOf(v); ok && rolePattern.MatchString(key) {
			s.set(node, key, condition(st))
			return
		}
	}
	walkStatus(s, node, v)
}

// stateOf returns the state in an object that describes a role.
func stateOf(m map[string]any) (string, bool) {
	for _, key := range []string{"state", "status", "statename", "condition"} {
		if st, ok := m[key].(string); ok {
			return st, true
		}
	}
	return "", false
}
