package als_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"alsbot/als"
)

// storedPlan is a file of testdata/plans0: a plan that the last version
// without keys made and stored, with what the nodes answered before and after.
// The files record what that version did. No test writes them.
type storedPlan struct {
	Command string
	Digest  string
	Cluster als.Cluster
	Plan    als.Plan
	Checks  []storedResult
	Results []storedResult
	Verdict struct {
		Outcome als.Outcome
		Summary string
	}
}

type storedResult struct {
	Label, Node string
	Exit        int
	Output      string
}

// result returns the result as the engine makes it from a record: it knows the
// stored step.
func (s storedResult) result() als.Result {
	r := als.Step{Name: s.Label, Node: s.Node}.Result()
	r.Exit, r.Output = s.Exit, out(s.Output).Output // some were recorded without the end of the last line
	return r
}

// eachStoredPlan runs a test on every stored plan. fresh is the plan that the
// same request and the same answers make now.
func eachStoredPlan(t *testing.T, test func(t *testing.T, s storedPlan, op als.Operation, req als.Request, fresh als.Plan)) {
	t.Helper()
	files, err := filepath.Glob("testdata/plans0/*.json")
	must(t, err)
	if len(files) < 10 {
		t.Fatalf("%d stored plans", len(files))
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			var s storedPlan
			b, err := os.ReadFile(file)
			must(t, err)
			must(t, json.Unmarshal(b, &s))
			req, op := asked(t, s.Command)
			var seen als.Results
			for _, c := range s.Checks {
				seen = append(seen, c.result())
			}
			fresh, err := op.Plan(req, s.Cluster, seen)
			must(t, err)
			for i, step := range fresh.Steps { // a script may have changed since: then the digest changes, rightly
				if step.Argv[0] == "sh" && !anew[op.Name] {
					step.Argv[2] = s.Plan.Steps[i].Argv[2]
				}
			}
			test(t, s, op, req, fresh)
		})
	}
}

// anew lists the operations that have had other steps since. An approval of a
// stored plan is no longer valid then; a run that had begun is judged as before.
var anew = map[string]bool{"export cluster": true}

func TestStoredPlanKeepsItsDigest(t *testing.T) {
	eachStoredPlan(t, func(t *testing.T, s storedPlan, _ als.Operation, _ als.Request, fresh als.Plan) {
		if s.Plan.Format != 0 || s.Plan.Digest() != s.Digest {
			t.Errorf("format %d: the digest was %s, and is %s", s.Plan.Format, s.Digest, s.Plan.Digest())
		}
		if fresh.Format != 1 || (fresh.DigestAs(s.Plan.Format) == s.Digest) == anew[s.Plan.Operation] {
			t.Errorf("nothing has changed on the cluster; the steps are other ones: %t; the new plan's digest in the stored plan's format is %s, was %s", anew[s.Plan.Operation], fresh.DigestAs(s.Plan.Format), s.Digest)
		}
		if fresh.Digest() == s.Digest {
			t.Error("the two formats have one digest")
		}
	})
}

func TestStoredPlanIsJudgedAsBefore(t *testing.T) {
	eachStoredPlan(t, func(t *testing.T, s storedPlan, op als.Operation, req als.Request, fresh als.Plan) {
		var rs als.Results
		for _, r := range s.Results {
			rs = append(rs, r.result())
		}
		plans := []als.Plan{s.Plan, fresh}
		if anew[s.Plan.Operation] {
			plans = plans[:1]
		}
		last := plans[len(plans)-1]
		for i, step := range append(last.Steps, last.Verify...) {
			stored := append(s.Plan.Steps, s.Plan.Verify...)[i]
			if stored.Key != "" || stored.ResultKey() != step.ResultKey() {
				t.Errorf("%q has the key %q, stored it has %q", stored.Name, step.Key, stored.ResultKey())
			}
			if _, found := rs.Find(step.ResultKey(), step.Node); !found {
				t.Errorf("no result of %q", step.ResultKey())
			}
		}
		for _, plan := range plans {
			v := op.Judge(req, s.Cluster, plan, rs)
			if v.Outcome != s.Verdict.Outcome || v.Summary != s.Verdict.Summary {
				t.Errorf("format %d: %s: %s\nwas %s: %s", plan.Format, v.Outcome, v.Summary, s.Verdict.Outcome, s.Verdict.Summary)
			}
		}
	})
}

// Rewording a label voids no approval. A change of what is done does.
func TestDigestCoversKeysNotLabels(t *testing.T) {
	eachStoredPlan(t, func(t *testing.T, _ storedPlan, _ als.Operation, _ als.Request, fresh als.Plan) {
		change := func(covered bool, what string, edit func(p *als.Plan)) {
			b, err := json.Marshal(fresh)
			must(t, err)
			var p als.Plan
			must(t, json.Unmarshal(b, &p))
			if p.Digest() != fresh.Digest() {
				t.Fatal("a plan that was stored and loaded has another digest")
			}
			edit(&p)
			if (p.Digest() != fresh.Digest()) != covered {
				t.Errorf("%s: covered is %t", what, !covered)
			}
			if !covered && p.DigestAs(0) != fresh.DigestAs(0) {
				t.Errorf("%s changes the digest in the format of earlier versions", what)
			}
		}
		change(false, "a step's label", func(p *als.Plan) { p.Steps[0].Name = "reworded" })
		change(false, "a verification's label", func(p *als.Plan) { p.Verify[0].Name = "reworded" })
		change(false, "a note", func(p *als.Plan) { p.Notes = nil })
		change(true, "a step's key", func(p *als.Plan) { p.Steps[0].Key = "other" })
		change(true, "a step's node", func(p *als.Plan) { p.Steps[0].Node = "10.9.9.9" })
		change(true, "a step's argv", func(p *als.Plan) { p.Steps[0].Argv[0] = "rm" })
		change(true, "whether a step always runs", func(p *als.Plan) { p.Steps[0].Always = !p.Steps[0].Always })
		change(true, "a step less", func(p *als.Plan) { p.Steps = p.Steps[1:] })
		change(true, "nothing to do", func(p *als.Plan) { p.Nothing = "it is done" })
		change(true, "the effect", func(p *als.Plan) { p.Effect = als.Read })
		if len(fresh.Facts) > 0 {
			change(false, "a fact's label", func(p *als.Plan) { p.Facts[0].Name = "reworded" })
			change(true, "a fact's key", func(p *als.Plan) { p.Facts[0].Key = "other" })
			change(true, "a fact's value", func(p *als.Plan) { p.Facts[0].Value += "." })
		}
	})
}
