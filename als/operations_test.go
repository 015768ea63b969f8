package als_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"alsbot/als"
)

// answer is what a fake kato prints, and its exit status.
type answer struct {
	out  string
	exit int
}

// kato answers by command line, and fails the test on a command that it does
// not know. A list of processes that it does not know has no kato in it.
type kato map[string]answer

func (k kato) run(t *testing.T, s als.Step) als.Result {
	t.Helper()
	line := s.Node + "$ " + strings.Join(s.Command(), " ")
	a, ok := k[line]
	switch {
	case ok:
	case strings.HasSuffix(line, psWords):
		a, ok = answer{out: idle}, true
	case strings.HasSuffix(line, "$ date -u +%Y-%m-%dT%H:%M:%SZ"):
		a, ok = answer{out: "2026-11-23T03:30:00Z\n"}, true
	case line == "core$ kato node list":
		a, ok = answer{out: nodeList}, true
	}
	if !ok {
		t.Errorf("unexpected command in %q: %s", s.Name, line)
	}
	return als.Result{Key: s.Key, Step: s.Name, Node: s.Node, Exit: a.exit, Output: []byte(a.out)}
}

// with returns a kato with some other answers.
func (k kato) with(other kato) kato {
	out := kato{}
	for line, a := range k {
		out[line] = a
	}
	for line, a := range other {
		out[line] = a
	}
	return out
}

// drive runs a command from its words to its verdict. before answers the
// checks and the steps, after answers the verification.
func drive(t *testing.T, c als.Cluster, text string, before, after kato) (als.Plan, als.Verdict, error) {
	t.Helper()
	d, err := begin(t, c, text, before)
	if err != nil || !d.ran {
		return d.plan, als.Verdict{}, err
	}
	return d.plan, d.judge(t, after), nil
}

// driven is a command whose steps, if it has any, were run.
type driven struct {
	op   als.Operation
	req  als.Request
	c    als.Cluster
	plan als.Plan
	rs   als.Results
	ran  bool // false if the plan is stopped or there is nothing to do
}

// begin runs a command from its words to the end of its steps.
func begin(t *testing.T, c als.Cluster, text string, answers kato) (driven, error) {
	t.Helper()
	req, err := als.Parse(text, als.Operations)
	if err != nil {
		t.Fatal(err)
	}
	op, _ := als.Operations.Find(req.Operation)
	var rs als.Results
	if op.Checks != nil {
		steps, err := op.Checks(req, c)
		if err != nil {
			return driven{}, err
		}
		for _, s := range steps {
			rs = append(rs, answers.run(t, s))
		}
	}
	plan, err := op.Plan(req, c, rs)
	if err != nil {
		return driven{}, err
	}
	if _, stopped := plan.Stopped(); stopped || plan.Nothing != "" {
		if len(plan.Steps) > 0 {
			t.Errorf("%s: stopped or nothing to do, with steps: %v", text, plan.Steps)
		}
		return driven{plan: plan}, nil
	}
	failed := false
	for _, s := range plan.Steps {
		if failed && !s.Always {
			continue
		}
		r := answers.run(t, s)
		rs = append(rs, r)
		failed = failed || !r.OK() && !s.Tolerate
	}
	return driven{op, req, c, plan, rs, true}, nil
}

// judge verifies what the steps did.
func (d driven) judge(t *testing.T, after kato) als.Verdict {
	t.Helper()
	rs := slices.Clone(d.rs)
	for _, s := range d.plan.Verify {
		rs = append(rs, after.run(t, s))
	}
	v := d.op.Judge(d.req, d.c, d.plan, rs)
	checkOffers(t, v)
	return v
}

// checkOffers fails unless every command that a verdict offers can be
// requested as it is, is named in Next, and destroys nothing.
func checkOffers(t *testing.T, v als.Verdict) {
	t.Helper()
	checkAdvice(t, v.Next)
	if len(v.Next.Offers) > als.MaxOffers {
		t.Errorf("%d offers: %q", len(v.Next.Offers), v.Next.Offers)
	}
	for _, command := range v.Next.Offers {
		req, err := als.Parse(command, als.Operations)
		if err != nil {
			t.Errorf("%q is offered: %v", command, err)
			continue
		}
		op, _ := als.Operations.Find(req.Operation)
		if req.Cluster == "" || op.Effect(req) == als.Destroy {
			t.Errorf("%q is offered; next: %s", command, v.Next.Text)
		}
	}
}

