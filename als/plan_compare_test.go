package als_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"alsbot/als"
)

func TestDifferences(t *testing.T) {
	shown := als.Plan{
		Operation: "restart", Format: 1, Effect: als.Restart,
		Steps:   []als.Step{{Key: "restart", Node: "10.0.0.10", Argv: []string{"kato", "restart"}}},
		Facts:   []als.Fact{{Key: "roles", Name: "roles", Value: "router"}},
		Targets: []als.Target{{Node: "10.0.0.10", Addr: "10.0.0.10:22", HostKeys: []string{"SHA256:a"}, User: "helion", RunsDir: "runs", Kato: "kato"}},
		Findings: []als.Finding{
			{Level: als.Warn, Key: "roles-down", Subjects: []string{"dea", "mysql"}, Text: "dea and mysql are down"},
			{Level: als.Warn, Text: "a sentence"},
			{Level: als.Warn, Key: "free-space", Volatile: true, Text: "2 GiB is free"},
		},
		Backup: "b1",
	}
	for name, c := range map[string]struct {
		change func(p *als.Plan)
		says   string // "" where the approval holds
	}{
		"nothing":               {func(*als.Plan) {}, ""},
		"a label":               {func(p *als.Plan) { p.Facts[0].Name, p.Steps[0].Name = "the roles", "restart them" }, ""},
		"a better finding":      {func(p *als.Plan) { p.Findings = p.Findings[1:] }, ""},
		"fewer subjects":        {func(p *als.Plan) { p.Findings[0].Subjects = []string{"dea"} }, ""},
		"another text of a key": {func(p *als.Plan) { p.Findings[0].Text = "down: dea, mysql" }, ""},
		"a volatile warning":    {func(p *als.Plan) { p.Findings[2].Text = "1 GiB is free" }, ""},
		"a new volatile warning": {func(p *als.Plan) {
			p.Findings = append(p.Findings, als.Finding{Level: als.Warn, Key: "kato-busy", Volatile: true, Text: "busy"})
		}, ""},
		"a newer backup": {func(p *als.Plan) { p.Backup = "b2" }, ""},
		"a subject more": {func(p *als.Plan) { p.Findings[0].Subjects = append(p.Findings[0].Subjects, "router") }, "new: dea and mysql"},
		"another finding": {func(p *als.Plan) {
			p.Findings = append(p.Findings, als.Finding{Level: als.Warn, Text: "quotas are off"})
		}, "quotas are off"},
		"a worse level":             {func(p *als.Plan) { p.Findings[1].Level = als.Stop }, "a sentence"},
		"a volatile one that stops": {func(p *als.Plan) { p.Findings[2].Level = als.Stop }, "2 GiB is free"},
		"no backup any more":        {func(p *als.Plan) { p.Backup = "" }, "last good backup was run b1"},
		"a fact":                    {func(p *als.Plan) { p.Facts[0].Value = "dea" }, "roles was router, is now dea"},
		"a fact less":               {func(p *als.Plan) { p.Facts = nil }, "roles was router, is now none"},
		"an argument":               {func(p *als.Plan) { p.Steps[0].Argv = []string{"kato", "stop"} }, "other commands"},
		"a node":                    {func(p *als.Plan) { p.Steps[0].Node = "10.0.0.11" }, "other commands"},
		"an address":                {func(p *als.Plan) { p.Targets[0].Addr = "10.9.9.9:22" }, "the address of 10.0.0.10 was 10.0.0.10:22, is now 10.9.9.9:22"},
		"a host key":                {func(p *als.Plan) { p.Targets[0].HostKeys = []string{"SHA256:b"} }, "the host key of"},
		"a user":                    {func(p *als.Plan) { p.Targets[0].User = "root" }, "user of"},
		"run_as":                    {func(p *als.Plan) { p.Targets[0].RunAs = "root" }, "run_as of"},
		"a bastion":                 {func(p *als.Plan) { p.Targets[0].Via = "a@b:22" }, "via of"},
		"a directory":               {func(p *als.Plan) { p.Targets[0].RunsDir = "others" }, "runs_dir of"},
		"a kato":                    {func(p *als.Plan) { p.Targets[0].Kato = "/tmp/kato" }, "kato of"},
		"a secret":                  {func(p *als.Plan) { p.Steps[0].Secret = "x" }, "other commands"},
		"nothing to do any more":    {func(p *als.Plan) { p.Nothing = "all is done" }, "all is done"},
	} {
		now := clonePlan(shown)
		c.change(&now)
		diff := strings.Join(als.Differences(shown, now), "; ")
		if c.says == "" && diff != "" || !strings.Contains(diff, c.says) {
			t.Errorf("%s: %q, not %q", name, diff, c.says)
		}
	}
}

