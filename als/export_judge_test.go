package als_test

import (
	"strings"
	"testing"

	"alsbot/als"
)

// By the plans of earlier versions, an archive is verified only if everything
// that the node says of it fits, and suspect only if the node kept it as
// suspect.
func TestArchiveVerdictsOfEarlierPlans(t *testing.T) {
	t.Parallel()
	op, _ := als.Operations.Find("export cluster")
	sum := strings.Repeat("ab", 32)
	verified := "verdict=verified\npath=/mnt/b.tgz\nsize=1000\nfiles=12\nsha256=" + sum + "\n"
	suspect := strings.NewReplacer("verified", "suspect", "b.tgz", "b.suspect.tgz").Replace(verified) + "why=it is small\n"
	there := als.Result{Key: "target-after", Output: []byte("target=file\nsize=1000\n")}
	with := func(text string, pairs ...string) als.Result {
		return als.Result{Output: []byte(strings.NewReplacer(pairs...).Replace(text))}
	}
	for _, tt := range []struct {
		name    string
		settle  als.Result
		exit    int
		after   als.Result
		outcome als.Outcome
		verdict string // of the archive
		summary string
	}{
		{"verified", with(verified), 0, there, als.Succeeded, "verified", "Verified: /mnt/b.tgz, 1000 B, 12 files, read to its end."},
		{"verified, and the last look failed", with(verified), 0, als.Result{Key: "target-after", Exit: 1}, als.Succeeded, "verified", "Verified: "},
		{"suspect", with(suspect), 3, there, als.Failed, "suspect", "The archive is suspect: it is small. It was kept as b.suspect.tgz; /mnt/b.tgz is as it was."},

		{"another status", with(verified), 1, there, als.Failed, "failed", "No good archive: "},
		{"the status of a suspect one", with(verified), 3, there, als.Failed, "failed", "No good archive: "},
		{"suspect, with status 0", with(suspect), 0, there, als.Failed, "failed", "No good archive: "},
		{"suspect, with another status", with(suspect), 1, there, als.Failed, "failed", "No good archive: "},
		{"another path", with(verified, "b.tgz", "c.tgz"), 0, there, als.Failed, "failed", "No good archive: "},
		{"suspect, at another path", with(suspect, "b.suspect.tgz", "b.tgz"), 3, there, als.Failed, "failed", "No good archive: "},
		{"another verdict", with(verified, "verdict=verified", "verdict=fine"), 0, there, als.Failed, "failed", "No good archive: "},
		{"suspect, another verdict", with(suspect, "verdict=suspect", "verdict=verified"), 3, there, als.Failed, "failed", "No good archive: "},
		{"empty", with(verified, "size=1000", "size=0"), 0, als.Result{Key: "target-after", Output: []byte("target=file\nsize=0\n")}, als.Failed, "failed", "No good archive: "},
		{"suspect, empty", with(suspect, "size=1000", "size=0"), 3, there, als.Failed, "failed", "No good archive: "},
		{"less than empty", with(verified, "size=1000", "size=-1"), 0, als.Result{Key: "target-after", Output: []byte("target=file\nsize=-1\n")}, als.Failed, "failed", "No good archive: "},
		{"an impossible size", with(verified, "size=1000", "size=99999999999999999999"), 0, als.Result{Key: "target-after", Output: []byte("target=file\nsize=99999999999999999999\n")}, als.Failed, "failed", "No good archive: "},
		{"suspect, an impossible size", with(suspect, "size=1000", "size=99999999999999999999"), 3, there, als.Failed, "failed", "No good archive: "},
		{"no sum", with(verified, sum, ""), 0, there, als.Failed, "failed", "No good archive: "},
		{"suspect, no sum", with(suspect, sum, ""), 3, there, als.Failed, "failed", "No good archive: "},
		{"trouble", als.Result{Output: []byte(verified), Trouble: "the connection was lost"}, 0, there, als.Failed, "failed", "No good archive: read the archive back on the core: the connection was lost."},
		{"trouble, and nothing is there", als.Result{Trouble: "the connection was lost"}, 0, als.Result{Key: "target-after", Output: []byte("target=absent\n")}, als.Failed, "failed", "lost. Nothing stands at /mnt/b.tgz."},
		{"trouble, and the old one is there", als.Result{Trouble: "the connection was lost"}, 0, there, als.Failed, "failed", "lost. /mnt/b.tgz is as it was."},
		{"trouble, and it is not known what is there", als.Result{Trouble: "the connection was lost"}, 0, als.Result{Key: "target-after", Exit: 1}, als.Failed, "failed", "lost. What stands at /mnt/b.tgz could not be looked at."},
		{"trouble, and a part is left", als.Result{Trouble: "the connection was lost"}, 0, als.Result{Key: "target-after", Output: []byte("target=absent\ntemp=present\n")}, als.Failed, "failed", "What was written of the new one still takes room there, as /mnt/.b.part."},
		{"gone since", with(verified), 0, als.Result{Key: "target-after", Output: []byte("target=absent\n")}, als.Failed, "failed", "it does not stand at /mnt/b.tgz any more"},
		{"another since", with(verified), 0, als.Result{Key: "target-after", Output: []byte("target=file\nsize=999\n")}, als.Failed, "failed", "it does not stand at /mnt/b.tgz any more"},
		{"a link since", with(verified), 0, als.Result{Key: "target-after", Output: []byte("target=symlink\nsize=1000\n")}, als.Failed, "failed", "it does not stand at /mnt/b.tgz any more"},
	} {
		tt.settle.Key, tt.settle.Step, tt.settle.Node, tt.settle.Exit = "settle", "read the archive back", als.Core, tt.exit
		p := als.Plan{Operation: op.Name, Steps: []als.Step{{Key: "export", Node: als.Core}, {Key: "settle", Node: als.Core}}, Hints: als.Hints{Target: "/mnt/b.tgz", Suspect: "/mnt/b.suspect.tgz", Temp: ".b.part"}}
		rs := als.Results{{Key: "export", Node: als.Core}, tt.settle, tt.after}
		v := op.Judge(als.Request{Operation: op.Name}, testCluster(), p, rs)
		if v.Outcome != tt.outcome || len(v.Archives) != 1 || v.Archives[0].Verdict != tt.verdict || !strings.Contains(v.Summary, tt.summary) {
			t.Errorf("%s: %s, %+v: %s", tt.name, v.Outcome, v.Archives, v.Summary)
		}
	}
}