// running is the status of testCluster with all roles running.
const running = "Node 10.0.0.10\n  base RUNNING\n  controller RUNNING\n  primary RUNNING\n  router RUNNING\n" +
	"Node 10.0.0.11\n  base RUNNING\n  filesystem RUNNING\n  mysql RUNNING\n  postgresql RUNNING\n  redis RUNNING\n" +
	"Node 10.0.0.12\n  base RUNNING\n  dea RUNNING\nNode 10.0.0.13\n  base RUNNING\n  dea RUNNING\n"

// nodeList is the list of nodes of testCluster.
const nodeList = "10.0.0.10 base controller primary router\n10.0.0.11 base filesystem mysql postgresql redis\n10.0.0.12 base dea\n10.0.0.13 base dea\n"

// psWords is the probe of kato's processes, and exporting is a job that alsbot
// did not start.
const (
	psWords   = "$ ps -e -ww -o pid= -o args="
	exporting = " 4712 ruby /home/helion/bin/kato data export --cluster /mnt/x.tgz\n"
)

const noPatches = "No updates available to be installed.\n"

const clusterPatches = "  2 updates are available for 3.4.2.\n\n" +
	"      dea-memory: Fix the memory report\n          patch id: 1\n          roles affected: dea\n          installed on: none\n          to be installed on: 10.0.0.12, 10.0.0.13\n\n" +
	"      router-fix: Fix the router\n          patch id: 2\n          roles affected: router\n          installed on: none\n          to be installed on: 10.0.0.10\n"

const deaLeft = "  1 update is available for 3.4.2.\n\n" +
	"      dea-memory: Fix the memory report\n          patch id: 1\n          roles affected: dea\n          installed on: 10.0.0.12\n          to be installed on: 10.0.0.13\n"

const allInstalled = "  0 updates are available for 3.4.2.\n\n" +
	"      dea-memory: Fix the memory report\n          patch id: 1\n          roles affected: dea\n          installed on: 10.0.0.12, 10.0.0.13\n          to be installed on: none\n"

const whereLine = "core$ kato patch status --all --json --quiet"

const historyLine = "core$ kato history --json"

func fresh() kato {
	return kato{
		"core$ kato patch status":               {clusterPatches, 0},
		"core$ kato patch status --all":         {clusterPatches, 0},
		whereLine:                               {"[]", 0},
		historyLine:                             {started, 0},
		"core$ kato status":                     {running, 0},
		"core$ kato patch install":              {"-----> Installing\n", 0},
		"core$ kato patch install --no-restart": {"-----> Installing\n", 0},
		"core$ kato patch install dea-memory":   {"-----> Installing\n", 0},
	}
}

func patched() kato {
	return kato{"core$ kato patch status": {noPatches, 0}, "core$ kato status": {running, 0}, "core$ kato patch status --all": {allInstalled, 0}, whereLine: {"[]", 0},
		historyLine: {history("kato patch install", "succeeded"), 0}}
}

func status(role string, c als.Condition) kato {
	return kato{"core$ kato status": {strings.Replace(running, role+" RUNNING", role+" "+string(c), 1), 0}}
}

