package als_test

import (
	"strings"
	"testing"

	"alsbot/als"
)

// A micro cloud knows itself as 127.0.0.1. alsbot must never connect there,
// since that is its own host.
func TestMicroCloud(t *testing.T) {
	c := testCluster()
	c.Nodes = []als.Node{{IP: "127.0.0.1", Roles: []string{"base", "controller", "dea", "filesystem", "mysql", "primary", "router"}}}
	if !c.Micro() || c.CoreIP() != "127.0.0.1" {
		t.Errorf("micro %v, core %s", c.Micro(), c.CoreIP())
	}
	status := "Node 127.0.0.1\n  base RUNNING\n  controller RUNNING\n  dea RUNNING\n  filesystem RUNNING\n  mysql RUNNING\n  primary RUNNING\n  router RUNNING\n"
	k := kato{whereLine: {"[]", 0}, "core$ kato status": {status, 0}, "core$ kato patch status": {patchesC, 0}, historyLine: {started, 0}}
	for text, want := range map[string]string{
		"restart dea":                    "core$ kato restart dea\n",
		"restart dea --node 127.0.0.1":   "core$ kato restart dea\n",
		"patch install":                  "roles that restart=controller on 127.0.0.1; router on 127.0.0.1",
		"patch install --only-this-node": "core$ kato patch install --local\n",
	} {
		if got := planned(t, c, text, k); !strings.Contains(got, want) {
			t.Errorf("%s: want %q in:\n%s", text, want, got)
		}
	}
	req, op := asked(t, "export cluster")
	plan, err := op.Plan(req, c, als.Results{{Key: "target", Node: als.Core, Output: []byte("dir=/home/helion\nreal=/home/helion\nstate=writable\ntarget=absent\ntemp=absent\nfree=100000000000\nmount=/\n")}})
	must(t, err)
	if len(plan.Steps) < 2 || plan.Steps[1].Node != als.Core || plan.Steps[1].Line() != "kato data export --only-this-node /home/helion/.alsbot-k3v9t2/archive.tgz" {
		t.Errorf("steps: %+v, %+v", plan.Steps, plan.Findings)
	}
}

// The core is the node with the role primary, or the only one. Only a single
// node that knows itself by a loopback address is a micro cloud.
func TestCoreAndMicro(t *testing.T) {
	t.Parallel()
	node := func(ip string, roles ...string) als.Node {
		return als.Node{IP: ip, Roles: append([]string{"base"}, roles...)}
	}
	for _, tt := range []struct {
		name  string
		nodes []als.Node
		core  string
		micro bool
	}{
		{"primary", []als.Node{node("10.0.0.10", "dea"), node("10.0.0.11", "primary")}, "10.0.0.11", false},
		{"no primary", []als.Node{node("10.0.0.10"), node("10.0.0.11", "dea")}, als.Core, false},
		{"the only one", []als.Node{node("10.0.0.10")}, "10.0.0.10", false},
		{"micro", []als.Node{node("127.0.0.1", "primary")}, "127.0.0.1", true},
		{"a loopback address among others", []als.Node{node("127.0.0.1", "primary"), node("10.0.0.11")}, "127.0.0.1", false},
		{"none", nil, als.Core, false},
	} {
		c := als.Cluster{Nodes: tt.nodes}
		if c.CoreIP() != tt.core || c.Micro() != tt.micro {
			t.Errorf("%s: %s, %t", tt.name, c.CoreIP(), c.Micro())
		}
	}
}
