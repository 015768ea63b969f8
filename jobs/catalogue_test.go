package jobs_test

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"alsbot/als"
	"alsbot/jobs"
)

var update = flag.Bool("update", false, "write the golden files")

func TestHelpFitsOnAScreen(t *testing.T) {
	t.Parallel()
	overview, err := als.Help(jobs.Operations, "")
	if err != nil {
		t.Fatal(err)
	}
	const file = "testdata/help.txt"
	if *update {
		if err := os.WriteFile(file, []byte(overview), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), overview); diff != "" {
		t.Errorf("%s (run the test with -update to accept):\n%s", file, diff)
	}
	if n := strings.Count(overview, "\n"); n > 45 {
		t.Errorf("help has %d lines: more than a screen", n)
	}
}

// Each command that only alsbot can answer has an answer, and no other has.
func TestEveryBuiltinHasAnAnswer(t *testing.T) {
	t.Parallel()
	answered := map[string]bool{"plan": true} // the parser turns it into a dry run
	for _, name := range jobs.AnsweredCommands() {
		answered[name] = true
	}
	for _, op := range jobs.Operations {
		if op.Builtin != answered[op.Name] {
			t.Errorf("%s: builtin %t, answered %t", op.Name, op.Builtin, answered[op.Name])
		}
		if op.Builtin && (op.Summary == "" || op.Example == "" || op.Family != als.FamilyBuiltin) {
			t.Errorf("%s has no help: %+v", op.Name, op)
		}
	}
}

func TestBuiltinsAreParsed(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]als.Request{
		"run k3v9t2":                    {Operation: "run", Args: []string{"k3v9t2"}},
		"schedule pause nightly-backup": {Operation: "schedule pause", Args: []string{"nightly-backup"}},
	} {
		if got, err := als.Parse(text, jobs.Operations); err != nil || cmp.Diff(want, got) != "" {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
	for text, want := range map[string]string{
		"run":       "`run` needs ID, the ID of a run",
		"plan runs": "nothing to plan",
	} {
		if _, err := als.Parse(text, jobs.Operations); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
