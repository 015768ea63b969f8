package als

import (
	"fmt"
	"strings"
)

// Patches: `kato patch`. alsbot judges an installation by a new list of
// patches and by the roles, never by what kato says of it.

const familyPatch = "patch"

// Probes before and after.
const (
	flagNoRestart  = "no-restart"
	flagOnlyThis   = "only-this-node"
	patchNameWords = "the name of a patch, as `patch status` lists it"
)

var (
	probePatches         = stepID{"patches", "list the patches"}
	probeAllPatches      = stepID{"patches-all", "list all patches"}
	probePatchNodes      = stepID{"patches-by-node", "see on which nodes the patches are"}
	probePatchNodesAfter = stepID{"patches-by-node-after", "see again on which nodes the patches are"}
	probePatchesAfter    = stepID{"patches-after", "list the patches again"}
	stepPatch            = stepID{"patch", "run kato patch"}
)

var patchFlags = []Flag{
	{Name: flagNoRestart, Help: "leave the roles as they are; they run the old code until they are restarted"},
	{Name: flagOnlyThis, Help: "one node only: the core, or the one that --node names; kato runs on that node itself"},
	{Name: flagNode, Kind: KindIP, Help: "one node only, reached by kato from the core (from ALS 1.1 on)"},
}

// showsPatches also shows the roles, which kato may have left down.
var showsPatches = shows("patch status", "status")

// changesPatches is the Changes of the family, and of upgrades: a new version
// includes some patches and lacks others.
var changesPatches = []Subject{SubjectPatches}

// restarts is the Effect of an operation that restarts roles unless
// --no-restart is given.
func restarts(r Request) Effect {
	if r.Has(flagNoRestart) {
		return Change
	}
	return Restart
}

var opPatchStatus = Operation{
	Name: "patch status", Family: familyPatch, Effect: always(Read),
	Summary: "list the patches that are not installed",
	Example: "patch status @prod",
	Flags:   []Flag{{Name: "all", Help: "also those that are installed"}},
	Plan: func(r Request, c Cluster, _ Results) (Plan, error) {
		argv := c.kato("patch", "status")
		if r.Has("all") {
			argv = append(argv, "--all")
		}
		return readPlan(r, Step{Key: probePatches.key, Name: probePatches.label, Node: Core, Argv: argv, Repeatable: true}), nil
	},
	Judge: judgePatchStatus,
}

// opPatchInstall is proven by a fresh list, a new entry of the history and the
// running roles.
var opPatchInstall = Operation{
	Name: "patch install", Family: familyPatch, Effect: restarts, Changes: changesPatches, Survey: true,
	Summary: "install all missing patches, or one, and restart the roles that they affect",
	Detail:  "With --no-restart the roles go on with the old code until you restart them.",
	Proof: "a fresh `patch status` no longer lists the patches as missing, kato's history has " + newEntryWords + ", and the affected roles run; kato's own word is not believed.\n" +
		"If only the list shows it, the restart of the roles is not confirmed. Where the list counts the whole cluster and one node is patched, the history alone tells.",
	Example: "patch install dea-memory-usage-reporting @prod",
	Params:  []Param{{Name: "NAME", Kind: KindName, Optional: true, Help: patchNameWords + "; without it, all that are missing"}},
	Flags:   patchFlags,
	Checks:  patchChecks,
	Shows:   showsPatches,
	Plan:    planPatch,
	Judge:   judgeInstall,
}

// opPatchReinstall is proven by a new entry of the history and the running
// roles: the list is the same before and after.
var opPatchReinstall = Operation{
	Name: opReinstallName, Family: familyPatch, Effect: restarts, Changes: changesPatches, Survey: true,
	Summary: "install a patch again, and restart the roles that it affects",
	Detail:  "The list of patches is the same before and after.",
	Proof:   "kato's history has " + newEntryWords + ", the list still has the patch as installed, and the affected roles run.",
	Example: "patch reinstall dea-memory-usage-reporting @prod",
	Params:  []Param{{Name: "NAME", Kind: KindName, Help: patchNameWords + " --all"}},
	Flags:   patchFlags,
	Checks:  patchChecks,
	Shows:   showsPatches,
	Plan:    planPatch,
	Judge:   judgeInstall,
}

