package als_test

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"alsbot/als"
	"alsbot/executor"
	"alsbot/sim/node"
)

// These tests run operations against the simulated kato of every generation,
// over real SSH.

func TestMain(m *testing.M) {
	node.Main()
	// Shells print a warning if the machine lacks the language.
	for _, kv := range os.Environ() {
		if name, _, _ := strings.Cut(kv, "="); strings.HasPrefix(name, "LC_") || strings.HasPrefix(name, "LANG") {
			_ = os.Unsetenv(name)
		}
	}
	os.Exit(m.Run())
}

// bench is a simulated cluster and an executor that reaches it.
type bench struct {
	sim *node.Cluster
	x   *executor.Executor
	c   als.Cluster
}

func newBench(t *testing.T, profile string) *bench {
	t.Helper()
	sim, err := node.Start(node.Options{Dir: filepath.Join(t.TempDir(), "sim"), Profile: profile})
	must(t, err)
	t.Cleanup(func() { must(t, sim.Close()) })
	b := &bench{sim: sim, x: executor.New(slog.New(slog.DiscardHandler))}
	t.Cleanup(func() { must(t, b.x.Close()) })
	b.c = als.Cluster{Name: "sim", Kato: "kato", Run: "k3v9t2", Asked: time.Date(2026, 11, 23, 3, 0, 0, 0, time.UTC)}
	var rs als.Results
	for _, s := range als.SurveySteps("kato") {
		rs = append(rs, b.run(t, s))
	}
	var findings []als.Finding
	b.c.Generation, b.c.Version, b.c.Nodes, findings = als.ReadSurvey(rs, "")
	if string(b.c.Generation) != profile || len(b.c.Nodes) != 4 || len(findings) > 0 {
		t.Fatalf("survey: %q, %d nodes, %v", b.c.Generation, len(b.c.Nodes), findings)
	}
	return b
}

func (b *bench) run(t *testing.T, s als.Step) als.Result {
	t.Helper()
	ip := s.Node
	if ip == als.Core {
		ip = b.sim.Core
	}
	var out bytes.Buffer
	target := executor.Target{Name: ip, Addr: b.sim.Addr(ip), User: b.sim.User, IdentityFile: b.sim.IdentityFile, KnownHosts: b.sim.KnownHosts}
	status, err := b.x.Exec(t.Context(), target, s.Command(), &out)
	r := als.Result{Key: s.Key, Step: s.Name, Node: s.Node, Exit: status, Output: out.Bytes()}
	if err != nil {
		r.Trouble = err.Error()
	}
	return r
}

// do runs a command on the simulated cluster.
func (b *bench) do(t *testing.T, text string) (als.Plan, als.Verdict) {
	t.Helper()
	req, op := asked(t, text)
	var rs als.Results
	if op.Checks != nil {
		steps, err := op.Checks(req, b.c)
		if err != nil {
			return als.Plan{Nothing: err.Error()}, als.Verdict{}
		}
		for _, s := range steps {
			rs = append(rs, b.run(t, s))
		}
	}
	plan, err := op.Plan(req, b.c, rs)
	if err != nil {
		return als.Plan{Nothing: err.Error()}, als.Verdict{}
	}
	if _, stopped := plan.Stopped(); stopped || plan.Nothing != "" {
		return plan, als.Verdict{}
	}
	broken := false
	for _, s := range plan.Steps {
		if broken && !s.Always {
			continue
		}
		r := b.run(t, op.Weighed(req, b.c, plan, rs, s))
		rs = append(rs, r)
		broken = broken || !r.OK() && !s.Tolerate
	}
	var v als.Verdict
	for range 300 { // roles are starting for a moment
		seen := rs
		for _, s := range plan.Verify {
			seen = append(seen, b.run(t, s))
		}
		if v = op.Judge(req, b.c, plan, seen); v.Outcome != als.Waiting {
			break
		}
	}
	return plan, v
}

// good runs a command and fails unless it succeeds with this summary.
func (b *bench) good(t *testing.T, text, summary string) als.Verdict {
	t.Helper()
	plan, v := b.do(t, text)
	if v.Outcome != als.Succeeded || !strings.Contains(v.Summary, summary) {
		t.Errorf("%s: %s %s %+v\nnext: %s\n%s", text, v.Outcome, v.Summary+plan.Nothing, plan.Findings, v.Next.Text, v.Report)
	}
	return v
}

