package als

import (
	"cmp"
	_ "embed" // the script that runs on a node
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Imports: `kato data import` wipes the cluster's data and replaces it with an
// archive's or a running old core's.

//go:embed node/import_probe.sh
var importProbe string

const (
	dataImport = "data import"
)

var (
	probeArchive = stepID{"archive", "read the archive"}
	probeAdmins  = stepID{"admins", "see that the first user is set up"}
	stepImport   = stepID{"import", "import"}
)

const importDetail = "Whatever the cluster holds is wiped first. Do it on a fresh cluster, or export before.\n" +
	"SOURCE is a .tgz on the core (on the node, for `import node`), or the host name of the old, running core.\n" +
	"For a host name, ssh and sudo must ask nothing on the way there: it is looked at first, since nobody answers and the cluster is wiped by then.\n" +
	"Free disk is held against what the archive unpacks to, or what the old core itself has of services and droplets; it only warns.\n" +
	"An import does not bring external databases or DEAs. Applications that wrote down their database when they were staged must be staged again; a restart is not enough."

var opImportCluster = importOp("import cluster", "replace the whole cluster's data by an archive's or an old core's", nil)

var opImportNode = importOp("import node", "replace one node's data by an archive's or an old core's",
	[]Flag{{Name: flagNode, Kind: KindIP, Help: "this node; without it, the core"}})

// importOp returns an import. It is proven by what kato names, a new entry of
// the history and the running roles. Only the owners of the applications can
// see more.
func importOp(name, summary string, flags []Flag) Operation {
	flags = append(flags, Flag{Name: "fix-app-paths", Help: "rewrite /app paths of applications from an old version"},
		Flag{Name: "timeout", Kind: KindSeconds, Help: "how long the staging of one application from an old version may take"})
	return Operation{
		Name: name, Family: familyData, Effect: always(Destroy), Survey: true, Archives: true,
		Leaves:  func(r Request) bool { return !fromArchive(r) },
		Summary: summary, Detail: importDetail,
		Proof:   "kato names no part and no application as failed, its history has " + newEntryWords + ", and the roles run. Where the history cannot be read, the import is not confirmed.",
		Example: name + " /mnt/nas/helion-backup.tgz @fresh",
		Params:  []Param{{Name: "SOURCE", Kind: KindSource, Help: "an archive on the node, or the old core's host name"}},
		Flags: append(flags, slices.DeleteFunc(contentFlags(), func(f Flag) bool {
			return f.Name == onlyUsers
		})...),
		Checks: importChecks,
		Plan:   planImport,
		Judge:  judgeImport,
	}
}

func importNode(r Request, c Cluster) string {
	if r.Has(flagNode) {
		return c.at(r.Flag(flagNode))
	}
	return Core
}

func fromArchive(r Request) bool { return strings.HasPrefix(r.Arg(0), "/") }

func importChecks(r Request, c Cluster) ([]Step, error) {
	if err := c.hasNode(r.Flag(flagNode)); err != nil {
		return nil, err
	}
	on := importNode(r, c)
	source := []Step{{Key: probeArchive.key, Name: probeArchive.label, Node: on, Argv: script(archiveRead+importProbe, "alsbot-archive", r.Arg(0)), Repeatable: true, Limit: 2 * time.Hour}}
	if !fromArchive(r) {
		source = oldCoreProbes(r.Arg(0), on)
	}
	probes := append(source, roomProbe(on), c.probe(probeAdmins, "config", "get", "cloud_controller_ng", "admins"))
	probes = append(probes, c.probesBefore(on)...)
	return append(probes, c.probesFor(importNeeds(r, c))...), nil
}

// importNeeds returns an import's preconditions: what would ask a question,
// refuse or be missing in the middle. What kato really needs depends on the
// contents, so some only warn.
func importNeeds(r Request, c Cluster) []Need {
	on := importNode(r, c)
	needs := []Need{{sudoAsksNothing, on, true}, {Check: notInMaintenance, Node: Core}, {Check: rolesRun, Node: Core}}
	needs = append(needs, noOtherJobs(on)...)
	if r.Operation == "import cluster" && len(c.Nodes) > 1 {
		needs = append(needs, Need{coreReaches, Core, true})
	}
	return needs
}

func planImport(r Request, c Cluster, rs Results) (Plan, error) {
	p := newPlan(r, Destroy)
	p.Patience = patience
	if err := c.hasNode(r.Flag(flagNode)); err != nil {
		return p, err
	}
	var comes importSize
	if fromArchive(r) {
		comes = archiveFindings(r, c, rs, &p)
	} else {
		comes = oldCoreFindings(r, c, rs, &p)
	}
	p.checkNeeds(c, importNeeds(r, c), rs)
	adminFindings(rs, &p)
	if _, stopped := p.Stopped(); stopped {
		return p, nil
	}
	p.checkImportRoom(c, importNode(r, c), comes, rs)
	mode := "--cluster"
	if r.Operation == "import node" || c.Micro() {
		mode = "--only-this-node"
	}
	argv := append(c.kato("data", "import", mode), exportFlags(r)...)
	if r.Has("fix-app-paths") {
		argv = append(argv, "--fix-app-paths")
	}
	if r.Has("timeout") {
		argv = append(argv, "--timeout", r.Flag("timeout"))
	}
	p.Facts = append([]Fact{{"source", "source", r.Arg(0)}, {"node", "node", nodeWords(importNode(r, c))}}, p.Facts...)
	p.Findings = append(p.Findings, wipeWarning(c))
	p.Steps = []Step{{Key: stepImport.key, Name: stepImport.label, Node: importNode(r, c), Argv: append(argv, r.Arg(0))}}
	p.Verify = []Step{c.probe(probeRolesAfter, "status"), c.probeHistory(probeHistoryAfter)}
	p.Notes = append(append(p.Notes, lastTime(c)...), "It does not bring external databases or DEAs; applications with connection data from staging must be staged again.")
	var pairs []roleOn
	status, _ := c.status(rs, probeRoles)
	for _, ip := range status.Nodes("") {
		for _, role := range status.Roles(ip) {
			pairs = append(pairs, roleOn{role, ip})
		}
	}
	p.Hints.Restarts = pairs
	p.Hints.before(rs, dataImport)
	return p, nil
}

// wipeWarning warns of what an import wipes, and tells whether a backup could
// restore it.
func wipeWarning(c Cluster) Finding {
	f := Finding{Level: Warn, Key: "wipe-without-backup", Text: "what the cluster holds now is wiped: users, applications, services; no verified backup of it is known",
		Fix: Advise("Export it first if anybody may want it: %s.", c.command("export", "cluster"))}
	if last := c.History.Backup; last != nil {
		f.Key = "wipe"
		f.Text = fmt.Sprintf("what the cluster holds now is wiped: users, applications, services; its last verified backup is %s old (%s)", age(c.Asked, last.begunAt()), last.origin())
	}
	return f
}

// originFindings names the run that made an archive with this SHA-256. It
// warns if the archive covers less than what the import wipes.
func originFindings(r Request, c Cluster, sum string, p *Plan) {
	for _, a := range c.History.Archives {
		switch {
		case a.SHA256 == sum:
			p.Facts = append(p.Facts, Fact{"archive", "archive", "of " + a.origin() + ", begun " + clock(a.begunAt())})
			if r.Operation == "import cluster" && (!a.Whole() || a.Contents != "") {
				p.Findings = append(p.Findings, Finding{Level: Warn, Text: "the archive is not of the whole cluster: it was made by " + a.series() + ", and what it lacks is wiped all the same",
					Fix: Advise("See %s for one of %s.", c.command("backups"), Typed("export cluster"))})
			}
			return
		case a.Path == r.Arg(0) && c.at(a.Node) == importNode(r, c):
			p.Findings = append(p.Findings, Finding{Level: Warn, Text: fmt.Sprintf("%s is not what run %s left there: its SHA-256 is another one", a.Path, a.Run), Fix: Advise("Find out who has changed it.")})
		}
	}
}

// importSize is how much data an import brings, as far as a probe can tell.
type importSize struct {
	bytes int64  // at least; 0 if not known
	words string // for people: what was measured and what was not
}

// checkImportRoom compares the free disk of the node on which kato runs with
// the size of the import. It only warns, since some data may belong on other
// nodes.
func (p *Plan) checkImportRoom(c Cluster, node string, comes importSize, rs Results) {
	disk := room("disk", "free", comes.bytes, Warn, "an import wipes first, and a full disk then breaks it off with half of the data",
		Advise("Make room on NODE first. What goes to other nodes or another filesystem must fit there: see with %s.", Typed("df")))
	if f, found := (Need{disk, node, true}).Finding(c, rs); found {
		p.Findings = append(p.Findings, f)
	}
	if comes.words != "" {
		p.Notes = append(p.Notes, comes.words)
	}
	probe, _ := rs.find(probeRoom, node)
	if free, err := strconv.ParseInt(keyValues(probe.Output)["free"], 10, 64); err == nil {
		p.Notes = append(p.Notes, size(free)+" of disk is free on "+nodeWords(node)+".")
	}
}

// archiveFindings checks the archive against what an import needs, and returns
// how much it unpacks to.
func archiveFindings(r Request, c Cluster, rs Results, p *Plan) (comes importSize) {
	probe, _ := rs.find(probeArchive, "")
	seen := keyValues(probe.Output)
	who := nodeWords(probe.Node)
	stop := func(fix Advice, format string, args ...any) {
		p.Findings = append(p.Findings, Finding{Level: Stop, Text: fmt.Sprintf(format, args...), Fix: fix})
	}
	another := func(fix Advice, format string, args ...any) {
		stop(fix, format, args...)
		p.Findings[len(p.Findings)-1].Fix.Reword = true
	}
	switch {
	case seen["state"] == "missing":
		stop(Advise("Copy it there, or name another SOURCE."), "there is no %s on %s", r.Arg(0), who)
	case seen["state"] == "other":
		another(Advise("Name an archive."), "%s on %s is not a regular file", r.Arg(0), who)
	case seen["state"] == "unreadable":
		stop(Advise("Give the system user the right to read it."), "%s on %s cannot be read", r.Arg(0), who)
	case seen["state"] == "damaged", seen["state"] == "read" && seen["tar"] != "0":
		another(Advise("Take another archive."), "%s on %s is damaged: %s", r.Arg(0), who, printable(cmp.Or(seen["why"], "it cannot be read to its end"), 200))
	case seen["state"] != "read" || !sumPattern.MatchString(seen["sha256"]):
		if f, bad := trouble(probe); bad {
			p.Findings = append(p.Findings, f)
			return comes
		}
		stop(Advise("Try again."), "%s on %s could not be looked at", r.Arg(0), who)
	case seen["files"] == "0":
		another(Advise("Take another archive."), "%s on %s holds no file", r.Arg(0), who)
	default:
		p.Facts = append(p.Facts, Fact{"sha256", "sha256", seen["sha256"]})
		bytes, _ := strconv.ParseInt(seen["size"], 10, 64)
		comes.bytes, _ = strconv.ParseInt(seen["unpacked"], 10, 64)
		comes.words = fmt.Sprintf("The archive has %s and %s files, unpacks to %s, and was read to its end.", size(bytes), printable(seen["files"], 20), size(comes.bytes))
		originFindings(r, c, seen["sha256"], p)
		heldFindings(r, c, strings.Fields(seen["holds"]), "the archive", p)
	}
	return comes
}

var services = []string{"filesystem", "harbor", "mysql", "postgresql", "mongodb", "memcached", "redis", "rabbit", "rabbit3"}

// adminFindings stops the import if the cluster's first user is not set up.
func adminFindings(rs Results, p *Plan) {
	admins, err := readStep(rs, probeAdmins, ReadList)
	switch {
	case err != nil:
		p.Findings = append(p.Findings, Finding{Level: Warn, Text: "it cannot be seen whether the first user is set up: " + err.Error(), Fix: Advise("Set up the first user in the console and accept the terms before an import.")})
	case len(admins) == 0:
		p.Findings = append(p.Findings, Finding{Level: Stop, Text: "the first user is not set up", Fix: Advise("Open the cluster's console, create the first user and accept the terms.")})
	}
}
