package als_test

import (
	"strings"
	"testing"

	"alsbot/als"
)

// An archive is verified only if everything fits that kato and the node say of
// it, and only if the node gave it the name that the verdict asks for.
func TestArchivesAreWeighed(t *testing.T) {
	t.Parallel()
	op, _ := als.Operations.Find("export cluster")
	sum := strings.Repeat("ab", 32)
	read := "size=1000\nfiles=12\nsha256=" + sum + "\n"
	const verified, suspect = "verdict=verified\npath=/mnt/b.tgz\n", "verdict=suspect\npath=/mnt/b.suspect.tgz\n"
	with := func(pairs ...string) als.Result {
		return als.Result{Output: []byte(strings.NewReplacer(pairs...).Replace(read))}
	}
	said := func(text string, exit int) als.Result { return als.Result{Exit: exit, Output: []byte(text)} }
	for _, tt := range []struct {
		name                 string
		export, settle, keep als.Result
		verdict              string
	}{
		{"all well", said("", 0), with(), said(verified, 0), "verified"},
		{"a file changed", said("tar: x: file changed as we read it\n", 1), with(), said(suspect, 0), "suspect"},
		{"a part failed", said("10.0.0.11: exporting mysql... failed\n", 0), with(), said(suspect, 0), "suspect"},
		{"a file changed, with status 0", said("tar: x: file changed as we read it\n", 0), with(), said(verified, 0), "verified"},
		{"a complaint, with status 0", said("Error: x\n", 0), with(), said(suspect, 0), "suspect"},
		{"no file", said("", 0), with("files=12", "files=0"), said(suspect, 0), "suspect"},
		{"files beyond counting", said("", 0), with("files=12", "files=unknown"), said(suspect, 0), "suspect"},
		{"the export's output was cut", als.Result{Cut: true}, with(), said(suspect, 0), "suspect"},

		{"suspect, named as verified", said("", 0), with("files=12", "files=0"), said(verified, 0), "failed"},
		{"verified, named as suspect", said("", 0), with(), said(suspect, 0), "failed"},
		{"verified, at another path", said("", 0), with(), said("verdict=verified\npath=/mnt/c.tgz\n", 0), "failed"},
		{"not named", said("", 0), with(), said(verified, 1), "failed"},
		{"kato failed", said("boom\n", 1), with(), said(verified, 0), "failed"},
		{"kato failed, named as suspect", said("boom\n", 1), with(), said(suspect, 0), "failed"},
		{"kato failed with a complaint, named as suspect", said("Error: x\n", 1), with(), said(suspect, 0), "failed"},
		{"kato was not heard of", als.Result{Trouble: "the wire is cut"}, with(), said(verified, 0), "failed"},
		{"it could not be read", said("", 0), als.Result{Exit: 1, Output: []byte(read)}, said(verified, 0), "failed"},
		{"the reading was cut", said("", 0), als.Result{Cut: true, Output: []byte(read)}, said(verified, 0), "failed"},
		{"the reading was lost", said("", 0), als.Result{Trouble: "the wire is cut", Output: []byte(read)}, said(verified, 0), "failed"},
		{"no count", said("", 0), with("files=12\n", ""), said(verified, 0), "failed"},
		{"a count of words", said("", 0), with("files=12", "files=1x"), said(verified, 0), "failed"},
		{"a count beyond all", said("", 0), with("files=12", "files="+strings.Repeat("1", 21)), said(verified, 0), "failed"},
		{"empty", said("", 0), with("size=1000", "size=0"), said(verified, 0), "failed"},
		{"less than empty", said("", 0), with("size=1000", "size=-1"), said(verified, 0), "failed"},
		{"an impossible size", said("", 0), with("size=1000", "size=99999999999999999999"), said(verified, 0), "failed"},
		{"no sum", said("", 0), with(sum, ""), said(verified, 0), "failed"},
	} {
		p := als.Plan{Operation: op.Name, Hints: als.Hints{Target: "/mnt/b.tgz", Suspect: "/mnt/b.suspect.tgz"}}
		var rs als.Results
		for i, r := range []als.Result{tt.export, tt.settle, tt.keep} {
			r.Key, r.Node = []string{"export", "settle", "keep"}[i], als.Core
			rs, p.Steps = append(rs, r), append(p.Steps, als.Step{Key: r.Key, Node: als.Core})
		}
		v := op.Judge(als.Request{Operation: op.Name}, testCluster(), p, rs)
		if (v.Outcome == als.Succeeded) != (tt.verdict == "verified") || len(v.Archives) != 1 || v.Archives[0].Verdict != tt.verdict {
			t.Errorf("%s: %s, %+v: %s", tt.name, v.Outcome, v.Archives, v.Summary)
		}
	}
}
