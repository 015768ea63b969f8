package als

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// Upgrades: `kato node upgrade`. Without a flag, on the core, some versions
// upgrade one node and others the whole cluster. So alsbot always passes a
// flag.

const (
	familyUpgrade = "upgrade"

	// The handbook's minimum for every node, and for the core.
	upgradeDisk       = 4 << 30
	upgradeMemory     = 512 << 20
	upgradeCoreDisk   = 10 << 30
	upgradeCoreMemory = 1 << 30
)

var (
	probeUpgrade      = stepID{"upgrade-progress", "read the upgrade's progress"}
	probeUpgradeAfter = stepID{"upgrade-progress-after", "read the upgrade's progress again"}
	stepUpgrade       = stepID{"upgrade", "upgrade"}
)

const upgradeDetail = "Checked before: free disk and memory of every node, SSH from the core, sudo without a password, all roles, and that no other kato job is at work there.\n" +
	"Maintenance mode is on meanwhile and afterwards as it was found.\n" +
	upgradeLoses + " Nodes restart.\n" +
	"ALS 1.3 is reached in place from 1.2 only, and 2.x not at all: export and import instead."

const upgradeLoses = "An upgrade loses custom buildpacks, files under /s/code, edits in /s/etc and /s/static, proxy settings of the app store, and health-check timeouts that were changed. Windows DEAs cannot be upgraded."

var opUpgradeCluster = upgradeOp("upgrade cluster", "upgrade every node to a new version", nil)

var opUpgradeNode = upgradeOp("upgrade node", "upgrade one node to a new version",
	[]Flag{{Name: flagNode, Kind: KindIP, Help: "this node; without it, the core"}})

// upgradeOp returns an upgrade. It is proven by the version that every node
// tells, and by a new status.
func upgradeOp(name, summary string, flags []Flag) Operation {
	return Operation{
		Name: name, Family: familyUpgrade, Effect: always(Restart), Changes: changesPatches, Survey: true, Archives: true,
		Summary: summary, Detail: upgradeDetail,
		Proof:   "every node tells the new version when it is asked again, and a new `kato status` says that the roles run.",
		Example: name + " --version 3.4.2 @prod",
		Flags: append(flags,
			Flag{Name: "version", Kind: KindVersion, Help: "to this version; without it, to the newest that kato knows"},
			Flag{Name: "resume", Help: "go on with an interrupted upgrade; only when kato says so"},
			Flag{Name: "rollback", Help: "go back instead (ALS 1.0 only)"}),
		Checks: upgradeChecks,
		Plan:   planUpgrade,
		Judge:  judgeUpgrade,
		Shows:  shows("upgrade status", "status"),
	}
}

// upgradeNodes returns the nodes to upgrade, in kato's order: DEAs,
// controllers, routers, all others, the core. Up to Stackato 3.0 and ALS 1.0
// the core goes before the others.
func upgradeNodes(r Request, c Cluster) []string {
	if r.Operation == "upgrade node" {
		if r.Has(flagNode) {
			return []string{r.Flag(flagNode)}
		}
		return []string{c.CoreIP()}
	}
	rank := func(ip string) int {
		n, _ := c.Node(ip)
		for i, role := range []string{"dea", "controller", "router"} {
			if slices.Contains(n.Roles, role) && ip != c.CoreIP() {
				return i
			}
		}
		switch {
		case ip != c.CoreIP():
			return 4
		case c.Generation == ALS10:
			return 3
		}
		return 5
	}
	out := c.ips()
	slices.SortStableFunc(out, func(a, b string) int { return rank(a) - rank(b) })
	return out
}

