package als

import (
	_ "embed" // the script that runs on a node
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Relocation: `kato relocate` moves data to another filesystem. kato stops
// the node's roles for it and starts none of them again; we do.

//go:embed place_look.sh
var placeLook string

const (
	familyStorage = "storage"
	lookPlace     = "look at the new place"
	againPlace    = "look at the new place again"
	stepRelocate  = "relocate"
)

var opRelocateServices = relocateOp("services", "move the data services' files on a node to another filesystem", "/mnt/ebs/services")

var opRelocateDroplets = relocateOp("droplets", "move the applications' droplets on a controller to another filesystem", "/mnt/ebs/droplets")

var opRelocateContainers = relocateOp("containers", "move the containers on a DEA to another filesystem", "/mnt/containers")

func relocateOp(what, summary, example string) Operation {
	return Operation{
		Name: "relocate " + what, Family: familyStorage, Effect: always(Restart), Survey: true,
		Summary: summary,
		Detail: "All roles of the node stop, the data moves, and the roles start again whatever happened.\n" +
			"Mount the filesystem with quotas and make the directory first: `quota status` and `quota enable` help.",
		Example: "relocate " + what + " " + example + " --node 10.0.0.11 @prod",
		Params:  []Param{{Name: "PATH", Kind: KindPath, Help: "an existing, empty directory on the node"}},
		Flags:   nodeFlag("this node; without it, the only one that holds them"),
		Checks: func(r Request, c Cluster) ([]Step, error) {
			ip, err := holder(r, c)
			if err != nil {
				return nil, err
			}
			return []Step{{Name: lookPlace, Node: c.at(ip), Argv: script(placeLook, "alsbot-place", r.Arg(0)), Repeatable: true}, c.lookStatus()}, nil
		},
		Plan:  planRelocate,
		Judge: judgeRelocate,
	}
}

// holders are the roles whose nodes hold what is moved.
var holders = map[string][]string{
	"relocate services":   services,
	"relocate droplets":   {"controller"},
	"relocate containers": {"dea"},
}

// holder finds the node that holds what is moved. Where several do, a person
// has to say which.
func holder(r Request, c Cluster) (string, error) {
	if s, own := systems(r.Arg(0)); own {
		return "", refuse("Choose a mounted directory, e.g. /mnt/data.", "%s belongs to the node's own system (%s)", r.Arg(0), s)
	}
	if err := c.hasNode(r.Flag(flagNode)); err != nil {
		return "", err
	}
	var have []string
	for _, n := range c.Nodes {
		if slices.ContainsFunc(holders[r.Operation], func(role string) bool { return slices.Contains(n.Roles, role) }) {
			have = append(have, n.IP)
		}
	}
	what := strings.TrimPrefix(r.Operation, "relocate ")
	switch ip := r.Flag(flagNode); {
	case ip != "" && len(have) > 0 && !slices.Contains(have, ip):
		return "", refuse("Take one of "+list(have)+".", "node %s holds no %s", ip, what)
	case ip != "":
		return ip, nil
	case len(have) == 1:
		return have[0], nil
	case len(have) == 0:
		return "", refuse("Name the node with --node IP.", "no node is known to hold %s", what)
	}
	return "", refuse("Say which with --node: "+list(have)+".", "%d nodes hold %s", len(have), what)
}

func planRelocate(r Request, c Cluster, rs Results) (Plan, error) {
	p := Plan{Operation: r.Operation, Effect: Restart, Patience: patience}
	ip, err := holder(r, c)
	if err != nil {
		return p, err
	}
	what := strings.TrimPrefix(r.Operation, "relocate ")
	look, _ := rs.Find(lookPlace, "")
	seen := keyValues(look.Output)
	p.Findings = placeFindings(look, seen, r.Arg(0), what)
	if _, stopped := p.Stopped(); stopped {
		return p, nil
	}
	status, err := readStep(rs, lookRoles, ReadStatus)
	if err != nil {
		p.Findings = append(p.Findings, findingOf(Warn, err))
	}
	// The roles that ran before have to run afterwards.
	var pairs []onNode
	n, _ := c.Node(ip)
	for _, role := range n.Roles {
		if len(status) == 0 || status.Of(ip, role).Healthy() {
			pairs = append(pairs, onNode{role, ip})
		}
	}
	if what == "droplets" && len(c.NodesWith("controller")) > 1 {
		p.Findings = append(p.Findings, Finding{Warn, "several controllers share the droplets: this moves them for all", "See that every controller sees the new place."})
	}
	node := c.at(ip)
	p.Facts = []Fact{{"node", nodeWords(ip)}, {"from", what}, {"to", r.Arg(0) + " on " + printable(seen["mount"], 100)}, {"roles that stop and start", orNoneText(pairWords(pairs))}}
	p.Steps = []Step{
		{Name: "stop the node's roles", Node: node, Argv: c.kato("stop")},
		{Name: stepRelocate, Node: node, Argv: c.kato("relocate", what, r.Arg(0))},
		{Name: "start the node's roles", Node: node, Argv: c.kato("start"), Always: true},
	}
	p.Verify = []Step{{Name: againPlace, Node: node, Argv: script(placeLook, "alsbot-place", r.Arg(0)), Repeatable: true}, c.look(againRoles, "status")}
	p.Hints = map[string]string{hintRestarts: pack(pairs)}
	p.Notes = append(lastTime(c), freeNote(seen)...)
	return p, nil
}

func freeNote(seen map[string]string) []string {
	if free, err := strconv.ParseInt(seen["free"], 10, 64); err == nil {
		return []string{size(free) + " is free there."}
	}
	return nil
}

// placeFindings holds what is at the new place against what a move needs.
func placeFindings(look Result, seen map[string]string, path, what string) []Finding {
	var out []Finding
	add := func(l Level, mend, format string, args ...any) {
		out = append(out, Finding{l, fmt.Sprintf(format, args...), mend})
	}
	who := nodeWords(look.Node)
	switch seen["state"] {
	case "missing":
		add(Stop, "Mount the filesystem and make the directory first.", "there is no directory %s on %s", path, who)
		return out
	case "":
		if f, bad := trouble(look); bad {
			return append(out, f)
		}
		add(Stop, "Try again.", "%s on %s could not be looked at", path, who)
		return out
	}
	if s, own := systems(seen["real"]); own {
		add(Stop, "Choose a mounted directory.", "%s is %s, which belongs to the node's own system (%s)", path, printable(seen["real"], 200), s)
	}
	if seen["entries"] != "0" {
		add(Stop, "Make an empty directory for them.", "%s on %s is not empty", path, who)
	}
	if seen["mount"] == "/" {
		add(Warn, "Mount the filesystem first, or the move gains nothing.", "%s lies on the node's root filesystem", path)
	}
	if seen["quotas"] != "on" {
		add(Warn, "Turn them on with `quota enable`.", "quotas are not on for the filesystem of %s, so they cannot be enforced", path)
	}
	fs := seen["type"]
	switch {
	case what == "services" && strings.HasPrefix(fs, "nfs"):
		add(Warn, "Use block storage or SSHFS.", "%s is on NFS, which the filesystem service must not use", path)
	case what == "containers" && strings.HasPrefix(seen["device"], "/dev/"):
		add(Warn, "", "containers do not belong on a network block volume such as EBS: %s is on %s", path, printable(seen["device"], 60))
	}
	return out
}

// rolesWords says whether the roles run again, after something that failed.
func rolesWords(v Verdict) string {
	if v.Outcome == Succeeded {
		return " All roles run again."
	}
	return " " + v.Summary
}

func judgeRelocate(_ Request, c Cluster, p Plan, rs Results) Verdict {
	v := rolesAfter(c, p, rs, unpack(p.Hints[hintRestarts]))
	if f, bad := failedStep(p, rs); bad {
		text := "The data may not have moved: " + f.Text + "." + rolesWords(v)
		next := f.Mend
		if next == "" {
			next = "Read the output of this run; look where the data is before trying again."
		}
		return Verdict{Outcome: Failed, Summary: text, Report: v.Report, Next: next}
	}
	again, _ := rs.Find(againPlace, "")
	seen := keyValues(again.Output)
	if seen["entries"] == "" || seen["entries"] == "0" {
		return Verdict{Outcome: Failed, Report: v.Report, Next: "Read the output of this run; look where the data is before trying again.",
			Summary: fmt.Sprintf("Nothing has arrived at the new place; %s.%s", how(rs, stepRelocate), rolesWords(v))}
	}
	if v.Outcome != Succeeded {
		return v
	}
	v.Summary = "Moved: the new place holds data, and the node's roles run."
	if r, ok := rs.Find(stepRelocate, ""); ok && complaint(r.Output) != "" {
		v.Outcome = Failed
		v.Summary = "The new place holds data and the node's roles run, but " + how(rs, stepRelocate) + "."
		v.Next = "See whether all of it has arrived."
	}
	return v
}
