package node_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"alsbot/sim/node"
)

const shapeB = `2 updates available to be installed.

Known updates:
  dea-memory-usage-reporting: Fix the reporting of helion stats usage on the DEA end.
    severity: required
    roles affected: dea

  vsphere-autoscaling-fix: Fix VSphere autoscaling behavior.
    severity: required
    roles affected: controller, primary
`

const shapeA = `  2 updates available to be installed.

  Known updates for Stackato 3.0.1:
    dea-memory-usage-reporting: Fix the reporting of helion stats usage on the DEA end.
      severity: required
      roles affected: dea

    vsphere-autoscaling-fix: Fix VSphere autoscaling behavior.
      severity: required
      roles affected: controller, primary
`

const shapeC = `  2 updates are available for 3.4.2.

      dea-memory-usage-reporting: Fix the reporting of helion stats usage on the DEA end.
          patch id:           1
          roles affected:     dea
          installed on:       none
          to be installed on: 10.0.0.12, 10.0.0.13

      vsphere-autoscaling-fix: Fix VSphere autoscaling behavior.
          patch id:           2
          roles affected:     controller, primary
          installed on:       none
          to be installed on: 10.0.0.10
`

func TestPatchStatusShapes(t *testing.T) {
	for _, test := range []struct{ name, profile, shape, want string }{
		{"als10", node.ALS10, "", shapeB},
		{"als10 as Stackato", node.ALS10, "A", shapeA},
		{"als11", node.ALS11, "", shapeC},
		{"als13", node.ALS13, "", shapeB},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := start(t, node.Options{Profile: test.profile, Shape: test.shape})
			out, status := kato(t, c, "patch status")
			want(t, out, test.want)
			if status != 0 {
				t.Errorf("status %d", status)
			}
		})
	}
}

func TestPatchInstall(t *testing.T) {
	c := start(t, node.Options{})
	out, status := kato(t, c, "patch install dea-memory-usage-reporting")
	want(t, out, `-----> Updating patch manifest
-----> Installing patch dea-memory-usage-reporting
10.0.0.12: installing...                   ok
10.0.0.13: installing...                   ok
-----> Restarting roles
10.0.0.12: role dea restarting...          ok
10.0.0.13: role dea restarting...          ok
`)
	if status != 0 {
		t.Errorf("status %d", status)
	}
	s := state(t, c)
	if got := s.Patches[0].Installed; !slices.Equal(got, []string{"10.0.0.12", "10.0.0.13"}) {
		t.Errorf("installed on %v", got)
	}
	if n := s.Nodes["10.0.0.12"].Roles["dea"].Restarts; n != 1 {
		t.Errorf("the dea restarted %d times", n)
	}
	out, _ = kato(t, c, "patch status --json --quiet")
	var list []struct {
		Name string   `json:"name"`
		To   []string `json:"to_be_installed_on"`
	}
	must(t, json.Unmarshal([]byte(out), &list))
	if len(list) != 1 || list[0].Name != "vsphere-autoscaling-fix" || !slices.Equal(list[0].To, []string{"10.0.0.10"}) {
		t.Errorf("still listed: %+v", list)
	}
	calls, err := c.Called("patch", "install")
	must(t, err)
	if len(calls) != 1 || calls[0].Node != c.Core || calls[0].Argv[2] != "dea-memory-usage-reporting" {
		t.Errorf("the ledger has %+v", calls)
	}
}

func TestPatchOnOneNode(t *testing.T) {
	for _, test := range []struct{ profile, option string }{
		{node.ALS10, "--only-this-node"}, {node.ALS10, "-n"}, {node.ALS13, "--local"}, {node.ALS13, "-n 10.0.0.12"}, {node.ALS13, "--node=10.0.0.12"},
	} {
		c := start(t, node.Options{Profile: test.profile})
		katoOn(t, c, "10.0.0.12", "patch install --no-restart "+test.option)
		s := state(t, c)
		if got := s.Patches[0].Installed; !slices.Equal(got, []string{"10.0.0.12"}) {
			t.Errorf("%s %s: installed on %v", test.profile, test.option, got)
		}
		if r := s.Nodes["10.0.0.12"].Roles["dea"]; r.Restarts != 0 || !r.Stale {
			t.Errorf("%s %s: the dea is %+v", test.profile, test.option, r)
		}
	}
}

func TestPatchGrammarOfGenerations(t *testing.T) {
	for _, test := range []struct {
		profile, args string
		status        int
		says          string
	}{
		{node.ALS10, "patch install --local", 0, "Usage:\n  kato patch install"},
		{node.ALS10, "patch status --json", 0, "Usage:"},
		{node.ALS10, "patch revert", 0, "not a kato command"},
		{node.ALS10, "patch install nonsense", 0, ""},
		{node.ALS11, "patch install --only-this-node", 1, "Usage:"},
		{node.ALS13, "patch install --only-this-node", 1, "Usage:"},
		{node.ALS13, "patch install --node", 1, "Usage:"},
		{node.ALS13, "patch install --node 10.9.9.9", 1, "not found"},
		{node.ALS13, "patch install one two", 1, "Usage:"},
		{node.ALS13, "patch reinstall", 1, "Usage:"},
		{node.ALS13, "patch install --no-res", 1, "Usage:"},
		{node.ALS13, "patch install nonsense", 1, "Patch 'nonsense' not found."},
		{node.ALS13, "patch install --help", 0, "--to-patch-id <ID>"},
	} {
		c := start(t, node.Options{Profile: test.profile})
		out, status := kato(t, c, test.args)
		if status != test.status || !strings.Contains(out, test.says) || (test.says == "" && out != "") {
			t.Errorf("%s: kato %s: status %d, printed:\n%s", test.profile, test.args, status, out)
		}
		if s := state(t, c); s.Patches[0].Installed != nil || s.Patches[1].Installed != nil {
			t.Errorf("%s: kato %s changed something", test.profile, test.args)
		}
	}
}

func TestPatchRevertResetMark(t *testing.T) {
	c := start(t, node.Options{Profile: node.ALS11})
	kato(t, c, "patch install")
	out, _ := kato(t, c, "patch status")
	want(t, out, "No updates available to be installed.\n")
	kato(t, c, "patch revert vsphere-autoscaling-fix")
	if s := state(t, c); s.Patches[1].Installed != nil || s.Nodes[c.Core].Roles["primary"].Restarts != 2 {
		t.Errorf("after revert: %+v %+v", s.Patches[1], s.Nodes[c.Core].Roles["primary"])
	}
	kato(t, c, "patch mark --installed vsphere-autoscaling-fix")
	if s := state(t, c); !slices.Equal(s.Patches[1].Installed, []string{c.Core}) || s.Nodes[c.Core].Roles["primary"].Restarts != 2 {
		t.Errorf("after mark: %+v", s.Patches[1])
	}
	kato(t, c, "patch reset")
	if s := state(t, c); s.Patches[0].Installed != nil || s.Patches[1].Installed != nil {
		t.Error("reset left a record")
	}
	must(t, c.Publish(node.Patch{Name: "new-one", Description: "New.", Severity: "optional", Roles: []string{"mysql"}}))
	if out, _ = kato(t, c, "patch status"); !strings.Contains(out, "new-one: New.\n          patch id:           3\n") {
		t.Errorf("the published patch is not listed:\n%s", out)
	}
}
