package als

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// One machine is one node. kato may name the core twice: a cluster that began as
// a micro cloud still lists 127.0.0.1, which is the core. Only the name that
// kato prints tells that, never the address that is dialled: a tunnel ends at
// 127.0.0.1 too.

// IsLoopback reports whether a node's name, as kato prints it, means the machine
// that prints it: the core.
func IsLoopback(name string) bool {
	if strings.EqualFold(strings.TrimSuffix(name, "."), "localhost") {
		return true
	}
	a, err := netip.ParseAddr(name)
	return err == nil && a.WithZone("").Unmap().IsLoopback()
}

// isNodeName reports whether a word is a node as kato names it.
func isNodeName(s string) bool { return isIP(s) || IsLoopback(s) }

// sameName reports whether two names are one, however an address is written.
func sameName(a, b string) bool {
	x, errX := netip.ParseAddr(a)
	y, errY := netip.ParseAddr(b)
	return a == b || errX == nil && errY == nil && x.Unmap() == y.Unmap()
}

// CoreOf returns which of the nodes is the core, as kato names it: the one with
// the host name or address under which the core is configured, else the first
// with the role primary, else the one that is a loopback address or alone, or
// Core if none is known. A configured host that is a loopback address is the
// end of a tunnel, and tells nothing.
func CoreOf(nodes []Node, host string) string {
	named := func(n Node) bool { return !IsLoopback(host) && sameName(n.IP, host) }
	own := func(n Node) bool { return IsLoopback(n.IP) }
	primary := func(n Node) bool { return slices.Contains(n.Roles, "primary") }
	for _, is := range []func(Node) bool{named, primary, own, func(Node) bool { return len(nodes) == 1 }} {
		if i := slices.IndexFunc(nodes, is); i >= 0 {
			return nodes[i].IP
		}
	}
	return Core
}

// oneCore makes one node of all names of the core in kato's list. The line with
// the core's own address is the one that kato keeps; the roles of a loopback
// address are those of the time when the cluster was a micro cloud.
func oneCore(nodes []Node) []Node {
	others := slices.DeleteFunc(slices.Clone(nodes), func(n Node) bool { return IsLoopback(n.IP) })
	if len(others) == len(nodes) {
		return nodes
	}
	core := slices.IndexFunc(others, func(n Node) bool { return slices.Contains(n.Roles, "primary") })
	for _, n := range nodes {
		switch {
		case !IsLoopback(n.IP):
		case core < 0:
			core, others = len(others), append(others, n)
		default:
			others[core].Also = append(others[core].Also, n.IP)
		}
	}
	return others
}

// Merge makes one node of two that are the same machine: a and its other names.
func (n Node) Merge(other Node) Node {
	n.Also = append(append(slices.Clone(n.Also), other.IP), other.Also...)
	n.Roles = slices.Clone(n.Roles)
	for _, role := range other.Roles {
		if !slices.Contains(n.Roles, role) {
			n.Roles = append(n.Roles, role)
		}
	}
	return n
}

// machine returns the name under which a node counts.
func (c Cluster) machine(name string) string {
	for _, n := range c.Nodes {
		if n.IP == name || slices.Contains(n.Also, name) {
			return n.IP
		}
	}
	if core := c.CoreIP(); IsLoopback(name) && core != Core {
		return core
	}
	return name
}

// status reads a probe of the roles. What it says of two names of one machine
// counts as one node, with the worse condition of each role.
func (c Cluster) status(rs Results, id stepID) (Status, error) {
	s, err := readStep(rs, id, ReadStatus)
	return c.oneStatus(s), err
}

func (c Cluster) oneStatus(s Status) Status {
	if len(s) < 2 {
		return s
	}
	out := Status{}
	for _, name := range s.Nodes("") {
		node := c.machine(name)
		if out[node] == nil {
			out[node] = map[string]Condition{}
		}
		for role, is := range s[name] {
			if old, ok := out[node][role]; ok {
				is = worse(old, is)
			}
			out[node][role] = is
		}
	}
	return out
}

// coreFindings warns of a list of nodes in which more than one is the core.
func coreFindings(nodes []Node) []Finding {
	var primary []string
	for _, n := range nodes {
		if slices.Contains(n.Roles, "primary") {
			primary = append(primary, n.IP)
		}
	}
	if len(primary) < 2 {
		return nil
	}
	return []Finding{{
		Level: Warn, Key: "two-cores", Subjects: primary,
		Text: fmt.Sprintf("kato lists %s with the role primary, %s: a cluster has one core", count(len(primary), "node"), list(primary)),
		Fix:  Advise("Find out which one is the core. If the other is gone, or is the core's old address, remove it from kato's list on the core: %s.", Typed("kato node remove IP")),
	}}
}
