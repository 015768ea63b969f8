package faults

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"alsbot/config"
	"alsbot/runs"
)

// foreignNodes lets a core name machines of another configured cluster, and
// nodes that its own config doesn't allow. A trial is a run.
func foreignNodes(t *testing.T, r *report) {
	const node = "10.0.0.12"
	cases := []struct {
		name, words string
		change      func(c *config.Config)
	}{
		{"the core of another cluster", "is the core of @other", func(c *config.Config) {
			other := c.Clusters[0]
			other.Name, other.Core, other.Addresses = "other", c.Clusters[0].Addresses[node], nil
			c.Clusters = append(c.Clusters, other)
		}},
		{"not among its nodes", "is not among the nodes that the core of @c0 may name", func(c *config.Config) {
			c.Clusters[0].Nodes = []string{"10.0.0.10", "10.0.0.11", "10.0.0.13", "10.1.0.0/16"}
		}},
	}
	for _, c := range cases {
		d := newEngineBed(t, c.change)
		for range r.n {
			for _, text := range []string{"restart dea @c0", "patch install @c0", "patch update @c0", "upgrade cluster @c0", "monitor newrelic install @c0", "export node --node " + node + " @c0"} {
				err := d.refusedBefore(text, node, c.words)
				if err != nil {
					err = fmt.Errorf("%s: %s: %w", c.name, text, err)
				}
				r.trial(err)
			}
		}
	}
}

// refusedBefore requests a run that must fail in these words before anything
// ran on a node.
func (d *engineBed) refusedBefore(text, node, words string) error {
	before, err := d.nodes.Calls()
	if err != nil {
		return err
	}
	answer, err := d.say(ann, text)
	if err != nil {
		return err
	}
	run, err := d.end(answer.Run)
	if err != nil {
		return err
	}
	if run.State != runs.Failed || !strings.Contains(run.Why(), words) {
		err = fmt.Errorf("run %s is %s: %s", run.ID, run.State, run.Why())
	}
	calls, err2 := d.nodes.Calls()
	for _, call := range calls[len(before):] {
		if call.Node == node || !slices.Contains([]string{"version", "node"}, call.Argv[0]) {
			err = errors.Join(err, fmt.Errorf("kato ran on %s: %v", call.Node, call.Argv))
		}
	}
	return errors.Join(err, err2, d.checkRan(run.ID+"-1", 0))
}
