package jobs

import (
	"fmt"
	"net"

	"alsbot/als"
	"alsbot/config"
	"alsbot/executor"
)

// Target returns how a node of a cluster is reached; see Target below.
func (p *Prober) Target(cluster als.Cluster, node string) (executor.Target, error) {
	c, ok := p.cfg.Cluster(cluster.Name)
	if !ok {
		return executor.Target{}, fmt.Errorf("cluster @%s is no longer in alsbot's config", cluster.Name)
	}
	return Target(p.cfg, c, cluster.Nodes, node)
}

// Target returns how a node of a configured cluster is reached. Everything that
// alsbot dials goes through here. The core is dialled at its own address;
// another node at the address configured for it, else at its IP on the core's
// port. A node that the cluster's core may not name is an error, of type
// *als.Refusal.
func Target(cfg *config.Config, c config.Cluster, nodes []als.Node, node string) (executor.Target, error) {
	host, port, err := net.SplitHostPort(c.Core)
	if err != nil {
		return executor.Target{}, fmt.Errorf("clusters.%s.core: %w", c.Name, err)
	}
	t := core(c)
	t.Name = node + " (@" + c.Name + ")"
	if node == als.Core || node == host || als.IsLoopback(node) || node == als.CoreOf(nodes, host) {
		return t, nil
	}
	t.Addr = net.JoinHostPort(node, port)
	if addr, ok := c.Addresses[node]; ok {
		t.Addr = addr
	}
	return t, mayName(cfg, c, node, t)
}

// core returns how the core of a cluster is reached.
func core(c config.Cluster) executor.Target {
	return executor.Target{
		Addr: c.Core, User: c.User, IdentityFile: c.IdentityFile, KnownHosts: c.KnownHosts,
		Via: c.Via, RunAs: c.RunAs, Legacy: c.LegacySSH, RunsDir: c.RunsDir,
	}
}

// coreHost returns the host under which a cluster's core is configured.
func coreHost(c config.Cluster) string {
	host, _, _ := net.SplitHostPort(c.Core)
	return host
}

// Machines makes one node of those that are one machine: of a cluster's nodes
// that are dialled at the same address. It also returns what people should know
// of that, and a finding that stops for each node that the core may not name.
func Machines(cfg *config.Config, c config.Cluster, nodes []als.Node) ([]als.Node, []als.Finding) {
	var findings []als.Finding
	var out []als.Node
	at := map[string]int{} // address → index in out
	for _, n := range nodes {
		t, err := Target(cfg, c, nodes, n.IP)
		if err != nil {
			findings = append(findings, stopsAt(n.IP, err))
		}
		i, seen := at[t.Addr]
		if err != nil || !seen {
			if err == nil {
				at[t.Addr] = len(out)
			}
			out = append(out, n)
			continue
		}
		kept, other := out[i], n
		if other.IP == als.CoreOf(nodes, coreHost(c)) {
			kept, other = other, kept
		}
		out[i] = kept.Merge(other)
		findings = append(findings, als.Finding{
			Level: als.Warn, Key: "one-machine", Subjects: []string{kept.IP, other.IP},
			Text: fmt.Sprintf("kato lists %s and %s, and alsbot dials both at %s: they count as one node, %s", kept.IP, other.IP, t.Addr, kept.IP),
			Fix:  als.Advise("If they are two machines, correct %s of the cluster in the configuration.", als.Typed("addresses")),
		})
	}
	return out, findings
}