func TestPatchInstall(t *testing.T) {
	for _, tt := range []struct {
		name, text    string
		before, after kato
		outcome       als.Outcome
		summary, next string
	}{
		{"installed", "patch install", fresh(), patched(), als.Succeeded, "2 patches installed, by a fresh list; all 3 affected roles run.", ""},
		{"one of two", "patch install dea-memory", fresh(), patched(), als.Succeeded, "1 patch installed, by a fresh list; all 2 affected roles run.", ""},
		{"no restart", "patch install --no-restart", fresh(), patched(), als.Succeeded, "no role was restarted.", "restart dea router @prod"},
		{"kato lies", "patch install", fresh(), fresh(), als.Failed, "2 patches are still missing, by a fresh list: dea-memory on 10.0.0.12, 10.0.0.13, router-fix on 10.0.0.10; kato ended with status 0.", "patch install @prod"},
		{"one node left", "patch install", fresh(), patched().with(kato{"core$ kato patch status": {deaLeft, 0}}), als.Failed, "dea-memory on 10.0.0.13", "--only-this-node --node IP"},
		{"kato fails behind the list", "patch install", fresh().with(kato{"core$ kato patch install": {"boom\n", 1}}), patched(), als.Failed, "2 patches installed, by a fresh list, but it cannot be confirmed that the affected roles were restarted: kato ended with status 1", "restart dea router @prod"},
		{"kato fails, no role to restart", "patch install --no-restart", fresh().with(kato{"core$ kato patch install --no-restart": {"boom\n", 1}}), patched(), als.Succeeded, "Yet kato ended with status 1", ""},
		{"a prompt behind the list", "patch install", fresh().with(kato{"core$ kato patch install": {"[sudo] password for helion: ", 0}}), patched(), als.Failed, "restarted: it asked a person", "restart dea router @prod"},
		{"the history says otherwise", "patch install", fresh(), patched().with(kato{historyLine: {history("kato patch install", "failed"), 0}}), als.Failed, "restarted: kato's history says that it failed", "restart dea router @prod"},
		{"the history misses it", "patch install", fresh(), patched().with(kato{historyLine: {started, 0}}), als.Unconfirmed, "That they were restarted is unconfirmed: kato's history has no such command", "restart dea router @prod"},
		{"no history", "patch install", fresh(), patched().with(kato{historyLine: {"Usage: kato", 1}}), als.Unconfirmed, "That they were restarted is unconfirmed: kato's history cannot be read", "restart dea router @prod"},
		{"a role is starting", "patch install", fresh(), patched().with(status("dea", "STARTING")), als.Waiting, "dea on 10.0.0.12 is STARTING", ""},
		{"a role is down", "patch install", fresh(), patched().with(status("dea", "FATAL")), als.Failed, "dea on 10.0.0.12 is FATAL", "start dea --node 10.0.0.12 @prod"},
		{"a role is stopped", "patch install", fresh(), patched().with(status("router", "STOPPED")), als.Failed, "router on 10.0.0.10 is STOPPED", "start router --node 10.0.0.10"},
		{"a role is unknown", "patch install", fresh(), patched().with(status("router", "WOBBLY")), als.Unconfirmed, `alsbot cannot read "router WOBBLY"`, ""},
		{"a prompt", "patch install", fresh().with(kato{"core$ kato patch install": {"helion@10.0.0.12's password: ", 255}}), fresh(), als.Failed, "it asked a person and got no answer", "passwordless SSH"},
		{"no kato", "patch install", fresh().with(kato{"core$ kato patch install": {"-bash: kato: command not found", 127}}), fresh(), als.Failed, "kato was not found", "clusters[].kato"},
		{"unreadable afterwards", "patch install", fresh(), kato{"core$ kato patch status": {"", 0}, "core$ kato status": {running, 0}, whereLine: {"", 0}, historyLine: {started, 0}}, als.Unconfirmed, "cannot be confirmed", "patch status @prod"},
		{"status unreadable afterwards", "patch install", fresh(), patched().with(kato{"core$ kato status": {"/s/x.rb:1:in `x'\n", 1}}), als.Unconfirmed, "cannot be confirmed", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			plan, v, err := drive(t, testCluster(), tt.text, tt.before, tt.after)
			if err != nil {
				t.Fatal(err)
			}
			if v.Outcome != tt.outcome || !strings.Contains(v.Summary, tt.summary) || !strings.Contains(v.Next.Text, tt.next) {
				t.Errorf("got %s: %s\nnext: %s\nreport:\n%s", v.Outcome, v.Summary, v.Next.Text, v.Report)
			}
			if plan.Patience != 2*time.Minute || len(plan.Verify) != 4 {
				t.Errorf("patience %s, verify %v", plan.Patience, plan.Verify)
			}
		})
	}
}

