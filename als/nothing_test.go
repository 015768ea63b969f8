package als_test

import (
	"strings"
	"testing"

	"alsbot/als"
)

// "Nothing to do" gives the true reason: every path to it has its sentence
// here. The paths of quotas, upgrades and retention are in the tests of these.
func TestNothingSaysWhy(t *testing.T) {
	t.Parallel()
	c10 := testCluster()
	c10.Generation, c10.Version = als.ALS10, "3.0"
	const get = "core$ kato config get cloud_controller_ng maintenance_mode"
	mode := func(on string) kato { return kato{get: {on + "\n", 0}} }
	stopped := kato{"core$ kato status": {strings.ReplaceAll(running, "dea RUNNING", "dea STOPPED"), 0}}
	partly := fresh().with(kato{"core$ kato patch status": {deaLeft, 0}, "core$ kato patch status --all": {deaLeft, 0}})
	byRole := fresh().with(kato{"core$ kato patch status": {listB, 0}, "core$ kato patch status --all": {listB, 0}})
	none := fresh().with(kato{"core$ kato patch status": {noPatches, 0}, "core$ kato patch status --all": {noPatches, 0}})
	for _, tt := range []struct {
		text   string
		c      als.Cluster
		before kato
		want   string // the whole line
	}{
		{"start dea", testCluster(), fresh(), "nothing: these roles run already: dea on 10.0.0.12, 10.0.0.13"},
		{"stop dea", testCluster(), stopped, "nothing: these roles are stopped already: dea on 10.0.0.12, 10.0.0.13"},
		{"maintenance on", testCluster(), mode("true"), "nothing: maintenance mode is on already"},
		{"maintenance off", testCluster(), mode("false"), "nothing: maintenance mode is off already"},
		{"patch install", testCluster(), patched(), "nothing: no patch is missing"},
		{"patch install --node 10.0.0.11", testCluster(), fresh(), "nothing: no patch is missing on 10.0.0.11; on other nodes 2 patches are: dea-memory, router-fix"},
		{"patch install dea-memory", testCluster(), patched(), "nothing: dea-memory is installed already"},
		{"patch install dea-memory --only-this-node", testCluster(), fresh(), "nothing: dea-memory is not meant for 10.0.0.10, which has none of its roles (dea); it is missing on 10.0.0.12, 10.0.0.13"},
		{"patch install dea-memory --node 10.0.0.12", testCluster(), partly, "nothing: dea-memory is installed on 10.0.0.12 already; it is missing on 10.0.0.13"},
		{"patch install dea-memory --node 10.0.0.12", testCluster(), patched(), "nothing: dea-memory is installed on 10.0.0.12 already"},
		{"patch install dea-memory --node 10.0.0.11", testCluster(), patched(), "nothing: dea-memory is not meant for 10.0.0.11, which has none of its roles (dea); it is missing nowhere"},
		{"patch install dea-memory --only-this-node", c10, byRole, "nothing: dea-memory is not meant for 10.0.0.10, which has none of its roles (dea); kato does not tell on which nodes it is missing"},
		{"patch revert", testCluster(), none, "nothing: no patch is installed"},
		{"patch revert --node 10.0.0.13", testCluster(), partly, "nothing: no patch is installed on 10.0.0.13; on other nodes 1 patch is: dea-memory"},
		{"patch revert router-fix", testCluster(), fresh(), "nothing: router-fix is not installed"},
		{"patch revert dea-memory --node 10.0.0.13", testCluster(), partly, "nothing: dea-memory is not installed on 10.0.0.13; it is installed on 10.0.0.12"},
		{"patch reset", testCluster(), none, "nothing: kato has no patch on record as installed"},
		{"patch reset --node 10.0.0.13", testCluster(), partly, "nothing: kato has no patch on record as installed on 10.0.0.13"},

		// These are no reasons for nothing.
		{"patch install dea-memory", testCluster(), none.with(kato{"core$ kato patch status --all": {deaLeft, 0}}), "stop: kato contradicts itself: one list has dea-memory as missing on 10.0.0.13, and the other does not. Look with `patch status --all @prod`."},
		{"patch install dea-memory", testCluster(), none.with(kato{"core$ kato patch status --all": {"", 1}}), "stop: the list of patches cannot be read: it has none of the shapes that kato is known to print; kato ended with status 1. "},
		{"patch install", testCluster(), none.with(kato{whereLine: {jsonOf(oneMissing), 0}}), "stop: kato contradicts itself: one list has dea-memory as missing on 10.0.0.13, and the other does not. Look with `patch status --all @prod`."},
		{"patch reinstall dea-memory --node 10.0.0.13", testCluster(), partly, "stop: dea-memory is not installed on 10.0.0.13; it is installed on 10.0.0.12, so it cannot be installed again. Type `patch install dea-memory @prod`."},
	} {
		got := planned(t, tt.c, tt.text, tt.before)
		if !strings.Contains(got, "\n"+tt.want+"\n") {
			t.Errorf("%s: want %q in:\n%s", tt.text, tt.want, got)
		}
	}
}

// Every operation that changes something states what proves that it worked.
func TestEveryChangeStatesItsProof(t *testing.T) {
	t.Parallel()
	for _, op := range als.Operations {
		if op.Builtin {
			continue
		}
		reads := op.Effect(als.Request{Operation: op.Name}) == als.Read
		if reads != (op.Proof == "") || !reads && !strings.HasSuffix(op.Proof, ".") {
			t.Errorf("%s: %q", op.Name, op.Proof)
		}
	}
}
