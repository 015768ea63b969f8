package node

import (
	"strings"
)

func infoCommands() []command {
	const formats = "-j --json, -y --yaml"
	return []command{
		{words: "version", run: (*kato).version},
		{words: "node version", args: "[<ip>]", max: 1, run: (*kato).version},
		{words: "node list", options: formats, run: (*kato).nodeList},
		{words: "info", options: "-n --node=IP, " + formats, run: (*kato).info},
	}
}

func (k *kato) version() int {
	node := k.node
	if arg := k.arg(0); arg != "" {
		node = arg
	}
	m := k.s.Nodes[node]
	if m == nil {
		return k.fail("Node '%s' not found in this cluster.", node)
	}
	if k.faults.down(node) {
		return k.fail("ssh: connect to host %s port 22: Connection refused", node)
	}
	k.out.line("%s", m.Version)
	return 0
}

func (k *kato) nodeList() int {
	if k.has("json") {
		nodes := map[string][]string{}
		for ip, m := range k.s.Nodes {
			nodes[ip] = m.roles()
		}
		k.out.json(nodes)
		return 0
	}
	between := " "
	if k.faults.value("variant") == "comma" {
		between = ", "
	}
	for _, ip := range k.s.ips() {
		k.out.line("%s %s", ip, strings.Join(k.s.Nodes[ip].roles(), between))
	}
	return 0
}

func (k *kato) info() int {
	s, m := k.s, k.s.Nodes[k.target()]
	cluster, _ := s.Config["cluster"].(map[string]any)
	cc, _ := s.Config["cloud_controller_ng"].(map[string]any)
	if k.has("json") {
		nodes := map[string]any{}
		for ip, m := range s.Nodes {
			nodes[ip] = map[string]any{"roles": m.roles()}
		}
		k.out.json(map[string]any{
			"nodes": nodes, "mbusip": cluster["mbusip"], "admins": cc["admins"], "micro_cloud": len(s.Nodes) == 1,
			"endpoint": cluster["endpoint"], "maintenance_mode": s.maintenance(),
		})
		return 0
	}
	k.out.line("assigned roles:")
	for _, name := range m.roles() {
		k.out.line("  %s", name)
	}
	k.out.line("available roles:")
	for _, r := range allRoles() {
		if m.Roles[r.name] == nil {
			k.out.line("  %s", r.name)
		}
	}
	k.out.line("mbus ip:  %v", cluster["mbusip"])
	k.out.line("endpoint: %v", cluster["endpoint"])
	return 0
}