func TestPatchPlans(t *testing.T) {
	c10 := testCluster()
	c10.Generation, c10.Version = als.ALS10, "3.0"
	busy := kato{"core" + psWords: {exporting, 0}}
	for _, tt := range []struct {
		name, text string
		c          als.Cluster
		before     kato
		want       string // in the digest's facts, the steps, the findings or the refusal
	}{
		{"facts", "patch install", testCluster(), fresh(), "roles that restart=dea on 10.0.0.12, 10.0.0.13; router on 10.0.0.10"},
		{"effect", "patch install --no-restart", testCluster(), fresh(), "effect change"},
		{"one node", "patch install --node 10.0.0.13", testCluster(), fresh(), "core$ kato patch install --node 10.0.0.13"},
		{"one node's roles", "patch install --node 10.0.0.13", testCluster(), fresh(), "roles that restart=dea on 10.0.0.13"},
		{"local", "patch install --only-this-node", testCluster(), fresh(), "core$ kato patch install --local"},
		{"local, als10", "patch install --only-this-node", c10, fresh(), "core$ kato patch install --only-this-node"},
		{"on a node, als10", "patch install --only-this-node --node 10.0.0.12", c10, fresh().with(kato{"10.0.0.12$ kato patch status": {clusterPatches, 0}}), "10.0.0.12$ kato patch install --only-this-node"},
		{"node, als10", "patch install --node 10.0.0.12", c10, fresh(), "kato 3.0 (als10) has no --node for patches. Add --only-this-node"},
		{"revert, als10", "patch revert dea-memory", c10, fresh(), "kato 3.0 (als10) has no patch revert"},
		{"no such node", "patch install --node 10.9.9.9", testCluster(), fresh(), "no node 10.9.9.9. Its nodes are 10.0.0.10"},
		{"nothing", "patch install", testCluster(), fresh().with(patched()), "nothing: no patch is missing"},
		{"nothing on the node", "patch install --node 10.0.0.11", testCluster(), fresh(), "nothing: no patch is missing on 10.0.0.11"},
		{"installed already", "patch install dea-memory", testCluster(), patched(), "nothing: dea-memory is installed already"},
		{"unknown", "patch install dea-memry", testCluster(), fresh(), "stop: there is no patch dea-memry. Did you mean dea-memory? kato lists: dea-memory, router-fix."},
		{"count", "patch install", testCluster(), fresh().with(kato{"core$ kato patch status": {strings.Replace(clusterPatches, "2 updates", "80 updates", 1), 0}}), "warn: kato counts 80 updates and lists 2"},
		{"unreadable", "patch install", testCluster(), fresh().with(kato{"core$ kato patch status": {"", 0}}), "stop: the list of patches cannot be read"},
		{"not found", "patch install", testCluster(), fresh().with(kato{"core$ kato patch status": {"", 127}}), "stop: kato not found on the core"},
		{"status unreadable", "patch install", testCluster(), fresh().with(kato{"core$ kato status": {"", 0}}), "warn: reading the status"},
		{"status unreadable, what follows", "patch install", testCluster(), fresh().with(kato{"core$ kato status": {"", 0}}), "warn: afterwards it cannot be seen whether the roles run. Try `processes @prod`."},
		{"roles matter to no record", "patch reset", testCluster(), kato{"core$ kato patch status": {noPatches, 0}, "core$ kato patch status --all": {allInstalled, 0}, whereLine: {"[]", 0}, historyLine: {started, 0}}, "effect destroy"},
		{"down before", "patch install", testCluster(), fresh().with(status("dea", "FATAL")), "warn: not all roles run, dea on 10.0.0.12 is FATAL: kato passes over what does not run, or breaks off at it. Start what is to run: `start ROLE --node IP @prod`."},
		{"somebody else's job", "patch install", testCluster(), fresh().with(busy), "stop: `kato data export` runs on the core already, as process 4712: kato has no lock"},
		{"it matters to no patch", "patch install", testCluster(), fresh().with(patched()).with(busy), "nothing: no patch is missing"},
		{"somebody else's job, and no list of processes", "patch install", testCluster(), fresh().with(kato{"core" + psWords: {"sh: ps: not found", 127}}), "warn: it cannot be seen whether kato is doing something else on the core"},
		{"somebody else's job, update", "patch update", testCluster(), fresh().with(busy), "stop: `kato data export` runs on the core"},
		{"somebody else's job, reset", "patch reset", testCluster(), patched().with(busy), "stop: `kato data export` runs on the core"},
		{"somebody else's job, on the node that patches itself", "patch install --only-this-node --node 10.0.0.12", c10,
			fresh().with(kato{"10.0.0.12$ kato patch status": {clusterPatches, 0}, "10.0.0.12" + psWords: {exporting, 0}}), "stop: `kato data export` runs on 10.0.0.12"},
		{"reinstall", "patch reinstall dea-memory", testCluster(), patched(), "core$ kato patch reinstall dea-memory"},
		{"reinstall what is not there", "patch reinstall router-fix", testCluster(), fresh(), "stop: router-fix is not installed"},
		{"revert", "patch revert", testCluster(), patched(), "patches=dea-memory"},
		{"revert nothing", "patch revert", testCluster(), fresh(), "nothing: no patch is installed"},
		{"reset", "patch reset", testCluster(), patched(), "effect destroy"},
		{"reset nothing", "patch reset", testCluster(), fresh(), "nothing: kato has no patch on record"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := planned(t, tt.c, tt.text, tt.before); !strings.Contains(got, tt.want) {
				t.Errorf("want %q in:\n%s", tt.want, got)
			}
		})
	}
}

