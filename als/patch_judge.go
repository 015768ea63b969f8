package als

import (
	"fmt"
	"slices"
	"strings"
)

// Verdicts on patch commands, from a new list of patches and the roles.

// judgeInstall judges install and reinstall. Patches that nobody was shown come
// first in its summary.
func judgeInstall(r Request, c Cluster, p Plan, rs Results) Verdict {
	v := judgeShown(r, c, p, rs)
	if beyond := patchesBeyond(p, rs); len(beyond) > 0 {
		v.Concern = true
		v.Summary = fmt.Sprintf("Beyond what was shown, kato names %s. %s", list(beyond), v.Summary)
	}
	if r, _ := rs.find(stepPatch, ""); r.Cut {
		v = v.atMost(Unconfirmed)
		v.Summary = "Not confirmed that kato installed only what was shown: it printed more than the 1 MiB that alsbot reads. " + v.Summary
	}
	return v
}

// judgeShown judges the patches that were shown.
func judgeShown(r Request, c Cluster, p Plan, rs Results) Verdict {
	after, err := readLocated(rs, probePatchesAfter, probePatchNodesAfter)
	if err != nil {
		return verificationUnread(c, p, rs, err)
	}
	patches, target := p.Hints.Patches, p.Hints.Target
	still, unclear := notInstalled(c, patches, after, target)
	still = append(still, deniedByNodes(patches, still, unclear, rs, target)...)
	report := installReport(patches, unclear, after, target)
	by := "by a fresh list"
	if len(unclear) > 0 && len(still) == 0 {
		history := evidenceFor(c, p, rs, stepPatch, p.Operation)
		if history != evidenceSuccess {
			return unlisted(c, p, rs, unclear, target, history, report)
		}
		by = "by kato's history (its list counts the whole cluster, which still lacks " + list(unclear) + ")"
	}
	if len(still) > 0 {
		return stillMissing(r, c, p, rs, still, report)
	}
	done := count(len(patches), "patch") + " installed, " + by
	outcome := Succeeded
	if r.Operation == opReinstallName {
		u := unconfirmedBy(c, p, rs, stepPatch, r.Operation)
		if u.denied || u.missed {
			return addRoles(notReinstalled(c, p, rs, u, report), r, c, p, rs)
		}
		done = count(len(patches), "patch") + " installed again, by kato's history"
		if u.why != "" {
			outcome = Unconfirmed
			done = "It is unconfirmed that " + list(patches) + " was installed again (the list is as before, and " + u.why + ")"
		}
	}
	v := rolesPatched
	if r.Has(flagNoRestart) {
		v = notRestarted("Bring the patches to work")
	}
	return v(c, p, rs, done, report).atMost(outcome).unlessMiscounted(p, after)
}

// deniedByNodes returns the patches that the list no longer has as missing,
// and that the list by node still has: perhaps a line of the first is not as
// kato printed it.
func deniedByNodes(patches, still, unclear []string, rs Results, target string) (out []string) {
	where, err := readStep(rs, probePatchNodesAfter, ReadPatches)
	for _, name := range patches {
		pt, ok := where.Find(name)
		known := slices.Contains(unclear, name) || slices.ContainsFunc(still, func(s string) bool { return s == name || strings.HasPrefix(s, name+" on ") })
		if err == nil && ok && !known && pt.Nodes && (target == "" && pt.Pending() || target != "" && pt.PendingOn(target)) {
			out = append(out, name+" on "+list(pt.MissingOn))
		}
	}
	return out
}

// unlessMiscounted lowers a success if kato's count differs from its list, and
// did not before: perhaps the list is not whole.
func (v Verdict) unlessMiscounted(p Plan, after PatchList) Verdict {
	if m := after.Mismatch(); m != "" && !p.Hints.Miscounts && v.Outcome == Succeeded {
		v.Outcome = Unconfirmed
		v.Summary = "Not confirmed: afterwards " + m + ". " + v.Summary
	}
	return v
}

// atMost returns the verdict with a success lowered to an outcome.
func (v Verdict) atMost(o Outcome) Verdict {
	if v.Outcome == Succeeded {
		v.Outcome = o
	}
	return v
}