// opPatchRevert is proven by a fresh list, a new entry of the history and the
// running roles.
var opPatchRevert = Operation{
	Name: opRevertName, Family: familyPatch, Effect: restarts, Changes: changesPatches, Survey: true,
	Summary: "take patches out again, and restart the roles that they affect",
	Detail:  "Without NAME every installed patch is taken out. ALS 1.0 has no revert.",
	Proof:   "a fresh `patch status` lists the patches as missing again, kato's history has " + newEntryWords + ", and the affected roles run.",
	Example: "patch revert dea-memory-usage-reporting @prod",
	Params:  []Param{{Name: "NAME", Kind: KindName, Optional: true, Help: patchNameWords + " --all; without it, all that are installed"}},
	Flags:   []Flag{patchFlags[0], patchFlags[2]},
	Checks:  patchChecks,
	Shows:   showsPatches,
	Plan:    planPatch,
	Judge:   judgeRevert,
}

// opPatchUpdate is proven by a list that has changed, or by a new entry of the
// history.
var opPatchUpdate = Operation{
	Name: opUpdateName, Family: familyPatch, Effect: always(Change), Changes: changesPatches, Survey: true,
	Summary: "fetch the list of patches anew from the patch server",
	Proof:   "the list has changed, or kato's history has " + newEntryWords + ".",
	Example: "patch update @prod",
	Flags:   patchFlags[1:],
	Checks:  patchChecks,
	Shows:   showsPatches,
	Plan:    planUpdate,
	Judge:   judgeUpdate,
}

// opPatchReset is proven by a fresh list.
var opPatchReset = Operation{
	Name: opResetName, Family: familyPatch, Effect: always(Destroy), Changes: changesPatches, Survey: true,
	Summary: "make kato forget which patches are installed",
	Detail:  "Nothing is taken out of the nodes; only the record goes, and kato offers every patch again. Use it when the record is known to be wrong.",
	Proof:   "a fresh `patch status` offers again every patch that was on record.",
	Example: "patch reset @prod",
	Flags:   []Flag{patchFlags[2]},
	Checks:  patchChecks,
	Shows:   showsPatches,
	Plan:    planReset,
	Judge:   judgeReset,
}

func judgePatchStatus(r Request, c Cluster, _ Plan, rs Results) Verdict {
	list, err := readPart(rs, probePatches, ReadPatches)
	if err != nil {
		part := partRead(err, count(len(list.Patches), "patch"), Verdict{Report: patchTable(list.Patches)})
		if part.Next.Generic {
			part.Next = Advise("Read the output of this run; try %s if the list of patches could not be fetched.", c.command("patch", "update"))
		}
		return part
	}
	v := Verdict{Outcome: Succeeded, Summary: "No patches are waiting.", Whole: true}
	pending := list.Pending()
	if len(pending) > 0 {
		v.Summary = count(len(pending), "patch") + " can be installed."
		v.Next = offer("Install with %s.", c.command("patch", "install"))
	}
	shown := pending
	if r.Has("all") {
		shown = list.Patches
	}
	v.Report = patchTable(shown)
	if m := list.Mismatch(); m != "" {
		v.Summary += " But " + m + "."
		v.Report += "\n" + capitalized(m) + "; the list is believed.\n"
	}
	v.Data.Patches = countPatches(list)
	v.Concern = v.Data.Patches.Urgent > 0 || list.Mismatch() != ""
	return v
}

// patchTable lists patches, with one line for each of their properties.
func patchTable(patches []Patch) string {
	var b strings.Builder
	for _, p := range patches {
		fmt.Fprintf(&b, "%s: %s\n", p.Name, p.Description)
		for _, kv := range [][2]string{{"severity", p.Severity}, {"roles affected", list(p.Roles)}} {
			if kv[1] != "" {
				fmt.Fprintf(&b, "  %s: %s\n", kv[0], kv[1])
			}
		}
		if p.Nodes {
			fmt.Fprintf(&b, "  installed on: %s\n  missing on: %s\n", orNone(p.InstalledOn), orNone(p.MissingOn))
		}
	}
	return b.String()
}

func patchNames(patches []Patch) []string {
	var out []string
	for _, p := range patches {
		out = append(out, p.Name)
	}
	return out
}

