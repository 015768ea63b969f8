package jobs

import (
	"fmt"
	"net"
	"slices"

	"alsbot/als"
	"alsbot/config"
	"alsbot/executor"
)

// Target returns how a node of a cluster is reached. The core is dialled at its
// own address; another node at the address configured for it, else at its IP
// on the core's port.
func (p *Prober) Target(cluster als.Cluster, node string) (executor.Target, error) {
	c, ok := p.cfg.Cluster(cluster.Name)
	if !ok {
		return executor.Target{}, fmt.Errorf("cluster @%s is no longer in alsbot's config", cluster.Name)
	}
	return Target(c, cluster.Nodes, node)
}

// Target returns how a node of a configured cluster is reached.
func Target(c config.Cluster, nodes []als.Node, node string) (executor.Target, error) {
	host, port, err := net.SplitHostPort(c.Core)
	if err != nil {
		return executor.Target{}, fmt.Errorf("clusters.%s.core: %w", c.Name, err)
	}
	t := executor.Target{
		Name: node + " (@" + c.Name + ")", Addr: c.Core, User: c.User, IdentityFile: c.IdentityFile, KnownHosts: c.KnownHosts,
		Via: c.Via, RunAs: c.RunAs, Legacy: c.LegacySSH, RunsDir: c.RunsDir,
	}
	if node == als.Core || node == host || isCore(nodes, node) {
		return t, nil
	}
	if addr, ok := c.Addresses[node]; ok {
		t.Addr = addr
		return t, nil
	}
	t.Addr = net.JoinHostPort(node, port)
	return t, nil
}

func isCore(nodes []als.Node, ip string) bool {
	return slices.ContainsFunc(nodes, func(n als.Node) bool {
		return n.IP == ip && slices.Contains(n.Roles, "primary")
	})
}
