package als

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"time"
)

// Archive describes the archive that an export made, and what alsbot knows of
// it. Its ID is that of the run. Operations receive archives in History, and
// report what they learned in Verdict.Archives.
type Archive struct {
	Run       string    `json:"run"`
	Operation string    `json:"operation"` // export cluster, or export node
	Cluster   string    `json:"cluster"`
	Contents  string    `json:"contents,omitempty"` // the flags that chose the contents; "" is all
	Path      string    `json:"path"`               // on the node; "" if there is no archive
	Node      string    `json:"node"`               // an IP as kato names it, or Core; "" if an early version made the archive
	Size      int64     `json:"size"`               // bytes
	SHA256    string    `json:"sha256"`             // in hex
	Verdict   string    `json:"verdict"`            // when it was made: verified, suspect or failed
	Begun     time.Time `json:"begun,omitzero"`     // when the export began: the data is of that time
	At        time.Time `json:"at"`                 // when it was verified

	// These say what later exports are compared with. Members has the first two
	// parts of the members' paths; nil if they are not known, or too many.
	Version string   `json:"version,omitempty"` // of kato
	Mount   *Mount   `json:"mount,omitempty"`   // the filesystem of its directory
	Members []string `json:"members,omitempty"`

	// Seen is what the last later reading found: Sound, Missing, Altered or
	// Damaged; "" if there was none.
	Seen   string    `json:"seen,omitempty"`
	SeenAt time.Time `json:"seen_at,omitzero"`
	// Fetched is the path of the copy on the alsbot host, if there is one.
	Fetched string `json:"fetched,omitempty"`
	// Gone says why the archive is no longer on its node, if alsbot knows why.
	Gone   string    `json:"gone,omitempty"`
	GoneAt time.Time `json:"gone_at,omitzero"`
}

// Results of reading an archive.
const (
	Sound   = "sound"   // unchanged
	Missing = "missing" // no file is there
	Altered = "altered" // another file is there
	Damaged = "damaged" // it cannot be read to its end
)

// Verdicts on an export.
const (
	verdictVerified = "verified"
	verdictSuspect  = "suspect"
	verdictFailed   = "failed"
)

// With returns the archive updated with news: the fields that are set in news
// replace the old ones.
func (a Archive) With(news Archive) Archive {
	if news.Seen != "" {
		a.Seen, a.SeenAt = news.Seen, news.SeenAt
	}
	if news.Fetched != "" {
		a.Fetched = news.Fetched
	}
	if news.Gone != "" && a.Gone == "" {
		a.Gone, a.GoneAt = news.Gone, news.GoneAt
	}
	return a
}

// Good reports whether the archive was verified and, as far as alsbot knows,
// is still on its node unchanged.
func (a Archive) Good() bool {
	return a.Verdict == verdictVerified && a.Gone == "" && (a.Seen == "" || a.Seen == Sound)
}

// Whole reports whether the archive covers the whole cluster. An `export node`
// does not, and neither does an export of chosen contents. An export that
// excludes something does.
func (a Archive) Whole() bool {
	chosen := func(flag string) bool { return !strings.HasPrefix(flag, "--exclude-") }
	return a.Operation == "export cluster" && !slices.ContainsFunc(strings.Fields(a.Contents), chosen)
}

// Word returns the one word for the archive's state: the result of the last
// reading, or else the verdict.
func (a Archive) Word() string {
	if a.Seen != "" && a.Seen != Sound {
		return a.Seen
	}
	return a.Verdict
}

// Contents lists the flags of an export that choose its contents, in the form
// that Archive stores.
func Contents(r Request) string { return strings.Join(exportFlags(r), " ") }

// begunAt returns the time that the archive's data is of. Archives of early
// versions have only the time of their verification.
func (a Archive) begunAt() time.Time {
	if a.Begun.IsZero() {
		return a.At
	}
	return a.Begun
}

// series names the group of archives that can replace one another. Retention
// removes an archive only in favour of a later one of its series.
func (a Archive) series() string {
	name := a.Operation
	if name == "export node" {
		name += " of " + nodeWords(a.Node)
	}
	return strings.TrimSpace(name + " " + a.Contents)
}

// origin names the run that made the archive, and the export's contents or
// node if they were chosen.
func (a Archive) origin() string {
	if a.Operation == "export cluster" && a.Contents == "" {
		return "run " + a.Run
	}
	return "run " + a.Run + ", " + a.series()
}

// place returns the archive's path and node, for people.
func (a Archive) place() string { return a.Path + " on " + nodeWords(a.Node) }

var ownName = mustCompile(`^helion-export-.+-[0-9]{8}T[0-9]{6}Z(\.suspect)?\.tgz$`)

// OwnName reports whether a file name has the form that alsbot gives to
// archives.
func OwnName(base string) bool { return ownName.MatchString(base) }

// namedByAlsbot reports whether alsbot chose the archive's name. If a person
// chose it, that person wants to keep the archive.
func (a Archive) namedByAlsbot() bool {
	return OwnName(path.Base(a.Path)) && strings.HasPrefix(path.Base(a.Path), "helion-export-"+a.Cluster+"-")
}

// archive returns the archive that a command names by its run's ID. It refuses
// an archive that cannot be read on its node.
func (c Cluster) archive(id string) (Archive, error) {
	see := Advise("Type %s to see what there is.", c.command("backups"))
	i := slices.IndexFunc(c.History.Archives, func(a Archive) bool { return a.Run == id })
	if i < 0 {
		return Archive{}, refuse(see, "no archive of @%s is known by the ID %s: an archive has the ID of the run that exported it", c.Name, id)
	}
	switch a := c.History.Archives[i]; {
	case a.Path == "":
		return a, refuse(see, "the export of run %s failed and left no archive", id)
	case a.Gone != "":
		return a, refuse(copyWords(a).And(see), "the archive of run %s is no longer on its node: it was %s at %s", id, a.Gone, clock(a.GoneAt))
	case a.Node == "":
		return a, refuse(Advise("Take a new one with %s.", c.command("export", "cluster")), "an early version of alsbot made the archive of run %s and has not written down on which node it is", id)
	default:
		return a, nil
	}
}

func copyWords(a Archive) Advice {
	if a.Fetched == "" {
		return Advice{}
	}
	return Advise("A copy is on alsbot's host: %s.", a.Fetched)
}

func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 MST") }

// age says in words how long before now a time was.
func age(now, t time.Time) string {
	switch d := now.Sub(t); {
	case d < 0:
		return "in the future"
	case d < 48*time.Hour:
		return duration(d)
	default:
		return fmt.Sprintf("%d days", int(d.Hours())/24)
	}
}
