package als

import (
	"strings"
	"testing"
)

// Loopback in kato's list is the core, and counts once.
func TestOneMachineIsOneNode(t *testing.T) {
	t.Parallel()
	for out, want := range map[string]string{
		"10.0.0.10 base primary\n127.0.0.1 base primary dea\n":             "10.0.0.10",
		"127.0.0.1 base dea\n::1 base\n10.0.0.10 base primary\n":           "10.0.0.10",
		"localhost base primary\n10.0.0.11 base dea\n":                     "10.0.0.11 localhost",
		"127.0.0.1 base primary controller\n":                              "127.0.0.1",
		"127.0.0.1 base\nlocalhost base primary\n10.0.0.12 base primary\n": "10.0.0.12",
	} {
		nodes, err := ReadNodes([]byte(out))
		var got []string
		for _, n := range nodes {
			got = append(got, n.IP)
		}
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%q: %v %v", out, nodes, err)
		}
	}
	if nodes, err := ReadNodes([]byte("fd00::10 base primary\nfd00:0:0::10 base dea\n")); err == nil {
		t.Errorf("one address twice was read: %v", nodes)
	}
}

// What a status says of two names of one machine counts as one node, with the
// worse condition.
func TestStatusOfOneMachine(t *testing.T) {
	t.Parallel()
	c := Cluster{Nodes: []Node{{IP: "10.0.0.10", Roles: []string{"base", "primary"}, Also: []string{"127.0.0.1"}}, {IP: "10.0.0.11"}}}
	s := c.oneStatus(Status{"10.0.0.10": {"router": "RUNNING"}, "127.0.0.1": {"router": "FATAL"}, "10.0.0.11": {"dea": "RUNNING"}})
	if len(s) != 2 || s.Of("10.0.0.10", "router") != "FATAL" {
		t.Errorf("%v", s)
	}
}

// Which node is the core.
func TestCoreOf(t *testing.T) {
	t.Parallel()
	a, b := Node{IP: "10.0.0.10", Roles: []string{"primary"}}, Node{IP: "10.0.0.20", Roles: []string{"primary"}}
	for host, want := range map[string]string{"10.0.0.20": "10.0.0.20", "::ffff:10.0.0.20": "10.0.0.20", "203.0.113.1": "10.0.0.10", "127.0.0.1": "10.0.0.10", "core.example": "10.0.0.10"} {
		if got := CoreOf([]Node{a, b}, host); got != want {
			t.Errorf("%s: %s", host, got)
		}
	}
	if f := coreFindings([]Node{a, b}); len(f) != 1 || f[0].Level != Warn {
		t.Errorf("%+v", f)
	}
}
