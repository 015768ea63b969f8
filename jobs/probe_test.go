package jobs_test

import (
	"strings"
	"testing"

	"alsbot/als"
	"alsbot/jobs"
	"alsbot/upkeep/enginetest"
)

// A check that is Last sees what happened while the others ran, in whatever
// order they are listed.
func TestTheLastChecksWaitForTheOthers(t *testing.T) {
	t.Parallel()
	h := enginetest.New(t, nil)
	p := jobs.NewProber(h.Config, h.Exec)
	step := func(key, script string, last bool) als.Step {
		return als.Step{Key: key, Name: key, Node: als.Core, Argv: []string{"sh", "-c", script}, Repeatable: true, Last: last}
	}
	steps := []als.Step{step("last", "ls done", true), step("slow", "sleep 0.3; touch done", false)}
	seen, err := p.Probe(t.Context(), als.Cluster{Name: "prod", Kato: "kato"}, steps)
	if err != nil || len(seen) != 2 || seen[0].Key != "last" || strings.TrimSpace(string(seen[0].Output)) != "done" {
		t.Errorf("%+v, %v", seen, err)
	}
}
