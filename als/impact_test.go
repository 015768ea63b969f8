package als_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"alsbot/als"
)

// manyDEAs returns a cluster of a core and n DEAs.
func manyDEAs(n int) als.Cluster {
	c := als.Cluster{Name: "prod", Kato: "kato", Generation: als.ALS13, Nodes: []als.Node{{IP: "10.0.0.10", Roles: []string{"base", "primary", "router"}}}}
	for i := range n {
		c.Nodes = append(c.Nodes, als.Node{IP: fmt.Sprintf("10.0.1.%d", i+1), Roles: []string{"base", "dea"}})
	}
	return c
}

func restartDEAs(t *testing.T, c als.Cluster) als.Plan {
	t.Helper()
	req, op := asked(t, "restart dea @prod")
	p, err := op.Plan(req, c, nil)
	must(t, err)
	return p
}

// A fact names every node: two plans that differ in one node of many differ in
// what is shown and in their digest.
func TestFactsNameEveryNode(t *testing.T) {
	t.Parallel()
	c := manyDEAs(100)
	was := restartDEAs(t, c)
	if v := was.Facts[0].Value; strings.Contains(v, "more") || !strings.Contains(v, "10.0.1.100") {
		t.Errorf("the fact is %s", v)
	}
	c.Nodes[100].IP = "10.0.1.200"
	now := restartDEAs(t, c)
	was.Steps, now.Steps = nil, nil
	if was.Digest() == now.Digest() {
		t.Error("another node, and the same digest of the facts")
	}
}

func TestImpact(t *testing.T) {
	t.Parallel()
	p := restartDEAs(t, manyDEAs(3))
	i := p.Impact()
	if len(i.Stops) != 1 || i.Stops[0].Role != "dea" || len(i.Stops[0].Nodes) != 3 || !strings.Contains(i.Stops[0].For, "applications on those nodes stop") || !i.Known {
		t.Errorf("what stops: %+v", i)
	}
	if got := fmt.Sprint(i.Nodes); got != "[10.0.1.1 10.0.1.2 10.0.1.3]" {
		t.Errorf("nodes: %s", got)
	}
	if one := restartDEAs(t, manyDEAs(1)).Impact().Stops; len(one) != 1 || !strings.Contains(one[0].For, "applications on that node stop") {
		t.Errorf("on one node: %+v", one)
	}
	if !strings.Contains(i.Last, "no telling") {
		t.Errorf("last time: %q", i.Last)
	}
	c := manyDEAs(3)
	c.History.Last = 4*60e9 + 12e9
	if got := restartDEAs(t, c).Impact().Last; got != "It took 4m 12s last time." {
		t.Errorf("last time: %q", got)
	}
	p.Hints.Restarts = nil
	if p.Impact().Known {
		t.Error("a restart of roles that nobody named counts as known")
	}
	p.Effect = als.Change
	if i := p.Impact(); len(i.Stops) > 0 || !i.Known || fmt.Sprint(i.Nodes) != "[the core]" {
		t.Errorf("a change stops %+v", i)
	}
}

// What changes the digest changes what Whole shows: nothing is bound that an
// approver can't read.
func TestWholeShowsWhatTheDigestCovers(t *testing.T) {
	t.Parallel()
	base := func() als.Plan {
		p := restartDEAs(t, manyDEAs(30))
		p.Steps = append(p.Steps, als.Step{Key: "probe", Name: "look", Node: "10.0.1.1", Argv: []string{"sh", "-c", "echo one\necho two", "look", "a b"}})
		p.Findings = []als.Finding{{Level: als.Warn, Text: "a warning", Fix: als.Advise("Fix it.")}}
		p.Targets = []als.Target{{Node: "10.0.1.1", Addr: "10.0.1.1:22", HostKeys: []string{"SHA256:a"}, User: "helion", RunsDir: "runs", Kato: "kato"}}
		p.Backup = "b1"
		return p
	}
	was := base()
	for name, change := range map[string]func(*als.Plan){
		"operation":   func(p *als.Plan) { p.Operation = "stop" },
		"effect":      func(p *als.Plan) { p.Effect = als.Destroy },
		"fact":        func(p *als.Plan) { p.Facts[0].Value += ", 10.9.9.9" },
		"one more":    func(p *als.Plan) { p.Facts = append(p.Facts, als.Fact{Key: "x", Name: "x", Value: ""}) },
		"node":        func(p *als.Plan) { p.Steps[29].Node = "10.9.9.9" },
		"word":        func(p *als.Plan) { p.Steps[29].Argv = append(slices.Clone(p.Steps[29].Argv), "--force") },
		"blank":       func(p *als.Plan) { p.Steps[30].Argv = []string{"sh", "-c", "echo one\necho two", "look", "a", "b"} },
		"script":      func(p *als.Plan) { p.Steps[30].Argv = []string{"sh", "-c", "echo one\nrm two", "look", "a b"} },
		"bare script": func(p *als.Plan) { p.Steps[30].Argv = []string{"sh", "-c", "rm two"} },
		"secret":      func(p *als.Plan) { p.Steps[0].Secret = "monitoring.key" },
		"always":      func(p *als.Plan) { p.Steps[0].Always = true },
		"fewer":       func(p *als.Plan) { p.Steps = p.Steps[:30] },
		"order":       func(p *als.Plan) { p.Steps[0], p.Steps[1] = p.Steps[1], p.Steps[0] },
		"nothing":     func(p *als.Plan) { p.Nothing = "all run already" },
		"address":     func(p *als.Plan) { p.Targets[0].Addr = "10.9.9.9:22" },
		"host key":    func(p *als.Plan) { p.Targets[0].HostKeys = []string{"SHA256:b"} },
		"user":        func(p *als.Plan) { p.Targets[0].User = "root" },
		"run_as":      func(p *als.Plan) { p.Targets[0].RunAs = "root" },
		"via":         func(p *als.Plan) { p.Targets[0].Via = "a@b:22" },
		"runs_dir":    func(p *als.Plan) { p.Targets[0].RunsDir = "others" },
		"kato":        func(p *als.Plan) { p.Targets[0].Kato = "/tmp/kato" },
		"backup":      func(p *als.Plan) { p.Backup = "b2" },
	} {
		now := base()
		change(&now)
		if now.Digest() == was.Digest() {
			t.Errorf("%s: the digest is the same", name)
		}
		if now.Whole() == was.Whole() {
			t.Errorf("%s: what is shown is the same", name)
		}
	}
	for name, change := range map[string]func(*als.Finding){
		"level": func(f *als.Finding) { f.Level = als.Stop },
		"text":  func(f *als.Finding) { f.Text = "another" },
		"fix":   func(f *als.Finding) { f.Fix = als.Advise("Do something else.") },
	} {
		now := base()
		change(&now.Findings[0])
		if now.Whole() == was.Whole() {
			t.Errorf("a finding's %s is not shown", name)
		}
	}
}

func TestWorstFirst(t *testing.T) {
	t.Parallel()
	p := als.Plan{Findings: []als.Finding{{Level: als.Warn, Text: "1"}, {Level: als.Warn, Text: "2"}, {Level: als.Stop, Text: "3"}, {Level: "unheard-of", Text: "4"}}}
	var got []string
	for _, f := range p.WorstFirst() {
		got = append(got, f.Text)
	}
	if strings.Join(got, " ") != "4 3 1 2" {
		t.Errorf("in this order: %v", got)
	}
}
