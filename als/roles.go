package als

import (
	"fmt"
	"slices"
	"strings"
)

// Roles: which run where, and `kato start`, `stop` and `restart`.

const familyRoles = "roles"

var probeNodes = stepID{"nodes", "list the nodes"}

var opStatus = Operation{
	Name: "status", Family: familyRoles, Effect: always(Read),
	Summary: "show the roles of every node and whether they run",
	Example: "status @prod",
	Flags:   []Flag{{Name: "all", Help: "also roles that no node has"}},
	Plan: func(r Request, c Cluster, _ Results) (Plan, error) {
		args := []string{"status"}
		if r.Has("all") {
			args = append(args, "--all")
		}
		return readPlan(r, c.probe(probeRoles, args...), c.probeNodes()), nil
	},
	Judge: judgeStatus,
}

var opNodes = Operation{
	Name: "nodes", Family: familyRoles, Effect: always(Read),
	Summary: "list the nodes and their roles",
	Example: "nodes @prod",
	Plan: func(r Request, c Cluster, _ Results) (Plan, error) {
		return readPlan(r, c.probe(probeNodes, "node", "list")), nil
	},
	Judge: func(_ Request, c Cluster, _ Plan, rs Results) Verdict {
		nodes, err := readPart(rs, probeNodes, ReadNodes)
		var rows [][]string
		core := 0
		for _, n := range nodes {
			mark := ""
			if slices.Contains(n.Roles, "primary") {
				mark = "core"
				core++
			}
			rows = append(rows, []string{n.IP, mark, orNoneRoles(n.Roles)})
		}
		v := Verdict{Outcome: Succeeded, Summary: count(len(nodes), "node") + ".", Report: table(rows), Whole: true}
		switch {
		case err != nil:
			return partRead(err, count(len(nodes), "node"), v)
		case core != 1: // perhaps the core's line is missing
			v.Concern = true
			v.Summary = fmt.Sprintf("%s, and %d of them with the role primary: one has it, as a rule.", count(len(nodes), "node"), core)
		}
		return v
	},
}

var opVersion = Operation{
	Name: "version", Family: familyRoles, Effect: always(Read),
	Summary: "show the version of kato on the core",
	Example: "version @prod",
	Plan: func(r Request, c Cluster, _ Results) (Plan, error) {
		return readPlan(r, c.probe(probeVersion, "version")), nil
	},
	Judge: func(_ Request, c Cluster, _ Plan, rs Results) Verdict {
		v, err := readPart(rs, probeVersion, ReadVersion)
		if err != nil && v != "" {
			return partRead(err, v, Verdict{Report: v + "\n"})
		}
		if err != nil {
			return nothingRead(findingOf(Stop, err))
		}
		g := c.Generation
		if g == "" {
			g = generationOf(v)
		}
		if g == "" {
			return Verdict{Outcome: Succeeded, Whole: true, Concern: true, Summary: "kato " + v + ", a version that alsbot does not know.", Next: fixGeneration}
		}
		return Verdict{Outcome: Succeeded, Whole: true, Summary: "kato " + v + ", which behaves as " + string(g) + ".", Data: Data{Version: v}}
	},
}

// onlyMoving reports whether all roles that do not run are starting or stopping.
func onlyMoving(status Status) bool {
	for _, node := range status.Nodes("") {
		for _, role := range status.Roles(node) {
			if st := status.Of(node, role); !st.Healthy() && !st.Moving() {
				return false
			}
		}
	}
	return true
}

// turn returns the operation start, stop or restart.
func turn(name, summary, detail, proof string) Operation {
	return Operation{
		Name: name, Family: familyRoles, Effect: always(Restart), Survey: true,
		Summary: summary, Detail: detail, Proof: proof,
		Example: name + " dea --node 10.0.0.12 @prod",
		Params:  []Param{{Name: "ROLE", Kind: KindRole, Optional: true, Many: true, Help: "roles or role groups (data-services, microcloud); without any, all roles"}},
		Flags:   []Flag{{Name: flagNode, Kind: KindIP, Help: "on this node only; without it, on every node that has the role"}},
		Checks: func(r Request, c Cluster) ([]Step, error) {
			if err := c.hasNode(r.Flag(flagNode)); err != nil {
				return nil, err
			}
			probes := []Step{c.probeRoles()}
			if name == opRestartName {
				probes = append(probes, c.probesBefore(Core)...)
			}
			return append(probes, c.probesFor(turnNeeds())...), nil
		},
		Plan:  planTurn,
		Judge: judgeTurn,
	}
}

// opStart is proven by a new status.
var opStart = turn(opStartName, "start roles", "", "a new `kato status` says that the roles run.")

// opStop is proven by a new status.
var opStop = turn(opStopName, "stop roles",
	"Without ROLE and --node everything on every node stops, and applications with it.",
	"a new `kato status` says that the roles are stopped.")

const (
	opStartName   = "start"
	opStopName    = "stop"
	opRestartName = "restart"
)

