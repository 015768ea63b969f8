package als_test

import (
	"strings"
	"testing"

	"alsbot/als"
)

// Verdicts on start, stop and restart in full: which roles did it and which
// did not.
func TestTurnVerdictsNameWhatRuns(t *testing.T) {
	t.Parallel()
	const on12, on13 = "core$ kato stop dea --node 10.0.0.12", "core$ kato stop dea --node 10.0.0.13"
	all := kato{"core$ kato status": {running, 0}, historyLine: {started, 0}, on12: {}, on13: {}, "core$ kato start": {}, "core$ kato start --node 10.0.0.11": {},
		"core$ kato start dea --node 10.0.0.12": {}, "core$ kato start dea --node 10.0.0.13": {}, "core$ kato restart dea --node 10.0.0.12": {}, "core$ kato restart dea --node 10.0.0.13": {}}
	boom := answer{"boom\n", 1}
	roles := func(pairs ...string) kato {
		return kato{"core$ kato status": {strings.NewReplacer(pairs...).Replace(running), 0}}
	}
	downAll := roles("dea RUNNING", "dea STOPPED")
	for _, tt := range []struct {
		name, text    string
		before, after kato
		outcome       als.Outcome
		summary       string // all of it
	}{
		{"stop, the first fails, unseen", "stop dea", all.with(kato{on12: boom}), kato{"core$ kato status": {"", 1}}, als.Failed,
			"It cannot be confirmed that the roles stopped: reading the status of the roles: it names no role in any shape that kato is known to print; kato ended with status 1. " +
				"Stop roles on 10.0.0.12 on the core ended with status 1; its last line was: boom. Without a complaint, but unconfirmed: 10.0.0.13."},
		{"stop, all fails, unseen", "stop dea --node 10.0.0.12", all.with(kato{on12: boom}), kato{"core$ kato status": {"", 1}}, als.Failed,
			"It cannot be confirmed that the roles stopped: reading the status of the roles: it names no role in any shape that kato is known to print; kato ended with status 1. Stop roles on 10.0.0.12 on the core ended with status 1; its last line was: boom."},
		{"stop, both nodes are silent", "stop dea", all, roles("dea RUNNING", "dea UNREACHABLE"), als.Unconfirmed, "It cannot be seen whether all has stopped: dea on 10.0.0.12 is UNREACHABLE, dea on 10.0.0.13 is UNREACHABLE."},
		{"stop, it fails, and the nodes are silent", "stop dea", all.with(kato{on12: boom}), roles("dea RUNNING", "dea UNREACHABLE"), als.Failed,
			"It cannot be seen whether all has stopped: dea on 10.0.0.12 is UNREACHABLE, dea on 10.0.0.13 is UNREACHABLE. Stop roles on 10.0.0.12 on the core ended with status 1; its last line was: boom."},
		{"stop, it fails, and nothing has stopped", "stop dea --node 10.0.0.12", all.with(kato{on12: boom}), nil, als.Failed, "Not stopped: dea on 10.0.0.12 is RUNNING. Stop roles on 10.0.0.12 on the core ended with status 1; its last line was: boom."},
		{"stop, it fails, and all has stopped", "stop dea --node 10.0.0.12", all.with(kato{on12: boom}), downAll, als.Succeeded, "Stopped: dea on 10.0.0.12. Stop roles on 10.0.0.12 on the core ended with status 1; its last line was: boom."},
		{"start, one of two", "start dea", all.with(downAll), roles("10.0.0.13\n  base RUNNING\n  dea RUNNING", "10.0.0.13\n  base RUNNING\n  dea FATAL"), als.Failed, "A role does not run: dea on 10.0.0.13 is FATAL. Running: dea on 10.0.0.12."},
		{"start, none of two", "start dea", all.with(downAll), downAll, als.Failed, "A role does not run: dea on 10.0.0.12 is STOPPED, dea on 10.0.0.13 is STOPPED."},
		{"start, four of five", "start --node 10.0.0.11", all.with(roles("10.0.0.11\n  base RUNNING\n  filesystem RUNNING\n  mysql RUNNING\n  postgresql RUNNING\n  redis RUNNING", "10.0.0.11\n  base STOPPED\n  filesystem STOPPED\n  mysql STOPPED\n  postgresql STOPPED\n  redis STOPPED")), roles("redis RUNNING", "redis FATAL"),
			als.Failed, "A role does not run: redis on 10.0.0.11 is FATAL. Running: base on 10.0.0.11; filesystem on 10.0.0.11; mysql on 10.0.0.11; postgresql on 10.0.0.11."},
		{"start, all but one", "start", all.with(kato{"core$ kato status": {strings.ReplaceAll(running, "RUNNING", "STOPPED"), 0}, "core$ kato start --node 10.0.0.12": {}, "core$ kato start --node 10.0.0.13": {}}), roles("redis RUNNING", "redis FATAL"),
			als.Failed, "A role does not run: redis on 10.0.0.11 is FATAL. The other 12 roles run."},
		{"start, it fails, and all runs", "start dea --node 10.0.0.12", all.with(downAll).with(kato{"core$ kato start dea --node 10.0.0.12": boom}), roles(), als.Succeeded, "The role runs. Yet start roles on 10.0.0.12 on the core ended with status 1; its last line was: boom."},
		{"restart, half a lie", "restart dea", all, kato{historyLine: {history("kato restart dea --node 10.0.0.12", "succeeded"), 0}}, als.Failed,
			"It cannot be confirmed that the roles were restarted: kato's history has 1 of 2 such commands since the run began. Restarted, by kato's history: 10.0.0.12. On 10.0.0.13 the role runs, perhaps since before."},
	} {
		_, v, err := drive(t, testCluster(), tt.text, tt.before, all.with(tt.after))
		if err != nil || v.Outcome != tt.outcome || v.Summary != tt.summary {
			t.Errorf("%s: %s: %s %v", tt.name, v.Outcome, v.Summary, err)
		}
	}
}

