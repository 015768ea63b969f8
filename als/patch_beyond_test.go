package als_test

import (
	"strings"
	"testing"

	"alsbot/als"
)

// A patch that was published after the last look is installed by the one call
// that installs all: kato's output, or the list afterwards, gives it away.
func TestAPatchThatNobodyWasShownIsNamedFirst(t *testing.T) {
	op, _ := als.Operations.Find("patch install")
	for name, c := range map[string]struct{ output, after string }{
		"in kato's output":   {"-----> Installing patch shown-fix\n10.0.0.10: installing...   ok\n-----> Installing patch late-fix\n", "No updates available to be installed.\n"},
		"on the list, later": {"-----> Installing patch shown-fix\n", "1 update available to be installed.\n\nKnown updates:\n  late-fix: A fix.\n    severity: required\n    roles affected: router\n"},
	} {
		plan := als.Plan{
			Operation: op.Name, Format: 1, Effect: als.Restart,
			Steps: []als.Step{{Key: "patch", Node: als.Core, Argv: []string{"kato", "patch", "install"}}},
			Hints: als.Hints{Patches: []string{"shown-fix"}, Unnamed: true},
		}
		results := als.Results{
			{Key: "patch", Node: als.Core, Output: []byte(c.output)},
			{Key: "patches-after", Node: als.Core, Output: []byte(c.after)},
			{Key: "roles-after", Node: als.Core, Output: []byte("Node 10.0.0.10\n  router   RUNNING\n")},
		}
		v := op.Judge(als.Request{Operation: op.Name}, als.Cluster{Name: "prod", Kato: "kato"}, plan, results)
		if !strings.HasPrefix(v.Summary, "Beyond what was shown, kato names late-fix. 1 patch installed") || !v.Concern {
			t.Errorf("%s: %t, %s", name, v.Concern, v.Summary)
		}
		plan.Hints.Patches = append(plan.Hints.Patches, "late-fix")
		if v := op.Judge(als.Request{Operation: op.Name}, als.Cluster{Name: "prod", Kato: "kato"}, plan, results); strings.Contains(v.Summary, "Beyond") {
			t.Errorf("%s, shown: %s", name, v.Summary)
		}
	}
}

// What kato named where alsbot does not read cannot be known.
func TestPatchesNamedInACutOutput(t *testing.T) {
	t.Parallel()
	for _, cut := range []bool{false, true} {
		_, v := tell(t, testCluster(), "patch install dea-memory", said{"patches": out(clusterPatches), "patches-all": out(clusterPatches), "patches-by-node": out("[]"), "clock": out("2026-11-23T03:30:00Z\n"),
			"history": out(started), "jobs": out(idle), "roles": out(running), "roles-after": out(running), "patches-after": out(noPatches), "patches-by-node-after": out("[]"),
			"history-after": out(history("kato patch install dea-memory", "succeeded")), "patch": {Output: []byte("-----> Installing\n"), Cut: cut}})
		want := map[bool]als.Outcome{false: als.Succeeded, true: als.Unconfirmed}[cut]
		if v.Outcome != want || strings.Contains(v.Summary, "printed more than the 1 MiB") != cut {
			t.Errorf("cut %t: %s: %s", cut, v.Outcome, v.Summary)
		}
	}
}

// Of one node, only what this node still needs is beyond what was shown.
func TestAPatchOfAnotherNodeIsNotBeyond(t *testing.T) {
	t.Parallel()
	const words = "core$ kato patch install --node 10.0.0.12"
	late := strings.NewReplacer("1 update is", "2 updates are", "dea-memory", "late-fix").Replace(deaLeft) +
		"\n      router-fix: Fix the router\n          patch id: 2\n          roles affected: router\n          installed on: none\n          to be installed on: 10.0.0.10\n"
	before := fresh().with(kato{words: {}})
	for name, tt := range map[string]struct{ list, beyond string }{
		"missing elsewhere":   {late, ""},
		"missing on the node": {strings.NewReplacer("installed on: 10.0.0.12\n", "installed on: 10.0.0.13\n", "to be installed on: 10.0.0.13", "to be installed on: 10.0.0.12").Replace(late), "Beyond what was shown, kato names late-fix. "},
	} {
		_, v, err := drive(t, testCluster(), "patch install --node 10.0.0.12", before, before.with(kato{"core$ kato patch status": {tt.list, 0}}))
		if err != nil || v.Concern != (tt.beyond != "") || !strings.HasPrefix(v.Summary, tt.beyond+"1 patch installed") {
			t.Errorf("%s: %t: %s %v", name, v.Concern, v.Summary, err)
		}
	}
}