// notInstalled compares a plan's patches with a new list. still has those that
// are missing, with their nodes where kato tells them. unclear has those that
// may be missing on other nodes than target only.
func notInstalled(c Cluster, patches []string, after PatchList, target string) (still, unclear []string) {
	for _, name := range patches {
		pt, ok := after.Find(name)
		switch {
		case !ok || target == "" && !pt.Pending() || target != "" && !pt.PendingOn(target):
		case pt.Nodes && target == "":
			still = append(still, name+" on "+list(pt.MissingOn))
		case target != "" && !pt.Nodes && !c.onlyFor(pt, target):
			unclear = append(unclear, name)
		default:
			still = append(still, name)
		}
	}
	return still, unclear
}

// notReinstalled returns the verdict for a reinstall that kato, or its
// history, says did not happen. The list of patches cannot show it.
func notReinstalled(c Cluster, p Plan, rs Results, d unconfirmed, report string) Verdict {
	v := Verdict{Outcome: Failed, Report: report,
		Summary: "It cannot be confirmed that anything was installed again: " + d.why + ". The list has " + list(p.Hints.Patches) + " as installed, as before.",
		Next:    fixFirst(rs, stepPatch, Advice{}).Or(Advise("Read the output of this run, then try again; look at the roles with %s.", c.command("status")))}
	return v
}

// rolesPatched judges the roles that kato restarts after it changed patches.
// They ran before too, so that they run proves no restart.
func rolesPatched(c Cluster, p Plan, rs Results, done, report string) Verdict {
	pairs := p.Hints.Restarts
	v := rolesAfter(c, p, rs, pairs)
	if v.Outcome != Succeeded {
		v.Report = report + v.Report
		return v
	}
	v.Report = report
	v.Summary = done + "; " + runningWords(len(pairs))
	d := unconfirmedBy(c, p, rs, stepPatch, p.Operation)
	switch {
	case len(pairs) == 0:
		v.Summary += katoDisagrees(rs)
	case d.denied:
		v.Outcome = Failed
		v.Summary = fmt.Sprintf("%s, but it cannot be confirmed that the affected roles were restarted: %s. They run, perhaps with what they had before.", done, d.why)
		v.Next = offer("Restart them with %s.", c.turnCommands(opRestartName, pairs)...)
	case d.why != "":
		// The list shows that kato did something. So a history without the command
		// does not speak against a restart.
		v.Outcome = Unconfirmed
		v.Summary += " That they were restarted is unconfirmed: " + d.why + "."
		v.Next = offer("To be sure, restart them with %s.", c.turnCommands(opRestartName, pairs)...)
	}
	return v
}

func runningWords(n int) string {
	switch n {
	case 0:
		return "no role had to restart."
	case 1:
		return "the affected role runs."
	}
	return fmt.Sprintf("all %d affected roles run.", n)
}

// katoDisagrees adds what kato said if it said that it failed, although the
// cluster shows success.
func katoDisagrees(rs Results) string {
	r, ok := rs.find(stepPatch, "")
	if !ok || r.OK() && complaint(r.Output) == "" {
		return ""
	}
	return " Yet " + describeEnd(rs, stepPatch) + "."
}

func installReport(patches, unclear []string, after PatchList, target string) string {
	rows := [][]string{}
	for _, name := range patches {
		state := "installed"
		if slices.Contains(unclear, name) {
			state = "still on the list of the whole cluster"
		} else if pt, ok := after.Find(name); ok && (target == "" && pt.Pending() || target != "" && pt.PendingOn(target)) {
			state = "still missing"
			if pt.Nodes {
				state += " on " + list(pt.MissingOn)
			}
		}
		rows = append(rows, []string{name, state})
	}
	return table(rows)
}

// stillMissing returns the verdict if the new list still has a patch.
func stillMissing(r Request, c Cluster, p Plan, rs Results, still []string, report string) Verdict {
	v := Verdict{Outcome: Failed, Report: report,
		Summary: fmt.Sprintf("%s still missing, by a fresh list: %s; %s.", isAre(len(still), "patch"), list(still), describeEnd(rs, stepPatch))}
	v.Next = offer("Read the output of this run, then try %s again; kato goes on with what is missing.", c.installAgain(r))
	if unconfirmedBy(c, p, rs, stepPatch, p.Operation) == (unconfirmed{}) {
		v.Summary += " Its history says that it succeeded: perhaps only the record was lost, a known fault of kato."
		v.Next = Advise("Try %s once more, and not again and again: the roles restart each time. If the list is as before, look on the nodes whether the patch is in%s.", c.installAgain(r), patchMarkHint(c, r)).offering(c.installAgain(r))
	}
	v.Next = fixFirst(rs, stepPatch, Advice{}).Or(v.Next)
	if c.Generation == ALS11 && p.Hints.Target == "" && onlyCoreWorked(c, p, rs) {
		v.Next = Advise("ALS 1.1 before 1.1.0.19 can patch only the core from the core. Patch each other node by itself: %s.", c.command("patch", "install", "--only-this-node", "--node", "IP"))
	}
	return addRoles(v, r, c, p, rs)
}