func upgradeAllowed(r Request, c Cluster) error {
	if r.Has("rollback") && c.Generation != ALS10 {
		return refuse(Advise("Restore a backup or snapshots instead."), "%s has no --rollback", c.called())
	}
	if r.Has("rollback") && (r.Has("resume") || r.Has("version")) {
		return refuse(Advise("Type --rollback alone."), "--rollback goes with neither --resume nor --version")
	}
	if to := r.Flag("version"); notInPlace(c.Version, to) {
		return refuse(Advise("Export here, and import into a new cluster: %s.", c.command("export", "cluster")), "ALS %s is not upgraded in place to %s", c.Version, to)
	}
	if r.Operation == "upgrade node" && !isIP(upgradeNodes(r, c)[0]) {
		// Without --node some versions would upgrade the whole cluster.
		return refuse(Advise("Name it: %s.", c.command("upgrade", "node", "--node", "IP")), "the core's address is not known to kato's list of nodes")
	}
	return c.hasNode(r.Flag(flagNode))
}

// notInPlace reports whether the handbook rules the upgrade out. It knows only
// ALS's own version numbers, not those of Stackato, which kato may print too.
func notInPlace(from, to string) bool {
	if !strings.HasPrefix(from, "1.") {
		return false
	}
	minor, _, _ := strings.Cut(from[2:], ".")
	return strings.HasPrefix(to, "2.") || to == "2" || (to == "1.3" || strings.HasPrefix(to, "1.3.")) && (minor == "0" || minor == "1")
}

// versionID returns the ID of the step that reads one node's version.
func versionID(id stepID, ip string) stepID { return id.of(ip, " of "+nodeWords(ip)) }

func versionStep(c Cluster, id stepID, ip string) Step {
	s := c.probe(versionID(id, ip), "node", "version", ip)
	if !isIP(ip) {
		s.Argv = c.kato("version")
	}
	s.Tolerate = true
	return s
}

var (
	probeVersion      = stepID{"version", "read the version"}
	probeVersionAfter = stepID{"version-after", "read the version again"}
)

func upgradeChecks(r Request, c Cluster) ([]Step, error) {
	if err := upgradeAllowed(r, c); err != nil {
		return nil, err
	}
	nodes := upgradeNodes(r, c)
	steps := append([]Step{c.probeMaintenance(probeMaintenance)}, c.probesFor(upgradeNeeds(c, nodes))...)
	for _, ip := range nodes {
		steps = append(steps, versionStep(c, probeVersion, ip))
	}
	for _, ip := range c.otherDEAs(nodes) {
		steps = append(steps, roomProbe(c.at(ip)))
	}
	if r.Has("resume") {
		steps = append(steps, c.probe(probeUpgrade, "node", "upgrade", "--status"))
	}
	return steps, nil
}

// upgradeNeeds returns the preconditions of an upgrade of the nodes. Roles
// that do not run only warn: kato validates the nodes first, and may stop at
// that.
func upgradeNeeds(c Cluster, nodes []string) []Need {
	needs := []Need{{Check: coreReaches, Node: Core}, {Check: noOtherJob, Node: Core}, {rolesRun, Core, true}}
	for _, ip := range nodes {
		disk, memory := c.upgradeRoom(ip)
		for _, k := range []Check{freeDisk(disk), freeMemory(memory), sudoAsksNothing} {
			needs = append(needs, Need{Check: k, Node: c.at(ip)})
		}
	}
	return needs
}

// upgradeRoom returns the free disk and memory that the handbook requires on a
// node, in bytes.
func (c Cluster) upgradeRoom(ip string) (disk, memory int64) {
	if c.at(ip) == Core {
		return upgradeCoreDisk, upgradeCoreMemory
	}
	return upgradeDisk, upgradeMemory
}

// otherDEAs returns the DEAs that are not upgraded, and take over the
// applications of those that are.
func (c Cluster) otherDEAs(nodes []string) []string {
	var others []string
	empties := false
	for _, n := range c.NodesWith("dea") {
		if slices.Contains(nodes, n.IP) {
			empties = true
		} else {
			others = append(others, n.IP)
		}
	}
	if !empties {
		return nil
	}
	return others
}

