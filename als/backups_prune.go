package als

import (
	"cmp"
	_ "embed" // the script that runs on a node
	"fmt"
	"slices"
	"strconv"
	"strings"
)

//go:embed node/backups_prune.sh
var backupsPrune string

const (
	// pruneMost limits the archives that one run removes. The next run
	// continues.
	pruneMost = 50
)

var (
	stepPrune = stepID{"prune", "remove what retention does not keep"}
)

// opBackupsPrune is proven by a new look that no longer finds the files.
var opBackupsPrune = Operation{
	Name: "backups prune", Family: familyData, Effect: always(Change), Archives: true,
	Summary: "remove the archives that retention does not keep",
	Detail: "Of each of the last days, weeks and months that have one the newest verified archive stays, as the config's backup.keep says; a suspect one stays a week, and until a later one is verified.\n" +
		"The last verified one always stays, and what a person has named. Only what alsbot has made itself goes, and only when it is what it was when it was made: in the backup directory, a regular file, size and SHA-256 as on record.\n" +
		"It is done by itself after every verified export. `plan backups prune` shows what would go; `backups` shows why the others stay.",
	Proof:   "a new look no longer finds the files.",
	Example: "plan backups prune @prod",
	Checks: func(_ Request, c Cluster) ([]Step, error) {
		return c.probeArchives(probeArchives, notRemoved(c.History.Archives)), nil
	},
	Plan:  planBackupsPrune,
	Judge: judgeBackupsPrune,
}

func planBackupsPrune(r Request, c Cluster, rs Results) (Plan, error) {
	p := newPlan(r, Change)
	if c.Keep.off() {
		return p, refuse(Advise("Set clusters[].backup.keep, and restart alsbot."), "retention of @%s is off: its backup.keep holds nothing but zeros", c.Name)
	}
	all := notRemoved(c.History.Archives)
	states := archiveStates(rs, probeArchives, all)
	there := present(all, states)
	fates := Retain(c.Keep, there, c.Asked)
	going := slices.DeleteFunc(slices.Clone(there), func(a Archive) bool { return !fates[a.Run].Go })
	slices.SortFunc(going, older)
	going = going[:min(len(going), pruneMost)]
	if len(going) == 0 {
		p.Nothing = fmt.Sprintf("retention (%s) removes none of %s; `backups` shows why each one stays", c.Keep, count(len(there), "archive"))
		return p, nil
	}
	var bytes int64
	var runs []string
	for _, a := range going {
		bytes, runs = addSizes(bytes, a.Size), append(runs, a.Run)
		p.Facts = append(p.Facts, Fact{"removes:" + a.Run, "removes " + a.Run, fmt.Sprintf("%s: %s, of %s, %s", a.place(), a.Verdict, clock(a.begunAt()), size(a.Size))})
	}
	p.Facts = append(p.Facts, Fact{"total", "in all", fmt.Sprintf("%s, %s", count(len(going), "archive"), size(bytes))})
	for _, a := range all {
		switch {
		case states[a.Run] != Sound:
			p.Notes = append(p.Notes, a.place()+" is left alone: "+cmp.Or(map[string]string{stateOutside: "not in the backup directory"}[states[a.Run]], states[a.Run]))
		case !fates[a.Run].Go:
			p.Notes = append(p.Notes, a.place()+" stays: "+fates[a.Run].Why)
		}
	}
	p.Hints.Runs = runs
	stays := slices.DeleteFunc(slices.Clone(there), func(a Archive) bool {
		return fates[a.Run].Go || a.Verdict != verdictVerified || a.Seen != "" && a.Seen != Sound
	})
	for _, b := range batches(stepPrune, going) {
		p.Steps = append(p.Steps, Step{Key: b.id.key, Name: b.id.label, Node: b.node, Argv: pruneArgv(c, b, newestKept(stays, b.node)), Tolerate: true, Limit: readLimit})
	}
	p.Verify = c.probeArchives(probeArchivesAfter, going)
	return p, nil
}

// newestKept returns the newest archive of each series that stays on a node.
// The script removes nothing from the node if one of them has changed.
func newestKept(stays []Archive, node string) []Archive {
	newest := map[string]Archive{}
	for _, a := range stays {
		if old, ok := newest[a.series()]; a.Node == node && a.namedByAlsbot() && (!ok || a.begunAt().After(old.begunAt())) {
			newest[a.series()] = a
		}
	}
	var out []Archive
	for _, a := range newest {
		out = append(out, a)
	}
	slices.SortFunc(out, func(a, b Archive) int { return strings.Compare(a.Path, b.Path) })
	return out
}

func pruneArgv(c Cluster, b batch, stays []Archive) []string {
	args := []string{c.BackupDir, strconv.Itoa(len(stays))}
	for _, a := range stays {
		args = append(args, a.Path, strconv.FormatInt(a.Size, 10))
	}
	for _, a := range b.some {
		args = append(args, a.Path, strconv.FormatInt(a.Size, 10), a.SHA256)
	}
	return script(backupsPrune, "alsbot-prune", args...)
}

// pruneWords explains the words by which the script says why a file stays.
var pruneWords = map[string]string{
	"elsewhere": "it is not in the backup directory, so it stays",
	"altered":   "it is not what it was when it was made, so it stays",
	"stuck":     "the login user may not remove it",
}

// judgeBackupsPrune counts an archive as removed only if a new probe no longer
// finds it.
func judgeBackupsPrune(_ Request, c Cluster, p Plan, rs Results) Verdict {
	wanted := p.Hints.Runs
	going := slices.DeleteFunc(slices.Clone(c.History.Archives), func(a Archive) bool { return !slices.Contains(wanted, a.Run) })
	slices.SortFunc(going, older)
	states := archiveStates(rs, probeArchivesAfter, going)
	v := Verdict{Outcome: Succeeded, Whole: true}
	var bytes int64
	var rows [][]string
	gone, fix := 0, Advice{}
	for _, b := range batches(stepPrune, going) {
		res, _ := rs.find(b.id, b.node)
		said := keyValues(res.Output)
		f, _ := trouble(res)
		fix = fix.Or(f.Fix)
		for i, a := range b.some {
			if states[a.Run] == Missing {
				gone, bytes = gone+1, addSizes(bytes, a.Size)
				v.Archives = append(v.Archives, Archive{Run: a.Run, Gone: "removed by retention"})
				rows = append(rows, []string{a.Run, "removed", size(a.Size), a.place()})
				continue
			}
			why := said["f"+strconv.Itoa(i)]
			if why == Altered {
				v.Archives = append(v.Archives, Archive{Run: a.Run, Seen: Altered})
			}
			words := cmp.Or(pruneWords[why], printable(cmp.Or(res.Trouble, said["why"]), 200), "it is not known why")
			rows = append(rows, []string{a.Run, "STAYS", size(a.Size), a.place() + ": " + words})
		}
	}
	v.Report = table(rows)
	v.Summary = fmt.Sprintf("Removed %s, %s.", count(gone, "archive"), size(bytes))
	if gone < len(wanted) {
		v.Outcome, v.Next = Failed, fix.And(Advise("See the reasons, and %s.", c.command("backups")))
		v.Summary = fmt.Sprintf("Removed %d of %s, %s.", gone, count(len(wanted), "archive"), size(bytes))
	}
	return v
}

// older orders archives, the oldest first.
func older(a, b Archive) int {
	return cmp.Or(a.begunAt().Compare(b.begunAt()), strings.Compare(a.Run, b.Run))
}