// A plan of before targets and findings were bound does not bind them.
func TestDifferencesFromAnEarlierFormat(t *testing.T) {
	shown := als.Plan{Operation: "restart", Effect: als.Restart,
		Steps: []als.Step{{Name: "restart", Node: "10.0.0.10", Argv: []string{"kato", "restart"}}}}
	now := shown
	now.Format = 1
	now.Findings = []als.Finding{{Level: als.Warn, Text: "a sentence"}}
	shown.Targets, now.Targets = []als.Target{{Node: "10.0.0.10", User: "helion"}}, []als.Target{{Node: "10.0.0.10", User: "stackato"}}
	if diff := als.Differences(shown, now); len(diff) > 0 {
		t.Errorf("%q", diff)
	}
	now.Steps = []als.Step{{Name: "restart", Node: "10.0.0.11", Argv: []string{"kato", "restart"}}}
	if diff := strings.Join(als.Differences(shown, now), "; "); !strings.Contains(diff, "other commands") {
		t.Errorf("%q", diff)
	}
}

func clonePlan(p als.Plan) als.Plan {
	p.Steps = append([]als.Step{}, p.Steps...)
	p.Facts = append([]als.Fact{}, p.Facts...)
	p.Targets = append([]als.Target{}, p.Targets...)
	p.Findings = append([]als.Finding{}, p.Findings...)
	p.Findings[0].Subjects = append([]string{}, p.Findings[0].Subjects...)
	return p
}

// What has changed in a long list can be read, however long it is.
func TestDifferencesOfLongLists(t *testing.T) {
	plan := func(names ...string) als.Plan {
		return als.Plan{Operation: "patch install", Format: 1, Facts: []als.Fact{{Key: "patches", Name: "patches", Value: strings.Join(names, ", ")}}}
	}
	var many, others []string
	for i := range 5000 {
		many, others = append(many, fmt.Sprintf("patch-with-a-long-name-%04d", i)), append(others, fmt.Sprintf("other-%04d", i))
	}
	reversed := slices.Clone(many)
	slices.Reverse(reversed)
	for name, c := range map[string]struct {
		now  als.Plan
		want string
	}{
		"one more":      {plan(append(slices.Clone(many[:2500]), append([]string{"evil"}, many[2500:]...)...)...), "patches changed, of 5001 now: new evil"},
		"one less":      {plan(many[1:]...), "patches changed, of 4999 now: gone patch-with-a-long-name-0000"},
		"another order": {plan(reversed...), "patches changed, of 5000 now: in another order"},
		"all others":    {plan(others...), "patches changed, of 5000 now: new other-0000, other-0001,"},
		"none":          {als.Plan{Operation: "patch install", Format: 1}, "patches changed, of 1 now: gone patch-with-a-long-name-0000,"},
		"one long word": {plan(strings.Repeat("x", 1<<20)), "patches changed, of 1 now: new xxx"},
	} {
		diff := strings.Join(als.Differences(plan(many...), c.now), "; ")
		if !strings.HasPrefix(diff, c.want) || len(diff) > 1500 {
			t.Errorf("%s: %d bytes: %.200s", name, len(diff), diff)
		}
	}
}
