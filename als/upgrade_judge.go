package als

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// The verdict on an upgrade, from the version that every node reports.

// judgeUpgrade reads every node's version back. What kato says is not enough.
func judgeUpgrade(r Request, c Cluster, p Plan, rs Results) Verdict {
	return c.judgeMaintenance(upgradeVerdict(r, c, p, rs), p, rs)
}

// fixVanished is the handbook's advice if an upgrade removed kato and did not
// install the new one.
var fixVanished = Advise("On the core, in /s/code/sentinel/cli, run the last %s line of /s/logs/sentinel-cli.log again; on Stackato 3.2 run /var/stackato/upgrade/fix-kato.sh.", Typed("bin/sentinel upgrade …"))

// katoVanished reports whether kato is gone since the upgrade began.
func katoVanished(rs Results) bool {
	return slices.ContainsFunc(rs, func(r Result) bool {
		return (r.Key == stepUpgrade.key || strings.HasPrefix(r.Key, probeVersionAfter.key+":")) && r.Trouble == "" && missingKato(r)
	})
}

// otherThan reports whether a version differs from the requested one. It does
// not compare ALS numbers with Stackato numbers.
func otherThan(now, asked string) bool {
	major, _, _ := strings.Cut(asked, ".")
	return strings.HasPrefix(now, major+".") && now != asked && !strings.HasPrefix(now, asked+".")
}

// ofALS reports whether a version is one of ALS's own numbers. All others are
// Stackato's, and cannot be compared with them.
func ofALS(version string) bool { return strings.HasPrefix(version, "1.") }

func numbering(version string) string {
	if ofALS(version) {
		return version + " is ALS's own number"
	}
	return version + " is a number of Stackato"
}

// lower reports whether a version is before another one of the same numbering.
func lower(a, b string) bool {
	if ofALS(a) != ofALS(b) {
		return false
	}
	as, bs := strings.Split(a, "."), strings.Split(b, ".")
	for i := range min(len(as), len(bs)) {
		x, errX := strconv.Atoi(as[i])
		y, errY := strconv.Atoi(bs[i])
		if errX != nil || errY != nil || x != y {
			return errX == nil && errY == nil && x < y
		}
	}
	return false
}

// newerNone matches the words of programs that found nothing newer. kato's own
// words are not documented; without any, alsbot does not conclude it.
var newerNone = mustCompile(`(?im)^[^\n]{0,100}(no newer version|no new version|up[ -]to[ -]date|nothing to upgrade|no upgrades? (is |are )?available)`)

func nothingNewer(rs Results) bool {
	res, ok := rs.find(stepUpgrade, "")
	return ok && res.OK() && complaint(res.Output) == "" && newerNone.MatchString(strings.Join(clean(res.Output), "\n"))
}

// upgraded is what the nodes report after an upgrade.
type upgraded struct {
	rows     [][]string // for the report
	behind   []string   // nodes whose version is the old one
	wrong    []string   // nodes whose version has gone down, or up in a rollback
	unread   []string   // nodes whose version cannot be read
	versions []string   // the present versions, each once
}

// readVersions compares every node's version with the one before.
func readVersions(r Request, c Cluster, p Plan, rs Results) upgraded {
	var u upgraded
	moved := false
	for _, was := range p.Hints.Versions {
		ip, before := was.node, was.version
		now, err := readStep(rs, versionID(probeVersionAfter, ip), ReadVersion)
		switch {
		case err != nil:
			u.unread = append(u.unread, ip)
			now = "unknown"
		case now == before && now != r.Flag("version"):
			u.behind = append(u.behind, ip)
		case r.Has("rollback") && lower(before, now), !r.Has("rollback") && lower(now, before):
			u.wrong = append(u.wrong, ip)
		}
		moved = moved || now != before
		u.versions = append(u.versions, now)
		u.rows = append(u.rows, []string{ip, before, "->", now})
	}
	slices.Sort(u.versions)
	u.versions = slices.Compact(u.versions)
	if moved && len(u.versions) == 1 {
		u.behind = nil // these had the new version before
	}
	return u
}

// upgradeEnd says how the upgrade ended, and how to fix that. If the upgrade
// did not begin, it is about the step before.
func upgradeEnd(p Plan, rs Results) (ended string, fix Advice) {
	if _, ran := rs.find(stepUpgrade, ""); !ran {
		if f, bad := failedStep(p, rs); bad {
			return f.Text, f.Fix
		}
	}
	return describeEnd(rs, stepUpgrade), fixFirst(rs, stepUpgrade, Advice{})
}

