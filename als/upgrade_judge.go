package als

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// What became of an upgrade, by the version that every node tells.

// judgeUpgrade reads every node's version back; kato's word is not enough.
func judgeUpgrade(r Request, c Cluster, p Plan, rs Results) Verdict {
	return c.judgeMaintenance(upgradeVerdict(r, c, p, rs), p, rs)
}

// fixVanished is the handbook's way out when an upgrade has taken kato away
// and not put the new one in its place.
const fixVanished = "On the core, in /s/code/sentinel/cli, run the last `bin/sentinel upgrade …` line of /s/logs/sentinel-cli.log again; on Stackato 3.2 run /var/stackato/upgrade/fix-kato.sh."

// katoVanished reports whether kato is gone since the upgrade began.
func katoVanished(rs Results) bool {
	return slices.ContainsFunc(rs, func(r Result) bool {
		return (r.Step == stepUpgrade || strings.HasPrefix(r.Step, probeVersionAfter)) && r.Trouble == "" && missingKato(r)
	})
}

// otherThan reports whether a version is not the one that was asked for. The
// numbers of ALS and those of Stackato inside it are not compared.
func otherThan(now, asked string) bool {
	major, _, _ := strings.Cut(asked, ".")
	return strings.HasPrefix(now, major+".") && now != asked && !strings.HasPrefix(now, asked+".")
}

// newerNone is how a program says that there is nothing newer. Of kato's own
// words for it no source tells; without any it is not believed.
var newerNone = regexp.MustCompile(`(?im)^[^\n]{0,100}(no newer version|no new version|up[ -]to[ -]date|nothing to upgrade|no upgrades? (is |are )?available)`)

func nothingNewer(rs Results) bool {
	res, ok := rs.Find(stepUpgrade, "")
	return ok && res.OK() && complaint(res.Output) == "" && newerNone.MatchString(strings.Join(clean(res.Output), "\n"))
}

func upgradeVerdict(r Request, c Cluster, p Plan, rs Results) Verdict {
	var rows [][]string
	var behind, unread, versions []string
	moved := false
	for _, was := range strings.Split(p.Hints["versions"], ", ") {
		ip, before, _ := strings.Cut(was, " ")
		now, err := readStep(rs, versionStep(c, probeVersionAfter, ip).Name, ReadVersion)
		if err != nil {
			unread = append(unread, ip)
			now = "unknown"
		} else if now == before && now != r.Flag("version") {
			behind = append(behind, ip)
		}
		moved = moved || now != before
		versions = append(versions, now)
		rows = append(rows, []string{ip, before, "->", now})
	}
	v := rolesAfter(c, p, rs, unpack(p.Hints[hintRestarts]))
	v.Report = table(rows) + v.Report
	if progress, err := readStep(rs, probeUpgradeAfter, ReadUpgrade); err == nil && len(progress) > 0 {
		v.Report += progressTable(progress)
	}
	slices.Sort(versions)
	versions = slices.Compact(versions)
	if moved && len(versions) == 1 {
		behind = nil // these had it before
	}
	ended, fix := describeEnd(rs, stepUpgrade), fixFirst(rs, stepUpgrade, "")
	if _, ran := rs.Find(stepUpgrade, ""); !ran {
		if f, bad := failedStep(p, rs); bad { // what was to come before it
			ended, fix = f.Text, f.Fix
		}
	}
	again := "See how far it came with " + c.typed("upgrade", "status") + ", then go on with `retry " + c.Run + "`; what is done is not done twice."
	if res, _ := rs.Find(stepUpgrade, ""); strings.Contains(string(res.Output), "--resume") {
		words := []string{r.Operation, "--resume"}
		if r.Has(flagNode) { // without it another node would be upgraded
			words = append(words, "--node", r.Flag(flagNode))
		}
		again = "kato asks to be resumed: mend the cause, then go on with " + c.typed(words...) + "."
	}
	// What is said of roles that do not run stays beside it.
	fail := func(next, format string, args ...any) {
		v.Outcome = Failed
		v.Summary = strings.TrimSpace(fmt.Sprintf(format, args...) + " " + v.Summary)
		v.Next = strings.TrimSpace(strings.TrimSpace(fix+" "+v.Next) + " " + next)
	}
	switch {
	case len(behind) == len(rows) && len(unread) == 0 && len(versions) == 1 && !r.Has("version") && nothingNewer(rs) && v.Outcome == Succeeded:
		v.Summary = "Nothing was to do: kato knows no version newer than " + versions[0] + ", which " + isAre(len(rows), "node") + " at; all roles run."
		v.Data = map[string]string{"version": versions[0]}
	case len(unread) > 0 && katoVanished(rs):
		v.Outcome, v.Next, v.Offers = Failed, fixVanished, nil
		v.Summary = "kato is gone: the upgrade broke off in the middle. The version of " + list(unread) + " cannot be read."
	case len(unread) > 0:
		v = v.offering("See whether the node has come back: %s.", c.command("upgrade", "status"))
		v.Outcome = Waiting
		v.Summary = "The version of " + list(unread) + " cannot be read; " + ended + "."
	case len(behind) > 0:
		fail(again, "Still on the old version: %s; %s.", list(behind), ended)
	case len(versions) > 1:
		fail(again, "The nodes have different versions: %s; %s.", list(versions), ended)
	case r.Has("version") && len(versions) == 1 && otherThan(versions[0], r.Flag("version")):
		fail("Read the output of this run: see which version kato was offered.",
			"The nodes are at %s, and not at %s; %s.", versions[0], r.Flag("version"), ended)
	case v.Outcome == Succeeded:
		of := "every one"
		if len(rows) == 1 {
			of = "it"
		}
		v.Summary = count(len(rows), "node") + " at " + list(versions) + ", read back from " + of + ", and all roles run."
		v.Data = map[string]string{"version": list(versions)}
		if res, ok := rs.Find(stepUpgrade, ""); ok && (!res.OK() || complaint(res.Output) != "") {
			v.Summary += " Yet " + ended + "."
		}
		v = v.offering("Install what patches there are for the new version: %s.", c.command("patch", "status"))
	}
	return v
}
