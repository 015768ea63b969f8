package als

import (
	_ "embed" // the script that runs on a node
	"path"
	"strings"
	"unicode"
)

// mountOf is a shell function that finds the mount of a directory.
//
//go:embed node/mount_of.sh
var mountOf string

// Mount is the filesystem of a directory on a node, as the node's /proc/mounts
// has it, with blanks escaped. Device numbers are no part of it: they change
// when a node boots.
type Mount struct {
	Point  string `json:"point"`  // where it is mounted
	Source string `json:"source"` // a device, or a server's directory
	Type   string `json:"type"`
}

// readMount reads what mountOf printed. It returns the zero Mount if that is
// not whole, or has characters that alsbot does not show as they are.
func readMount(seen map[string]string) Mount {
	m := Mount{seen["point"], seen["source"], seen["type"]}
	odd := func(s string) bool {
		return s == "" || len(s) > 512 || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == unicode.ReplacementChar })
	}
	if !strings.HasPrefix(m.Point, "/") || odd(m.Point) || odd(m.Source) || odd(m.Type) {
		return Mount{}
	}
	return m
}

// lines returns what mountOf prints of the mount.
func (m Mount) lines() string {
	if m == (Mount{}) {
		return ""
	}
	return "point=" + m.Point + "\nsource=" + m.Source + "\ntype=" + m.Type
}

func (m Mount) String() string {
	if m == (Mount{}) {
		return "unknown"
	}
	return m.Source + " (" + m.Type + ") at " + m.Point
}

// above reports whether the mount point is a directory above another one's.
func (m Mount) above(other Mount) bool {
	return m.Point != other.Point && strings.HasPrefix(other.Point, strings.TrimSuffix(m.Point, "/")+"/")
}

// lastMount returns the newest archive of a directory on a node whose mount is
// on record.
func (h History) lastMount(node, dir string) (Archive, bool) {
	for _, a := range h.Earlier {
		if a.Mount != nil && a.Node == node && path.Dir(a.Path) == dir {
			return a, true
		}
	}
	return Archive{}, false
}

// mountFindings stops an export if the directory was on a mount when the last
// archive went there, and is on none or on one further up now.
func mountFindings(c Cluster, node, dir string, now Mount) (findings []Finding) {
	who := nodeWords(node)
	last, known := c.History.lastMount(node, dir)
	switch {
	case known && now == (Mount{}):
		findings = append(findings, Finding{Level: Warn, Key: "unseen-mount", Subjects: []string{node},
			Text: "it cannot be seen on which filesystem " + dir + " on " + who + " is; it was " + last.Mount.String() + " when run " + last.Run + " exported to it", Fix: Advise("Look with %s there.", Typed("df"))})
	case known && now.above(*last.Mount):
		findings = append(findings, Finding{Level: Stop, Key: "mount-gone", Subjects: []string{node},
			Text: dir + " on " + who + " was on " + last.Mount.String() + " when run " + last.Run + " exported to it. Nothing is mounted there now: it is on " + now.String(),
			Fix:  Advise("Mount it again, then try again; or name a FILE in another directory.")})
	case now.Point == "/" && (strings.HasPrefix(dir, "/mnt/") || strings.HasPrefix(dir, "/media/")):
		findings = append(findings, Finding{Level: Warn, Text: dir + " on " + who + " lies on the node's root filesystem", Fix: Advise("See whether something should be mounted there.")})
	}
	return findings
}

// otherMount says that an archive is on another filesystem than the last one
// of its directory; "" if it is not.
func otherMount(c Cluster, node, dir string, now Mount) string {
	last, known := c.History.lastMount(node, dir)
	if !known || now == (Mount{}) || *last.Mount == now {
		return ""
	}
	return "This is another filesystem than that of the last archive there (run " + last.Run + "): that one was " + last.Mount.String() + ", this one is " + now.String() + "."
}
