package als

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Details of roles and processes, and kato's own health tests.

var opRoles = reading(Operation{
	Name: "roles", Summary: "show which processes make up a role",
	Example: "roles mysql @prod",
	Params:  []Param{{Name: "ROLE", Kind: KindRole, Optional: true, Many: true, Help: "roles; without any, all of them"}},
}, func(r Request) []string { return append([]string{"role", "info"}, r.Args...) })

var opProcesses = withNodes(reading(Operation{
	Name: "processes", Summary: "show the processes of every node, or of one, and whether they run",
	Example: "processes --node 10.0.0.12 @prod",
	Flags:   nodeFlag("this node only"),
	Judge:   judgeProcesses,
}, func(r Request) []string {
	if r.Has(flagNode) {
		return withNode(r, "process", "list")
	}
	return []string{"process", "list", "--cluster"}
}))

// withNodes adds the list of nodes to a look at the whole cluster.
func withNodes(op Operation) Operation {
	plan := op.Plan
	op.Plan = func(r Request, c Cluster, rs Results) (Plan, error) {
		p, err := plan(r, c, rs)
		if !r.Has(flagNode) {
			p.Steps = append(p.Steps, c.probeNodes())
		}
		return p, err
	}
	return op
}

func judgeProcesses(r Request, c Cluster, p Plan, rs Results) Verdict {
	s, err := readPart(rs, stepID{rs[0].Key, rs[0].Step}, ReadProcesses)
	if err == nil {
		err = missingInStatus(p, rs, s, false)
	}
	if ip := r.Flag(flagNode); err == nil && ip != "" && s[""] == nil && (len(s) > 1 || s[ip] == nil) {
		err = fmt.Errorf("kato was asked for %s, and tells of %s", ip, list(s.Nodes("")))
	}
	var rows [][]string
	var bad []string
	total, down := 0, 0
	for _, node := range s.Nodes("") {
		name := node
		if name == "" {
			name = r.Flag(flagNode)
		}
		where := nodeWords(name)
		alike := map[Condition][]string{}
		for _, process := range s.Roles(node) {
			total++
			st := s.Of(node, process)
			rows = append(rows, []string{name, process, string(st)})
			name = ""
			if !st.Healthy() {
				down++
				alike[st] = append(alike[st], process)
			}
		}
		for _, st := range slices.Sorted(maps.Keys(alike)) {
			is := "is"
			if len(alike[st]) > 1 {
				is = "are"
			}
			bad = append(bad, fmt.Sprintf("%s on %s %s %s", list(alike[st]), where, is, st))
		}
	}
	v := Verdict{Outcome: Succeeded, Report: table(rows), Whole: true, Summary: "All " + count(total, "process") + " run."}
	if err != nil {
		return partRead(err, readWords(s, "process"), v)
	}
	if len(bad) > 0 {
		v.Concern = true
		v.Summary = fmt.Sprintf("%d of %s do not run: %s.", down, count(total, "process"), strings.Join(bad, "; "))
		v.Next = Advise("Processes are started by their roles: %s shows which role that is.", c.command("roles"))
	}
	return v
}

var opInfo = reading(Operation{
	Name: "info", Summary: "show a node's roles, the roles that it could have, and the cluster's endpoint",
	Example: "info --node 10.0.0.12 @prod",
	Flags:   nodeFlag("this node; without it, the core"),
}, func(r Request) []string { return withNode(r, "info") })

var opInspect = reading(Operation{
	Name: "inspect", Summary: "run kato's health tests on the core",
	Example: "inspect @prod",
	Judge:   judgeInspect,
}, func(Request) []string { return []string{"inspect"} })

var (
	inspectFailed = mustCompile(`(?i)^(\S{1,100})\s+(?:\.*\s*)?(failed|failure|error)$`)
	inspectOK     = mustCompile(`(?i)^(\S{1,100})\s+(?:\.*\s*)?(ok|passed)$`)
)

// judgeInspect counts the tests by their lines, and holds that against kato's
// own count. kato's exit status says only whether a test failed, and in old
// versions not even that.
func judgeInspect(_ Request, _ Cluster, _ Plan, rs Results) Verdict {
	in, err := readPart(rs, stepID{rs[0].Key, rs[0].Step}, readTests)
	if rs[0].Trouble == "" && rs[0].Exit == 1 && !missingKato(rs[0]) && !rs[0].Cut && len(in.failed) > 0 { // this is what the status means
		in, err = readTests(rs[0].Output)
	}
	v := Verdict{Outcome: Succeeded, Report: in.table, Summary: fmt.Sprintf("All %d tests passed.", in.passed)}
	switch {
	case err != nil:
		return partRead(err, fmt.Sprintf("%s, %d of them failed", count(in.passed+len(in.failed), "test"), len(in.failed)), v)
	case len(in.failed) > 0:
		v.Concern, v.Next = true, Advise("Read the output of this run for the reasons.")
		v.Summary = fmt.Sprintf("%d of %d tests failed: %s.", len(in.failed), in.passed+len(in.failed), list(in.failed))
	}
	v.Report = ""
	return v
}

// tested is what `kato inspect` prints.
type tested struct {
	passed int
	failed []string
	table  string
}

var inspectCount = mustCompile(`^(\d{1,5}) tests? run, (\d{1,5}) failed$`)

// readTests reads the output of `kato inspect`: a line for each test, below a
// failed one what is wrong, and at the end how many there are.
func readTests(out []byte) (tested, error) {
	var in tested
	var rows [][]string
	names := map[string]bool{}
	g := &gaps{}
	counted, explains := "", false
	lines := clean(out)
	for _, line := range lines {
		l := strings.TrimSpace(line)
		bad, good := inspectFailed.FindStringSubmatch(l), inspectOK.FindStringSubmatch(l)
		switch {
		case isNoise(line):
		case bad != nil && line == l, good != nil && line == l:
			m := append(bad, good...)
			explains = bad != nil
			rows = append(rows, []string{printable(m[1], 60), m[2]})
			if names[m[1]] {
				g.say("%s is there twice", printable(m[1], 60))
			}
			names[m[1]] = true
			if in.passed++; explains {
				in.passed--
				in.failed = append(in.failed, printable(m[1], 60))
			}
		case inspectCount.MatchString(l) && counted == "":
			counted = l
		case explains && line != l: // what is wrong
		default:
			g.line(line)
		}
	}
	g.textEnd(lines)
	in.table = table(rows)
	want := fmt.Sprintf("%d %d", in.passed+len(in.failed), len(in.failed))
	m := inspectCount.FindStringSubmatch(counted)
	switch {
	case len(rows) == 0 && complaint(out) != "":
		return in, errors.New("kato did not run its tests: " + complaint(out))
	case len(rows) == 0:
		return in, errors.New("no test can be made out in what kato printed")
	case m == nil:
		g.say("kato's count of the tests is missing")
	case m[1]+" "+m[2] != want:
		g.say("kato counts %s of which %s failed", m[1], m[2])
	}
	return in, g.err("the list of tests")
}
