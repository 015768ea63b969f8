package als

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ReadNodes reads the output of ` + "`kato node list`" + `: a line for each node with
// its IP and its roles, or JSON. It sorts the nodes by IP and keeps kato's
// order of roles. It returns an error unless it could read all of it; the nodes
// are then those that it could read, without roles where these are in doubt.
func ReadNodes(out []byte) ([]Node, error) {
	list, g := nodeList{}, &gaps{}
	if tree, found := findJSON(out, g); found {
		list.walk(tree, g)
	} else {
		list.text(out, g)
	}
	nodes := oneCore(list.nodes)
	slices.SortStableFunc(nodes, func(a, b Node) int { return byIP(a.IP, b.IP) })
	if slices.ContainsFunc(nodes, func(n Node) bool { return len(n.Roles) > 0 }) {
		return nodes, g.err("the list of nodes")
	}
	if said := complaint(out); said != "" {
		return nil, fmt.Errorf("kato could not list the nodes: %s", said)
	}
	return nil, errors.New("the list of nodes cannot be read: it names no node with its roles")
}

type nodeList struct{ nodes []Node }

// add adds a node, and returns false if what stands behind its IP cannot be
// its roles. Every node has the role base; only a load balancer may stand
// alone. So a sentence about a node is no list of roles.
func (l *nodeList) add(ip string, roles []string, g *gaps) bool {
	if len(l.nodes) == nodesMost {
		g.tooMany(nodesMost, "node")
		return true
	}
	if len(roles) > wordsMost {
		g.tooMany(wordsMost, "role")
		roles = nil
	}
	ok := slices.Contains(roles, "base") || slices.Contains(roles, "load_balancer")
	for i, r := range roles {
		ok = ok && rolePattern.MatchString(r) && !knownCondition(r) && !slices.Contains(noRoles, r) && !slices.Contains(roles[:i], r)
	}
	if slices.ContainsFunc(l.nodes, func(n Node) bool { return sameName(n.IP, ip) }) {
		g.say("%s is there twice", ip)
		return true
	}
	if !ok {
		roles = nil
	}
	l.nodes = append(l.nodes, Node{IP: ip, Roles: roles})
	return ok
}

// noRoles are words of sentences that could be taken for roles.
var noRoles = []string{"is", "not", "no", "node", "down", "cannot", "could", "error", "failed", "timeout", "reachable", "unknown", "ok", "up"}

// text reads the lines: a node's IP and its roles.
func (l *nodeList) text(out []byte, g *gaps) {
	lines := clean(out)
	for _, line := range lines {
		ip, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		ip = strings.TrimRight(ip, ":,")
		switch {
		case isNoise(line):
		case !isNodeName(ip), !l.add(ip, roleWords(rest), g):
			g.line(line)
		}
	}
	g.textEnd(lines)
}

func roleWords(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' || r == '[' || r == ']' || r == '"' })
}

// infoKeys are the other fields of what ` + "`kato info --json`" + ` prints.
var infoKeys = []string{"nodes", "mbusip", "admins", "micro_cloud", "endpoint", "maintenance_mode"}

// walk reads JSON: a map from IPs to roles, such a map under "nodes", or an
// array of objects.
func (l *nodeList) walk(v any, g *gaps) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			l.record(e, g)
		}
	case object:
		if inner, ok := v.get("nodes").(object); ok {
			v.only(g, infoKeys...)
			v = inner
		}
		for _, f := range v {
			if !isNodeName(f.key) || !l.add(f.key, rolesOf(f, g), g) {
				g.line(f.String())
			}
		}
	}
}

// record reads an object with the node's IP in it.
func (l *nodeList) record(v any, g *gaps) {
	o, _ := v.(object)
	for _, key := range []string{"ip", "id", "node", "address"} {
		ip, _ := o.get(key).(string)
		if !isNodeName(ip) {
			continue
		}
		o.only(g, key, "roles")
		if !l.add(ip, rolesOf(field{"roles", o.get("roles")}, g), g) {
			g.line(ip)
		}
		return
	}
	g.line(field{"a node", v}.String())
}

// rolesOf reads roles: a list, a map whose keys are roles, or an object with
// one of these under "roles".
func rolesOf(f field, g *gaps) []string {
	o, ok := f.value.(object)
	if !ok {
		return jsonWords(f, rolePattern.MatchString, g)
	}
	if inner := o.get("roles"); inner != nil {
		o.only(g, "roles")
		return rolesOf(field{"roles", inner}, g)
	}
	var roles []string
	for _, r := range o {
		if _, ok := r.value.(string); !ok {
			g.line(r.String())
		}
		roles = append(roles, r.key)
	}
	slices.Sort(roles)
	return roles
}
