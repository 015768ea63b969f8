package als

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/dustin/go-humanize"
)

// judgeExport judges an export by what the node found when it read the archive
// back: verified, suspect or failed.
func judgeExport(_ Request, c Cluster, p Plan, rs Results) Verdict {
	return c.judgeMaintenance(archiveVerdict(c, p, rs), p, rs)
}

// keptArchive is an archive that has a name: the target, or the one for suspect
// archives.
type keptArchive struct {
	weighed
	node, path string
}

// kept returns the archive that the steps have left, or why there is none.
func kept(c Cluster, p Plan, rs Results) keptArchive {
	if !slices.ContainsFunc(p.Steps, func(s Step) bool { return s.ResultKey() == stepKeep.key }) {
		return keptBefore(rs)
	}
	settle, _ := rs.find(stepSettle, "")
	k := keptArchive{weighed: weigh(c, rs), node: settle.Node}
	if keep, ran := rs.find(stepKeep, ""); ran && k.verdict != verdictFailed {
		seen := keyValues(keep.Output)
		k.path = seen["path"]
		if !keep.OK() || seen["verdict"] != k.verdict {
			k.verdict, k.why, k.path = verdictFailed, seen["why"], ""
		}
	}
	return k
}

// keptBefore is kept for the plans of earlier versions, whose script weighed
// the archive and gave it its name.
func keptBefore(rs Results) keptArchive {
	settle, _ := rs.find(stepSettle, "")
	seen := keyValues(settle.Output)
	k := keptArchive{weighed{verdict: seen["verdict"], why: seen["why"], sum: seen["sha256"], files: seen["files"]}, settle.Node, seen["path"]}
	k.size = bytesOf(seen["size"])
	exit := map[string]int{verdictVerified: 0, verdictSuspect: 3}
	if expected, known := exit[k.verdict]; !known || settle.Trouble != "" || settle.Exit != expected || k.size <= 0 || !sumPattern.MatchString(k.sum) {
		k.verdict = verdictFailed
	}
	return k
}

func archiveVerdict(c Cluster, p Plan, rs Results) Verdict {
	k := kept(c, p, rs)
	switch {
	case k.verdict == verdictVerified && k.path == p.Hints.Target:
		return verified(c, p, rs, k)
	case k.verdict == verdictSuspect && k.path == p.Hints.Suspect:
		v := Verdict{Outcome: Failed, Report: archiveReport(c, rs, k), Whole: true,
			Summary: fmt.Sprintf("The archive is suspect: %s. It was kept as %s; %s is as it was.", printable(k.why, 400), path.Base(k.path), p.Hints.Target),
			Next:    Advise("Look what it holds with %s, and whether all data roles run: %s.", Typed("tar -tzf"), c.command("status")),
			Data:    Data{Files: k.files}, Archives: newArchive(c, rs, k)}
		return v.warnOfMode(rs, k)
	}
	return exportFailed(p, rs, k.why, false)
}

// verified checks once more that the archive is at the target.
func verified(c Cluster, p Plan, rs Results, k keptArchive) Verdict {
	again, ok := rs.find(probeTargetAfter, "")
	now := keyValues(again.Output)
	if ok && again.OK() && (now["target"] != "file" || now["size"] != strconv.FormatInt(k.size, 10)) {
		return exportFailed(p, rs, "the archive was read back well, but it does not stand at "+p.Hints.Target+" any more", true)
	}
	v := Verdict{Outcome: Succeeded, Report: archiveReport(c, rs, k), Whole: true, Data: Data{Files: k.files}, Archives: newArchive(c, rs, k),
		Summary: fmt.Sprintf("Verified: %s, %s, %s files, read to its end.", p.Hints.Target, size(k.size), k.files)}
	if r, found := rs.find(stepExport, ""); found && complaint(r.Output) != "" { // only in plans of earlier versions
		v.Whole = false
		v.Summary += " Yet " + describeEnd(rs, stepExport) + "."
		v.Next = Advise("Read the output of this run: something may be missing from the archive.")
	}
	if len(c.History.Sizes) > 0 {
		v.Report += fmt.Sprintf("\nThe last archive had %s.\n", size(c.History.Sizes[0]))
	}
	return v.warnOfMode(rs, k)
}

