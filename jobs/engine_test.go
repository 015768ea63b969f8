package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"alsbot/config"
	"alsbot/executor"
	"alsbot/jobs"
	"alsbot/sim/node"
	"alsbot/store"
)

func TestMain(m *testing.M) {
	node.Main()
	store.CheckMain()
	os.Exit(m.Run())
}

// house is an engine on a simulated cluster, without Slack.
type house struct {
	t       *testing.T
	cluster *node.Cluster
	cfg     *config.Config
	st      store.Store
	engine  *jobs.Engine
	groups  *groups
	stop    func()
	mu      sync.Mutex
	seen    map[string]int // how often a run's end was observed
}

// groups is a directory whose members can be changed.
type groups struct {
	mu      sync.Mutex
	members map[string][]string
	down    bool
}

func (g *groups) Members(_ context.Context, group string, _ bool) ([]string, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.down {
		return nil, errors.New("slack does not answer")
	}
	return g.members[group], nil
}

func (g *groups) set(group string, users ...string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.members[group] = users
}

func newHouse(t *testing.T, change func(*config.Config)) *house {
	t.Helper()
	dir := t.TempDir()
	c, err := node.Start(node.Options{Dir: filepath.Join(dir, "nodes")})
	if err != nil {
		t.Fatal(err)
	}
	cfg := &config.Config{
		Store:    config.Store{Engine: "bolt", Path: filepath.Join(dir, "alsbot.db"), KeepRuns: 2160 * time.Hour},
		Access:   config.Access{Viewer: []string{"*"}, Operator: []string{"U0ANN", "S0OPS"}, Approver: []string{"S0LEADS"}},
		Approval: config.Approval{Effects: []string{"restart", "destroy"}, ExpiresAfter: time.Hour, Quorum: 1},
		Clusters: []config.Cluster{{
			Name: "prod", Core: c.Addr(c.Core), User: c.User, IdentityFile: c.IdentityFile, KnownHosts: c.KnownHosts,
			Kato: "kato", Generation: "auto", Addresses: c.Addresses(), RunsDir: ".alsbot/runs", Channel: "C0PROD",
		}},
	}
	if change != nil {
		change(cfg)
	}
	h := &house{t: t, cluster: c, cfg: cfg, seen: map[string]int{}, groups: &groups{members: map[string][]string{"S0LEADS": {"U0BOB", "U0CAT"}}}}
	h.open()
	t.Cleanup(func() {
		h.stop()
		if err := h.cluster.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

// open opens the store and runs an engine on it.
func (h *house) open() {
	h.t.Helper()
	st, err := store.OpenBolt(h.cfg.Store.Path, store.Ballast(0))
	if err != nil {
		h.t.Fatal(err)
	}
	exec := executor.New(slog.New(slog.DiscardHandler))
	h.st = st
	h.engine, err = jobs.New(jobs.Options{
		Config: h.cfg, Store: st, Executor: exec, Directory: h.groups, Log: slog.New(slog.DiscardHandler),
		Observe: func(r jobs.Run) {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.seen[r.ID]++
		},
	})
	if err != nil {
		h.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- h.engine.Run(ctx) }()
	h.stop = func() {
		cancel()
		if err := errors.Join(<-done, exec.Close(), st.Close()); err != nil {
			h.t.Error(err)
		}
	}
}

// restart is a deploy: everything but the nodes begins anew.
func (h *house) restart() {
	h.stop()
	h.open()
}

func slack(user string) jobs.Principal { return jobs.Principal{Source: jobs.FromSlack, ID: user} }

var keys int

func (h *house) ask(user, text string) jobs.Answer {
	h.t.Helper()
	keys++
	ans, err := h.engine.Ask(h.t.Context(), jobs.Ask{
		Key: fmt.Sprintf("%s-%d", h.t.Name(), keys), By: slack(user), Text: text, Origin: jobs.Origin{Channel: "C0PROD"},
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return ans
}

// run asks for something that becomes a run.
func (h *house) run(user, text string) string {
	h.t.Helper()
	ans := h.ask(user, text)
	if ans.Run == "" {
		h.t.Fatalf("%s made no run: %s %s", text, ans.Text, ans.Pre)
	}
	return ans.Run
}

// safety is how long a test waits for what must come: a machine may have other
// things to do.
const safety = 5 * time.Minute

// until waits until a run is in one of the states.
func (h *house) until(id string, states ...jobs.State) jobs.Run {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), safety)
	defer cancel()
	changed := h.st.Watch(ctx, "runs")
	for {
		r, _, err := h.engine.Get(ctx, id)
		if err != nil {
			h.t.Fatal(err)
		}
		for _, s := range states {
			if r.State == s {
				return r
			}
		}
		if r.State.Final() {
			h.t.Fatalf("run %s (%s) is %s, not %v: %s %+v", id, r.Text, r.State, states, r.Trouble, r.Verdict)
		}
		select {
		case <-ctx.Done():
			h.t.Fatalf("run %s stays %s", id, r.State)
		case <-changed:
		}
	}
}

func (h *house) called(n int, words ...string) {
	h.t.Helper()
	calls, err := h.cluster.Called(words...)
	if err != nil {
		h.t.Fatal(err)
	}
	if len(calls) != n {
		h.t.Errorf("kato %s was called %d times, not %d", strings.Join(words, " "), len(calls), n)
	}
}

func (h *house) press(user, run string, approve bool) jobs.Answer {
	h.t.Helper()
	ans, err := h.engine.Press(h.t.Context(), run, approve, slack(user))
	if err != nil {
		h.t.Fatal(err)
	}
	return ans
}

func TestRead(t *testing.T) {
	h := newHouse(t, nil)
	r := h.until(h.run("U0DAN", "version"), jobs.Succeeded)
	if r.Verdict == nil || len(r.Steps) != 1 || r.Steps[0].Exit == nil || *r.Steps[0].Exit != 0 {
		t.Errorf("the record is not whole: %+v", r)
	}
	out, size, err := h.engine.Output(t.Context(), r.ID, 1000)
	if err != nil || size == 0 || len(out) == 0 {
		t.Errorf("output: %q, %d, %v", out, size, err)
	}
}

func TestApprovedInstall(t *testing.T) {
	h := newHouse(t, nil)
	id := h.run("U0ANN", "patch install")
	r := h.until(id, jobs.Awaiting)
	if r.Plan == nil || len(r.Plan.Facts) == 0 || r.Digest == "" {
		t.Fatalf("the plan is not whole: %+v", r.Plan)
	}
	h.called(0, "patch", "install")
	h.press("U0BOB", id, true)
	r = h.until(id, jobs.Succeeded)
	h.called(1, "patch", "install")
	if r.Steps[0].Exit == nil {
		t.Errorf("no exit status: %+v", r.Steps)
	}
	again := h.until(h.run("U0ANN", "patch install"), jobs.Succeeded)
	if !strings.Contains(again.Verdict.Summary, "Nothing to do") {
		t.Errorf("a second install: %+v", again.Verdict)
	}
	h.called(1, "patch", "install")
}

func TestWhoMayDecide(t *testing.T) {
	h := newHouse(t, func(c *config.Config) { c.Access.Approver = append(c.Access.Approver, "U0ANN") })
	id := h.run("U0ANN", "patch install")
	h.until(id, jobs.Awaiting)
	if ans := h.press("U0ANN", id, true); !ans.Bad {
		t.Errorf("the requester approved: %s", ans.Text)
	}
	if ans := h.press("U0DAN", id, true); !ans.Bad {
		t.Errorf("a viewer approved: %s", ans.Text)
	}
	h.groups.mu.Lock()
	h.groups.down = true
	h.groups.mu.Unlock()
	if ans := h.press("U0BOB", id, true); !ans.Bad {
		t.Errorf("approved though rights could not be looked up: %s", ans.Text)
	}
	h.groups.mu.Lock()
	h.groups.down = false
	h.groups.mu.Unlock()
	h.until(id, jobs.Awaiting)
	if ans := h.press("U0BOB", id, false); ans.Bad {
		t.Errorf("reject: %s", ans.Text)
	}
	h.until(id, jobs.Rejected)
	if ans := h.press("U0CAT", id, true); !ans.Bad || !strings.Contains(ans.Text, "already decided") {
		t.Errorf("a press after the decision: %+v", ans)
	}
	h.called(0, "patch", "install")
}

func TestManyPressesOneEffect(t *testing.T) {
	h := newHouse(t, nil)
	id := h.run("U0ANN", "patch install")
	h.until(id, jobs.Awaiting)
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range 20 {
		wg.Go(func() {
			<-start
			user := []string{"U0BOB", "U0CAT"}[i%2]
			if _, err := h.engine.Press(t.Context(), id, true, slack(user)); err != nil {
				t.Error(err)
			}
		})
	}
	close(start)
	wg.Wait()
	h.until(id, jobs.Succeeded)
	h.called(1, "patch", "install")
}

func TestQuorumCountsPeople(t *testing.T) {
	h := newHouse(t, func(c *config.Config) { c.Approval.Quorum = 2 })
	id := h.run("U0ANN", "patch install")
	h.until(id, jobs.Awaiting)
	h.press("U0BOB", id, true)
	if ans := h.press("U0BOB", id, true); !strings.Contains(ans.Text, "already counts") {
		t.Errorf("the same person twice: %s", ans.Text)
	}
	h.until(id, jobs.Awaiting)
	h.press("U0CAT", id, true)
	h.until(id, jobs.Succeeded)
	h.called(1, "patch", "install")
}

func TestApprovalIsVoidWhenTheClusterMoves(t *testing.T) {
	h := newHouse(t, nil)
	id := h.run("U0ANN", "patch install")
	h.until(id, jobs.Awaiting)
	if err := h.cluster.Publish(node.Patch{Name: "late-fix", Severity: "required", Roles: []string{"router"}}); err != nil {
		t.Fatal(err)
	}
	h.press("U0BOB", id, true)
	r := h.until(id, jobs.Void)
	if !strings.Contains(r.Trouble, "late-fix") {
		t.Errorf("it does not say what changed: %s", r.Trouble)
	}
	h.called(0, "patch", "install")
	list, err := h.engine.Runs(t.Context(), "prod", 1)
	if err != nil || len(list) != 1 || list[0].Replaces != id {
		t.Fatalf("no fresh request: %+v, %v", list, err)
	}
	h.until(list[0].ID, jobs.Awaiting)
	h.press("U0CAT", list[0].ID, true)
	h.until(list[0].ID, jobs.Succeeded)
	h.called(1, "patch", "install")
}

func TestRightsLostBeforeTheStart(t *testing.T) {
	h := newHouse(t, func(c *config.Config) { c.Approval.Quorum = 2; c.Access.Operator = []string{"S0OPS"} })
	h.groups.set("S0OPS", "U0ANN")
	id := h.run("U0ANN", "patch install")
	h.until(id, jobs.Awaiting)
	h.press("U0BOB", id, true)
	h.groups.set("S0OPS")
	h.press("U0CAT", id, true)
	r := h.until(id, jobs.Void)
	if !strings.Contains(r.Trouble, "no longer operator") {
		t.Errorf("trouble: %s", r.Trouble)
	}
	h.called(0, "patch", "install")
}

func TestExpiry(t *testing.T) {
	h := newHouse(t, func(c *config.Config) { c.Approval.ExpiresAfter = 50 * time.Millisecond })
	id := h.run("U0ANN", "patch install")
	h.until(id, jobs.Expired)
	if ans := h.press("U0BOB", id, true); !ans.Bad {
		t.Errorf("approved after it expired: %s", ans.Text)
	}
	h.called(0, "patch", "install")
}

func TestSameDeliveryOnce(t *testing.T) {
	h := newHouse(t, nil)
	ask := jobs.Ask{Key: "one", By: slack("U0ANN"), Text: "export cluster", Origin: jobs.Origin{Channel: "C0PROD"}}
	var first jobs.Answer
	for i := range 5 {
		if i == 3 {
			h.restart()
		}
		ans, err := h.engine.Ask(t.Context(), ask)
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = ans
		} else if !reflect.DeepEqual(ans, first) {
			t.Errorf("answer %d differs: %+v", i, ans)
		}
	}
	h.until(first.Run, jobs.Succeeded, jobs.Failed)
	h.called(1, "data", "export")
}

func TestCancelBeforeAndDuring(t *testing.T) {
	h := newHouse(t, nil)
	id := h.run("U0ANN", "patch install")
	h.until(id, jobs.Awaiting)
	h.ask("U0ANN", "cancel "+id)
	h.until(id, jobs.Cancelled)
	if ans := h.press("U0BOB", id, true); !ans.Bad {
		t.Errorf("approved after cancel: %s", ans.Text)
	}
	if err := h.cluster.Fault("silent", "yes:patch install"); err != nil {
		t.Fatal(err)
	}
	id = h.run("U0ANN", "patch install")
	h.until(id, jobs.Awaiting)
	h.press("U0BOB", id, true)
	h.until(id, jobs.Running)
	next := h.run("U0ANN", "patch update") // waits in line
	h.ask("U0ANN", "cancel "+id)
	r := h.until(id, jobs.Cancelled)
	if !strings.Contains(r.Trouble, "cancelled by") {
		t.Errorf("trouble: %s", r.Trouble)
	}
	h.until(next, jobs.Succeeded, jobs.Failed)
}

func TestAuditChain(t *testing.T) {
	h := newHouse(t, nil)
	h.until(h.run("U0DAN", "version"), jobs.Succeeded)
	n, err := jobs.VerifyAudit(t.Context(), h.st)
	if err != nil || n < 3 {
		t.Fatalf("%d entries, %v", n, err)
	}
	keys := map[string][]byte{}
	err = h.st.View(t.Context(), func(tx store.Tx) error {
		return tx.Scan("audit", "", "", false, func(k string, v []byte) bool { keys[k] = v; return true })
	})
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range keys {
		for i := range v {
			bad := append([]byte{}, v...)
			bad[i] ^= 1
			put := func(b []byte) {
				if err := h.st.Update(t.Context(), func(tx store.Tx) error { return tx.Put("audit", k, b) }); err != nil {
					t.Fatal(err)
				}
			}
			put(bad)
			if _, err := jobs.VerifyAudit(t.Context(), h.st); err == nil || !strings.Contains(err.Error(), "alsbot snapshot FILE") {
				t.Fatalf("a changed byte %d of entry %s was not noticed: %s", i, k, bad)
			}
			put(v)
		}
	}
}
