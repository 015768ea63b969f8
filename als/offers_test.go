package als_test

import (
	"slices"
	"strings"
	"testing"

	"alsbot/als"
)

// The commands that a verdict offers are whole, are named in Next, and touch
// no role of another node.
func TestOffers(t *testing.T) {
	cluster := func(deas ...string) als.Cluster {
		c := testCluster()
		c.Nodes = c.Nodes[:2]
		for _, ip := range deas {
			c.Nodes = append(c.Nodes, als.Node{IP: ip, Roles: []string{"base", "dea"}})
		}
		return c
	}
	// the patch is missing on some of the nodes with dea
	missing := func(c als.Cluster, where string) (before, after kato) {
		before, after = fresh(), patched()
		all := running
		for _, n := range c.Nodes[4:] {
			all += "Node " + n.IP + "\n  base RUNNING\n  dea RUNNING\n"
		}
		before["core$ kato status"], after["core$ kato status"] = answer{all, 0}, answer{all, 0}
		before["core$ kato patch status"] = answer{strings.Replace(clusterPatches, "10.0.0.12, 10.0.0.13", where, 1), 0}
		return before, after
	}
	three := cluster("10.0.0.12", "10.0.0.13", "10.0.0.14")
	six := cluster("10.0.0.12", "10.0.0.13", "10.0.0.14", "10.0.0.15", "10.0.0.16", "10.0.0.17")
	for _, tt := range []struct {
		name, text, where string
		c                 als.Cluster
		offers            []string
		named             int // commands in Next
	}{
		{"every node", "patch install --no-restart", "10.0.0.12, 10.0.0.13", testCluster(), []string{"restart dea router @prod"}, 1},
		{"one node for each command", "patch install --no-restart", "10.0.0.12, 10.0.0.13", three,
			[]string{"restart dea --node 10.0.0.12 @prod", "restart dea --node 10.0.0.13 @prod", "restart router --node 10.0.0.10 @prod"}, 3},
		{"more than are offered", "patch install --no-restart", "10.0.0.12, 10.0.0.13, 10.0.0.14, 10.0.0.15, 10.0.0.16", six,
			[]string{"restart dea --node 10.0.0.12 @prod", "restart dea --node 10.0.0.13 @prod", "restart dea --node 10.0.0.14 @prod"}, 6},
		{"kato restarted them", "patch install", "10.0.0.12, 10.0.0.13", testCluster(), nil, 0},
	} {
		before, after := missing(tt.c, tt.where)
		_, v, err := drive(t, tt.c, tt.text, before, after)
		must(t, err)
		if v.Outcome != als.Succeeded || !slices.Equal(v.Next.Offers, tt.offers) || strings.Count(v.Next.Text, "`") != 2*tt.named {
			t.Errorf("%s: %s: %s\noffers: %q\nnext: %s", tt.name, v.Outcome, v.Summary, v.Next.Offers, v.Next.Text)
		}
	}
}