// opRestart is proven by new entries of kato's history and a new status. The
// status alone proves nothing, since the roles ran before too.
var opRestart = turn(opRestartName, "stop roles and start them again",
	"It goes from node to node and ends at the first of which kato complains: the others are left as they are.",
	"kato's history has "+newEntryWords+" for every node, and a new `kato status` says that the roles run. That they ran before proves nothing.\n"+
		"Where the history cannot be read, the restart is not confirmed.")

// roleGroups are kato's role groups.
var roleGroups = map[string][]string{
	"data-services": {"mysql", "postgresql", "redis", "mongodb", "rabbit", "memcached", "filesystem"},
	"microcloud":    {"base", "primary", "controller", "router", "dea", "filesystem", "mysql", "postgresql"},
}

// sharedProcesses maps processes to the several roles that they belong to.
var sharedProcesses = map[string][]string{
	"redis_server": {"primary", "mysql", "postgresql", "redis", "mongodb"},
	"postgresql":   {"primary", "postgresql"},
}

// stopsWithout says what stops working if a role stops on some nodes; "" if that
// isn't known.
func stopsWithout(role string, nodes int) string {
	if nodes > 1 {
		return strings.ReplaceAll(stopsWith[role], "that node", "those nodes")
	}
	return stopsWith[role]
}

// stopsWith says what stops working if a role stops on one node, or everywhere.
var stopsWith = map[string]string{
	"base":          "no logs are collected from that node",
	"primary":       "configuration, messaging and the cluster's own databases stop: the whole cluster stands still",
	"controller":    "nobody can deploy, change or look at applications; running applications go on",
	"router":        "no application can be reached from outside",
	"load_balancer": "no application can be reached from outside",
	"dea":           "the applications on that node stop; others must have room for them",
	"filesystem":    "applications lose their persistent files, and exports cannot run",
	"harbor":        "applications lose the ports that harbor gave them",
	"mysql":         "applications lose their MySQL databases",
	"postgresql":    "applications lose their PostgreSQL databases",
	"mongodb":       "applications lose their MongoDB databases",
	"redis":         "applications lose their Redis databases",
	"memcached":     "applications lose their memcached",
	"rabbit":        "applications lose their RabbitMQ",
	"rabbit3":       "applications lose their RabbitMQ",
}

// turnNeeds returns the preconditions of start, stop and restart. They only
// warn: people who fix a cluster that hangs must not be stopped.
func turnNeeds() []Need { return []Need{{noOtherJob, Core, true}} }

// planTurn plans start, stop and restart: one kato command for each node, with
// that node's roles.
func planTurn(r Request, c Cluster, rs Results) (Plan, error) {
	if err := c.hasNode(r.Flag(flagNode)); err != nil {
		return Plan{}, err
	}
	p := newPlan(r, Restart)
	p.Patience = patience
	status, err := c.status(rs, probeRoles)
	if err != nil {
		f := findingOf(Warn, err)
		f.Text += "; afterwards it cannot be seen whether it worked"
		p.Findings = append(p.Findings, f)
	}
	pairs, err := c.rolesToTurn(r, status)
	if err != nil {
		return Plan{}, err
	}
	if r.Operation == opStartName && len(status) > 0 {
		if down, moving := notRunning(status, pairs); len(down)+len(moving) == 0 {
			p.Nothing = "these roles run already: " + pairWords(pairs)
			return p, nil
		}
	}
	if r.Operation == opStopName && len(status) > 0 && allDown(status, pairs) {
		p.Nothing = "these roles are stopped already: " + pairWords(pairs)
		return p, nil
	}
	p.Facts = []Fact{{"roles", "roles", allPairWords(pairs)}}
	p.Steps = c.turnSteps(r, pairs)
	p.Verify = []Step{c.probe(probeRolesAfter, "status")}
	p.Hints.Restarts = pairs
	if r.Operation == opRestartName {
		p.Verify = append(p.Verify, c.probeHistory(probeHistoryAfter))
		p.Hints.before(rs, opRestartName)
	}
	p.Notes = lastTime(c)
	p.checkNeeds(c, turnNeeds(), rs)
	p.Findings = append(p.Findings, turnFindings(r, c, pairs)...)
	return p, nil
}

// rolesToTurn returns the roles that a request is about, node by node. It
// refuses a role that no node has, and a cluster whose roles are not known.
func (c Cluster) rolesToTurn(r Request, s Status) ([]roleOn, error) {
	have, wanted := c.knownRoles(s), expandGroups(r.Args)
	var out []roleOn
	for _, pair := range have {
		if (len(wanted) == 0 || slices.Contains(wanted, pair.Role)) && (!r.Has(flagNode) || r.Flag(flagNode) == pair.Node) {
			out = append(out, pair)
		}
	}
	for _, arg := range r.Args {
		named := expandGroups([]string{arg})
		if !slices.ContainsFunc(out, func(p roleOn) bool { return slices.Contains(named, p.Role) }) {
			return nil, noRole(arg, r.Flag(flagNode), have)
		}
	}
	if len(out) == 0 {
		return nil, refuse(Advise("Type the roles: %s.", c.command(r.Operation, "ROLE")), "the roles of the cluster are not known")
	}
	return out, nil
}