// planned returns all that a plan says, as text.
func planned(t *testing.T, c als.Cluster, text string, before kato) string {
	t.Helper()
	req, err := als.Parse(text, als.Operations)
	if err != nil {
		t.Fatal(err)
	}
	op, _ := als.Operations.Find(req.Operation)
	var rs als.Results
	if op.Checks != nil {
		steps, err := op.Checks(req, c)
		if err != nil {
			return err.Error()
		}
		for _, s := range steps {
			rs = append(rs, before.run(t, s))
		}
	}
	plan, err := op.Plan(req, c, rs)
	if err != nil {
		return err.Error()
	}
	again, err := op.Plan(req, c, rs)
	if err != nil || again.Digest() != plan.Digest() {
		t.Errorf("planned again, the digest is another one: %v", err)
	}
	var b strings.Builder
	b.WriteString("effect " + string(plan.Effect) + "\n")
	if plan.Effect != op.Effect(req) {
		t.Errorf("the plan's effect is %s, the operation's %s", plan.Effect, op.Effect(req))
	}
	for _, s := range plan.Steps {
		b.WriteString(s.Node + "$ " + strings.Join(s.Command(), " ") + "\n")
	}
	for _, f := range plan.Facts {
		b.WriteString(f.Name + "=" + f.Value + "\n")
	}
	for _, f := range plan.Findings {
		b.WriteString(string(f.Level) + ": " + f.Text + ". " + f.Fix.Text + "\n")
	}
	if plan.Nothing != "" {
		b.WriteString("nothing: " + plan.Nothing + "\n")
	}
	_, stopped := plan.Stopped()
	if (stopped || plan.Nothing != "") && len(plan.Steps) > 0 {
		t.Error("a plan that stops, or has nothing to do, has steps")
	}
	return b.String()
}

