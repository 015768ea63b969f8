package als

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Details of roles and processes, and kato's own health tests.

var opRoles = reading(Operation{
	Name: "roles", Summary: "show which processes make up a role",
	Example: "roles mysql @prod",
	Params:  []Param{{Name: "ROLE", Kind: KindRole, Optional: true, Many: true, Help: "roles; without any, all of them"}},
}, func(r Request) []string { return append([]string{"role", "info"}, r.Args...) })

var opProcesses = reading(Operation{
	Name: "processes", Summary: "show the processes of every node, or of one, and whether they run",
	Example: "processes --node 10.0.0.12 @prod",
	Flags:   nodeFlag("this node only"),
	Judge:   judgeProcesses,
}, func(r Request) []string {

	if r.Has(flagNode) {

		return withNode(r, "process", "list")

	}

	return []string{"process", "list", "--cluster"}

})

func judgeProcesses(r Request, c Cluster, _ Plan, rs Results) Verdict {
	s, err := readStep(rs, stepID{rs[0].Key, rs[0].Step}, ReadProcesses)
	if err != nil {
		return nothingRead(findingOf(Stop, err))
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
	if len(bad) > 0 {
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
	inspectFailed = regexp.MustCompile(`(?i)^(\S{1,100})\s+(\.*\s*)?(failed|failure|error)\b`)
	inspectOK     = regexp.MustCompile(`(?i)^(\S{1,100})\s+(\.*\s*)?(ok|passed)\b`)
)

// judgeInspect counts the tests by their lines. kato's exit status says only
// whether a test failed, and in old versions not even that.
func judgeInspect(_ Request, _ Cluster, _ Plan, rs Results) Verdict {
	var failed []string
	passed := 0
	for _, l := range clean(rs[0].Output) {
		l = strings.TrimSpace(l)
		if noiseText.MatchString(l) {
			continue
		}
		if m := inspectFailed.FindStringSubmatch(l); m != nil {
			failed = append(failed, printable(m[1], 60))
		} else if inspectOK.MatchString(l) {
			passed++
		}
	}
	switch {
	case rs[0].Trouble != "" || missingKato(rs[0]) || passed+len(failed) == 0:
		if f, bad := trouble(rs[0]); bad {
			return nothingRead(f)
		}
		return Verdict{Outcome: Failed, Summary: "No test can be made out in what kato printed.", Next: ReadOutput}
	case len(failed) > 0:
		return Verdict{Outcome: Succeeded, Summary: fmt.Sprintf("%d of %d tests failed: %s.", len(failed), passed+len(failed), list(failed)), Next: Advise("Read the output of this run for the reasons.")}
	case rs[0].Exit != 0:
		return Verdict{Outcome: Failed, Summary: fmt.Sprintf("All %d tests passed, and yet kato ended with status %d.", passed, rs[0].Exit), Next: ReadOutput}
	}
	return Verdict{Outcome: Succeeded, Summary: fmt.Sprintf("All %d tests passed.", passed)}
}
