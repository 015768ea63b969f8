package als_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"alsbot/als"
	"alsbot/sim/node"
)

// If a step did not end by itself, the verdict says why, once. The advice is
// that of the step's result; without one, as after a cancel, the verdict does
// not guess about the node.
func TestAVerdictSaysWhyAStepDidNotEnd(t *testing.T) {
	t.Parallel()
	b := newBench(t, node.ALS13)
	b.good(t, "patch install vsphere-autoscaling-fix", "installed")
	const ip = "10.0.0.12"
	must(t, b.sim.Mount(ip, "/mnt/containers", &node.Mount{Device: "/dev/vdc", Type: "ext4", Options: "rw"}))
	must(t, b.sim.Mount(ip, "/mnt/ebs", &node.Mount{Device: "/dev/vdb", Type: "ext4", Options: "rw"}))
	must(t, os.MkdirAll(b.sim.Path(ip, "/mnt/ebs/there"), 0o755))
	filesystem, to := b.sim.Path(ip, "/mnt/containers")+" --node "+ip, b.sim.Path(ip, "/mnt/ebs/there")+" --node "+ip
	made := b.good(t, "export cluster", "Verified:").Archives[0]
	a := als.Archive{Run: "a1", Operation: "export cluster", Cluster: "sim", Node: "10.0.0.11", Path: made.Path, Size: made.Size, SHA256: made.SHA256, Verdict: "verified", At: b.c.Asked.Add(-72 * time.Hour)}
	newer := a
	newer.Run, newer.At = "a2", b.c.Asked.Add(-time.Hour)
	b.c.History.Archives, b.c.History.Backup = []als.Archive{newer, a}, &newer
	b.c.Keep, b.c.Fetch = als.Keep{Daily: 1}, als.Host{Dir: t.TempDir(), Free: 1 << 40}
	b.c.Agent = als.Agent{Key: true, Package: "newrelic-sysmond", Install: []string{"true"}, Config: "/etc/newrelic/nrsysmond.cfg", Start: "true", Process: "nrsysmond"}
	tried := map[string]bool{
		"monitor nagios": true, "backups": true, // no steps; a table of what became of which
		"maintenance off": true, "relocate services": true, "relocate droplets": true, // as their twins
	}
	for _, text := range []string{
		"patch status", "patch install", "patch install --no-restart", "patch install dea-memory-usage-reporting --node 10.0.0.12",
		"patch reinstall vsphere-autoscaling-fix", "patch revert", "patch update", "patch reset",
		"export cluster", "export cluster --maintenance", "export node", "backups verify a1", "backups fetch a1", "backups prune",
		"import cluster " + a.Path, "import node " + a.Path + " --node 10.0.0.11",
		"upgrade status", "upgrade cluster", "upgrade node --node 10.0.0.12",
		"maintenance status", "maintenance on", "stop router", "restart router",
		"status", "nodes", "roles", "processes", "version", "info", "inspect", "history",
		"quota status " + filesystem, "quota enable " + filesystem, "relocate containers " + to,
		"monitor status", "monitor newrelic install", "report", "logs", "start dea",
	} {
		if text == "start dea" {
			must(t, b.sim.SetRole(ip, "dea", "STOPPED"))
		}
		req, op := asked(t, text)
		tried[op.Name] = true
		plan, seen := b.planned(t, text)
		if len(plan.Steps) == 0 {
			t.Errorf("%s has no steps: %s %+v", text, plan.Nothing, plan.Findings)
			continue
		}
		first := plan.Steps[0]
		for _, mend := range []string{"splice the wire", ""} {
			rs := append(als.Results{{Key: first.Key, Node: first.Node, Trouble: "the wire is cut", Fix: als.Advice{Text: mend}}}, seen...)
			v := op.Conclude(req, b.c, plan, rs)
			said := v.Summary
			if !strings.Contains(said, "wire is cut") {
				said += v.Report
			}
			if n := strings.Count(said, "wire is cut"); v.Outcome == als.Succeeded || n != 1 {
				t.Errorf("%s: %s, said %d times: %s\n%s", text, v.Outcome, n, v.Summary, v.Report)
			}
			if mend != "" != strings.Contains(v.Next.Text, "Splice the wire.") || strings.Contains(v.Next.Text, "Look whether") || v.Next.Text == "" {
				t.Errorf("%s, mend %q: next: %s", text, mend, v.Next.Text)
			}
		}
	}
	for _, op := range als.Operations {
		if !op.Builtin && !tried[op.Name] {
			t.Errorf("%s is not tried", op.Name)
		}
	}
}

// planned plans a command on the simulated cluster and runs its verification,
// but not its steps.
func (b *bench) planned(t *testing.T, text string) (als.Plan, als.Results) {
	t.Helper()
	req, op := asked(t, text)
	var checked, seen als.Results
	if op.Checks != nil {
		steps, err := op.Checks(req, b.c)
		must(t, err)
		for _, s := range steps {
			checked = append(checked, b.run(t, s))
		}
	}
	plan, err := op.Plan(req, b.c, checked)
	must(t, err)
	for _, s := range plan.Verify {
		seen = append(seen, b.run(t, s))
	}
	return plan, seen
}
