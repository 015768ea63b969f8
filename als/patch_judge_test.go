package als_test

import (
	"strings"
	"testing"

	"alsbot/als"
)

// The verdicts on patches where one list says less than another, and where
// other nodes than the one that was meant have the patch.
func TestPatchVerdictsBetweenLists(t *testing.T) {
	t.Parallel()
	const (
		onNode    = "core$ kato patch install --node 10.0.0.12 dea-memory"
		offNode   = "core$ kato patch revert --node 10.0.0.12 dea-memory"
		resetNode = "core$ kato patch reset --node 10.0.0.12"
		missing   = `[{"id":1,"name":"dea-memory","roles":["dea"],"installed_on":[],"to_be_installed_on":["10.0.0.12"]}]` + "\n"
		router    = "  1 update is available for 3.4.2.\n\n      router-fix: Fix the router\n          patch id: 2\n          roles affected: router\n          installed on: none\n          to be installed on: 10.0.0.10\n"
	)
	list := func(text string) kato { return kato{"core$ kato patch status": {text, 0}} }
	ended := func(command string) kato { return kato{historyLine: {history(command, "succeeded") + "\n", 0}} }
	before := fresh().with(kato{onNode: {}})
	installed := patched().with(kato{offNode: {}, resetNode: {}, "core$ kato patch revert dea-memory": {}})
	on13 := strings.NewReplacer("installed on: 10.0.0.12\n", "installed on: 10.0.0.13\n", "to be installed on: 10.0.0.13", "to be installed on: 10.0.0.12").Replace(deaLeft)
	for _, tt := range []struct {
		name, text    string
		before, after kato
		outcome       als.Outcome
		summary       string
		report        string
	}{
		{"only the list by node has it", "patch install dea-memory", before, patched().with(ended("kato patch install dea-memory")).with(kato{whereLine: {missing, 0}}), als.Failed, "dea-memory on 10.0.0.12; kato ended", ""},
		{"only the list by node has it, on the node", "patch install dea-memory --node 10.0.0.12", before, patched().with(ended("kato patch install --node 10.0.0.12 dea-memory")).with(kato{whereLine: {missing, 0}}), als.Failed, "dea-memory on 10.0.0.12; kato ended", ""},
		{"the list by node has it elsewhere", "patch install dea-memory --node 10.0.0.12", before, patched().with(ended("kato patch install --node 10.0.0.12 dea-memory")).with(kato{whereLine: {strings.ReplaceAll(missing, "0.12", "0.13"), 0}}), als.Succeeded, "1 patch installed, by a fresh list", "dea-memory  installed"},
		{"the list counts more than it has", "patch install dea-memory", before, patched().with(ended("kato patch install dea-memory")).with(list(strings.Replace(router, "1 update is", "80 updates are", 1))), als.Unconfirmed, "Not confirmed: afterwards kato counts 80 updates and lists 1.", ""},
		{"it always counted more", "patch install dea-memory", before.with(list(strings.Replace(clusterPatches, "2 updates", "80 updates", 1))), patched().with(ended("kato patch install dea-memory")).with(list(strings.Replace(router, "1 update is", "80 updates are", 1))), als.Succeeded, "1 patch installed", ""},
		{"kato fails, and the list cannot be read", "patch install dea-memory", before.with(kato{"core$ kato patch install dea-memory": {"boom\n", 1}}), list(""), als.Failed, "It cannot be confirmed that it worked: ", ""},
		{"it is listed, and missing nowhere", "patch install dea-memory", before, patched().with(ended("kato patch install dea-memory")).with(list(allInstalled)), als.Succeeded, "1 patch installed, by a fresh list", "dea-memory  installed"},
		{"missing on one node", "patch install dea-memory", before, list(deaLeft), als.Failed, "1 patch is still missing, by a fresh list: dea-memory on 10.0.0.13; kato", "dea-memory  still missing on 10.0.0.13"},
		{"missing on the other node", "patch install dea-memory --node 10.0.0.12", before, patched().with(ended("kato patch install --node 10.0.0.12 dea-memory")).with(list(deaLeft)), als.Succeeded, "1 patch installed", "dea-memory  installed"},
		{"missing on the node", "patch install dea-memory --node 10.0.0.12", before, list(on13), als.Failed, "still missing, by a fresh list: dea-memory; kato", "dea-memory  still missing on 10.0.0.12"},
		{"missing, and a role is down", "patch install dea-memory", before, list(deaLeft).with(status("dea", "FATAL")), als.Failed, "A role does not run: dea on 10.0.0.12 is FATAL.", ""},
		{"missing, and all roles run", "patch install dea-memory", before, list(deaLeft), als.Failed, "kato ended with status 0.", ""},
		{"missing, and the history calls it done", "patch install dea-memory", before, list(deaLeft).with(ended("kato patch install dea-memory")), als.Failed, "Its history says that it succeeded: perhaps only the record was lost", ""},
		{"taken out on the node", "patch revert dea-memory --node 10.0.0.12", installed, list(on13).with(ended("kato patch revert --node 10.0.0.12 dea-memory")), als.Succeeded, "1 patch taken out, by a fresh list", ""},
		{"taken out on the other node", "patch revert dea-memory --node 10.0.0.12", installed, list(deaLeft).with(ended("kato patch revert --node 10.0.0.12 dea-memory")), als.Failed, "1 patch is still installed", ""},
		{"taken out on one of two", "patch revert dea-memory", installed, list(deaLeft).with(ended("kato patch revert dea-memory")), als.Failed, "1 patch is still installed", ""},
		{"forgotten on the node", "patch reset --node 10.0.0.12", installed, list(on13), als.Succeeded, "The record of installed patches is gone", ""},
		{"forgotten on the other node", "patch reset --node 10.0.0.12", installed, list(deaLeft), als.Failed, "kato still has on record: dea-memory", ""},
		{"forgotten on one of two", "patch reset", installed.with(kato{"core$ kato patch reset": {}}), list(deaLeft), als.Failed, "kato still has on record: dea-memory", ""},
	} {
		_, v, err := drive(t, testCluster(), tt.text, tt.before, tt.before.with(tt.after))
		if err != nil || v.Outcome != tt.outcome || v.Concern || strings.Contains(v.Summary, "Beyond") || !strings.Contains(v.Summary, tt.summary) || !strings.Contains(v.Report, tt.report) {
			t.Errorf("%s: %s: %s %v\n%s", tt.name, v.Outcome, v.Summary, err, v.Report)
		}
	}
}
