// Package enginetest runs an engine and its upkeep on a simulated cluster,
// without Slack, for the tests of several rooms.
package enginetest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"alsbot/config"
	"alsbot/executor"
	"alsbot/jobs"
	"alsbot/runs"
	"alsbot/sim/node"
	"alsbot/store"
	"alsbot/upkeep"
)

// Safety is how long a test waits for what must come: a machine may have other
// things to do.
const Safety = 5 * time.Minute

// Records is the bucket of runs, for tests that change a record.
var Records = store.Bucket[runs.Run]{Name: "runs"}

// Rig is an engine on a simulated cluster. Operators are U0ANN and the group
// S0OPS, approvers U0BOB and U0CAT by the group S0LEADS; everybody views.
type Rig struct {
	T       *testing.T
	Cluster *node.Cluster
	Config  *config.Config
	Groups  *Groups
	Parts
	halt  func() error
	mu    sync.Mutex
	ended map[string]int
}

// Parts are what one start of alsbot makes.
type Parts struct {
	Store  store.Store
	Exec   *executor.Executor
	Ledger *runs.Ledger
	Engine *jobs.Engine
	Upkeep *upkeep.Upkeep
}

// Assemble puts the parts together on a store and runs them until halt. Close
// then closes the executor and the store.
func Assemble(t *testing.T, cfg *config.Config, st store.Store, dir jobs.Directory, log *slog.Logger, ended func(runs.Run)) (p Parts, halt func() error) {
	t.Helper()
	p.Store, p.Exec, p.Ledger = st, executor.New(log), runs.NewLedger(st, upkeep.Hooks(cfg)...)
	var err error
	p.Engine, err = jobs.New(jobs.Options{
		Config: cfg, Store: st, Ledger: p.Ledger, Executor: p.Exec, Directory: dir, Log: log,
		Ended: func(ctx context.Context, r runs.Run) { ended(r); p.Upkeep.Ended(ctx, r) },
	})
	if err != nil {
		t.Fatal(err)
	}
	p.Upkeep = upkeep.New(upkeep.Options{Config: cfg, Store: st, Ledger: p.Ledger, Executor: p.Exec, Engine: p.Engine, Log: log})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 2)
	go func() { done <- p.Engine.Run(ctx) }()
	go func() { done <- p.Upkeep.Run(ctx) }()
	return p, func() error {
		cancel()
		return errors.Join(<-done, <-done)
	}
}

// Close closes what halt has left open.
func (p Parts) Close() error { return errors.Join(p.Exec.Close(), p.Store.Close()) }

