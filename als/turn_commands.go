package als

import "slices"

// The commands that people type to start or restart certain roles on certain
// nodes.

// turnCommands returns the commands that start or restart exactly these roles:
// one command, or one for each node if a single one would touch other nodes
// too.
func (c Cluster) turnCommands(word string, pairs []roleOn) []Typed {
	words := []string{word}
	var nodes []string
	more := false // without --node it would touch other nodes
	for _, p := range pairs {
		if !slices.Contains(words, p.Role) {
			words = append(words, p.Role)
		}
		if !slices.Contains(nodes, p.Node) {
			nodes = append(nodes, p.Node)
		}
		for _, n := range c.NodesWith(p.Role) {
			more = more || !slices.Contains(pairs, roleOn{p.Role, n.IP})
		}
	}
	if len(nodes) != 1 && !more || slices.ContainsFunc(nodes, func(n string) bool { return !isIP(n) }) {
		return []Typed{c.command(words...)}
	}
	var commands []Typed
	for _, ip := range nodes {
		one := []string{word}
		for _, p := range pairs {
			if p.Node == ip {
				one = append(one, p.Role)
			}
		}
		commands = append(commands, c.command(append(one, "--node", ip)...))
	}
	return commands
}