// addRoles adds to a verdict on patches which affected roles do not run. kato
// may have stopped in the middle of restarting them.
func addRoles(v Verdict, r Request, c Cluster, p Plan, rs Results) Verdict {
	roles := rolesAfter(c, p, rs, p.Hints.Restarts)
	if roles.Outcome == Succeeded || r.Has(flagNoRestart) {
		return v
	}
	v.Summary += " " + roles.Summary
	v.Next = roles.Next.And(v.Next)
	return v
}

// installAgain returns the command that continues an installation on the same
// nodes. It is always `patch install`: kato does not reinstall a patch that
// its record lacks.
func (c Cluster) installAgain(r Request) Typed {
	words := append([]string{opInstallName}, r.Args...)
	if r.Has(flagNode) {
		words = append(words, "--node", r.Flag(flagNode))
	}
	for _, flag := range []string{flagOnlyThis, flagNoRestart} {
		if r.Has(flag) {
			words = append(words, "--"+flag)
		}
	}
	return c.command(words...)
}

// patchMarkHint says how to correct kato's record by hand. ALS 1.0 cannot.
func patchMarkHint(c Cluster, r Request) Advice {
	if c.Generation == ALS10 {
		return Advice{}
	}
	name := r.Arg(0)
	if name == "" {
		name = "NAME"
	}
	return Advise("; if it is, %s on the core mends the record", Typed("kato patch mark --installed "+name))
}

// unlisted returns the verdict if only kato's history could tell whether one
// node has a patch, and it does not say so.
func unlisted(c Cluster, p Plan, rs Results, names []string, target string, history evidence, report string) Verdict {
	outcome := Failed
	if history == evidenceNone {
		outcome = unseenOutcome(p, rs)
	}
	return Verdict{Outcome: outcome, Report: report,
		Summary: fmt.Sprintf("It cannot be confirmed that %s has %s: this kato's list counts the whole cluster, and its history %s; %s.", nodeWords(target), list(names), history, describeEnd(rs, stepPatch)),
		Next:    fixFirst(rs, stepPatch, Advise("When the patches are on the other nodes too, %s tells whether this one has them.", c.command("patch", "status")))}
}

// onlyCoreWorked reports whether the run's missing patches are missing on
// every node except the core.
func onlyCoreWorked(c Cluster, p Plan, rs Results) bool {
	after, err := readLocated(rs, probePatchesAfter, probePatchNodesAfter)
	if err != nil {
		return false
	}
	left := 0
	for _, pt := range after.Pending() {
		if !slices.Contains(p.Hints.Patches, pt.Name) {
			continue
		}
		if !pt.Nodes || slices.Contains(pt.MissingOn, c.CoreIP()) {
			return false
		}
		left++
	}
	return left > 0
}

// notRestarted returns the verdict after --no-restart. It names the roles that
// still run the old code; fix says what the offered restart does.
func notRestarted(fix string) func(c Cluster, p Plan, rs Results, done, report string) Verdict {
	return func(c Cluster, p Plan, rs Results, done, report string) Verdict {
		v := Verdict{Outcome: Succeeded, Report: report, Summary: done + "; no role was restarted." + katoDisagrees(rs)}
		pairs := p.Hints.Restarts
		if len(pairs) == 0 {
			return v
		}
		v.Report += "\nStill running the old code: " + pairWords(pairs) + "\n"
		v.Next = offer(fix+" with %s.", c.turnCommands(opRestartName, pairs)...)
		return v
	}
}