// kato's status is held against its list of nodes, also where there is only
// one node, which kato may not name.
func TestStatusIsHeldAgainstTheNodes(t *testing.T) {
	t.Parallel()
	const one, two = "10.0.0.10 base router\n", "10.0.0.10 base router\n10.0.0.11 base\n"
	const unnamed, named, both = "  base RUNNING\n  router RUNNING\n", "Node 10.0.0.10\n  base RUNNING\n  router RUNNING\n", "Node 10.0.0.10\n  base RUNNING\n  router RUNNING\nNode 10.0.0.11\n  base RUNNING\n"
	for _, tt := range []struct {
		name, nodes, status string
		outcome             als.Outcome
		concern             bool
		summary             string
	}{
		{"the only node", one, named, als.Succeeded, false, "All 2 roles on 1 node run."},
		{"the only node, unnamed", one, unnamed, als.Succeeded, false, "All 2 roles on 1 node run."},
		{"the only node lacks a role", one, "Node 10.0.0.10\n  base RUNNING\n", als.Failed, false, "kato's list of nodes has roles of which its status tells nothing: router on 10.0.0.10"},
		{"a node more than is listed", one, both, als.Succeeded, true, "In the status and not in kato's list of nodes: 10.0.0.11."},
		{"a node more than two", two, both + "Node 10.0.0.12\n  base RUNNING\n", als.Succeeded, true, "In the status and not in kato's list of nodes: 10.0.0.12."},
		{"a node less", two, named, als.Failed, false, "ato tells nothing of 1 of 2 nodes: 10.0.0.11"},
		{"both nodes", two, both, als.Succeeded, false, "All 3 roles on 2 nodes run."},
		{"no list of nodes", "", both, als.Failed, false, "hether these are all nodes cannot be seen"},
	} {
		_, v := tell(t, testCluster(), "status", said{"nodes": out(tt.nodes), "roles": out(tt.status)})
		if v.Outcome != tt.outcome || v.Concern != tt.concern || !strings.Contains(v.Summary, tt.summary) {
			t.Errorf("%s: %s, %t: %s", tt.name, v.Outcome, v.Concern, v.Summary)
		}
	}
	op, _ := als.Operations.Find("status")
	old := als.Plan{Steps: []als.Step{{Key: "roles"}}} // a plan of before the list of nodes was asked for
	v := op.Judge(als.Request{Operation: "status"}, testCluster(), old, als.Results{{Key: "roles", Output: []byte(both)}})
	if v.Outcome != als.Succeeded || v.Concern {
		t.Errorf("a plan without the list of nodes: %s: %s", v.Outcome, v.Summary)
	}
}

// What has fallen since a run is told, unless the run was to stop it.
func TestFallen(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text, status, want string
		exit               int
	}{
		{"restart dea", running, "", 0},
		{"restart dea", strings.Replace(running, "dea RUNNING", "dea FATAL", 1), "dea on 10.0.0.12 is FATAL", 0},
		{"restart dea", strings.Replace(running, "dea RUNNING", "dea STARTING", 1), "", 0},
		{"restart dea", strings.Replace(running, "router RUNNING", "router FATAL", 1), "", 0},
		{"restart dea", strings.Replace(running, "dea RUNNING", "dea FATAL", 1), "", 1},
		{"stop dea", strings.Replace(running, "dea RUNNING", "dea STOPPED", 1), "", 0},
	} {
		d, err := begin(t, testCluster(), tt.text, kato{"core$ kato status": {running, 0}, historyLine: {started, 0}, "core$ kato restart dea --node 10.0.0.12": {}, "core$ kato restart dea --node 10.0.0.13": {},
			"core$ kato stop dea --node 10.0.0.12": {}, "core$ kato stop dea --node 10.0.0.13": {}})
		must(t, err)
		if got := als.Fallen(d.plan, als.Results{{Key: "roles", Exit: tt.exit, Output: []byte(tt.status)}}); got != tt.want {
			t.Errorf("%s: %q, not %q", tt.text, got, tt.want)
		}
	}
}

// The steps that set maintenance mode are known by their keys.
func TestSetsMaintenance(t *testing.T) {
	t.Parallel()
	for key, want := range map[string][2]bool{"maintenance-on": {true, true}, "maintenance-off": {false, true}, "maintenance": {false, false}} {
		if on, ok := als.SetsMaintenance(als.Step{Key: key}); on != want[0] || ok != want[1] {
			t.Errorf("%s: %t, %t", key, on, ok)
		}
	}
}
