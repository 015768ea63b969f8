package als_test

import (
	"strings"
	"testing"

	"alsbot/als"
)

// A single node. Some versions list patches only for the whole cluster.

// listB is clusterPatches in the form that names no nodes.
const listB = "2 updates available to be installed.\n\nKnown updates:\n  dea-memory: Fix the memory report\n    severity: required\n    roles affected: dea\n\n" +
	"  router-fix: Fix the router\n    severity: required\n    roles affected: router\n"

const deaListed = "1 update available to be installed.\n\nKnown updates:\n  dea-memory: Fix the memory report\n    severity: required\n    roles affected: dea\n"

func jsonOf(dea string) string {
	return `-----> Updating patch manifest
[{"id":1,"name":"dea-memory","description":"x","severity":"required","roles":["dea"],` + dea + `},
{"id":2,"name":"router-fix","description":"x","severity":"required","roles":["router"],"installed_on":[],"to_be_installed_on":["10.0.0.10"]}]
`
}

const (
	bothMissing = `"installed_on":[],"to_be_installed_on":["10.0.0.12","10.0.0.13"]`
	oneMissing  = `"installed_on":["10.0.0.12"],"to_be_installed_on":["10.0.0.13"]`
)

func history(command, status string) string {
	return strings.TrimSuffix(started, "]") + `,{"time":"2026-11-23T04:00:00Z","command":"` + command + `","status":"` + status + `"}]`
}

func TestPatchOneNode(t *testing.T) {
	c13, c10 := testCluster(), testCluster()
	c13.Generation, c13.Version = als.ALS13, "1.3"
	c10.Generation, c10.Version = als.ALS10, "1.0"
	const here = "10.0.0.12$ kato patch install --only-this-node"
	before13 := kato{"core$ kato patch status": {listB, 0}, "core$ kato status": {running, 0}, whereLine: {jsonOf(bothMissing), 0}, historyLine: {started, 0},
		"core$ kato patch install --node 10.0.0.12": {"", 0}, "core$ kato patch install": {"", 0}, "core$ kato patch install --node 10.0.0.12 --no-restart": {"", 0},
		"core$ kato patch install --no-restart --node 10.0.0.12": {"", 0}}
	after13 := kato{"core$ kato patch status": {listB, 0}, "core$ kato status": {running, 0}, whereLine: {jsonOf(oneMissing), 0}, historyLine: {history("kato patch install", "succeeded"), 0}}
	before10 := kato{"10.0.0.12$ kato patch status": {listB, 0}, "core$ kato patch status": {listB, 0}, "core$ kato patch status --all": {listB, 0}, "core$ kato status": {running, 0}, "core$ kato history --json": {started, 0},
		here: {"", 0}, "core$ kato patch install --only-this-node": {"", 0}}
	after10 := func(list, history string) kato {
		return kato{"10.0.0.12$ kato patch status": {list, 0}, "core$ kato patch status": {list, 0}, "core$ kato status": {running, 0}, "core$ kato history --json": {history, 0}}
	}
	of := func(node string) string {
		return strings.Replace(history("kato patch install --only-this-node", "succeeded"), `"command":"kato patch`, `"node":"`+node+`","command":"kato patch`, 1)
	}
	for _, tt := range []struct {
		name, text    string
		c             als.Cluster
		before, after kato
		outcome       als.Outcome
		patches       string // the fact
		summary, next string
	}{
		{"by the JSON", "patch install --node 10.0.0.12", c13, before13, after13, als.Succeeded, "dea-memory", "1 patch installed, by a fresh list; the affected role runs.", ""},
		{"by the JSON, a lie", "patch install --node 10.0.0.12", c13, before13, before13, als.Failed, "dea-memory", "1 patch is still missing, by a fresh list: dea-memory", ""},
		{"all nodes, one left", "patch install", c13, before13, after13, als.Failed, "dea-memory, router-fix", "dea-memory on 10.0.0.13", ""},
		{"the JSON is broken", "patch install --node 10.0.0.12", c13, before13.with(kato{whereLine: {"/s/x.rb:1:in `status'\n", 1}}), after13.with(kato{whereLine: {"[{", 1}, historyLine: {started, 0}}), als.Failed, "dea-memory", "It cannot be confirmed that 10.0.0.12 has dea-memory", "patch status"},
		{"the JSON is broken, the history tells", "patch install --node 10.0.0.12", c13, before13.with(kato{whereLine: {"", 1}}), after13.with(kato{whereLine: {"", 1}}), als.Succeeded, "dea-memory", "by kato's history (its list counts the whole cluster", ""},
		{"no restart on one of two", "patch install --node 10.0.0.12 --no-restart", c13, before13, after13, als.Succeeded, "dea-memory", "no role was restarted", "`restart dea --node 10.0.0.12 @prod`"},
		{"als10, by the history", "patch install --only-this-node --node 10.0.0.12", c10, before10, after10(deaListed, history("kato patch install --only-this-node", "succeeded")), als.Succeeded, "dea-memory", "by kato's history (its list counts the whole cluster, which still lacks dea-memory); the affected role runs.", ""},
		{"als10, a lie", "patch install --only-this-node --node 10.0.0.12", c10, before10, after10(deaListed, started), als.Failed, "dea-memory", "It cannot be confirmed that 10.0.0.12 has dea-memory: this kato's list counts the whole cluster, and its history has no such command", ""},
		{"als10, by the history of the node", "patch install --only-this-node --node 10.0.0.12", c10, before10, after10(deaListed, of("10.0.0.12")), als.Succeeded, "dea-memory", "by kato's history", ""},
		{"als10, by the history of another node", "patch install --only-this-node --node 10.0.0.12", c10, before10, after10(deaListed, of("10.0.0.13")), als.Failed, "dea-memory", "its history has no such command", ""},
		{"als10, by the history of the core", "patch install --only-this-node --node 10.0.0.12", c10, before10, after10(deaListed, of("10.0.0.10")), als.Failed, "dea-memory", "its history has no such command", ""},
		{"als10, it failed", "patch install --only-this-node --node 10.0.0.12", c10, before10, after10(deaListed, history("kato patch install --only-this-node", "failed")), als.Failed, "dea-memory", "says that it failed", ""},
		{"als10, no history", "patch install --only-this-node --node 10.0.0.12", c10, before10, after10(deaListed, "none\n"), als.Unconfirmed, "dea-memory", "its history cannot be read", ""},
		{"als10, the last node that lacked it", "patch install --only-this-node --node 10.0.0.12", c10, before10, after10(noPatches, started), als.Unconfirmed, "dea-memory", "by a fresh list", ""},
		{"als10, a role that one node has", "patch install --only-this-node", c10, before10, after10(deaListed, started), als.Unconfirmed, "router-fix", "1 patch installed, by a fresh list", ""},
		{"als10, a role that one node has, a lie", "patch install --only-this-node", c10, before10, after10(listB, started), als.Failed, "router-fix", "1 patch is still missing, by a fresh list: router-fix", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			plan, v, err := drive(t, tt.c, tt.text, tt.before, tt.after)
			if err != nil {
				t.Fatal(err)
			}
			if v.Outcome != tt.outcome || !strings.Contains(v.Summary, tt.summary) || !strings.Contains(v.Next.Text, tt.next) || len(plan.Facts) == 0 || plan.Facts[0].Value != tt.patches {
				t.Errorf("got %s: %s\nnext: %s\nfacts: %v\n%s", v.Outcome, v.Summary, v.Next.Text, plan.Facts, v.Report)
			}
		})
	}
}
