package jobs

import (
	"strings"
	"testing"

	"alsbot/als"
	"alsbot/config"
)

// A core that someone has taken over names whatever it likes. alsbot dials no
// machine of another cluster for it.
func TestNodesOfAnotherClusterAreRefused(t *testing.T) {
	t.Parallel()
	prod := config.Cluster{Name: "prod", Core: "10.0.0.10:22", Nodes: []string{"10.0.0.11", "10.2.0.0/16", "fd00::12"}, Addresses: map[string]string{"10.0.0.13": "203.0.113.7:2211"}}
	set := func(change func(prod, test *config.Cluster)) *config.Config {
		p, c := prod, config.Cluster{Name: "test", Core: "10.9.0.10:22"}
		if change != nil {
			change(&p, &c)
		}
		return &config.Config{Clusters: []config.Cluster{p, c}}
	}
	const core, node, no = "is the core of @prod", "is a node of @prod", ""
	for name, c := range map[string]struct {
		node, want string
		change     func(prod, test *config.Cluster)
	}{
		"its core":                 {"10.0.0.10", core, nil},
		"its core, as IPv6 has it": {"::ffff:10.0.0.10", core, nil},
		"its core, in hexadecimal": {"::FFFF:A00:A", core, nil},
		"a node":                   {"10.0.0.11", node, nil},
		"a node by its network":    {"10.2.7.7", node, nil},
		"a node, otherwise spelt":  {"FD00:0:0::0012", node, nil},
		"where a node is dialled":  {"203.0.113.7", node, func(_, c *config.Cluster) { c.Core = "10.9.0.10:2211" }},
		"its core by a name":       {"127.0.0.9", no, nil}, // loopback is the core of test itself
		"a name of its core": {"10.9.0.11", core, func(p, c *config.Cluster) {
			p.Core, c.Addresses = "localhost:22", map[string]string{"10.9.0.11": "127.0.0.1:22"}
		}},
		"the same name": {"10.9.0.11", core, func(p, c *config.Cluster) {
			p.Core, c.Addresses = "Prod.Example.:22", map[string]string{"10.9.0.11": "prod.example:22"}
		}},
		"another port":                  {"10.0.0.10", no, func(_, c *config.Cluster) { c.Core = "10.9.0.10:2222" }},
		"by another way":                {"10.0.0.10", no, func(_, c *config.Cluster) { c.Via = "ops@192.0.2.1:22" }},
		"by the same way":               {"10.0.0.10", core, func(p, c *config.Cluster) { p.Via, c.Via = "root@Bastion.example:22", "ops@bastion.example.:22" }},
		"a node of its own":             {"10.9.0.11", no, nil},
		"dialled elsewhere":             {"10.0.0.11", no, func(_, c *config.Cluster) { c.Addresses = map[string]string{"10.0.0.11": "192.0.2.7:22"} }},
		"two names of one cluster":      {"10.0.0.11", no, func(_, c *config.Cluster) { c.Core = "10.0.0.10:22" }},
		"allowed by its own nodes":      {"10.2.7.7", no, func(_, c *config.Cluster) { c.Nodes = []string{"10.2.7.7"} }},
		"allowed by a wider network":    {"10.2.7.7", node, func(_, c *config.Cluster) { c.Nodes = []string{"10.0.0.0/8"} }},
		"a core that its nodes allow":   {"10.0.0.10", core, func(_, c *config.Cluster) { c.Nodes = []string{"10.0.0.10"} }},
		"not among its nodes":           {"10.9.0.12", "not among the nodes", func(_, c *config.Cluster) { c.Nodes = []string{"10.9.0.11", "10.9.1.0/24"} }},
		"among its nodes":               {"10.9.1.12", no, func(_, c *config.Cluster) { c.Nodes = []string{"10.9.0.11", "10.9.1.0/24"} }},
		"its core is always allowed":    {"10.9.0.10", no, func(_, c *config.Cluster) { c.Nodes = []string{"10.9.0.11"} }},
		"no address of a machine":       {"0.0.0.0", "the address of no machine", nil},
		"no address of a machine in v6": {"::", "the address of no machine", nil},
		"a group":                       {"224.0.0.1", "the address of no machine", nil},
	} {
		cfg := set(c.change)
		nodes := []als.Node{{IP: "10.9.0.10", Roles: []string{"base", "primary"}}, {IP: c.node, Roles: []string{"base", "primary"}}}
		_, err := Target(cfg, cfg.Clusters[1], nodes, c.node)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %s: %v", name, c.node, err)
		}
		_, findings := Machines(cfg, cfg.Clusters[1], nodes)
		if _, stopped := (als.Plan{Findings: findings}).Stopped(); stopped != (c.want != "") {
			t.Errorf("%s: %+v", name, findings)
		}
	}
}

// Loopback is judged by the name that kato prints: it is the core, and never the
// alsbot host.
func TestLoopbackIsTheCore(t *testing.T) {
	t.Parallel()
	cfg := &config.Config{Clusters: []config.Cluster{{Name: "prod", Core: "10.0.0.10:22"}}}
	for _, name := range []string{"127.0.0.1", "127.0.1.1", "::1", "0:0::1", "::ffff:127.0.0.1", "localhost", "LOCALHOST.", als.Core} {
		got, err := Target(cfg, cfg.Clusters[0], nil, name)
		if err != nil || got.Addr != "10.0.0.10:22" {
			t.Errorf("%s: %v %v", name, got, err)
		}
	}
}

// One machine is one node, also if kato has two names for it.
func TestMachinesAreNodes(t *testing.T) {
	t.Parallel()
	c := config.Cluster{Name: "prod", Core: "10.0.0.10:22", Addresses: map[string]string{"10.0.0.12": "192.0.2.1:22", "10.1.0.12": "192.0.2.1:22"}}
	cfg := &config.Config{Clusters: []config.Cluster{c}}
	nodes, findings := Machines(cfg, c, []als.Node{
		{IP: "10.0.0.10", Roles: []string{"base", "primary"}}, {IP: "10.0.0.12", Roles: []string{"base", "dea"}}, {IP: "10.1.0.12", Roles: []string{"base", "router"}},
	})
	if len(nodes) != 2 || strings.Join(nodes[1].Roles, " ") != "base dea router" || len(findings) != 1 || findings[0].Level != als.Warn {
		t.Errorf("%+v %+v", nodes, findings)
	}
}