// patchChecks returns the probes before anything is patched.
func patchChecks(r Request, c Cluster) ([]Step, error) {
	if err := patchAllowed(r, c); err != nil {
		return nil, err
	}
	steps := []Step{c.probePatches(r, probePatches)}
	// For installed patches ALS 1.0 tells the roles only here. Later versions
	// tell them in probePatchNodes too.
	if r.Operation != opUpdateName && (r.Arg(0) != "" || r.Operation != opInstallName || c.Generation == ALS10) {
		steps = append(steps, c.probe(probeAllPatches, "patch", "status", "--all"))
	}
	if r.Operation != opUpdateName && r.Operation != opResetName {
		steps = append(steps, c.probePatchNodes(probePatchNodes)...)
	}
	if r.Operation != opResetName { // the record itself shows the result
		steps = append(steps, c.probesBefore(c.patchNode(r))...)
	}
	return append(steps, c.probesFor(patchNeeds(r, c))...), nil
}

// patchNeeds returns the preconditions of everything that changes patches or
// their record. Roles that are down only warn: a patch may be what fixes them.
func patchNeeds(r Request, c Cluster) []Need {
	needs := noOtherJobs(c.patchNode(r))
	if r.Operation != opUpdateName && r.Operation != opResetName {
		needs = append(needs, Need{rolesRun, Core, true})
	}
	return needs
}

// probePatches returns a probe of the list of patches on the node where kato
// runs. Only that node's list shows what --only-this-node changes.
func (c Cluster) probePatches(r Request, id stepID) Step {
	s := c.probe(id, "patch", "status")
	s.Node = c.patchNode(r)
	return s
}

// probePatchNodes returns a probe of the patches node by node, which not every
// list tells. Versions after ALS 1.0 print it as JSON.
func (c Cluster) probePatchNodes(id stepID) []Step {
	if c.Generation == ALS10 {
		return nil
	}
	s := c.probe(id, "patch", "status", "--all", "--json", "--quiet")
	s.Tolerate = true
	return []Step{s}
}

const (
	opInstallName   = "patch install"
	opReinstallName = "patch reinstall"
	opRevertName    = "patch revert"
	opUpdateName    = "patch update"
	opResetName     = "patch reset"
)

// patchAllowed refuses what this cluster's kato cannot do.
func patchAllowed(r Request, c Cluster) error {
	if c.Generation == ALS10 {
		if r.Operation == opRevertName {
			return refuse(Advise("Restore a backup, or install a newer patch."), "%s has no patch revert", c.called())
		}
		if r.Operation == opUpdateName && (r.Has(flagNode) || r.Has(flagOnlyThis)) {
			return refuse(Advise("Leave the flags out: %s.", c.command("patch", "update")), "%s fetches the list for the whole cluster only", c.called())
		}
		if r.Has(flagNode) && !r.Has(flagOnlyThis) {
			return refuse(Advise("Add --only-this-node: then kato runs on that node itself."), "%s has no --node for patches", c.called())
		}
	}
	return c.hasNode(r.Flag(flagNode))
}

// patchNode returns the node on which kato runs.
func (c Cluster) patchNode(r Request) string {
	if r.Has(flagOnlyThis) && r.Has(flagNode) {
		return c.at(r.Flag(flagNode))
	}
	return Core
}

// patchTarget returns the one node that is patched, or "" for all.
func (c Cluster) patchTarget(r Request) string {
	switch {
	case r.Has(flagNode):
		return r.Flag(flagNode)
	case r.Has(flagOnlyThis):
		return c.CoreIP()
	}
	return ""
}

// patchArgv returns kato's command line, with the flags of its generation. It
// uses long options only, since -n has two meanings.
func patchArgv(r Request, c Cluster) []string {
	argv := c.kato(strings.Fields(r.Operation)...)
	if r.Has(flagNoRestart) {
		argv = append(argv, "--no-restart")
	}
	switch {
	case r.Has(flagOnlyThis) && c.Generation == ALS10:
		argv = append(argv, "--only-this-node")
	case r.Has(flagOnlyThis) && r.Operation == opReinstallName && isIP(c.patchTarget(r)):
		argv = append(argv, "--node", c.patchTarget(r)) // it has no --local
	case r.Has(flagOnlyThis):
		argv = append(argv, "--local")
	case r.Has(flagNode):
		argv = append(argv, "--node", r.Flag(flagNode))
	}
	return append(argv, r.Args...)
}