func TestPatchFamilyVerdicts(t *testing.T) {
	reinstall := func(said string, status int) kato {
		return patched().with(kato{"core$ kato patch reinstall dea-memory": {said, status}})
	}
	again := func(status string) kato {
		return patched().with(kato{historyLine: {strings.TrimSuffix(history("kato patch install", "succeeded"), "]") +
			`,{"time":"2026-11-23T05:00:00Z","command":"kato patch reinstall dea-memory","status":"` + status + `"}]`, 0}})
	}
	for _, tt := range []struct {
		name, text    string
		before, after kato
		outcome       als.Outcome
		summary       string
	}{
		{"status", "patch status", fresh(), nil, als.Succeeded, "2 patches can be installed."},
		{"status, none", "patch status", patched(), nil, als.Succeeded, "No patches are waiting."},
		{"status, unreadable", "patch status", kato{"core$ kato patch status": {"Usage: kato", 0}}, nil, als.Failed, "Usage: kato"},
		{"status, no kato", "patch status", kato{"core$ kato patch status": {"sh: 1: kato: not found", 127}}, nil, als.Failed, "kato not found on the core"},
		{"reverted", "patch revert dea-memory", patched().with(kato{"core$ kato patch revert dea-memory": {}}), fresh().with(kato{historyLine: {history("kato patch revert dea-memory", "succeeded"), 0}}), als.Succeeded, "1 patch taken out"},
		{"revert, a lie", "patch revert dea-memory", patched().with(kato{"core$ kato patch revert dea-memory": {}}), patched(), als.Failed, "1 patch is still installed"},
		{"revert, no history", "patch revert dea-memory", patched().with(kato{"core$ kato patch revert dea-memory": {}}), fresh().with(kato{historyLine: {"", 1}}), als.Unconfirmed, "That they were restarted is unconfirmed"},
		{"revert, the restart fails", "patch revert dea-memory", patched().with(kato{"core$ kato patch revert dea-memory": {"10.0.0.12: role dea restarting...   failed\n", 1}}), fresh(), als.Failed, "it cannot be confirmed that the affected roles were restarted"},
		{"update", "patch update", patched().with(kato{"core$ kato patch update": {}}), fresh(), als.Succeeded, "2 patches are missing, 2 of them new"},
		{"update, nothing new", "patch update", fresh().with(kato{"core$ kato patch update": {}}), fresh().with(kato{historyLine: {history("kato patch update", "succeeded"), 0}}), als.Succeeded, "The list was fetched: 2 patches are missing, 0 of them new"},
		{"update, a lie", "patch update", fresh().with(kato{"core$ kato patch update": {}}), fresh(), als.Failed, "The list may be the old one: kato's history has no such command"},
		{"update, denied", "patch update", fresh().with(kato{"core$ kato patch update": {}}), patched().with(kato{historyLine: {history("kato patch update", "failed"), 0}}), als.Failed, "kato's history says that it failed"},
		{"update, no history", "patch update", fresh().with(kato{"core$ kato patch update": {}}), fresh().with(kato{historyLine: {"", 1}}), als.Unconfirmed, "Unconfirmed that the list was fetched"},
		{"update asks", "patch update", fresh().with(kato{"core$ kato patch update": {"[sudo] password for helion: ", 0}}), fresh().with(kato{historyLine: {history("kato patch update", "succeeded"), 0}}), als.Failed, "asked a person"},
		{"update fails", "patch update", patched().with(kato{"core$ kato patch update": {"Error: connection timed out", 0}}), fresh(), als.Failed, "The list may be the old one"},
		{"update fails, honestly", "patch update", patched().with(kato{"core$ kato patch update": {"Error: connection timed out", 1}}), fresh(), als.Failed, "connection timed out"},
		{"reset", "patch reset", patched().with(kato{"core$ kato patch reset": {}}), fresh(), als.Succeeded, "kato offers 2 patches"},
		{"reset, a lie", "patch reset", patched().with(kato{"core$ kato patch reset": {}}), patched(), als.Failed, "still has on record: dea-memory"},
		{"reinstall", "patch reinstall dea-memory", reinstall("", 0), again("succeeded"), als.Succeeded, "1 patch installed again, by kato's history; all 2 affected roles run."},
		{"reinstall, a lie", "patch reinstall dea-memory", reinstall("", 0), patched(), als.Failed, "It cannot be confirmed that anything was installed again: kato's history has no such command"},
		{"reinstall, denied", "patch reinstall dea-memory", reinstall("", 0), again("failed"), als.Failed, "kato's history says that it failed"},
		{"reinstall fails", "patch reinstall dea-memory", reinstall("boom\n", 1), again("succeeded"), als.Failed, "kato ended with status 1"},
		{"reinstall asks", "patch reinstall dea-memory", reinstall("[sudo] password for helion: ", 0), again("succeeded"), als.Failed, "it asked a person"},
		{"reinstall, no history", "patch reinstall dea-memory", reinstall("", 0), patched().with(kato{historyLine: {"", 1}}), als.Unconfirmed, "It is unconfirmed that dea-memory was installed again (the list is as before, and kato's history cannot be read)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, v, err := drive(t, testCluster(), tt.text, tt.before, tt.after)
			if err != nil {
				t.Fatal(err)
			}
			if v.Outcome != tt.outcome || !strings.Contains(v.Summary, tt.summary) {
				t.Errorf("got %s: %s\nnext: %s\nreport:\n%s", v.Outcome, v.Summary, v.Next.Text, v.Report)
			}
		})
	}
}

