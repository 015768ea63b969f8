package als

import (
	_ "embed" // the scripts that run on a node
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Exports: kato writes the archive into a private directory beside the target,
// the node reads it back, alsbot weighs what it has read, and only then the
// archive gets the target's name.

const (
	familyData = "data"
)

var (
	stepPrepare      = stepID{"prepare", "make a private directory beside the target"}
	probeTarget      = stepID{"target", "look at the target"}
	probeTargetAfter = stepID{"target-after", "look at the target again"}
	stepExport       = stepID{"export", "export"}
	stepSettle       = stepID{"settle", "read the archive back"}
	stepKeep         = stepID{"keep", "give the archive its name"}
	stepClean        = stepID{"clean", "remove the temporary archive"}
)

//go:embed node/export_probe.sh
var exportProbe string

//go:embed node/export_prepare.sh
var exportPrepare string

//go:embed node/export_keep.sh
var exportKeep string

// archiveRead has the shell functions that read an archive to its end.
//
//go:embed node/archive_read.sh
var archiveRead string

//go:embed node/export_settle.sh
var exportSettle string

//go:embed node/export_clean.sh
var exportClean string

const exportDetail = "kato writes the archive into a private directory beside FILE. The node reads it to its end. It gets FILE's name, with mode 0600, only if it is good.\n" +
	"The verdict is verified, suspect (kept beside as .suspect.tgz; FILE stays as it was) or failed (removed).\n" +
	"Suspect: kato calls a part failed, a file changed while kato read it and its status isn't 0, the SHA-256 is that of an earlier archive, something is missing that all of the last archives had, " +
	"it holds no file, it is under half the usual size, or it unpacks to over 200 times its size.\n" +
	"Failed: gzip or tar can't read it, the two zero blocks at the tar's end are missing, something follows the tar or the gzip, or it is larger than backup.max_size.\n" +
	"Nothing is written if the directory was on a mount at the last export there and is on none now.\n" +
	"Without FILE it goes to the cluster's backup directory, else to the login user's home, under a name with the time in it.\n" +
	"It does not carry external databases, what applications wrote down of their databases when they were staged, or DEAs."

var opExportCluster = exportOp("export cluster", "export the whole cluster to an archive, and read it back", nil)

var opExportNode = exportOp("export node", "export one node to an archive, and read it back",
	[]Flag{{Name: flagNode, Kind: KindIP, Help: "this node; without it, the node with the filesystem role"}})

// exportOp returns an export. It is proven by the archive, read back to its
// end.
func exportOp(name, summary string, flags []Flag) Operation {
	flags = append(flags, Flag{Name: "maintenance", Help: "with maintenance mode on meanwhile; afterwards it is as it was found"})
	return Operation{
		Name: name, Family: familyData, Effect: always(Change), Survey: true, Earlier: true, Weigh: weighExport,
		Summary: summary, Detail: exportDetail,
		Proof:   "the node reads the whole archive back with gzip and tar, nothing makes it suspect, and it stands at FILE with the size that was read.",
		Example: name + " /mnt/nas/helion-backup.tgz @prod",
		Params:  []Param{{Name: "FILE", Kind: KindArchive, Optional: true, Help: "an absolute path on the node that ends in .tgz"}},
		Flags:   append(flags, contentFlags()...),
		Checks:  exportChecks,
		Plan:    planExport,
		Judge:   judgeExport,
	}
}

// contentFlags returns kato's flags that choose the contents of an export.
func contentFlags() []Flag {
	var out []Flag
	add := func(group, help string, names ...string) {
		for _, n := range names {
			out = append(out, Flag{Name: n, Group: group, Help: help})
		}
	}
	contents := []string{"droplets", "packages", "resources", "license", "db-encryption-key", "main-db", "aok-db", "aok-config",
		"helion-rest-db", "stackato-rest-db", "filesystem", "harbor", "mysql", "postgresql", "mongodb", "memcached", "redis", "rabbit", "rabbit3"}
	var exclude []string
	for _, n := range contents {
		exclude = append(exclude, "exclude-"+n)
	}
	for _, n := range []string{"harbor", "mysql", "postgresql", "mongodb", "memcached", "redis", "rabbit", "rabbit3"} {
		exclude = append(exclude, "exclude-"+n+"-data", "exclude-"+n+"-metadata")
	}
	exclude = append(exclude, "exclude-filesystem-data", "exclude-filesystem-user-creation")
	add("CONTENT", "what goes in; without any, all but resources and aok-config", append(contents, onlyUsers)...)
	add("exclude-CONTENT", "what stays out", exclude...)
	return out
}

const onlyUsers = "only-users-orgs"

// exportNode returns the node on which an export runs, as kato names it.
func exportNode(r Request, c Cluster) string {
	if r.Has(flagNode) {
		return r.Flag(flagNode)
	}
	if n, ok := c.NodeWith("filesystem"); ok {
		return n.IP
	}
	return c.CoreIP()
}

const exportTime = "20060102T150405Z"

// exportNames returns the directory ("" is the login user's home) and the base
// names of the target and of the private directory.
func exportNames(r Request, c Cluster) (dir, base, temp string, err error) {
	base = fmt.Sprintf("helion-export-%s-%s.tgz", c.Name, c.Asked.UTC().Format(exportTime))
	dir = c.BackupDir
	if file := r.Arg(0); file != "" {
		dir, base = path.Split(file)
		dir = path.Clean(dir)
	}
	if dir != "" {
		if err := checkPath("the directory", KindPath, dir); err != nil {
			return "", "", "", err
		}
		if s, own := systemDir(dir); own {
			return "", "", "", refuseSystemDir(dir, s)
		}
	}
	return dir, base, ".alsbot-" + c.Run, nil
}

func exportChecks(r Request, c Cluster) ([]Step, error) {
	if err := exportAllowed(r, c); err != nil {
		return nil, err
	}
	dir, base, temp, err := exportNames(r, c)
	if err != nil {
		return nil, err
	}
	steps := []Step{targetProbe(probeTarget, c.at(exportNode(r, c)), dir, base, temp)}
	if r.Has("maintenance") {
		steps = append(steps, c.probeMaintenance(probeMaintenance))
	}
	return append(steps, c.probesFor(exportNeeds(r, c))...), nil
}

// exportNeeds returns an export's preconditions, on its node and on the core.
// For a cluster, kato goes by SSH from both to all other nodes. Which of them
// it needs depends on the contents, so that check only warns.
func exportNeeds(r Request, c Cluster) []Need {
	var needs []Need
	if !r.Has(flagNode) {
		needs = append(needs, Need{Check: filesystemNode, Node: Core})
	}
	nodes := []string{c.at(exportNode(r, c))}
	if nodes[0] != Core {
		nodes = append(nodes, Core)
	}
	for _, node := range nodes {
		needs = append(needs, Need{Check: noOtherJob, Node: node})
		if r.Operation == "export cluster" && len(c.Nodes) > 1 {
			needs = append(needs, Need{Check: coreReaches, Node: node, Warn: true})
		}
	}
	return needs
}

func targetProbe(id stepID, node, dir, base, temp string) Step {
	return id.probe(node, script(mountOf+exportProbe, "alsbot-look", dir, base, temp))
}

func exportAllowed(r Request, c Cluster) error {
	if r.Has(onlyUsers) && c.Generation == ALS10 {
		return refuse(Advise("Leave it out, or exclude contents one by one."), "%s has no --%s", c.called(), onlyUsers)
	}
	return c.hasNode(r.Flag(flagNode))
}

func planExport(r Request, c Cluster, rs Results) (Plan, error) {
	p := newPlan(r, Change)
	if err := exportAllowed(r, c); err != nil {
		return p, err
	}
	_, base, temp, err := exportNames(r, c)
	if err != nil {
		return p, err
	}
	ip := exportNode(r, c)
	p.checkNeeds(c, exportNeeds(r, c), rs)
	probe, ok := rs.find(probeTarget, "")
	if !ok {
		p.Findings = append(p.Findings, Finding{Level: Stop, Text: "the target's directory was not looked at", Fix: Advise("Try again.")})
		return p, nil
	}
	seen := keyValues(probe.Output)
	dir := seen["real"]
	if f, bad := targetFinding(r, c, probe, seen, base); bad {
		p.Findings = append(p.Findings, f)
		return p, nil
	}
	if r.Arg(0) == "" && seen["target"] == "file" {
		// Another export began in the same second. An archive may replace another
		// one only if a person named the file.
		base, seen["target"] = fmt.Sprintf("helion-export-%s-%s-%s.tgz", c.Name, c.Run, c.Asked.UTC().Format(exportTime)), "absent"
	}
	node, mount := c.at(ip), readMount(seen)
	p.Findings = append(append(p.Findings, spaceFindings(c, seen, ip)...), mountFindings(c, node, dir, mount)...)
	if _, full := p.Stopped(); full {
		return p, nil
	}
	target := path.Join(dir, base)
	suspect := strings.TrimSuffix(target, ".tgz") + ".suspect.tgz"
	p.Facts = []Fact{{"node", "node", nodeWords(ip)}, {"archive", "archive", target + replaces(seen)}, {"mount", "filesystem", mount.String()}}
	if flags := exportFlags(r); len(flags) > 0 {
		p.Facts = append(p.Facts, Fact{"contents", "contents", strings.Join(flags, " ")})
	}
	steps := exportSteps(r, c, exporting{node: node, dir: dir, temp: temp, target: target, suspect: suspect, mount: mount})
	p.Verify = []Step{targetProbe(probeTargetAfter, node, dir, base, temp)}
	p.Hints.Target, p.Hints.Suspect, p.Hints.Temp = target, suspect, temp
	if r.Has("maintenance") {
		if steps, ok = c.withMaintenance(&p, rs, steps); !ok {
			return p, nil
		}
	}
	p.Steps = steps
	if other := otherMount(c, node, dir, mount); other != "" {
		p.Notes = append(p.Notes, other)
	}
	p.Notes = append(append(p.Notes, lastTime(c)...), "It does not carry external databases, what applications wrote down of their databases when they were staged, or DEAs.")
	if !r.Has("maintenance") {
		p.Notes = append(p.Notes, "Applications go on writing meanwhile; --maintenance at least stops deployments.")
	}
	return p, nil
}

// exporting says where an export goes.
type exporting struct {
	node, dir, temp string // temp is the private directory in dir
	target, suspect string
	mount           Mount // of dir
}

// exportSteps returns an export's steps. Whatever becomes of kato, the node
// reads what it has left: that may be worth keeping as suspect.
func exportSteps(r Request, c Cluster, x exporting) []Step {
	private := path.Join(x.dir, x.temp)
	archive := path.Join(private, "archive.tgz")
	return []Step{
		{Key: stepPrepare.key, Name: stepPrepare.label, Node: x.node, Argv: script(mountOf+exportPrepare, "alsbot-prepare", x.dir, x.temp, x.mount.lines()), Limit: probeLimit},
		{Key: stepExport.key, Name: stepExport.label, Node: x.node, Argv: append(exportArgv(r, c), archive), Tolerate: true},
		{Key: stepSettle.key, Name: stepSettle.label, Node: x.node, Argv: script(archiveRead+exportSettle, "alsbot-settle", archive), Figures: []int64{c.MaxSize}, Limit: 6 * time.Hour},
		{Key: stepKeep.key, Name: stepKeep.label, Node: x.node, Argv: script(exportKeep, "alsbot-keep", archive, x.target, x.suspect), Weigh: true, Limit: probeLimit},
		{Key: stepClean.key, Name: stepClean.label, Node: x.node, Argv: script(exportClean, "alsbot-clean", private), Always: true, Limit: probeLimit},
	}
}

// exportArgv returns kato's command line without the file.
func exportArgv(r Request, c Cluster) []string {
	mode := "--cluster"
	if r.Operation == "export node" || c.Micro() {
		mode = "--only-this-node"
	}
	return append(c.kato("data", "export", mode), exportFlags(r)...)
}

func exportFlags(r Request) []string {
	var out []string
	for _, f := range contentFlags() {
		if r.Has(f.Name) {
			out = append(out, "--"+f.Name)
		}
	}
	return out
}

func replaces(seen map[string]string) string {
	if seen["target"] == "file" {
		return ", in place of the archive that is there"
	}
	return ""
}

// targetFinding returns the finding that stops an export because of its
// target, if there is one.
func targetFinding(r Request, c Cluster, probe Result, seen map[string]string, base string) (Finding, bool) {
	stop := func(fix Advice, format string, args ...any) (Finding, bool) {
		return Finding{Level: Stop, Text: fmt.Sprintf(format, args...), Fix: fix}, true
	}
	who := nodeWords(probe.Node)
	if probe.Trouble != "" || probe.Exit != 0 || seen["dir"] == "" {
		if f, bad := trouble(probe); bad {
			return f, true
		}
		return stop(Advice{}, "%s on %s gave no answer", probeTarget.label, who)
	}
	if seen["state"] == "missing" {
		return stop(Advise("Create or mount it, or name another FILE."), "there is no directory %s on %s", printable(seen["dir"], 255), who)
	}
	if err := checkPath("the directory on "+who, KindPath, seen["real"]); err != nil {
		return findingOf(Stop, err), true
	}
	home := r.Arg(0) == "" && c.BackupDir == ""
	if s, own := systemDir(seen["real"]); own && (!home || s != "/root") {
		f := findingOf(Stop, refuseSystemDir(seen["real"], s))
		f.Fix.Reword = true
		return f, true
	}
	switch {
	case seen["state"] != "writable":
		return stop(Advise("Give the login user the right to write there."), "%s on %s cannot be written to", seen["real"], who)
	case seen["target"] != "absent" && seen["target"] != "file":
		f, bad := stop(Advise("Name another FILE."), "what stands at %s on %s is not a regular file", path.Join(seen["real"], base), who)
		f.Fix.Reword = true
		return f, bad
	case seen["temp"] != "absent":
		return stop(Advise("Look at it and remove it by hand."), "something stands already at the temporary name in %s on %s", seen["real"], who)
	}
	return Finding{}, false
}

// spaceFindings compares the free space with the size of the last archive.
func spaceFindings(c Cluster, seen map[string]string, ip string) []Finding {
	var out []Finding
	dir := seen["real"]
	free, err := strconv.ParseInt(seen["free"], 10, 64)
	switch {
	case err != nil:
		out = append(out, Finding{Level: Warn, Key: "unseen-free-space", Subjects: []string{ip}, Text: "the free space in " + dir + " on " + nodeWords(ip) + " could not be read", Fix: Advise("Look with %s there.", Typed("df"))})
	case len(c.History.Sizes) == 0 && free < 1<<30:
		out = append(out, Finding{Level: Warn, Key: "free-space", Subjects: []string{ip}, Volatile: true, Text: fmt.Sprintf("%s is free in %s on %s, and there is no earlier export to compare with", size(free), dir, nodeWords(ip)), Fix: Advise("See that it is enough.")})
	case len(c.History.Sizes) == 0:
	case free < c.History.Sizes[0]:
		out = append(out, Finding{Level: Stop, Key: "free-space", Subjects: []string{ip}, Volatile: true, Text: fmt.Sprintf("%s is free in %s on %s, and the last archive had %s", size(free), dir, nodeWords(ip), size(c.History.Sizes[0])), Fix: Advise("Make room, or name another FILE.")})
	case free-c.History.Sizes[0] < c.History.Sizes[0]/2:
		out = append(out, Finding{Level: Warn, Key: "free-space", Subjects: []string{ip}, Volatile: true, Text: fmt.Sprintf("only %s is free in %s on %s, and the last archive had %s", size(free), dir, nodeWords(ip), size(c.History.Sizes[0])), Fix: Advise("Make room soon.")})
	}
	return out
}

// leastSize returns half the median of earlier sizes. A smaller archive is
// suspect.
func leastSize(sizes []int64) int64 {
	if len(sizes) == 0 {
		return 0
	}
	s := slices.Clone(sizes)
	slices.Sort(s)
	return s[len(s)/2] / 2
}