// knownRoles returns the roles of every node, each once: those that the survey
// found, or else those in the status.
func (c Cluster) knownRoles(s Status) []roleOn {
	var have []roleOn
	known := map[roleOn]bool{}
	add := func(node string, roles []string) {
		for _, role := range roles {
			if pair := (roleOn{role, node}); !known[pair] {
				have, known[pair] = append(have, pair), true
			}
		}
	}
	for _, n := range c.Nodes {
		if len(n.Roles) == 0 {
			add(n.IP, s.Roles(n.IP))
		}
		add(n.IP, n.Roles)
	}
	if len(c.Nodes) > 1 {
		return have
	}
	for _, ip := range s.Nodes("") { // the survey found only the core: the status may list more nodes
		if ip != "" {
			add(ip, s.Roles(ip))
		}
	}
	return have
}

func expandGroups(args []string) []string {
	var out []string
	for _, a := range args {
		if g, ok := roleGroups[a]; ok {
			out = append(out, g...)
			continue
		}
		out = append(out, a)
	}
	return out
}

func noRole(role, node string, have []roleOn) error {
	var roles []string
	for _, p := range have {
		if (node == "" || p.Node == node) && !slices.Contains(roles, p.Role) {
			roles = append(roles, p.Role)
		}
	}
	slices.Sort(roles)
	place := "no node of the cluster has"
	if node != "" {
		place = "node " + node + " does not have"
	}
	return refuse(Advice{Text: DidYouMean(role, roles)}.And(Advise("Roles: %s.", orNone(roles))), "%s the role %s", place, role)
}

func allDown(s Status, pairs []roleOn) bool {
	return !slices.ContainsFunc(pairs, func(p roleOn) bool { return !s.Of(p.Node, p.Role).Down() })
}

// turnSteps returns one step for each node. The core starts first and stops
// last, since the other nodes need it.
func (c Cluster) turnSteps(r Request, pairs []roleOn) []Step {
	var nodes []string
	roles := map[string][]string{}
	for _, p := range pairs {
		if !slices.Contains(nodes, p.Node) {
			nodes = append(nodes, p.Node)
		}
		roles[p.Node] = append(roles[p.Node], p.Role)
	}
	slices.SortStableFunc(nodes, func(a, b string) int {
		if x, y := a == c.CoreIP(), b == c.CoreIP(); x != y {
			if x == (r.Operation != opStopName) {
				return -1
			}
			return 1
		}
		return byIP(a, b)
	})
	var steps []Step
	for _, ip := range nodes {
		argv := c.kato(r.Operation)
		if len(r.Args) > 0 {
			argv = append(argv, roles[ip]...)
		}
		id := stepID{r.Operation, r.Operation + " roles"}.of(ip, " on "+nodeWords(ip))
		if c.at(ip) != Core {
			argv = append(argv, "--node", ip)
		}
		// If one node fails, a start or stop continues with the others, and the
		// new status tells which failed. A restart ends there: if roles do not
		// come back on one node, the next node must not go down too.
		steps = append(steps, Step{Key: id.key, Name: id.label, Node: Core, Argv: argv, Tolerate: r.Operation != opRestartName})
	}
	return steps
}

// turnFindings warns of what will stop working.
func turnFindings(r Request, c Cluster, pairs []roleOn) []Finding {
	var out []Finding
	if len(r.Args) == 0 && !r.Has(flagNode) && len(c.Nodes) > 1 {
		out = append(out, Finding{Level: Warn, Text: fmt.Sprintf("no role and no node is named: this is every role on all %d nodes", len(c.Nodes)), Fix: Advise("Name roles, or one node with --node, if that is not meant.")})
	}
	if r.Operation == opStartName {
		return out
	}
	var roles []string
	nodes := map[string]int{}
	for _, p := range pairs {
		if nodes[p.Role]++; nodes[p.Role] == 1 {
			roles = append(roles, p.Role)
		}
	}
	word := "while it restarts"
	if r.Operation == opStopName {
		word = "until it is started again"
	}
	for _, role := range roles {
		if w := stopsWithout(role, nodes[role]); w != "" {
			out = append(out, Finding{Level: Warn, Text: role + " stops: " + w + ", " + word})
		}
	}
	return append(out, sharedFindings(c, pairs)...)
}

// sharedFindings warns of processes that other roles of the same node also
// need.
func sharedFindings(c Cluster, pairs []roleOn) []Finding {
	var out []Finding
	for _, process := range []string{"postgresql", "redis_server"} {
		users := sharedProcesses[process]
		for _, n := range c.Nodes {
			var stopping, staying []string
			for _, role := range n.Roles {
				switch {
				case !slices.Contains(users, role):
				case slices.Contains(pairs, roleOn{role, n.IP}):
					stopping = append(stopping, role)
				default:
					staying = append(staying, role)
				}
			}
			if len(stopping) > 0 && len(staying) > 0 {
				out = append(out, Finding{Level: Warn, Text: fmt.Sprintf("on %s the process %s belongs to %s, and to %s too", n.IP, process, list(stopping), list(staying))})
			}
		}
	}
	return out
}