func TestReads(t *testing.T) {
	k := kato{"core$ kato status": {running, 0}, "core$ kato version": {"3.4.2\n", 0},
		"core$ kato config get cloud_controller_ng maintenance_mode": {"true\n", 0}}
	for text, want := range map[string]string{
		"status": "All 13 roles on 4 nodes run.", "nodes": "4 nodes.", "version": "kato 3.4.2, which behaves as als11.", "maintenance status": "Maintenance mode is on.",
	} {
		_, v, err := drive(t, testCluster(), text, k, nil)
		if err != nil || v.Outcome != als.Succeeded || v.Summary != want {
			t.Errorf("%s: got %s %q, %v", text, v.Outcome, v.Summary, err)
		}
	}
	_, v, _ := drive(t, testCluster(), "status", status("dea", "FATAL"), nil)
	if v.Summary != "12 of 13 roles run: dea on 10.0.0.12 is FATAL." || !v.Concern || v.Data.Roles.Down != 1 {
		t.Errorf("got %q", v.Summary)
	}
}

func TestMaintenance(t *testing.T) {
	get, set := "core$ kato config get cloud_controller_ng maintenance_mode", "core$ kato config set cloud_controller_ng maintenance_mode "
	off, on := kato{get: {"false\n", 0}, set + "true": {}}, kato{get: {"true\n", 0}, set + "false": {}}
	for _, tt := range []struct {
		text          string
		before, after kato
		outcome       als.Outcome
		summary       string
	}{
		{"maintenance on", off, on, als.Succeeded, "is on, by a fresh look"},
		{"maintenance off", on, off, als.Succeeded, "is off, by a fresh look"},
		{"maintenance on", off, off, als.Failed, "is still off; kato ended with status 0"},
		{"maintenance off", on, kato{get: {"", 0}}, als.Unconfirmed, "cannot be confirmed"},
	} {
		_, v, err := drive(t, testCluster(), tt.text, tt.before, tt.after)
		if err != nil || v.Outcome != tt.outcome || !strings.Contains(v.Summary, tt.summary) {
			t.Errorf("%s: got %s %q, %v", tt.text, v.Outcome, v.Summary, err)
		}
	}
	if got := planned(t, testCluster(), "maintenance on", on); !strings.Contains(got, "nothing: maintenance mode is on already") {
		t.Error(got)
	}
	if got := planned(t, testCluster(), "maintenance on", kato{get: {"what\n", 0}}); !strings.Contains(got, "stop: kato printed neither true nor false") {
		t.Error(got)
	}
}

