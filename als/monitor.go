package als

import (
	_ "embed" // the template, and the script that runs on a node
	"fmt"
	"slices"
	"strings"
	"text/template"
)

// Monitoring: what watches the nodes, and a Nagios configuration for them.

const (
	familyMonitor = "monitor"
	lookAgents    = "look for monitoring agents"
)

//go:embed nagios.tmpl
var nagiosText string

var nagiosTemplate = template.Must(template.New("nagios").Parse(nagiosText))

//go:embed monitor_look.sh
var monitorLook string

// NagiosChecks are the checks of `alsbot nagios CHECK` that the configuration
// asks for.
var NagiosChecks = []string{"backup", "patches", "roles", "alsbot"}

var opMonitorStatus = Operation{
	Name: "monitor status", Family: familyMonitor, Effect: always(Read), Survey: true,
	Summary: "show which monitoring agents run on which node",
	Example: "monitor status @prod",
	Plan: func(r Request, c Cluster, _ Results) (Plan, error) {
		p := readPlan(r)
		for _, ip := range c.ips() {
			p.Steps = append(p.Steps, Step{Name: lookAgents, Node: c.at(ip), Argv: script(monitorLook, "alsbot-agents"), Repeatable: true, Tolerate: true, Limit: lookLimit})
		}
		return p, nil
	},
	Judge: func(_ Request, c Cluster, _ Plan, rs Results) Verdict {
		var rows [][]string
		unwatched, unread := 0, 0
		for _, ip := range c.ips() {
			r, ok := rs.Find(lookAgents, c.at(ip))
			agents, said := keyValues(r.Output)["agents"]
			agents = printable(agents, 120)
			switch {
			case !ok || !said:
				unread++
				agents = "could not be asked: " + orNoneText(printable(r.Trouble, 100))
			case agents == "":
				unwatched++
				agents = "none"
			}
			rows = append(rows, []string{nodeWords(ip), agents})
		}
		v := Verdict{Outcome: Succeeded, Whole: true, Report: table(rows), Summary: fmt.Sprintf("%d of %s have no monitoring agent.", unwatched, count(len(rows), "node"))}
		if unread > 0 {
			v.Outcome, v.Next = Failed, "Look whether these nodes are up: "+c.typed("status")+"."
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
			return Plan{}, refuse("Look with "+c.typed("nodes")+".", "the nodes of the cluster are not known")
		}
		return readPlan(r), nil // the survey has seen all that is needed
	},
	Judge: func(_ Request, c Cluster, _ Plan, _ Results) Verdict {
		text, err := nagios(c)
		if err != nil {
			return Verdict{Outcome: Failed, Summary: "Writing the configuration: " + err.Error() + ".", Next: "Report this."}
		}
		return Verdict{Outcome: Succeeded, Whole: true, Report: text, Summary: fmt.Sprintf("A Nagios configuration for %s of %s.", count(len(c.Nodes), "node"), c.Name)}
	},
}

// nagios writes the configuration from what the survey saw.
func nagios(c Cluster) (string, error) {
	type host struct{ IP, Alias string }
	type group struct{ Role, Members string }
	var all []string
	var hosts []host
	members := map[string][]string{}
	for _, n := range c.Nodes {
		name := c.Name + "-" + n.IP
		all = append(all, name)
		hosts = append(hosts, host{n.IP, c.Name + " " + strings.Join(n.Roles, " ")})
		for _, role := range n.Roles {
			members[role] = append(members[role], name)
		}
	}
	var roles []group
	for role, names := range members {
		roles = append(roles, group{role, strings.Join(names, ",")})
	}
	slices.SortFunc(roles, func(a, b group) int { return strings.Compare(a.Role, b.Role) })
	var b strings.Builder
	err := nagiosTemplate.Execute(&b, struct {
		Name, Own, Core, Members string
		Nodes                    []host
		Roles                    []group
		Checks                   []string
	}{c.Name, nagiosOwn(c), c.CoreIP(), strings.Join(all, ","), hosts, roles, NagiosChecks})
	return b.String(), err
}

// nagiosOwn are the flags by which the plugin finds the bot that wrote the
// configuration.
func nagiosOwn(c Cluster) string {
	flags := ""
	if c.Config != "" {
		flags += " --config " + nagiosWord(c.Config)
	}
	if c.Socket != "" {
		flags += " --socket " + nagiosWord(c.Socket)
	}
	return flags
}

// nagiosWord writes one word of a command line: it meets Nagios, for which a
// dollar sign begins a macro and a semicolon a comment, and then a shell.
func nagiosWord(s string) string {
	if pathPattern.MatchString(s) {
		return s
	}
	return "'" + strings.NewReplacer("'", `'\''`, "$", "$$", ";", `\;`).Replace(s) + "'"
}
