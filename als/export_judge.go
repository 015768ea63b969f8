package als

import (
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/dustin/go-humanize"
)

// judgeExport judges an export by what the node found when it read the archive
// back: verified, suspect or failed.
func judgeExport(_ Request, c Cluster, p Plan, rs Results) Verdict {
	return c.judgeMaintenance(archiveVerdict(c, p, rs), p, rs)
}

func archiveVerdict(c Cluster, p Plan, rs Results) Verdict {
	settle, ok := rs.find(stepSettle, "")
	if !ok || settle.Trouble != "" {
		return exportFailed(p, rs, "", map[string]string{})
	}
	seen := keyValues(settle.Output)
	bytes, err := strconv.ParseInt(seen["size"], 10, 64)
	sound := err == nil && bytes > 0 && sumPattern.MatchString(seen["sha256"])
	switch {
	case sound && settle.Exit == 0 && seen["verdict"] == verdictVerified && seen["path"] == p.Hints.Target:
		return verified(c, p, rs, seen, bytes)
	case sound && settle.Exit == 3 && seen["verdict"] == verdictSuspect && seen["path"] == p.Hints.Suspect:
		return Verdict{Outcome: Failed, Report: archiveReport(rs, seen, bytes), Whole: true,
			Summary: fmt.Sprintf("The archive is suspect: %s. It was kept as %s; %s is as it was.", printable(seen["why"], 160), path.Base(seen["path"]), p.Hints.Target),
			Next:    Advise("Look what it holds with %s, and whether all data roles run: %s.", Typed("tar -tzf"), c.command("status")),
			Data:    Data{Files: seen["files"]}, Archives: newArchive(settle.Node, seen, bytes)}
	}
	return exportFailed(p, rs, seen["why"], seen)
}

// verified checks once more that the archive is at the target.
func verified(c Cluster, p Plan, rs Results, seen map[string]string, bytes int64) Verdict {
	again, ok := rs.find(probeTargetAfter, "")
	now := keyValues(again.Output)
	if ok && again.OK() && (now["target"] != "file" || now["size"] != seen["size"]) {
		seen["verdict"] = verdictFailed
		return exportFailed(p, rs, "the archive was read back well, but it does not stand at "+p.Hints.Target+" any more", seen)
	}
	settle, _ := rs.find(stepSettle, "")
	v := Verdict{Outcome: Succeeded, Report: archiveReport(rs, seen, bytes), Whole: true, Data: Data{Files: seen["files"]}, Archives: newArchive(settle.Node, seen, bytes),
		Summary: fmt.Sprintf("Verified: %s, %s, %s files, read to its end.", p.Hints.Target, size(bytes), seen["files"])}
	if r, found := rs.find(stepExport, ""); found && complaint(r.Output) != "" {
		v.Whole = false
		v.Summary += " Yet " + describeEnd(rs, stepExport) + "."
		v.Next = Advise("Read the output of this run: something may be missing from the archive.")
	}
	if len(c.History.Sizes) > 0 {
		v.Report += fmt.Sprintf("\nThe last archive had %s.\n", size(c.History.Sizes[0]))
	}
	return v
}

func archiveReport(rs Results, seen map[string]string, bytes int64) string {
	node := ""
	if r, ok := rs.find(stepSettle, ""); ok {
		node = nodeWords(r.Node)
	}
	return table([][]string{
		{"verdict", seen["verdict"]},
		{"archive", seen["path"]},
		{"node", node},
		{"size", fmt.Sprintf("%s (%s bytes)", size(bytes), humanize.Comma(bytes))},
		{"files", seen["files"]},
		{"sha256", seen["sha256"]},
	})
}

// newArchive returns the archive that the export made.
func newArchive(node string, seen map[string]string, bytes int64) []Archive {
	return []Archive{{Path: seen["path"], Node: node, Size: bytes, SHA256: seen["sha256"], Verdict: seen["verdict"]}}
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
// unchanged.
func exportFailed(p Plan, rs Results, why string, seen map[string]string) Verdict {
	v := Verdict{Outcome: Failed, Archives: []Archive{{Verdict: verdictFailed}}, Next: ReadOutput}
	said := describeEnd(rs, stepExport)
	if why == "" {
		if f, bad := failedStep(p, rs); bad {
			why = f.Text
			v.Next = f.Fix.Or(ReadOutput)
		} else {
			why = said
		}
	} else {
		why = printable(why, 200) + "; " + said
	}
	left, fix := whatIsLeft(p, rs)
	v.Summary = fmt.Sprintf("No good archive: %s. %s", why, left)
	if seen["path"] != "" { // it reached the target before something went wrong
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
