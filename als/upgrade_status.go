package als

import (
	"fmt"
	"slices"
)

var opUpgradeStatus = Operation{
	Name: "upgrade status", Family: familyUpgrade, Effect: always(Read),
	Summary: "show how far an upgrade is, node by node",
	Example: "upgrade status @prod",
	Plan: func(r Request, c Cluster, _ Results) (Plan, error) {
		return readPlan(r, c.probe(probeUpgrade, "node", "upgrade", "--status"), c.probeNodes()), nil
	},
	Judge: func(_ Request, c Cluster, _ Plan, rs Results) Verdict {
		nodes, err := readPart(rs, probeUpgrade, ReadUpgrade)
		if err != nil {
			return partRead(err, count(len(nodes), "node"), Verdict{Report: progressTable(nodes)})
		}
		if len(nodes) == 0 {
			return Verdict{Outcome: Succeeded, Whole: true, Summary: "No upgrade is in progress."}
		}
		left := 0
		for _, n := range nodes {
			if !n.Complete() {
				left++
			}
		}
		v := Verdict{Outcome: Succeeded, Whole: true, Report: progressTable(nodes), Summary: "The upgrade of " + count(len(nodes), "node") + " is complete, kato says."}
		if left > 0 {
			v.Concern = true
			v.Summary = fmt.Sprintf("%d of %s to go.", left, count(len(nodes), "node"))
		}
		if known, err := readStep(rs, probeNodes, ReadNodes); err == nil {
			known = slices.DeleteFunc(known, func(n Node) bool {
				return slices.ContainsFunc(nodes, func(p Progress) bool { return p.Node == n.IP })
			})
			if len(known) > 0 {
				v.Concern = true
				v.Summary += fmt.Sprintf(" kato tells nothing of %s more: %s.", count(len(known), "node"), list(Cluster{Nodes: known}.ips()))
			}
		}
		return v
	},
}

func progressTable(nodes []Progress) string {
	var rows [][]string
	for _, n := range nodes {
		versions := ""
		if n.From+n.To != "" {
			versions = n.From + " -> " + n.To
		}
		rows = append(rows, []string{n.Node, n.State, n.Stage, versions})
	}
	return table(rows)
}