// New starts a cluster and an engine on it. change, if set, changes the config
// before.
func New(t *testing.T, change func(*config.Config)) *Rig {
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
	h := &Rig{T: t, Cluster: c, Config: cfg, ended: map[string]int{}, Groups: &Groups{members: map[string][]string{"S0LEADS": {"U0BOB", "U0CAT"}}}}
	h.Open()
	t.Cleanup(func() {
		h.Stop()
		if err := h.Cluster.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

// Open opens the store and runs an engine on it.
func (h *Rig) Open() {
	h.T.Helper()
	st, err := store.OpenBolt(h.Config.Store.Path, store.Ballast(0))
	if err != nil {
		h.T.Fatal(err)
	}
	h.Parts, h.halt = Assemble(h.T, h.Config, st, h.Groups, slog.New(slog.DiscardHandler), func(r runs.Run) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.ended[r.ID]++
	})
}

// Stop ends the engine and closes the store.
func (h *Rig) Stop() {
	h.T.Helper()
	if err := errors.Join(h.halt(), h.Close()); err != nil {
		h.T.Error(err)
	}
}

// Restart is a deploy: everything but the nodes starts again.
func (h *Rig) Restart() {
	h.Stop()
	h.Open()
}

// Offline changes the store while no engine runs on it.
func (h *Rig) Offline(fn func(tx store.Tx) error) {
	h.T.Helper()
	h.Stop()
	st, err := store.OpenBolt(h.Config.Store.Path, store.Ballast(0))
	if err != nil {
		h.T.Fatal(err)
	}
	if err := errors.Join(st.Update(h.T.Context(), fn), st.Close()); err != nil {
		h.T.Fatal(err)
	}
	h.Open()
}

// Slack returns a person in Slack.
func Slack(user string) runs.Principal {
	return runs.Principal{Source: runs.FromSlack, ID: user}
}

var deliveries atomic.Int64

// Ask gives a command.
func (h *Rig) Ask(user, text string) jobs.Answer {
	h.T.Helper()
	ans, err := h.Engine.Ask(h.T.Context(), jobs.Ask{
		Key: fmt.Sprintf("%s-%d", h.T.Name(), deliveries.Add(1)), By: Slack(user), Text: text, Origin: runs.Origin{Channel: "C0PROD"},
	})
	if err != nil {
		h.T.Fatal(err)
	}
	return ans
}

// Run gives a command that becomes a run, and returns its ID.
func (h *Rig) Run(user, text string) string {
	h.T.Helper()
	ans := h.Ask(user, text)
	if ans.Run == "" {
		h.T.Fatalf("%s made no run: %s %s", text, ans.Text, ans.Pre)
	}
	return ans.Run
}

// Press presses a button of a run's approval request.
func (h *Rig) Press(user, run string, approve bool) jobs.Answer {
	h.T.Helper()
	ans, err := h.Engine.Press(h.T.Context(), run, approve, Slack(user))
	if err != nil {
		h.T.Fatal(err)
	}
	return ans
}

// Until waits until a run is in one of the states.
func (h *Rig) Until(id string, states ...runs.State) runs.Run {
	h.T.Helper()
	ctx, cancel := context.WithTimeout(h.T.Context(), Safety)
	defer cancel()
	changed := h.Store.Watch(ctx, "runs")
	for {
		r, _, err := h.Ledger.Load(ctx, id)
		if err != nil {
			h.T.Fatal(err)
		}
		for _, s := range states {
			if r.State == s {
				return r
			}
		}
		if r.State.Final() {
			h.T.Fatalf("run %s (%s) is %s, not %v: %s %+v", id, r.Text, r.State, states, r.Trouble, r.Verdict)
		}
		select {
		case <-ctx.Done():
			h.T.Fatalf("run %s stays %s", id, r.State)
		case <-changed:
		}
	}
}

// Begun waits until the node has claimed the first step of a run that does more
// than prepare.
func (h *Rig) Begun(id string) {
	h.T.Helper()
	changed := h.Store.Watch(h.T.Context(), "runs")
	begun := func(s runs.StepRecord) bool { return s.Begun && s.Step.Key != "prepare" }
	for r := h.Until(id, runs.Running); !slices.ContainsFunc(r.Steps, begun); r = h.Until(id, runs.Running) {
		<-changed
	}
}

// Remarked waits until a run's message says something.
func (h *Rig) Remarked(id, what string) {
	h.T.Helper()
	h.Eventually("runs", what, func(tx store.Tx) (bool, error) {
		r, _, err := Records.Get(tx, id)
		return strings.Contains(r.Remark, what), err
	})
}

// Eventually waits until done returns true of what the store holds.
func (h *Rig) Eventually(bucket, what string, done func(tx store.Tx) (bool, error)) {
	h.T.Helper()
	changed := h.Store.Watch(h.T.Context(), bucket)
	limit := time.After(Safety)
	tick := time.NewTicker(100 * time.Millisecond) // for what is seen elsewhere than in the store
	defer tick.Stop()
	for {
		var ok bool
		if err := h.Store.View(h.T.Context(), func(tx store.Tx) (err error) { ok, err = done(tx); return err }); err != nil {
			h.T.Fatal(err)
		}
		if ok {
			return
		}
		select {
		case <-changed:
		case <-tick.C:
		case <-limit:
			h.T.Fatalf("%s never comes", what)
		}
	}
}

// Ended returns how often the end of a run was observed.
func (h *Rig) Ended(id string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.ended[id]
}

// UntilEnded waits until the end of a run was observed.
func (h *Rig) UntilEnded(id string) {
	h.T.Helper()
	for limit := time.Now().Add(Safety); h.Ended(id) == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(limit) {
			h.T.Fatalf("run %s is still being carried forward", id)
		}
	}
}

// Posted lists what the outbox says in channels.
func (h *Rig) Posted() (texts []string) {
	h.T.Helper()
	rows, err := h.Ledger.Outbox(h.T.Context(), 1<<20)
	if err != nil {
		h.T.Fatal(err)
	}
	for _, row := range rows {
		if row.Kind == runs.TellChannel {
			texts = append(texts, row.Text)
		}
	}
	return texts
}

// Fault sets a fault of the simulated cluster; "" removes it.
func (h *Rig) Fault(name, value string) {
	h.T.Helper()
	if err := h.Cluster.Fault(name, value); err != nil {
		h.T.Fatal(err)
	}
}

// Called fails the test unless kato was called n times with these words.
func (h *Rig) Called(n int, words ...string) {
	h.T.Helper()
	calls, err := h.Cluster.Called(words...)
	if err != nil {
		h.T.Fatal(err)
	}
	if len(calls) != n {
		h.T.Errorf("kato %s was called %d times, not %d", strings.Join(words, " "), len(calls), n)
	}
}

// Kato waits until kato has been called with these words, and returns its
// process.
func (h *Rig) Kato(words ...string) int {
	h.T.Helper()
	for limit := time.Now().Add(Safety); ; time.Sleep(time.Millisecond) {
		calls, err := h.Cluster.Called(words...)
		if err != nil || time.Now().After(limit) {
			h.T.Fatalf("kato %v is not called: %v", words, err)
		}
		if len(calls) > 0 {
			return calls[0].PID
		}
	}
}

// Unreachable makes the record say that a run's node has been unreachable for
// an hour.
func (h *Rig) Unreachable(id string) {
	h.T.Helper()
	h.Offline(func(tx store.Tx) error {
		r, _, err := Records.Get(tx, id)
		if err != nil {
			return err
		}
		r.Unheard = time.Now().UTC().Add(-time.Hour)
		return Records.Put(tx, id, r)
	})
}

// Installing returns a rig on which `patch install` runs and does not end.
func Installing(t *testing.T) (*Rig, string) {
	t.Helper()
	h := New(t, nil)
	h.Fault("silent", "yes:patch install")
	id := h.Run("U0ANN", "patch install")
	h.Until(id, runs.Awaiting)
	h.Press("U0BOB", id, true)
	h.Begun(id)
	return h, id
}

// Simulated runs an engine without nodes in a bubble of simulated time, on
// what before has written to the store, until then returns.
func Simulated(t *testing.T, cfg *config.Config, log *slog.Logger, before func(store.Tx) error, then func(*Rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		st, err := store.OpenBolt(filepath.Join(t.TempDir(), "alsbot.db"), store.Ballast(0))
		if err != nil {
			t.Fatal(err)
		}
		if err := st.Update(t.Context(), before); err != nil {
			t.Fatal(err)
		}
		h := &Rig{T: t, Config: cfg, ended: map[string]int{}}
		h.Parts, h.halt = Assemble(t, cfg, st, &Groups{}, log, func(runs.Run) {})
		then(h)
		h.Stop()
	})
}