func TestLifeOfACluster(t *testing.T) {
	for _, profile := range []string{node.ALS10, node.ALS11, node.ALS13} {
		t.Run(profile, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, profile)
			b.good(t, "status", "run.")
			b.good(t, "nodes", "4 nodes.")
			b.good(t, "version", profile)
			b.good(t, "patch status", "can be installed")
			b.good(t, "patch update", "The list was fetched")
			b.good(t, "patch install --no-restart", "no role was restarted")
			b.good(t, "patch status", "No patches are waiting.")
			b.good(t, "restart dea router", "run")
			b.good(t, "patch reset", "The record of installed patches is gone")
			b.good(t, "patch install", "installed, by a fresh list")
			if profile != node.ALS10 {
				b.good(t, "patch revert", "taken out")
				b.good(t, "patch install", "installed, by a fresh list")
			}
			b.good(t, "stop mysql", "Stopped: mysql on 10.0.0.11")
			b.good(t, "start", "run")
			archive := b.good(t, "export cluster --maintenance", "Verified:").Archives[0].Path
			b.good(t, "maintenance status", "off")
			if profile == node.ALS13 { // what is the same everywhere
				b.good(t, "processes", "run.")
				b.good(t, "roles mysql", "")
				b.good(t, "info --node 10.0.0.12", "")
				b.good(t, "inspect", "passed")
				b.good(t, "history", "action")
				b.good(t, "report", "The report is")
				b.relocate(t)
				b.quota(t)
			}
			home := b.sim.Home(b.sim.Core)
			data, err := os.ReadFile(archive)
			must(t, err)
			must(t, os.WriteFile(home+"/b.tgz", data, 0o600))
			b.good(t, "import cluster "+home+"/b.tgz", "all roles run")
			b.good(t, "upgrade status", "No upgrade is in progress.")
			b.good(t, "upgrade node --node 10.0.0.12", "1 node at")
			b.good(t, "upgrade cluster", "4 nodes at")
			b.good(t, "upgrade status", "complete")
		})
	}
}

func TestSimulatedLies(t *testing.T) {
	for _, profile := range []string{node.ALS10, node.ALS11, node.ALS13} {
		t.Run(profile, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, profile)
			must(t, b.sim.Fault("core-only", "yes"))
			if _, v := b.do(t, "patch install"); v.Outcome != als.Failed || !strings.Contains(v.Summary, "still missing") {
				t.Errorf("patches on the core only: %s %s", v.Outcome, v.Summary)
			}
			must(t, b.sim.Fault("core-only", ""))
			must(t, b.sim.Fault("missing", "yes"))
			if _, v := b.do(t, "status"); v.Outcome != als.Failed || !strings.Contains(v.Summary, "not found") || !strings.Contains(v.Next.Text, "clusters[].kato") {
				t.Errorf("kato missing: %s %s", v.Outcome, v.Summary)
			}
			must(t, b.sim.Fault("missing", ""))
			must(t, b.sim.SetRole("10.0.0.12", "dea", "FATAL"))
			if _, v := b.do(t, "status"); !strings.Contains(v.Summary, "dea on 10.0.0.12 is FATAL") {
				t.Errorf("a role down: %s", v.Summary)
			}
		})
	}
}

func (b *bench) relocate(t *testing.T) {
	t.Helper()
	const ip = "10.0.0.11"
	must(t, b.sim.Mount(ip, "/mnt/ebs", &node.Mount{Device: "/dev/vdb", Type: "ext4", Options: "rw"}))
	to := b.sim.Path(ip, "/mnt/ebs/services")
	must(t, os.MkdirAll(to, 0o755))
	must(t, os.WriteFile(b.sim.Path(ip, "/var/helion/services")+"/db", []byte("x"), 0o600))
	plan, v := b.do(t, "relocate services "+to)
	if v.Outcome != als.Succeeded {
		t.Errorf("relocate: %s %s %+v %s", v.Outcome, v.Summary, plan.Findings, plan.Nothing)
	}
	if _, err := os.Stat(to + "/db"); err != nil {
		t.Error(err)
	}
	if !strings.Contains(plan.Findings[0].Text, "quotas are not on") {
		t.Errorf("findings: %+v", plan.Findings)
	}
}

func (b *bench) quota(t *testing.T) {
	t.Helper()
	const ip = "10.0.0.12"
	must(t, b.sim.Mount(ip, "/mnt/containers", &node.Mount{Device: "/dev/vdc", Type: "ext4", Options: "rw"}))
	dir := b.sim.Path(ip, "/mnt/containers")
	b.good(t, "quota enable "+dir+" --node "+ip, "stay on after a reboot")
	v := b.good(t, "quota status "+dir+" --node "+ip, "stay on after a reboot")
	if !strings.Contains(v.Report, "usrjquota=aquota.user") {
		t.Errorf("quota status:\n%s", v.Report)
	}
}
