package als

import (
	"fmt"
	"slices"
	"strings"
)

// SurveySteps returns the probes that find a cluster's generation and nodes.
// kato is its path on the nodes.
func SurveySteps(kato string) []Step {
	return []Step{
		probeVersion.probe(Core, []string{kato, "version"}),
		probeNodes.probe(Core, []string{kato, "node", "list"}),
	}
}

// ReadSurvey reads the results of the survey. A configured generation takes
// precedence over the version. If the nodes cannot be listed, the cluster
// counts as its core alone, with a warning. A finding of level Stop means that
// nothing can be planned.
func ReadSurvey(rs Results, configured Generation) (Generation, string, []Node, []Finding) {
	var findings []Finding
	g := configured
	version, err := surveyVersion(rs)
	if err != nil && g == "" {
		return "", "", nil, append(findings, stopFor(rs, probeVersion, err, fixGeneration))
	}
	if g == "" {
		if g = generationOf(version); g == "" {
			return "", version, nil, append(findings, Finding{Level: Stop, Text: "kato " + version + " is a version that alsbot does not know", Fix: fixGeneration})
		}
	}
	r, ok := rs.find(probeNodes, "")
	if !ok {
		return g, version, []Node{{IP: Core}}, append(findings, Finding{Level: Warn, Text: "the nodes were not listed; the cluster is treated as its core alone"})
	}
	if r.Trouble != "" || missingKato(r) {
		f, _ := trouble(r)
		return g, version, nil, append(findings, f)
	}
	nodes, err := readPart(rs, probeNodes, ReadNodes)
	findings = append(findings, coreFindings(nodes)...)
	if err != nil && len(nodes) > 0 {
		return g, version, nodes, append(findings, Finding{Level: Warn, Text: err.Error() + "; what follows is about the nodes that could be read", Fix: Advise("Run %s on the core by hand and see what it prints.", Typed("kato node list"))})
	}
	if err != nil {
		return g, version, []Node{{IP: Core}}, append(findings, Finding{Level: Warn, Text: err.Error() + "; the cluster is treated as its core alone", Fix: Advise("Run %s on the core by hand and see what it prints.", Typed("kato node list"))})
	}
	return g, version, nodes, findings
}

var fixGeneration = Advise("Set %s of the cluster in the configuration to als10, als11 or als13.", Typed("generation"))

func surveyVersion(rs Results) (string, error) {
	if _, ok := rs.find(probeVersion, ""); !ok {
		return "", fmt.Errorf("kato was not asked for its version")
	}
	return readStep(rs, probeVersion, ReadVersion)
}

// stopFor returns the finding for a probe that could not be read: what is
// wrong with the step, or else what the reader says.
func stopFor(rs Results, step stepID, err error, fix Advice) Finding {
	if r, ok := rs.find(step, ""); ok {
		if f, bad := trouble(r); bad {
			return f
		}
	}
	return Finding{Level: Stop, Text: err.Error(), Fix: fix}
}

// NodesWith returns the nodes that have a role, in order of their IPs.
func (c Cluster) NodesWith(role string) []Node {
	var out []Node
	for _, n := range c.Nodes {
		if slices.Contains(n.Roles, role) {
			out = append(out, n)
		}
	}
	return out
}

// NodeWith returns the first node that has a role.
func (c Cluster) NodeWith(role string) (Node, bool) {
	if nodes := c.NodesWith(role); len(nodes) > 0 {
		return nodes[0], true
	}
	return Node{}, false
}

// Node returns the node with this IP.
func (c Cluster) Node(ip string) (Node, bool) {
	for _, n := range c.Nodes {
		if n.IP == ip {
			return n, true
		}
	}
	return Node{}, false
}

// hasNode refuses a node that the cluster does not have.
func (c Cluster) hasNode(ip string) error {
	if ip == "" || len(c.Nodes) == 0 || c.Nodes[0].IP == Core {
		return nil
	}
	if _, ok := c.Node(ip); !ok {
		return refuse(Advise("Its nodes are %s.", list(c.ips())), "the cluster has no node %s", ip)
	}
	return nil
}

// CoreIP returns the core as kato names it, or Core if it is not known.
func (c Cluster) CoreIP() string {
	return CoreOf(c.Nodes, c.Host)
}

// Micro reports whether the cluster is a micro cloud: a single node that knows
// itself as 127.0.0.1.
func (c Cluster) Micro() bool { return len(c.Nodes) == 1 && IsLoopback(c.Nodes[0].IP) }

// at returns where a step for a node runs. For the core that is Core, so that
// the step uses the connection in the config. It is never a loopback address,
// which would be the alsbot host.
func (c Cluster) at(ip string) string {
	if ip == c.CoreIP() || IsLoopback(ip) {
		return Core
	}
	return ip
}

// kato returns a kato command line.
func (c Cluster) kato(args ...string) []string {
	path := c.Kato
	if path == "" {
		path = "kato"
	}
	return append([]string{path}, args...)
}

// ips returns the IPs of all nodes.
func (c Cluster) ips() []string {
	var out []string
	for _, n := range c.Nodes {
		out = append(out, n.IP)
	}
	return out
}

// called names the cluster's kato for people: "kato 3.4.2 (als11)".
func (c Cluster) called() string {
	return strings.TrimSpace("kato " + c.Version + " (" + string(c.Generation) + ")")
}
