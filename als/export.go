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

// Exports: kato writes the archive to a temporary name beside the target, the
// node reads it back, and only then it gets the target's name.

const (
	familyData = "data"
)

var (
	probeTarget      = stepID{"target", "look at the target"}
	probeTargetAfter = stepID{"target-after", "look at the target again"}
	stepExport       = stepID{"export", "export"}
	stepSettle       = stepID{"settle", "read the archive back"}
	stepClean        = stepID{"clean", "remove the temporary archive"}
)

//go:embed node/export_probe.sh
var exportProbe string

//go:embed node/export_settle.sh
var exportSettle string

//go:embed node/export_clean.sh
var exportClean string

const exportDetail = "The archive is written to a temporary name beside FILE, read back to its end on the node, and gets FILE's name only if it is good.\n" +
	"The verdict is verified, suspect (it holds no file, is under half the usual size, or unpacks to over 200 times its own; kept beside as .suspect.tgz) or failed.\n" +
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
		Name: name, Family: familyData, Effect: always(Change), Survey: true,
		Summary: summary, Detail: exportDetail,
		Proof:   "the node reads the whole archive back with gzip and tar, it is not suspect, and it stands at FILE with the size that was read.",
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
// names of the target and of the temporary archive.
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
	return dir, base, ".alsbot-" + c.Run + ".tgz", nil
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
	return id.probe(node, script(exportProbe, "alsbot-look", dir, base, temp))
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
	p.Findings = append(p.Findings, spaceFindings(c, seen, ip)...)
	if _, full := p.Stopped(); full {
		return p, nil
	}
	target, tempPath := path.Join(dir, base), path.Join(dir, temp)
	suspect := strings.TrimSuffix(target, ".tgz") + ".suspect.tgz"
	node := c.at(ip)
	p.Facts = []Fact{{"node", "node", nodeWords(ip)}, {"archive", "archive", target + replaces(seen)}}
	if flags := exportFlags(r); len(flags) > 0 {
		p.Facts = append(p.Facts, Fact{"contents", "contents", strings.Join(flags, " ")})
	}
	steps := []Step{
		{Key: stepExport.key, Name: stepExport.label, Node: node, Argv: append(exportArgv(r, c), tempPath)},
		{Key: stepSettle.key, Name: stepSettle.label, Node: node, Argv: script(exportSettle, "alsbot-settle", tempPath, target, suspect), Figures: []int64{leastSize(c.History.Sizes)}, Limit: 6 * time.Hour},
		{Key: stepClean.key, Name: stepClean.label, Node: node, Argv: script(exportClean, "alsbot-clean", tempPath), Always: true, Limit: probeLimit},
	}
	p.Verify = []Step{targetProbe(probeTargetAfter, node, dir, base, temp)}
	p.Hints.Target, p.Hints.Suspect, p.Hints.Temp = target, suspect, temp
	if r.Has("maintenance") {
		if steps, ok = c.withMaintenance(&p, rs, steps); !ok {
			return p, nil
		}
	}
	p.Steps = steps
	p.Notes = append(append(p.Notes, lastTime(c)...), "It does not carry external databases, what applications wrote down of their databases when they were staged, or DEAs.")
	if !r.Has("maintenance") {
		p.Notes = append(p.Notes, "Applications go on writing meanwhile; --maintenance at least stops deployments.")
	}
	return p, nil
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
	case free < c.History.Sizes[0]*3/2:
		out = append(out, Finding{Level: Warn, Key: "free-space", Subjects: []string{ip}, Volatile: true, Text: fmt.Sprintf("only %s is free in %s on %s, and the last archive had %s", size(free), dir, nodeWords(ip), size(c.History.Sizes[0])), Fix: Advise("Make room soon.")})
	}
	if seen["mount"] == "/" && (strings.HasPrefix(dir, "/mnt/") || strings.HasPrefix(dir, "/media/")) {
		out = append(out, Finding{Level: Warn, Text: dir + " on " + nodeWords(ip) + " lies on the node's root filesystem", Fix: Advise("See whether something should be mounted there.")})
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