func TestSurvey(t *testing.T) {
	survey := func(version, nodes string, configured als.Generation) (als.Generation, int, string) {
		rs := als.Results{{Key: "version", Node: als.Core, Output: []byte(version + "\n")}, {Key: "nodes", Node: als.Core, Output: []byte(nodes)}}
		g, _, ns, findings := als.ReadSurvey(rs, configured)
		words := ""
		for _, f := range findings {
			words += string(f.Level) + ": " + f.Text + ". " + f.Fix.Text
		}
		return g, len(ns), words
	}
	const two = "10.0.0.10 base primary\n10.0.0.12 base dea\n"
	for _, tt := range []struct {
		version, nodes string
		configured     als.Generation
		g              als.Generation
		n              int
		words          string
	}{
		{"1.0", two, "", als.ALS10, 2, ""},
		{"2.10.4", two, "", als.ALS10, 2, ""},
		{"3.0.1", two, "", als.ALS10, 2, ""},
		{"1.1.0.19", two, "", als.ALS11, 2, ""},
		{"3.2.1", two, "", als.ALS11, 2, ""},
		{"3.4.2", two, "", als.ALS11, 2, ""},
		{"Application Lifecycle Service 1.3", two, "", als.ALS13, 2, ""},
		{"1.2", two, "", als.ALS13, 2, ""},
		{"3.6.0", two, "", als.ALS13, 2, ""},
		{"4.0", two, "", "", 0, "stop: kato 4.0 is a version that alsbot does not know. Set `generation`"},
		{"hello", two, "", "", 0, "stop: kato did not tell its version"},
		{"hello", two, als.ALS11, als.ALS11, 2, ""},
		{"-bash: kato: command not found", "-bash: kato: command not found", "", "", 0, "stop: kato not found on the core"},
		{"-bash: kato: command not found", "-bash: kato: command not found", als.ALS11, als.ALS11, 0, "stop: kato not found on the core"},
		{"3.4.2", "Ruby trace", "", als.ALS11, 1, "warn: the list of nodes cannot be read: it names no node with its roles; the cluster is treated as its core alone"},
	} {
		g, n, words := survey(tt.version, tt.nodes, tt.configured)
		if g != tt.g || n != tt.n || !strings.Contains(words, tt.words) || tt.words == "" && words != "" {
			t.Errorf("%q, %q: got %q, %d nodes, %s", tt.version, tt.configured, g, n, words)
		}
	}
	if got := als.SurveySteps("/home/helion/bin/kato"); len(got) != 2 || got[0].Argv[0] != "/home/helion/bin/kato" || !got[0].Repeatable || got[1].Node != als.Core {
		t.Errorf("survey: %+v", got)
	}
}

func TestExportMaintenance(t *testing.T) {
	dir := t.TempDir()
	const get = "config get cloud_controller_ng maintenance_mode"
	for _, was := range []string{"true", "false"} {
		req, err := als.Parse("export cluster "+dir+"/b.tgz --maintenance", als.Operations)
		must(t, err)
		op, _ := als.Operations.Find(req.Operation)
		c := testCluster()
		checks, err := op.Checks(req, c)
		must(t, err)
		rs := als.Results{run(t, []string{"/bin/sh"}, checks[0])}
		if strings.Join(checks[1].Argv[1:], " ") != get {
			t.Fatalf("checks: %v", checks[1])
		}
		rs = append(rs, als.Result{Key: checks[1].Key, Node: als.Core, Output: []byte(was + "\n")})
		plan, err := op.Plan(req, c, rs)
		must(t, err)
		last := plan.Steps[len(plan.Steps)-1]
		off := last.Always && strings.Join(last.Argv, " ") == "kato config set cloud_controller_ng maintenance_mode false"
		if off != (was == "false") || (len(plan.Steps) == 5) != (was == "true") {
			t.Errorf("it was %s: %d steps, the last is %v", was, len(plan.Steps), last.Argv)
		}
		if was == "true" {
			continue
		}
		v := op.Judge(req, c, plan, append(rs, als.Result{Key: "maintenance-after", Node: als.Core, Output: []byte("true\n")}))
		if v.Outcome != als.Failed || !strings.Contains(v.Summary, "maintenance mode is still on") || !strings.Contains(v.Next.Text, "maintenance off @prod") {
			t.Errorf("left on: %s %s, %s", v.Outcome, v.Summary, v.Next.Text)
		}
	}
}

func TestStepLine(t *testing.T) {
	for want, argv := range map[string][]string{
		"kato patch install":               {"kato", "patch", "install"},
		`alsbot-clean /mnt/x.tgz "" "a b"`: {"sh", "-c", "rm x", "alsbot-clean", "/mnt/x.tgz", "", "a b"},
	} {
		if got := (als.Step{Argv: argv}).Line(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