// warnOfMode says that others may read the archive, where its filesystem keeps
// no modes.
func (v Verdict) warnOfMode(rs Results, k keptArchive) Verdict {
	open := func(mode string) bool { return len(mode) == 10 && mode[4:] != "------" }
	settle, _ := rs.find(stepSettle, "")
	prepare, _ := rs.find(stepPrepare, "")
	dir, file := keyValues(prepare.Output)["mode"], keyValues(settle.Output)["mode"]
	if !open(dir) && !open(file) {
		return v
	}
	v.Summary += fmt.Sprintf(" Others on %s may be able to read it: its mode could not be limited to its owner (directory %s, file %s).", nodeWords(k.node), printable(dir, 10), printable(file, 10))
	v.Next = v.Next.And(Advise("Mount that filesystem so that only its owner can read it (for CIFS: file_mode=0600,dir_mode=0700), or name a FILE in another directory."))
	return v
}

func archiveReport(c Cluster, rs Results, k keptArchive) string {
	rows := [][]string{
		{"verdict", k.verdict},
		{"archive", k.path},
		{"node", nodeWords(k.node)},
		{"size", fmt.Sprintf("%s (%s bytes)", size(k.size), humanize.Comma(k.size))},
		{"files", printable(k.files, 20)},
		{"sha256", k.sum},
	}
	mount := mountOfExport(rs)
	if mount == nil {
		return table(rows)
	}
	report := table(append(rows, []string{"filesystem", mount.String()}))
	if other := otherMount(c, k.node, path.Dir(k.path), *mount); other != "" {
		report += "\n" + other + "\n"
	}
	return report
}

// mountOfExport returns the filesystem that an export wrote to, as it was just
// before; nil if it is not known.
func mountOfExport(rs Results) *Mount {
	r, _ := rs.find(stepPrepare, "")
	m := readMount(keyValues(r.Output))
	if m == (Mount{}) {
		return nil
	}
	return &m
}

// newArchive returns the archive that the export made.
func newArchive(c Cluster, rs Results, k keptArchive) []Archive {
	return []Archive{{Path: k.path, Node: k.node, Size: k.size, SHA256: k.sum, Verdict: k.verdict, Version: c.Version, Mount: mountOfExport(rs), Members: k.members}}
}

// whatIsLeft says what a new probe found at the target after a failed export,
// and how to remove what is left of the temporary archive.
func whatIsLeft(p Plan, rs Results) (text string, fix Advice) {
	target := p.Hints.Target
	again, ok := rs.find(probeTargetAfter, "")
	seen := keyValues(again.Output)
	switch {
	case !ok || !again.OK():
		return "What stands at " + target + " could not be looked at.", fix
	case seen["target"] == "absent":
		text = "Nothing stands at " + target + "."
	default:
		text = target + " is as it was."
	}
	if seen["temp"] == "present" && p.Hints.Temp != "" {
		temp := path.Join(path.Dir(target), p.Hints.Temp)
		text += " What was written of the new one still takes room there, as " + temp + "."
		fix = Advise("Remove %s on %s by hand.", temp, nodeWords(again.Node))
	}
	return text, fix
}

// exportFailed returns the verdict for a failed export. The target is
// unchanged, unless the archive has reached it.
func exportFailed(p Plan, rs Results, why string, reached bool) Verdict {
	v := Verdict{Outcome: Failed, Archives: []Archive{{Verdict: verdictFailed}}, Next: ReadOutput}
	why, v.Next = whyFailed(p, rs, why)
	left, fix := whatIsLeft(p, rs)
	v.Summary = fmt.Sprintf("No good archive: %s. %s", why, left)
	if reached {
		v.Summary = fmt.Sprintf("No good archive: %s.", why)
	}
	if r, ok := rs.find(stepExport, ""); ok {
		if text, asks := Prompt(r.Output); asks {
			v.Next = promptFix(text)
		} else if strings.Contains(strings.ToLower(complaint(r.Output)), "no space left") {
			v.Next = Advise("Make room on the node that is full, then try again.")
		}
	}
	v.Next = v.Next.And(fix)
	return v
}

// whyFailed returns the first thing that went wrong, and what to do about it.
// why is what the node said of the archive.
func whyFailed(p Plan, rs Results, why string) (string, Advice) {
	prepare, _ := rs.find(stepPrepare, "")
	if said := keyValues(prepare.Output)["why"]; said != "" {
		return printable(said, 300) + ". kato was not run", Advise("See what has changed there, then try again.")
	}
	if export, ran := rs.find(stepExport, ""); ran && (export.Trouble != "" || export.Exit != 0) {
		f, _ := trouble(export)
		return f.Text, f.Fix.Or(ReadOutput)
	}
	if why != "" {
		return printable(why, 200) + "; " + describeEnd(rs, stepExport), ReadOutput
	}
	if f, bad := failedStep(p, rs); bad {
		return f.Text, f.Fix.Or(ReadOutput)
	}
	return describeEnd(rs, stepExport), ReadOutput
}
