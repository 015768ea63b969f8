package als

import (
	"fmt"
	"strings"
	"testing"
)

// repeat returns what item makes of 0 to n-1, with sep between.
func repeat(n int, sep string, item func(i int) string) string {
	out := make([]string, n)
	for i := range out {
		out[i] = item(i)
	}
	return strings.Join(out, sep)
}

// A node claims how long a list is. What it claims beyond any cluster's size is
// not taken in: every node would be asked, and every entry compared with every
// other.
func TestAListBeyondAnyClusterIsNotTakenIn(t *testing.T) {
	const many = 20_000
	ip := func(i int) string { return fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255) }
	role := func(i int) string { return fmt.Sprintf("r%d", i) }
	quoted := func(item func(int) string) func(int) string {
		return func(i int) string { return `"` + item(i) + `"` }
	}
	nodes := func(out string) (int, error) {
		list, err := ReadNodes([]byte(out))
		most := len(list)
		for _, n := range list {
			most = max(most, len(n.Roles))
		}
		return most, err
	}
	status := func(out string) (int, error) {
		s, err := ReadStatus([]byte(out))
		most := len(s)
		for _, roles := range s {
			most = max(most, len(roles))
		}
		return most, err
	}
	patches := func(out string) (int, error) {
		list, err := ReadPatches([]byte(out))
		most := len(list.Patches)
		for _, p := range list.Patches {
			most = max(most, len(p.Roles), len(p.MissingOn))
		}
		return most, err
	}
	upgrade := func(out string) (int, error) {
		list, err := ReadUpgrade([]byte(out))
		return len(list), err
	}
	record := "1 updates are available for 3.4.2.\n\n  p: x\n    patch id: 1\n    roles affected: %s\n    installed on: none\n    to be installed on: %s\n"
	for name, c := range map[string]struct {
		read func(string) (int, error)
		out  string
	}{
		"nodes":            {nodes, repeat(many, "\n", func(i int) string { return ip(i) + " base" }) + "\n"},
		"nodes in JSON":    {nodes, "{" + repeat(many, ",", func(i int) string { return `"` + ip(i) + `":["base"]` }) + "}"},
		"roles of a node":  {nodes, "10.0.0.10 base " + repeat(many, " ", role) + "\n10.0.0.11 base\n"},
		"roles in JSON":    {nodes, `{"10.0.0.10":["base",` + repeat(many, ",", quoted(role)) + `],"10.0.0.11":["base"]}`},
		"roles in a map":   {nodes, `{"10.0.0.10":{"base":"START",` + repeat(many, ",", func(i int) string { return `"` + role(i) + `":"START"` }) + `},"10.0.0.11":["base"]}`},
		"status of nodes":  {status, repeat(many, "\n", func(i int) string { return ip(i) + " base RUNNING" }) + "\n"},
		"status in blocks": {status, repeat(many, "\n", func(i int) string { return "Node " + ip(i) + "\n  base RUNNING\n    logyard RUNNING" }) + "\n"},
		"status of roles":  {status, "Node 10.0.0.10\n" + repeat(many, "\n", func(i int) string { return "  " + role(i) + " RUNNING\n    logyard RUNNING" }) + "\n"},
		"status in JSON":   {status, "{" + repeat(many, ",", func(i int) string { return `"` + ip(i) + `":{"base":"RUNNING"}` }) + "}"},
		"patches": {patches, fmt.Sprint(many, " updates available to be installed.\n\nKnown updates:\n") + repeat(many, "\n", func(i int) string {
			return "  p" + fmt.Sprint(i) + ": x\n    severity: required\n    roles affected: dea"
		}) + "\n"},
		"patches in JSON":   {patches, "[" + repeat(many, ",", func(i int) string { return `{"name":"p` + fmt.Sprint(i) + `"}` }) + "]"},
		"roles of a patch":  {patches, fmt.Sprintf(record, repeat(many, ", ", role), "none")},
		"nodes of a patch":  {patches, fmt.Sprintf(record, "dea", repeat(many, ", ", ip))},
		"nodes in its JSON": {patches, `[{"name":"p","installed_on":[],"to_be_installed_on":[` + repeat(many, ",", quoted(ip)) + `]}]`},
		"upgraded nodes":    {upgrade, repeat(many, "\n", func(i int) string { return ip(i) + " complete" }) + "\n"},
		"fields of JSON":    {upgrade, `{"10.0.0.10":{"state":"complete",` + repeat(many, ",", func(i int) string { return `"` + role(i) + `":1` }) + `}}`},
	} {
		t.Run(name, func(t *testing.T) {
			most, err := c.read(c.out)
			if err == nil {
				t.Error("read as whole")
			}
			if most > patchesMost {
				t.Errorf("%d entries were taken in", most)
			}
		})
	}
}

// What stands below a role that is not configured belongs to nothing.
func TestAProcessOfNoRoleIsUnread(t *testing.T) {
	out := "Node 10.0.0.10\n  base RUNNING\n  mysql not configured\n    mysql_node FATAL\n"
	if s, err := ReadStatus([]byte(out)); err == nil {
		t.Errorf("mysql_node is FATAL, and the status reads as %v", s)
	}
}