// upgradeAgain says how to continue an unfinished upgrade.
func upgradeAgain(r Request, c Cluster, rs Results) Advice {
	res, _ := rs.find(stepUpgrade, "")
	if !strings.Contains(string(res.Output), "--resume") {
		return Advise("See how far it came with %s, then go on with %s; what is done is not done twice.", c.command("upgrade", "status"), Typed("retry "+c.Run))
	}
	words := []string{r.Operation, "--resume"}
	if r.Has(flagNode) { // without it another node would be upgraded
		words = append(words, "--node", r.Flag(flagNode))
	}
	return Advise("kato asks to be resumed: mend the cause, then go on with %s.", c.command(words...))
}

func upgradeVerdict(r Request, c Cluster, p Plan, rs Results) Verdict {
	u := readVersions(r, c, p, rs)
	v := rolesAfter(c, p, rs, p.Hints.Restarts)
	v.Report = table(u.rows) + v.Report
	if progress, err := readStep(rs, probeUpgradeAfter, ReadUpgrade); err == nil && len(progress) > 0 {
		v.Report += progressTable(progress)
	}
	ended, fix := upgradeEnd(p, rs)
	// What rolesAfter says of roles that do not run stays in the verdict.
	fail := func(next Advice, format string, args ...any) {
		v.Outcome = Failed
		v.Summary = strings.TrimSpace(fmt.Sprintf(format, args...) + " " + v.Summary)
		v.Next = fix.And(v.Next).And(next)
	}
	switch {
	case v.Outcome == Succeeded && u.nothingToDo(r, rs):
		v.Summary = "Nothing was to do: kato knows no version newer than " + u.versions[0] + ", which " + isAre(len(u.rows), "node") + " at; all roles run."
		v.Data.Version = u.versions[0]
	case len(u.unread) > 0 && katoVanished(rs):
		v.Outcome, v.Next = Failed, fixVanished
		v.Summary = "kato is gone: the upgrade broke off in the middle. The version of " + list(u.unread) + " cannot be read."
	case len(u.unread) > 0:
		v.Next = offer("See whether the node has come back: %s.", c.command("upgrade", "status"))
		v.Outcome = Waiting
		v.Summary = "The version of " + list(u.unread) + " cannot be read; " + ended + "."
	case len(u.wrong) > 0:
		fail(Advise("Read the output of this run, and see which version that is."), "The version of %s has gone the wrong way, to %s; %s.", list(u.wrong), list(u.versions), ended)
	case len(u.behind) > 0:
		fail(upgradeAgain(r, c, rs), "Still on the old version: %s; %s.", list(u.behind), ended)
	case len(u.versions) > 1:
		fail(upgradeAgain(r, c, rs), "The nodes have different versions: %s; %s.", list(u.versions), ended)
	case r.Has("version") && len(u.versions) == 1 && otherThan(u.versions[0], r.Flag("version")):
		fail(Advise("Read the output of this run: see which version kato was offered."),
			"The nodes are at %s, and not at %s; %s.", u.versions[0], r.Flag("version"), ended)
	case v.Outcome == Succeeded:
		v = u.succeeded(v, c, rs, ended)
		if to := r.Flag("version"); to != "" && ofALS(u.versions[0]) != ofALS(to) && !slices.ContainsFunc(p.Hints.Versions, func(was nodeVersion) bool { return ofALS(was.version) != ofALS(to) }) {
			v.Outcome = Unconfirmed
			v.Summary = "Not confirmed: " + numbering(u.versions[0]) + ", and nothing tells whether that is " + to + ". " + v.Summary
		}
		status, _ := c.status(rs, probeRolesAfter)
		if more := strangers(c.Nodes, status); r.Operation == "upgrade cluster" && len(more) > 0 {
			v.Outcome = Unconfirmed
			v.Summary = "Not confirmed: nothing is known of the version of " + list(more) + ", which kato's list of nodes lacks. " + v.Summary
		}
	}
	return v
}

// nothingToDo reports whether kato found nothing newer, and the versions
// agree.
func (u upgraded) nothingToDo(r Request, rs Results) bool {
	return len(u.behind) == len(u.rows) && len(u.unread) == 0 && len(u.versions) == 1 && !r.Has("version") && nothingNewer(rs)
}

// succeeded completes the verdict if every node reports the new version and
// all roles run.
func (u upgraded) succeeded(v Verdict, c Cluster, rs Results, ended string) Verdict {
	of := "every one"
	if len(u.rows) == 1 {
		of = "it"
	}
	v.Summary = count(len(u.rows), "node") + " at " + list(u.versions) + ", read back from " + of + ", and all roles run."
	v.Data.Version = list(u.versions)
	if res, ok := rs.find(stepUpgrade, ""); ok && (!res.OK() || complaint(res.Output) != "") {
		v.Summary += " Yet " + ended + "."
	}
	v.Next = offer("Install what patches there are for the new version: %s.", c.command("patch", "status"))
	return v
}
