package als

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ReadNodes reads the output of `kato node list`: a line for each node with
// its IP and its roles, or JSON. It sorts the nodes by IP and keeps kato's
// order of roles. An output without nodes is an error.
func ReadNodes(out []byte) ([]Node, error) {
	var nodes []Node
	add := func(ip string, roles []string) {
		for i := range nodes {
			if nodes[i].IP == ip {
				nodes[i].Roles = append(nodes[i].Roles, roles...)
				return
			}
		}
		nodes = append(nodes, Node{IP: ip, Roles: roles})
	}
	var raw json.RawMessage
	if fromJSON(out, &raw) == nil {
		walkNodes(raw, add)
	}
	if len(nodes) == 0 {
		nodesFromText(out, add)
	}
	if len(nodes) == 0 {
		if said := complaint(out); said != "" {
			return nil, fmt.Errorf("kato could not list the nodes: %s", said)
		}
		return nil, errors.New("the list of nodes cannot be read: it names no node")
	}
	slices.SortStableFunc(nodes, func(a, b Node) int { return byIP(a.IP, b.IP) })
	return nodes, nil
}

// nodesFromText finds the lines that begin with a node's IP. Every node has at
// least the role base, so a line without roles was cut off and does not count.
func nodesFromText(out []byte, add func(ip string, roles []string)) {
	for _, line := range clean(out) {
		ip, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		ip = strings.TrimRight(ip, ":,")
		if !isIP(ip) || strings.Contains(rest, "...") {
			continue
		}
		if roles := names(rest, rolePattern.MatchString); len(roles) > 0 {
			add(ip, roles)
		}
	}
}

// walkNodes finds nodes in JSON: a map from IPs to roles, such a map in an
// object, or an array of objects.
func walkNodes(raw json.RawMessage, add func(ip string, roles []string)) {
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) == nil {
		for _, item := range list {
			var node map[string]any
			if json.Unmarshal(item, &node) != nil {
				continue
			}
			for _, key := range []string{"ip", "id", "node", "address"} {
				if ip := text(node[key]); isIP(ip) {
					add(ip, rolesOf(node))
					break
				}
			}
		}
		return
	}
	var m map[string]any
	if json.Unmarshal(raw, &m) != nil {
		return
	}
	if inner, ok := m["nodes"].(map[string]any); ok {
		m = inner
	}
	for ip, v := range m {
		if isIP(ip) {
			add(ip, rolesOf(v))
		}
	}
}

// rolesOf reads roles: a list, a map whose keys are roles, or an object with
// one of these under "roles".
func rolesOf(v any) []string {
	if m, ok := v.(map[string]any); ok {
		if inner, ok := m["roles"]; ok {
			return rolesOf(inner)
		}
		var roles []string
		for r := range m {
			if rolePattern.MatchString(r) {
				roles = append(roles, r)
			}
		}
		slices.Sort(roles)
		return roles
	}
	return names(text(v), rolePattern.MatchString)
}
