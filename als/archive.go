package als

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Archive is what an export has made, and what is known of it. It has the ID
// of its run. Archives reach an operation in History, and what an operation
// learns of them leaves it in Verdict.Archives.
type Archive struct {
	Run       string    `json:"run"`
	Operation string    `json:"operation"` // export cluster or export node
	Cluster   string    `json:"cluster"`
	Contents  string    `json:"contents,omitempty"` // the flags that chose them; "" is all
	Path      string    `json:"path"`               // on the node; "" when there is none
	Node      string    `json:"node"`               // an IP as kato names it, or Core; "" when an early version made it
	Size      int64     `json:"size"`               // bytes
	SHA256    string    `json:"sha256"`             // in hex
	Verdict   string    `json:"verdict"`            // verified, suspect or failed: when it was made
	Begun     time.Time `json:"begun,omitzero"`     // when the export began: what it holds is of then
	At        time.Time `json:"at"`                 // when it was verified

	// Seen is what the last reading after that has found: Sound, Missing,
	// Altered or Damaged; "" when nobody has looked since.
	Seen   string    `json:"seen,omitempty"`
	SeenAt time.Time `json:"seen_at,omitzero"`
	// Fetched is where on alsbot's own host a copy of it is, if there is one.
	Fetched string `json:"fetched,omitempty"`
	// Gone says why it is no longer on its node, if alsbot knows that.
	Gone   string    `json:"gone,omitempty"`
	GoneAt time.Time `json:"gone_at,omitzero"`
}

// What a reading of an archive finds.
const (
	Sound   = "sound"   // as it was when it was made
	Missing = "missing" // nothing is there
	Altered = "altered" // something else is there
	Damaged = "damaged" // it cannot be read to its end
)

// The verdicts on an export.
const (
	verdictVerified = "verified"
	verdictSuspect  = "suspect"
	verdictFailed   = "failed"
)

// With returns the archive with what is news of it: fields that are set in
// news replace what was known.
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

// Good reports whether the archive was verified and, for all that is known,
// is still on its node as it was then.
func (a Archive) Good() bool {
	return a.Verdict == verdictVerified && a.Gone == "" && (a.Seen == "" || a.Seen == Sound)
}

// Whole reports whether it is of the whole cluster: `export node` and an
// export of chosen contents are not. One that leaves something out is.
func (a Archive) Whole() bool {
	chosen := func(flag string) bool { return !strings.HasPrefix(flag, "--exclude-") }
	return a.Operation == "export cluster" && !slices.ContainsFunc(strings.Fields(a.Contents), chosen)
}

// Word is the one word for how it stands: its verdict, or what was found later.
func (a Archive) Word() string {
	if a.Seen != "" && a.Seen != Sound {
		return a.Seen
	}
	return a.Verdict
}

// Contents lists the flags of an export that say what goes into it, as
// Archive keeps them.
func Contents(r Request) string { return strings.Join(exportFlags(r), " ") }

// begunAt is when what it holds is of, also for one of an early version.
func (a Archive) begunAt() time.Time {
	if a.Begun.IsZero() {
		return a.At
	}
	return a.Begun
}

// series names what an archive can stand for: only another one of the same
// series makes it dispensable.
func (a Archive) series() string {
	name := a.Operation
	if name == "export node" {
		name += " of " + nodeWords(a.Node)
	}
	return strings.TrimSpace(name + " " + a.Contents)
}

// origin names the run that made it, and what it left out or was of.
func (a Archive) origin() string {
	if a.Operation == "export cluster" && a.Contents == "" {
		return "run " + a.Run
	}
	return "run " + a.Run + ", " + a.series()
}

// place is the archive's node and path, for people.
func (a Archive) place() string { return a.Path + " on " + nodeWords(a.Node) }

var ownName = regexp.MustCompile(`^helion-export-.+-[0-9]{8}T[0-9]{6}Z(\.suspect)?\.tgz$`)

// OwnName reports whether a file's name is one that alsbot gives archives.
func OwnName(base string) bool { return ownName.MatchString(base) }

// namedByAlsbot reports whether alsbot has named the archive itself. A name that a
// person gave says that a person wants it to stay.
func (a Archive) namedByAlsbot() bool {
	return OwnName(path.Base(a.Path)) && strings.HasPrefix(path.Base(a.Path), "helion-export-"+a.Cluster+"-")
}

// archive finds the archive that a command names by the ID of its run, as
// long as it can be read on its node.
func (c Cluster) archive(id string) (Archive, error) {
	see := "Type " + c.typed("backups") + " to see what there is."
	i := slices.IndexFunc(c.History.Archives, func(a Archive) bool { return a.Run == id })
	if i < 0 {
		return Archive{}, refuse(see, "no archive of @%s is known by the ID %s: an archive has the ID of the run that exported it", c.Name, id)
	}
	switch a := c.History.Archives[i]; {
	case a.Path == "":
		return a, refuse(see, "the export of run %s failed and left no archive", id)
	case a.Gone != "":
		return a, refuse(strings.TrimSpace(copyWords(a)+" "+see), "the archive of run %s is no longer on its node: it was %s at %s", id, a.Gone, clock(a.GoneAt))
	case a.Node == "":
		return a, refuse("Take a new one with "+c.typed("export", "cluster")+".", "an early version of alsbot made the archive of run %s and has not written down on which node it is", id)
	default:
		return a, nil
	}
}

func copyWords(a Archive) string {
	if a.Fetched == "" {
		return ""
	}
	return "A copy is on alsbot's host: " + a.Fetched + "."
}

func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 MST") }

// age is how long before now something was, in words.
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
