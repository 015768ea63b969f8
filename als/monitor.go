package als

import (
	_ "embed" // the script that runs on a node
	"fmt"
)

// Monitoring: which agents watch the nodes, and a Nagios configuration for the
// cluster.

const (
	familyMonitor = "monitor"
)

var (
	probeAgents = stepID{"agents", "look for monitoring agents"}
)

//go:embed node/monitor_probe.sh
var monitorProbe string

// NagiosChecks lists the checks of `alsbot nagios CHECK` that the Nagios
// configuration calls.
var NagiosChecks = []string{"backup", "patches", "roles", "alsbot"}

var opMonitorStatus = Operation{
	Name: "monitor status", Family: familyMonitor, Effect: always(Read), Survey: true, Agent: true,
	Summary: "show which monitoring agents run on which node",
	Example: "monitor status @prod",
	Plan: func(r Request, c Cluster, _ Results) (Plan, error) {
		p := readPlan(r)
		for _, ip := range c.ips() {
			p.Steps = append(p.Steps, Step{Key: probeAgents.key, Name: probeAgents.label, Node: c.at(ip), Argv: script(monitorProbe, "alsbot-agents", c.Agent.Process), Repeatable: true, Tolerate: true, Limit: probeLimit})
		}
		return p, nil
	},
	Judge: func(_ Request, c Cluster, _ Plan, rs Results) Verdict {
		var rows [][]string
		unwatched, unread, fix := 0, 0, Advice{}
		for _, ip := range c.ips() {
			r, ok := rs.find(probeAgents, c.at(ip))
			agents, said := keyValues(r.Output)["agents"]
			agents = printable(agents, 120)
			f, _ := trouble(r)
			fix = fix.Or(f.Fix)
			switch {
			case !ok || !said || !r.OK() || r.Cut:
				unread++
				agents = "could not be asked: " + orNoneText(printable(r.Trouble, 100))
			case agents == "":
				unwatched++
				agents = "none"
			}
			rows = append(rows, []string{nodeWords(ip), agents})
		}
		v := Verdict{Outcome: Succeeded, Whole: true, Report: table(rows), Summary: fmt.Sprintf("%d of %s have no monitoring agent.", unwatched, count(len(rows), "node")), Concern: unwatched > 0}
		if unread > 0 {
			v.Outcome, v.Next = Failed, fix.Or(Advise("Look how these nodes are: %s.", c.command("status")))
			v.Summary = count(unread, "node") + " could not be asked."
		}
		return v
	},
}

var opMonitorNagios = Operation{
	Name: "monitor nagios", Family: familyMonitor, Effect: always(Read), Survey: true,
	Summary: "print a Nagios configuration for this cluster",
	Detail:  "Hosts by role, free disk, load and SSH of every node, and alsbot's own checks of backups, patches and roles.",
	Example: "monitor nagios @prod",
	Plan: func(r Request, c Cluster, _ Results) (Plan, error) {
		if len(c.ips()) == 0 || c.Nodes[0].IP == Core {
			return Plan{}, refuse(Advise("Look with %s.", c.command("nodes")), "the nodes of the cluster are not known")
		}
		return readPlan(r), nil // the survey found all that is needed
	},
	Judge: func(_ Request, c Cluster, _ Plan, _ Results) Verdict {
		return Verdict{Outcome: Succeeded, Whole: true, Report: nagios(c), Summary: fmt.Sprintf("A Nagios configuration for %s of %s.", count(len(c.Nodes), "node"), c.Name)}
	},
}
