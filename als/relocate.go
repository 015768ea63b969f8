package als

import (
	_ "embed" // the script that runs on a node
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Relocation: `kato relocate` moves data to another filesystem. kato stops the
// node's roles first and starts none of them again, so the plan does.

//go:embed node/place_probe.sh
var placeProbe string

//go:embed node/data_probe.sh
var dataProbe string

const (
	familyStorage = "storage"
)

var (
	probePlace      = stepID{"place", "look at the new place"}
	probePlaceAfter = stepID{"place-after", "look at the new place again"}
	stepStopNode    = stepID{"node-stop", "stop the node's roles"}
	stepStartNode   = stepID{"node-start", "start the node's roles"}
	stepRelocate    = stepID{"relocate", "relocate"}
	probeData       = stepID{"data", "measure what is to move"}
	stepBefore      = stepID{"data-before", "measure it before the move"}
	stepAfter       = stepID{"data-moved", "measure it at the new place"}
	probeDataAfter  = stepID{"data-after", "look at the old place again"}
)

// oldPlaces returns the directories where the data is, unless it was relocated
// before: that of ALS, and that of Stackato.
func oldPlaces(what string) []string { return []string{"/var/helion/" + what, "/var/stackato/" + what} }

// dataStep returns the step that measures the first directory that exists. It
// may take long on a big disk, so it tolerates a failure: the move is possible
// without a figure.
func dataStep(id stepID, node string, places ...string) Step {
	return Step{Key: id.key, Name: id.label, Node: node, Argv: script(dataProbe, "alsbot-data", places...), Repeatable: true, Tolerate: true, Limit: 10 * time.Minute}
}

var opRelocateServices = relocateOp("services", "move the data services' files on a node to another filesystem", "/mnt/ebs/services")

var opRelocateDroplets = relocateOp("droplets", "move the applications' droplets on a controller to another filesystem", "/mnt/ebs/droplets")

var opRelocateContainers = relocateOp("containers", "move the containers on a DEA to another filesystem", "/mnt/containers")

// relocateOp returns a relocation. It is proven by measuring both places and
// by a new status.
func relocateOp(what, summary, example string) Operation {
	return Operation{
		Name: "relocate " + what, Family: familyStorage, Effect: always(Restart), Survey: true,
		Summary: summary,
		Detail: "All roles of the node stop, the data moves, and the roles start again whatever happened.\n" +
			"What moves is measured first and must fit.\n" +
			"Mount the filesystem with quotas and make the directory first: `quota status` and `quota enable` help.",
		Proof:   "as much is in the new place as was in the old one, the old one holds nothing else or leads to the new one, and a new `kato status` says that the roles run.",
		Example: "relocate " + what + " " + example + " --node 10.0.0.11 @prod",
		Params:  []Param{{Name: "PATH", Kind: KindPath, Help: "an existing, empty directory on the node"}},
		Flags:   nodeFlag("this node; without it, the only one that holds them"),
		Checks: func(r Request, c Cluster) ([]Step, error) {
			ip, err := dataNode(r, c)
			if err != nil {
				return nil, err
			}
			probes := []Step{{Key: probePlace.key, Name: probePlace.label, Node: c.at(ip), Argv: script(placeProbe, "alsbot-place", r.Arg(0)), Repeatable: true}, c.probeRoles(),
				dataStep(probeData, c.at(ip), oldPlaces(strings.TrimPrefix(r.Operation, "relocate "))...)}
			return append(probes, c.probesFor(noOtherJobs(c.at(ip)))...), nil
		},
		Plan:  planRelocate,
		Judge: judgeRelocate,
	}
}

// dataRoles maps each operation to the roles whose nodes hold what it moves.
var dataRoles = map[string][]string{
	"relocate services":   services,
	"relocate droplets":   {"controller"},
	"relocate containers": {"dea"},
}

// dataNode returns the node that holds what is moved. If several do, the
// request must name one.
func dataNode(r Request, c Cluster) (string, error) {
	if err := c.hasNode(r.Flag(flagNode)); err != nil {
		return "", err
	}
	if s, own := systemDir(r.Arg(0)); own {
		return "", refuse(Advise("Choose a mounted directory, e.g. /mnt/data."), "%s belongs to the node's own system (%s)", r.Arg(0), s)
	}
	var have []string
	for _, n := range c.Nodes {
		if slices.ContainsFunc(dataRoles[r.Operation], func(role string) bool { return slices.Contains(n.Roles, role) }) {
			have = append(have, n.IP)
		}
	}
	what := strings.TrimPrefix(r.Operation, "relocate ")
	switch ip := r.Flag(flagNode); {
	case ip != "" && len(have) > 0 && !slices.Contains(have, ip):
		return "", refuse(Advise("Take one of %s.", list(have)), "node %s holds no %s", ip, what)
	case ip != "":
		return ip, nil
	case len(have) == 1:
		return have[0], nil
	case len(have) == 0:
		return "", refuse(Advise("Name the node with --node IP."), "no node is known to hold %s", what)
	}
	return "", refuse(Advise("Say which with --node: %s.", list(have)), "%d nodes hold %s", len(have), what)
}

func planRelocate(r Request, c Cluster, rs Results) (Plan, error) {
	p := newPlan(r, Restart)
	p.Patience = patience
	ip, err := dataNode(r, c)
	if err != nil {
		return p, err
	}
	what := strings.TrimPrefix(r.Operation, "relocate ")
	probe, _ := rs.find(probePlace, "")
	seen := keyValues(probe.Output)
	source := measured(rs, probeData)
	p.Findings = append(placeFindings(probe, seen, r.Arg(0), what), roomFindings(seen, source, r.Arg(0), what)...)
	p.checkNeeds(c, noOtherJobs(c.at(ip)), rs)
	if _, stopped := p.Stopped(); stopped {
		return p, nil
	}
	status, err := c.status(rs, probeRoles)
	if err != nil {
		p.Findings = append(p.Findings, findingOf(Warn, err))
	}
	// The roles that ran before must run again afterwards.
	var pairs []roleOn
	n, _ := c.Node(ip)
	for _, role := range n.Roles {
		if len(status) == 0 || status.Of(ip, role).Healthy() {
			pairs = append(pairs, roleOn{role, ip})
		}
	}
	if what == "droplets" && len(c.NodesWith("controller")) > 1 {
		p.Findings = append(p.Findings, Finding{Level: Warn, Text: "several controllers share the droplets: this moves them for all", Fix: Advise("See that every controller sees the new place.")})
	}
	node := c.at(ip)
	p.Facts = []Fact{{"node", "node", nodeWords(ip)}, {"from", "from", what}, {"to", "to", r.Arg(0) + " on " + printable(seen["mount"], 100)}, {"stopping-roles", "roles that stop and start", orNoneText(allPairWords(pairs))}}
	p.Steps = []Step{
		{Key: stepStopNode.key, Name: stepStopNode.label, Node: node, Argv: c.kato("stop")},
		dataStep(stepBefore, node, oldPlaces(what)...),
		{Key: stepRelocate.key, Name: stepRelocate.label, Node: node, Argv: c.kato("relocate", what, r.Arg(0))},
		dataStep(stepAfter, node, r.Arg(0)),
		{Key: stepStartNode.key, Name: stepStartNode.label, Node: node, Argv: c.kato("start"), Always: true},
	}
	p.Verify = []Step{dataStep(probePlaceAfter, node, r.Arg(0)), dataStep(probeDataAfter, node, oldPlaces(what)...), c.probe(probeRolesAfter, "status")}
	p.Hints.Restarts = pairs
	p.Notes = lastTime(c)
	if source.known {
		p.Notes = append(p.Notes, fmt.Sprintf("%s in %s are to move.", size(source.bytes), entriesWords(source.entries)))
	}
	if free, err := strconv.ParseInt(seen["free"], 10, 64); err == nil {
		p.Notes = append(p.Notes, size(free)+" is free there.")
	}
	return p, nil
}

// placeFindings checks the new place against what a move needs.
func placeFindings(probe Result, seen map[string]string, path, what string) []Finding {
	var out []Finding
	add := func(l Level, fix Advice, format string, args ...any) {
		out = append(out, Finding{Level: l, Text: fmt.Sprintf(format, args...), Fix: fix})
	}
	who := nodeWords(probe.Node)
	switch seen["state"] {
	case "missing":
		add(Stop, Advise("Mount the filesystem and make the directory first."), "there is no directory %s on %s", path, who)
		return out
	case "":
		if f, bad := trouble(probe); bad {
			return append(out, f)
		}
		add(Stop, Advise("Try again."), "%s on %s could not be looked at", path, who)
		return out
	}
	if s, own := systemDir(seen["real"]); own {
		add(Stop, Advise("Choose a mounted directory."), "%s is %s, which belongs to the node's own system (%s)", path, printable(seen["real"], 200), s)
		out[len(out)-1].Fix.Reword = true
	}
	if seen["state"] == "readonly" {
		add(Stop, Advise("Let the system user write there, or mount it for writing."), "%s on %s cannot be written to", path, who)
	}
	if seen["entries"] != "0" {
		add(Stop, Advise("Make an empty directory for them."), "%s on %s is not empty", path, who)
	}
	if seen["mount"] == "/" {
		add(Warn, Advise("Mount the filesystem first, or the move gains nothing."), "%s lies on the node's root filesystem", path)
	}
	if seen["quotas"] != "on" {
		add(Warn, Advise("Turn them on with %s.", Typed("quota enable")), "quotas are not on for the filesystem of %s, so they cannot be enforced", path)
	}
	fs := seen["type"]
	switch {
	case what == "services" && strings.HasPrefix(fs, "nfs"):
		add(Warn, Advise("Use block storage or SSHFS."), "%s is on NFS, which the filesystem service must not use", path)
	case what == "containers" && strings.HasPrefix(seen["device"], "/dev/"):
		add(Warn, Advice{}, "containers do not belong on a network block volume such as EBS: %s is on %s", path, printable(seen["device"], 60))
	}
	return out
}
