package als

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// The verdict on an archive that the node has read back. It is given twice
// from the same results: before the archive gets its name, and in the run's
// verdict.

// weighed is the verdict on an archive that has no name yet.
type weighed struct {
	verdict string // "verified", "suspect" or "failed"
	why     string // "" if verified, or if the export's own end says it
	size    int64
	sum     string
	files   string
	members []string // nil if they are too many to compare
}

// figures returns what stepKeep needs: the name that the archive gets (1 is
// the target, 2 the suspect name, 0 none), and its size.
func (w weighed) figures() []int64 {
	as := map[string]int64{verdictVerified: 1, verdictSuspect: 2}
	return []int64{as[w.verdict], w.size}
}

// weighExport returns the figures of stepKeep.
func weighExport(_ Request, c Cluster, _ Plan, rs Results) []int64 { return weigh(c, rs).figures() }

// weigh gives the verdict on an archive, from what kato printed, what the node
// read, and earlier archives.
func weigh(c Cluster, rs Results) weighed {
	failed := weighed{verdict: verdictFailed}
	settle, ok := rs.find(stepSettle, "")
	if !ok || settle.Trouble != "" {
		return failed
	}
	seen := keyValues(settle.Output)
	w := weighed{verdict: verdictVerified, sum: seen["sha256"], files: seen["files"], members: readMembers(seen)}
	w.size = bytesOf(seen["size"])
	counted := w.files == "unknown" || w.files != "" && len(w.files) <= 20 && strings.Trim(w.files, "0123456789") == ""
	if settle.Exit != 0 || settle.Cut || w.size <= 0 || !counted || !sumPattern.MatchString(w.sum) {
		failed.why = seen["why"]
		return failed
	}
	export, ok := rs.find(stepExport, "")
	if !ok || export.Trouble != "" || export.Exit != 0 && katosDoubt(export) == "" {
		return failed
	}
	if why := w.doubt(c, export, settle.Node); why != "" {
		w.verdict, w.why = verdictSuspect, why
	}
	return w
}

// bytesOf reads the size of an archive. It returns 0 if that is no number, or
// none that a file can have.
func bytesOf(size string) int64 {
	n, err := strconv.ParseInt(size, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// doubt says why an archive that can be read to its end is suspect; "" if it
// is not.
func (w weighed) doubt(c Cluster, export Result, node string) string {
	least := leastSize(c.History.Sizes)
	same, known := c.History.withSum(w.sum)
	missing := c.History.missing(c, node, w.members)
	switch doubt := katosDoubt(export); {
	case doubt != "":
		return doubt
	case w.files == "unknown":
		return "it unpacks to more than 200 times its size, and was read no further"
	case w.files == "0":
		return "it holds no file"
	case known:
		return fmt.Sprintf("it is the archive of run %s: its SHA-256 is the same", same.Run)
	case len(missing) > 0:
		return "it lacks what all of the last archives had: " + list(missing)
	case w.size < least:
		return fmt.Sprintf("it has %d bytes, and half the median of the last ones is %d", w.size, least)
	case export.Cut:
		return "kato printed more than the 1 MiB that alsbot reads, so a failure may be in the rest"
	}
	return ""
}

var (
	changedAsRead = mustCompile(`(?i)\bfile changed as we read it\b`)
	failedPart    = mustCompile(`(?i)\bexporting .{1,100}\bfailed$`)
)

// katosDoubt quotes the line with which an export casts doubt on an archive
// that can be read: kato calls a part failed, or a file changed while it was
// read and that made kato's status other than 0. With status 0, any complaint
// does. It is "" if there is no such line.
func katosDoubt(r Result) string {
	for _, l := range clean(r.Output) {
		l = strings.TrimSpace(l)
		if failedPart.MatchString(l) || r.Exit != 0 && changedAsRead.MatchString(l) {
			return fmt.Sprintf("kato ended with status %d and said: %s", r.Exit, printable(l, 200))
		}
	}
	if said := complaint(r.Output); said != "" && r.Exit == 0 {
		return "kato ended with status 0 and said: " + said
	}
	return ""
}

// readMembers reads the first two parts of the members' paths, which the node
// lists if they are not too many.
func readMembers(seen map[string]string) (members []string) {
	for i := 1; seen["members"] == ""; i++ {
		m, ok := seen["m"+strconv.Itoa(i)]
		if !ok {
			break
		}
		members = append(members, varying.ReplaceAllString(printable(m, 120), "*"))
	}
	slices.Sort(members)
	return slices.Compact(members)
}

// varying matches what differs from one export to the next although the
// contents are the same: times, numbers and IDs in names.
var varying = mustCompile(`[0-9a-fA-F-]*[0-9][0-9a-fA-F-]{6,}`)

// withSum returns the earlier archive with this SHA-256.
func (h History) withSum(sum string) (Archive, bool) {
	i := slices.IndexFunc(h.Earlier, func(a Archive) bool { return a.SHA256 == sum })
	if i < 0 {
		return Archive{}, false
	}
	return h.Earlier[i], true
}

// missing returns the members that all of the last verified archives of this
// kind had, and that are not among these. Archives of another version of kato
// may be laid out otherwise. A part whose role is on no node any more is not
// missed.
func (h History) missing(c Cluster, node string, members []string) []string {
	if members == nil {
		return nil
	}
	var common []string
	found := false
	for _, a := range h.Earlier {
		switch {
		case a.Verdict != verdictVerified || a.Members == nil || a.Node != node || a.Version != c.Version:
		case !found:
			common, found = slices.Clone(a.Members), true
		default:
			common = slices.DeleteFunc(common, func(m string) bool { return !slices.Contains(a.Members, m) })
		}
	}
	return slices.DeleteFunc(common, func(m string) bool { return slices.Contains(members, m) || c.withoutRole(m) })
}

// withoutRole reports whether a member is the data of a service whose role no
// node of the cluster has.
func (c Cluster) withoutRole(member string) bool {
	name := member[strings.LastIndex(member, "/")+1:]
	name, _, _ = strings.Cut(name, ".")
	return len(c.Nodes) > 0 && slices.Contains(services, name) && len(c.NodesWith(name)) == 0
}
