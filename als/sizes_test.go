package als

import (
	"math"
	"strings"
	"testing"
	"time"
)

// A size that a node claims is never added up to something small.
func TestClaimedSizes(t *testing.T) {
	const huge = "9223372036854775806"
	a := Archive{Run: "abc", Operation: "export cluster", Cluster: "prod", Path: "/mnt/x.tgz", Node: "10.0.0.1", Size: math.MaxInt64 - 1, SHA256: "00", Verdict: verdictVerified}
	c := Cluster{Name: "prod", Fetch: Host{Dir: "/var/backups", Free: 1 << 30}, History: History{Archives: []Archive{a}}}
	r := Request{Operation: "backups fetch", Args: []string{"abc"}}
	looked := Results{{Key: probeArchives.key, Node: "10.0.0.1", Output: []byte("dir=/mnt\nf0=" + huge + "\n")}}
	for _, max := range []int64{0, 4 << 40} {
		c.MaxSize = max
		p, err := planBackupsFetch(r, c, looked)
		f, stopped := p.Stopped()
		if err != nil || !stopped || len(p.Steps) > 0 || (max > 0) != strings.Contains(f.Text, "more than backup.max_size (4.0 TiB)") {
			t.Errorf("max_size %d: %v, %+v, %d steps", max, err, p.Findings, len(p.Steps))
		}
	}
	for _, free := range []string{"0", "1000", "9223372036854775804"} {
		c.History.Sizes = []int64{math.MaxInt64 - 1, math.MaxInt64 - 1}
		if f := spaceFindings(c, map[string]string{"free": free, "real": "/mnt"}, "10.0.0.1"); len(f) != 1 || f[0].Level != Stop {
			t.Errorf("%s free: %+v", free, f)
		}
	}
	now := time.Date(2026, 11, 23, 3, 0, 0, 0, time.UTC)
	c.Keep, c.Asked, c.History.Archives = Keep{Daily: 1}, now, nil
	for _, run := range []string{"a", "b", "c"} {
		old := a
		old.Run, old.At = run, now.Add(-time.Duration(40+len(c.History.Archives))*time.Hour)
		old.Path = "/mnt/helion-export-prod-2026110" + string('1'+rune(len(c.History.Archives))) + "T030000Z.tgz"
		c.History.Archives = append(c.History.Archives, old)
	}
	p, err := planBackupsPrune(Request{Operation: "backups prune"}, c, Results{{Key: probeArchives.key, Node: "10.0.0.1", Output: []byte("dir=/mnt\nf0=" + huge + "\nf1=" + huge + "\nf2=" + huge + "\n")}})
	if err != nil || len(p.Steps) == 0 {
		t.Fatalf("%v, %+v", err, p)
	}
	for _, f := range p.Facts {
		if f.Key == "total" && !strings.Contains(f.Value, "8.0 EiB") {
			t.Errorf("in all: %s", f.Value)
		}
	}
	if addSizes(math.MaxInt64, 1) != math.MaxInt64 || addSizes(1, 2) != 3 {
		t.Error("sizes add up to something else")
	}
}