// judgeRevert requires that the list has the patches as missing again.
func judgeRevert(r Request, c Cluster, p Plan, rs Results) Verdict {
	after, err := readLocated(rs, probePatchesAfter, probePatchNodesAfter)
	if err != nil {
		return verificationUnread(c, p, rs, err)
	}
	patches := p.Hints.Patches
	var still []string
	for _, name := range patches {
		pt, ok := after.Find(name)
		if target := p.Hints.Target; !ok || target == "" && pt.Nodes && len(pt.InstalledOn) > 0 || target != "" && !pt.PendingOn(target) {
			still = append(still, name)
		}
	}
	if len(still) > 0 {
		v := Verdict{Outcome: Failed, Next: fixFirst(rs, stepPatch, Advise("Read the output of this run, and look with %s.", c.command("patch", "status", "--all"))),
			Summary: fmt.Sprintf("%s still installed, by a fresh list: %s; %s.", isAre(len(still), "patch"), list(still), describeEnd(rs, stepPatch))}
		return addRoles(v, r, c, p, rs)
	}
	done := count(len(patches), "patch") + " taken out, by a fresh list"
	if r.Has(flagNoRestart) {
		return notRestarted("Bring the old state to work")(c, p, rs, done, "").unlessMiscounted(p, after)
	}
	return rolesPatched(c, p, rs, done, "").unlessMiscounted(p, after)
}

// judgeUpdate requires that kato reported success, and that a changed list or
// kato's history confirms it. The verdict tells which patches are new.
func judgeUpdate(r Request, c Cluster, p Plan, rs Results) Verdict {
	after, err := readStep(rs, probePatchesAfter, ReadPatches)
	if err != nil {
		return verificationUnread(c, p, rs, err)
	}
	if f, bad := failedStep(p, rs); bad {
		return nothingRead(f)
	}
	var before wordList
	if p.Hints.Before != nil {
		before = *p.Hints.Before
	}
	names := patchNames(after.Patches)
	d := unconfirmedBy(c, p, rs, stepPatch, r.Operation)
	changed := p.Hints.Before != nil && !slices.Equal(before, names)
	if d.denied || d.missed && !changed {
		next := Advise("See that the core reaches the patch server (a proxy may be needed), then try again.")
		if res, _ := rs.find(stepPatch, ""); len(res.Output) > 0 {
			if text, asks := Prompt(res.Output); asks {
				next = promptFix(text)
			}
		}
		return Verdict{Outcome: Failed, Summary: "The list may be the old one: " + d.why + ".", Next: next}
	}
	fresh := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return slices.Contains(before, name) })
	v := Verdict{Outcome: Succeeded, Report: patchTable(after.Pending()), Whole: true,
		Summary: fmt.Sprintf("The list was fetched: %s missing, %d of them new.", isAre(len(after.Pending()), "patch"), len(fresh))}
	if d.why != "" && !changed {
		v.Outcome = Unconfirmed
		v.Summary = fmt.Sprintf("Unconfirmed that the list was fetched: it is as it was, and %s; %s missing.", d.why, isAre(len(after.Pending()), "patch"))
	}
	if len(after.Pending()) > 0 {
		v.Next = offer("Install with %s.", c.command("patch", "install"))
	}
	return v
}

// judgeReset requires that kato offers the recorded patches again.
func judgeReset(_ Request, c Cluster, p Plan, rs Results) Verdict {
	after, err := readStep(rs, probePatchesAfter, ReadPatches)
	if err != nil {
		return verificationUnread(c, p, rs, err)
	}
	var still []string
	for _, name := range p.Hints.Patches {
		pt, ok := after.Find(name)
		if target := p.Hints.Target; !ok || target == "" && pt.Nodes && len(pt.InstalledOn) > 0 || target != "" && !pt.PendingOn(target) {
			still = append(still, name)
		}
	}
	if len(still) > 0 {
		return Verdict{Outcome: Failed, Summary: fmt.Sprintf("kato still has on record: %s; %s.", list(still), describeEnd(rs, stepPatch)),
			Next: fixFirst(rs, stepPatch, Advice{}).Or(ReadOutput)}
	}
	v := Verdict{Outcome: Succeeded, Report: patchTable(after.Pending()), Summary: "The record of installed patches is gone; kato offers " + count(len(after.Pending()), "patch") + "." + katoDisagrees(rs)}
	v.Next = offer("Install them anew with %s.", c.command("patch", "install"))
	return v
}
