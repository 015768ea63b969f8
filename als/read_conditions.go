package als

import (
	"errors"
	"slices"
	"strings"
)

var (
	statusHead  = mustCompile(`(?i)^(?:-+>\s*)?(?:node\s+)?\[?(localhost|[0-9a-f.:]{2,45}?)\]?:?(?:\s+\(?([a-z]+)\)?)?$`)
	statusTable = mustCompile(`^(localhost|[0-9A-Fa-f.:]{2,45}?):?\s+([a-z0-9][a-z0-9_-]{0,63})\s*:?\s+\(?([A-Za-z]+)\)?$`)
	statusRole  = mustCompile(`^([a-z0-9][a-z0-9_-]{0,63})\s*:?\s+([A-Za-z]+|not configured)$`)
	// statusOdd matches a role whose state cannot be read.
	statusOdd = mustCompile(`^([a-z0-9][a-z0-9_-]{0,63})(?:\s*:| ) +[A-Za-z]`)
)

// ReadStatus reads the output of ` + "`kato status`" + `: a block for each node, a table
// with the node in each line, or JSON. Processes listed under a role do not
// count as roles, but a role is no healthier than they are. It returns an
// error unless it could read all of it; the status then has what it could
// read.
func ReadStatus(out []byte) (Status, error) {
	return readConditions(out, "the status of the roles")
}

// ReadProcesses reads the output of ` + "`kato process list`" + `, of one node ("") or
// of the cluster, as text or JSON.
func ReadProcesses(out []byte) (Status, error) {
	return readConditions(out, "the list of processes")
}

func readConditions(out []byte, what string) (Status, error) {
	s, g := Status{}, &gaps{}
	if tree, found := findJSON(out, g); found {
		walkStatus(s, "", tree, g)
	} else {
		textStatus(s, out, g)
	}
	read := 0
	for node, roles := range s {
		read += len(roles)
		if len(roles) == 0 {
			g.say("nothing is listed for %s", nodeWords(node))
		}
	}
	if s[""] != nil && len(s) > 1 {
		g.say("of some it does not say on which node they are")
	}
	if read > 0 {
		return s, g.err(what)
	}
	if said := complaint(out); said != "" {
		return s, errors.New("reading " + what + ": " + said)
	}
	return s, errors.New("reading " + what + ": it names no role in any shape that kato is known to print")
}

// textStatus reads blocks and tables.
func textStatus(s Status, out []byte, g *gaps) {
	b := statusBlock{s: s, indent: -1}
	lines := clean(out)
	for _, line := range lines {
		l := strings.TrimSpace(line)
		table, head := statusTable.FindStringSubmatch(l), statusHead.FindStringSubmatch(l)
		switch {
		case table != nil && isNodeName(table[1]):
			s.set(table[1], table[2], condition(table[3]), g)
			if !knownCondition(table[3]) {
				g.line(l)
			}
		case head != nil && isNodeName(head[1]):
			b.node, b.role, b.indent = head[1], "", -1
			s.open(b.node, g)
			if head[2] != "" && !condition(head[2]).Healthy() {
				g.line(l)
			}
		case isNoise(line), b.line(line, g):
		default:
			g.line(l)
		}
	}
	g.textEnd(lines)
}

// statusBlock reads the lines below a node.
type statusBlock struct {
	s          Status
	node, role string // the last ones
	indent     int    // of the node's roles; -1 if there was none yet
}

// line reads a role with its condition, or a process of the role above.
func (b *statusBlock) line(line string, g *gaps) bool {
	l := strings.TrimSpace(line)
	in := len(line) - len(strings.TrimLeft(line, " "))
	m := statusRole.FindStringSubmatch(l)
	if m == nil {
		if odd := statusOdd.FindStringSubmatch(l); odd != nil && in <= max(b.indent, 2) {
			b.role = ""
			b.s.set(b.node, odd[1], Unknown, g)
		}
		return false
	}
	if isNodeName(m[1]) {
		return false
	}
	if m[2] == "not configured" { // --all lists these
		b.role = ""
		return true
	}
	if !knownCondition(m[2]) {
		g.line(l)
	}
	if b.indent < 0 {
		b.indent = in
	}
	if in <= b.indent {
		b.role = m[1]
		b.s.set(b.node, b.role, condition(m[2]), g)
		return true
	}
	now, known := b.s[b.node][b.role]
	if known {
		b.s[b.node][b.role] = worse(now, condition(m[2]))
	}
	return known // or nothing is known of the role above
}

// stateKeys name the state of a role in JSON.
var stateKeys = []string{"state", "status", "statename", "condition"}

// walkStatus finds nodes, roles and conditions at any depth.
func walkStatus(s Status, node string, v any, g *gaps) {
	fields, ok := v.(object)
	if !ok {
		g.line(field{"JSON", v}.String())
		return
	}
	for _, f := range fields {
		inner, isObject := f.value.(object)
		state, isText := f.value.(string)
		if len(inner) == 1 && slices.Contains(stateKeys, inner[0].key) {
			state, isText = inner[0].value.(string)
		}
		switch {
		case isObject && isNodeName(f.key) && node == "":
			s.open(f.key, g)
			walkStatus(s, f.key, inner, g)
		case isObject && slices.Contains([]string{"nodes", "roles", "processes"}, f.key):
			walkStatus(s, node, inner, g)
		case isText && rolePattern.MatchString(f.key) && !slices.Contains(stateKeys, f.key) && (node != "" || knownCondition(state)):
			s.set(node, f.key, condition(state), g)
			if !knownCondition(state) {
				g.line(f.key + ": " + state)
			}
		default:
			g.line(f.String())
		}
	}
}