// deaRoom notes how much memory the DEAs have free for each other's
// applications.
func (c Cluster) deaRoom(rs Results, nodes []string) []string {
	var free []string
	empties := false
	for _, n := range c.NodesWith("dea") {
		empties = empties || slices.Contains(nodes, n.IP)
		r, _ := rs.find(probeRoom, c.at(n.IP))
		words := "unknown"
		if bytes, err := strconv.ParseInt(keyValues(r.Output)["memory"], 10, 64); err == nil {
			words = size(bytes)
		}
		free = append(free, n.IP+" "+words)
	}
	if !empties {
		return nil
	}
	return []string{"Each DEA is emptied in turn: the others must have room for its applications. Free memory now: " + list(free) + "."}
}

func planUpgrade(r Request, c Cluster, rs Results) (Plan, error) {
	p := newPlan(r, Restart)
	p.Patience = 2 * patience
	if err := upgradeAllowed(r, c); err != nil {
		return p, err
	}
	nodes := upgradeNodes(r, c)
	p.checkNeeds(c, upgradeNeeds(c, nodes), rs)
	p.Findings = append(p.Findings, upgradeFindings(c)...)
	if under, err := readStep(rs, probeUpgrade, ReadUpgrade); r.Has("resume") && err == nil && len(under) == 0 {
		p.Findings = append(p.Findings, Finding{Level: Stop, Text: "no upgrade is in progress, so there is none to resume", Fix: Advise("Begin one: %s.", c.command(r.Operation)).rewording()})
	}
	if _, stopped := p.Stopped(); stopped {
		return p, nil
	}
	argv := c.kato("node", "upgrade")
	if r.Operation == "upgrade cluster" {
		argv = append(argv, "--cluster")
	} else if isIP(nodes[0]) {
		argv = append(argv, "--node", nodes[0])
	}
	if r.Has("version") {
		argv = append(argv, "--version", r.Flag("version"))
	}
	for _, f := range []string{"resume", "rollback"} {
		if r.Has(f) {
			argv = append(argv, "--"+f)
		}
	}
	argv = append(argv, "--skip-confirmation")
	var versions nodeVersions
	for _, ip := range nodes {
		v, err := readStep(rs, versionID(probeVersion, ip), ReadVersion)
		if err != nil {
			v = "unknown"
		}
		versions = append(versions, nodeVersion{ip, v})
		p.Verify = append(p.Verify, versionStep(c, probeVersionAfter, ip))
	}
	if to := r.Flag("version"); to != "" && !r.Has("resume") && !slices.ContainsFunc(versions, func(v nodeVersion) bool { return v.version != to }) {
		p.Verify, p.Nothing = nil, isAre(len(nodes), "node")+" at "+to+" already"
		return p, nil
	}
	p.Facts = []Fact{{"upgrade-order", "nodes, in this order", versions.String()}, {"to", "to", orNewest(r)}}
	p.Verify = append(p.Verify, c.probe(probeRolesAfter, "status"), c.probe(probeUpgradeAfter, "node", "upgrade", "--status"))
	steps, ok := c.withMaintenance(&p, rs, []Step{{Key: stepUpgrade.key, Name: stepUpgrade.label, Node: Core, Argv: argv, Limit: 12 * time.Hour}})
	if !ok {
		return p, nil
	}
	p.Steps = steps
	p.Hints.Versions = versions
	p.Hints.Restarts = c.allPairs(nodes)
	p.Notes = append(append(append(p.Notes, lastTime(c)...), upgradeLoses, "Nodes restart. The core fetches what is new from the vendor's hosts; a proxy must be set in the environment of kato's user."),
		c.deaRoom(rs, nodes)...)
	return p, nil
}

func orNewest(r Request) string {
	switch {
	case r.Has("rollback"):
		return "the version before"
	case r.Has("version"):
		return r.Flag("version")
	}
	return "the newest that kato knows"
}

func upgradeFindings(c Cluster) []Finding {
	var out []Finding
	if len(c.NodesWith("dea")) == 1 {
		out = append(out, Finding{Level: Warn, Text: "there is one DEA only: applications stop while it is upgraded", Fix: Advise("Add a DEA first if that matters.")})
	}
	return append(out, backupFinding(c, "there is no way back but a backup"+map[bool]string{true: " or --rollback", false: ""}[c.Generation == ALS10]))
}