// Groups is a directory whose members can be changed.
type Groups struct {
	mu      sync.Mutex
	members map[string][]string
	people  map[string]jobs.Person
	down    bool
}

// Members implements jobs.Directory.
func (g *Groups) Members(_ context.Context, group string, _ bool) ([]string, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.down {
		return nil, errors.New("slack does not answer")
	}
	return g.members[group], nil
}

// InGroup implements jobs.Directory.
func (g *Groups) InGroup(ctx context.Context, user, group string, f jobs.Freshness) (bool, error) {
	members, err := g.Members(ctx, group, f != jobs.Cached)
	return slices.Contains(members, user), err
}

// Person implements jobs.Directory: everyone is a full member, unless SetPerson
// says something else. Who somebody is stays in the cache while Slack is down.
func (g *Groups) Person(_ context.Context, user string, _ bool, f jobs.Freshness) (jobs.Person, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.down && f != jobs.Cached {
		return jobs.Person{}, errors.New("slack does not answer")
	}
	if p, ok := g.people[user]; ok {
		return p, nil
	}
	return jobs.Person{Standing: jobs.FullMember}, nil
}

// SetPerson says who a user is.
func (g *Groups) SetPerson(user string, p jobs.Person) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.people == nil {
		g.people = map[string]jobs.Person{}
	}
	g.people[user] = p
}

// Set replaces the members of a group.
func (g *Groups) Set(group string, users ...string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.members[group] = users
}

// Silent makes the directory answer nothing, or answer again.
func (g *Groups) Silent(down bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.down = down
}

// Lost returns a rig on which `patch install` was lost.
func Lost(t *testing.T) (*Rig, string) {
	t.Helper()
	h, id := Installing(t)
	h.Stop()
	name := h.Config.Clusters[0].Name
	h.Config.Clusters[0].Name = "other"
	h.Open()
	h.Until(id, runs.Lost)
	h.Stop()
	h.Config.Clusters[0].Name = name
	h.Open()
	return h, id
}

// Down takes a node's sshd down and waits until connections are refused: one
// that is made at that moment may be reset instead.
func (h *Rig) Down(ip string) {
	h.T.Helper()
	h.Fault("down@"+ip, "yes")
	for limit := time.Now().Add(Safety); ; time.Sleep(time.Millisecond) {
		conn, err := new(net.Dialer).DialContext(h.T.Context(), "tcp", h.Cluster.Addr(ip))
		if errors.Is(err, syscall.ECONNREFUSED) {
			return
		}
		if err == nil {
			_ = conn.Close()
		}
		if time.Now().After(limit) {
			h.T.Fatalf("%s does not go down: %v", ip, err)
		}
	}
}
