package als

import (
	_ "embed" // the script that runs on a node
	"fmt"
	"path"
	"strconv"
	"time"
)

//go:embed node/backups_send.sh
var backupsSend string

const (
	fetchLimit = 24 * time.Hour
	// SpareRoom is the disk space, in bytes, that a copy leaves free on the
	// alsbot host. The store may be on the same disk.
	SpareRoom = 256 << 20
)

var (
	stepFetch = stepID{"fetch", "fetch the archive"}
)

// opBackupsFetch is proven by the copy's SHA-256.
var opBackupsFetch = Operation{
	Name: "backups fetch", Family: familyData, Effect: always(Change), Archives: true,
	Summary: "bring an archive to alsbot's own host, and compare it with what is on record",
	Detail: "It goes to the directory that the config names as backup.fetch of the cluster, under a temporary name until its SHA-256 is found to be that of the archive.\n" +
		"What was interrupted goes on where it was. With backup.fetch set, every verified export is fetched by itself.",
	Proof:   "the copy has the size and the SHA-256 that are on record.",
	Example: "backups fetch k3v9t2 @prod",
	Params:  archiveParam,
	Checks: func(r Request, c Cluster) ([]Step, error) {
		a, err := c.fetchable(r)
		if err != nil {
			return nil, err
		}
		return c.probeArchives(probeArchives, []Archive{a}), nil
	},
	Plan:  planBackupsFetch,
	Judge: judgeBackupsFetch,
}

func (c Cluster) fetchable(r Request) (Archive, error) {
	a, err := c.archive(r.Arg(0))
	if err == nil && c.Fetch.Dir == "" {
		err = refuse(Advise("Set clusters[].backup.fetch to a directory on alsbot's host, and restart alsbot."), "it is not configured where the archives of @%s are fetched to", c.Name)
	}
	return a, err
}

func planBackupsFetch(r Request, c Cluster, rs Results) (Plan, error) {
	p := newPlan(r, Change)
	a, err := c.fetchable(r)
	if err != nil {
		return p, err
	}
	switch archiveStates(rs, probeArchives, []Archive{a})[a.Run] {
	case Missing:
		p.Findings = append(p.Findings, Finding{Level: Stop, Text: "there is no " + a.place() + " any more", Fix: Advise("See %s for others.", c.command("backups"))})
	case Altered:
		p.Findings = append(p.Findings, Finding{Level: Stop, Text: "what stands at " + a.place() + " is not what run " + a.Run + " has made", Fix: Advise("See %s for others.", c.command("backups"))})
	case stateUnknown:
		p.Findings = append(p.Findings, Finding{Level: Stop, Text: nodeWords(a.Node) + " does not tell whether " + a.Path + " is there", Fix: Advise("Look whether the node is up, and whether the login user may read it.")})
	}
	if c.MaxSize > 0 && a.Size > c.MaxSize {
		p.Findings = append(p.Findings, Finding{Level: Stop, Text: fmt.Sprintf("%s is on record with %s, more than backup.max_size (%s)", a.place(), size(a.Size), size(c.MaxSize)), Fix: Advise("If the size is right, raise clusters[].backup.max_size and restart alsbot.")})
	}
	if still := a.Size - c.Fetch.Parts[localName(a)]; c.Fetch.Free >= 0 && c.Fetch.Free-SpareRoom < still {
		p.Findings = append(p.Findings, Finding{Level: Stop, Text: fmt.Sprintf("%s is free in %s on alsbot's host; %s are still to come, and %s stay free", size(c.Fetch.Free), c.Fetch.Dir, size(still), size(SpareRoom)), Fix: Advise("Make room there.")})
	}
	if a.Verdict != verdictVerified || a.Seen == Altered || a.Seen == Damaged {
		p.Findings = append(p.Findings, Finding{Level: Warn, Text: "the archive is " + a.Word(), Fix: Advise("Do not rely on it.")})
	}
	if _, stopped := p.Stopped(); stopped {
		return p, nil
	}
	save := &Save{Dir: c.Fetch.Dir, Name: localName(a), Size: a.Size, SHA256: a.SHA256}
	p.Facts = []Fact{{"archive", "archive", a.place()}, {"to", "to", path.Join(save.Dir, save.Name) + " on alsbot's host"}}
	p.Notes = []string{size(a.Size) + " come over SSH."}
	p.Steps = []Step{{Key: stepFetch.key, Name: stepFetch.label, Node: a.Node, Argv: script(backupsSend, "alsbot-send", a.Path, strconv.FormatInt(a.Size, 10)), Repeatable: true, Limit: fetchLimit, Save: save}}
	return p, nil
}

// localName returns the name of an archive's copy on the alsbot host. alsbot
// names every copy itself: two archives to which people gave one name cannot
// collide there, and retention may remove any copy.
func localName(a Archive) string {
	if a.namedByAlsbot() {
		return path.Base(a.Path)
	}
	suspect := ""
	if a.Verdict == verdictSuspect {
		suspect = ".suspect"
	}
	return fmt.Sprintf("helion-export-%s-%s-%s%s.tgz", a.Cluster, a.Run, a.begunAt().UTC().Format(exportTime), suspect)
}

func judgeBackupsFetch(r Request, c Cluster, _ Plan, rs Results) Verdict {
	a, err := c.archive(r.Arg(0))
	if err != nil {
		return nothingRead(findingOf(Stop, err))
	}
	res, _ := rs.find(stepFetch, "")
	seen := keyValues(res.Output)
	failed := func(next Advice, format string, args ...any) Verdict {
		return Verdict{Outcome: Failed, Whole: true, Summary: fmt.Sprintf(format, args...), Next: next}
	}
	switch {
	case res.Trouble != "":
		return failed(fixFirst(rs, stepFetch, Advise("When that is mended, go on where it was with %s.", c.command("backups", "fetch", a.Run))), "Not fetched: %s.", printable(res.Trouble, 300))
	case res.Exit == 44:
		return failed(Advise("See %s for others.", c.command("backups")), "Not fetched: there is no %s any more.", a.place())
	case res.Exit == 45 || seen["state"] == "different":
		return failed(Advise("Read it again with %s.", c.command("backups", "verify", a.Run)), "Not fetched: what stands at %s is not what run %s has made. Nothing was kept.", a.place(), a.Run)
	case res.Exit != 0 || seen["state"] != "saved" || seen["sha256"] != a.SHA256:
		return failed(Advise("Try again."), "Not fetched: the node ended with status %d%s.", res.Exit, lastWords(res.Output))
	}
	return Verdict{Outcome: Succeeded, Whole: true, Archives: []Archive{{Run: a.Run, Fetched: seen["path"]}},
		Summary: fmt.Sprintf("Fetched: %s is on alsbot's host, %s, with the SHA-256 of when it was made.", seen["path"], size(a.Size)),
		Report:  table([][]string{{"archive", a.place()}, {"copy", seen["path"]}, {"verdict", a.Verdict}, {"sha256", a.SHA256}})}
}
