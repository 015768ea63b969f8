package als

import (
	"slices"
	"strings"
)

// Roles on nodes: how plans store them, and how people read them.

// roleOn is a role on a node.
type roleOn struct{ Role, Node string }

func (o roleOn) String() string { return o.Role + " on " + nodeWords(o.Node) }

// rolePairs are roles on nodes as hints keep them, stored as one string:
// "dea@10.0.0.12 router@10.0.0.10".
type rolePairs []roleOn

// MarshalText implements encoding.TextMarshaler.
func (pairs rolePairs) MarshalText() ([]byte, error) {
	var out wordList
	for _, p := range pairs {
		out = append(out, p.Role+"@"+p.Node)
	}
	return out.MarshalText()
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (pairs *rolePairs) UnmarshalText(text []byte) error {
	*pairs = nil
	for _, w := range strings.Fields(string(text)) {
		role, node, _ := strings.Cut(w, "@")
		*pairs = append(*pairs, roleOn{role, node})
	}
	return nil
}

// pairWords lists pairs role by role: "dea on 10.0.0.12, 10.0.0.13; router on
// …". It shortens a long list of nodes, so it is for sentences; facts use
// allPairWords.
func pairWords(pairs []roleOn) string { return joinPairs(pairs, list) }

// allPairWords is pairWords with every node: a plan's digest covers no node
// that a shortened fact leaves out.
func allPairWords(pairs []roleOn) string { return joinPairs(pairs, allOf) }

func joinPairs(pairs []roleOn, join func([]string) string) string {
	roles, nodes := byRole(pairs)
	var out []string
	for _, r := range roles {
		out = append(out, r+" on "+join(nodes[r]))
	}
	return strings.Join(out, "; ")
}

// byRole returns the roles of pairs, sorted, and the nodes of each role, in
// words.
func byRole(pairs []roleOn) (roles []string, nodes map[string][]string) {
	nodes = map[string][]string{}
	for _, p := range pairs {
		if nodes[p.Role] == nil {
			roles = append(roles, p.Role)
		}
		nodes[p.Role] = append(nodes[p.Role], nodeWords(p.Node))
	}
	slices.Sort(roles)
	return roles, nodes
}

// nodesWithRole returns the nodes that have a role, according to the survey or
// to `kato status`.
func nodesWithRole(c Cluster, s Status, role string) []string {
	var out []string
	for _, n := range c.NodesWith(role) {
		out = append(out, n.IP)
	}
	for _, ip := range s.Nodes(role) {
		if ip != "" && !slices.Contains(out, ip) {
			out = append(out, ip)
		}
	}
	slices.SortFunc(out, byIP)
	return out
}

// nodesOf returns the nodes of pairs, each once.
func nodesOf(pairs []roleOn) []string {
	var out []string
	for _, p := range pairs {
		if name := nodeWords(p.Node); !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

// allPairs returns every role of the nodes.
func (c Cluster) allPairs(nodes []string) []roleOn {
	var out []roleOn
	for _, ip := range nodes {
		n, _ := c.Node(ip)
		for _, role := range n.Roles {
			out = append(out, roleOn{role, ip})
		}
	}
	return out
}