// planPatch plans install, reinstall and revert.
func planPatch(r Request, c Cluster, rs Results) (Plan, error) {
	if err := patchAllowed(r, c); err != nil {
		return Plan{}, err
	}
	p := newPlan(r, restarts(r))
	patches, stop := choosePatches(r, c, rs, &p)
	if stop || p.Nothing != "" {
		return p, nil
	}
	p.checkNeeds(c, patchNeeds(r, c), rs)
	if _, stopped := p.Stopped(); stopped {
		return p, nil
	}
	status, err := c.status(rs, probeRoles)
	if err != nil {
		p.Findings = append(p.Findings, Finding{Level: Warn, Text: "afterwards it cannot be seen whether the roles run", Fix: Advise("Try %s.", c.command("processes"))})
	}
	pairs := affectedRoles(r, c, status, patches)
	target := c.patchTarget(r)
	p.Facts = []Fact{{"patches", "patches", strings.Join(patchNames(patches), ", ")}, {"nodes", "nodes", patchedNodes(c, patches, target, r.Operation == opRevertName)}}
	key, label := "restarting-roles", "roles that restart"
	if r.Has(flagNoRestart) {
		key, label = "old-code-roles", "roles that keep the old code"
	}
	p.Facts = append(p.Facts, Fact{key, label, orNoneText(allPairWords(pairs))})
	p.Steps = []Step{{Key: stepPatch.key, Name: stepPatch.label, Node: c.patchNode(r), Argv: patchArgv(r, c)}}
	p.Verify = append([]Step{c.probePatches(r, probePatchesAfter), c.probe(probeRolesAfter, "status"), c.probeHistory(probeHistoryAfter)}, c.probePatchNodes(probePatchNodesAfter)...)
	p.Patience = patience
	p.Hints.Patches, p.Hints.Restarts, p.Hints.Target = patchNames(patches), pairs, target
	p.Hints.Unnamed = r.Operation == opInstallName && r.Arg(0) == ""
	p.Hints.before(rs, r.Operation)
	p.Notes = append(p.Notes, lastTime(c)...)
	for _, pt := range patches {
		note := pt.Name + ": " + pt.Description
		if pt.Severity != "" {
			note += " (" + pt.Severity + ")"
		}
		p.Notes = append(p.Notes, note)
	}
	return p, nil
}

// planUpdate plans `patch update`.
func planUpdate(r Request, c Cluster, rs Results) (Plan, error) {
	if err := patchAllowed(r, c); err != nil {
		return Plan{}, err
	}
	p := newPlan(r, Change)
	p.Hints.before(rs, r.Operation)
	p.checkNeeds(c, patchNeeds(r, c), rs)
	if _, stopped := p.Stopped(); stopped {
		return p, nil
	}
	if list, err := readStep(rs, probePatches, ReadPatches); err == nil {
		before := wordList(patchNames(list.Patches))
		p.Hints.Before = &before
	}
	p.Steps = []Step{{Key: stepPatch.key, Name: stepPatch.label, Node: c.patchNode(r), Argv: patchArgv(r, c)}}
	p.Verify = []Step{c.probePatches(r, probePatchesAfter), c.probeHistory(probeHistoryAfter)}
	return p, nil
}

// planReset plans `patch reset`.
func planReset(r Request, c Cluster, rs Results) (Plan, error) {
	if err := patchAllowed(r, c); err != nil {
		return Plan{}, err
	}
	p := newPlan(r, Destroy)
	now, err := readStep(rs, probePatches, ReadPatches)
	if err == nil {
		var all PatchList
		if all, err = readStep(rs, probeAllPatches, ReadPatches); err == nil {
			have := patchNames(installedOn(all, now, r.Flag(flagNode)))
			if len(have) == 0 {
				p.Nothing = "kato has no patch on record as installed"
				if node := r.Flag(flagNode); node != "" {
					p.Nothing += " on " + node
				}
				return p, nil
			}
			p.Facts = []Fact{{"recorded-patches", "patches on record", strings.Join(have, ", ")}}
			p.Hints = Hints{Patches: have, Target: r.Flag(flagNode)}
		}
	}
	if err != nil {
		// An unreadable record is a reason to reset it.
		f := findingOf(Warn, err)
		f.Text = "the present record cannot be read: " + f.Text
		p.Findings = append(p.Findings, f)
	}
	p.checkNeeds(c, patchNeeds(r, c), rs)
	if _, stopped := p.Stopped(); stopped {
		return p, nil
	}
	p.Findings = append(p.Findings, Finding{Level: Warn, Text: "kato forgets which patches are installed and offers all of them again"})
	p.Steps = []Step{{Key: stepPatch.key, Name: stepPatch.label, Node: Core, Argv: patchArgv(r, c)}}
	p.Verify = []Step{c.probe(probePatchesAfter, "patch", "status")}
	return p, nil
}
