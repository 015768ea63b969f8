package faults

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"alsbot/config"
	"alsbot/jobs"
	"alsbot/runs"
	"alsbot/sim/node"
	"alsbot/store"
	"alsbot/upkeep/enginetest"
)

// engineBed runs the engine in process, without Slack, on a node whose kato is a
// small script: for rows that need thousands of decisions.
type engineBed struct {
	t       *testing.T
	nodes   *node.Cluster
	cfg     *config.Config
	ledger  string
	groups  *groups
	st      store.Store
	engine  *jobs.Engine
	records *runs.Ledger
	halt    func() // ends the engine; the store stays open until stop
	stop    func()
	keys    atomic.Int64
}

// groups is a directory whose members a test can change.
type groups struct {
	mu      sync.Mutex
	members map[string][]string
}

func (g *groups) Members(_ context.Context, group string, _ bool) ([]string, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.members[group], nil
}

func (g *groups) InGroup(ctx context.Context, user, group string, f jobs.Freshness) (bool, error) {
	members, err := g.Members(ctx, group, f != jobs.Cached)
	return slices.Contains(members, user), err
}

func (g *groups) Person(context.Context, string, bool, jobs.Freshness) (jobs.Person, error) {
	return jobs.Person{Standing: jobs.FullMember}, nil
}

func (g *groups) set(group string, users ...string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.members[group] = users
}

const deskClusters = 4 // deskClusters is how many names the same nodes have, so that runs go side by side.

func newEngineBed(t *testing.T, change func(*config.Config)) *engineBed {
	t.Helper()
	dir := tempDir(t)
	d := &engineBed{t: t, ledger: filepath.Join(dir, "ledger"), groups: &groups{members: map[string][]string{}}}
	d.resetRights()
	var err error
	d.nodes, err = node.Start(node.Options{Dir: filepath.Join(dir, "nodes")})
	must(t, err)
	t.Cleanup(func() { _ = d.nodes.Close() })
	must(t, d.script())
	d.cfg = &config.Config{
		Store:    config.Store{Engine: "bolt", Path: filepath.Join(dir, "alsbot.db"), KeepRuns: 2160 * time.Hour},
		Access:   config.Access{Viewer: []string{"*"}, Operator: []string{"S0OPS"}, Approver: []string{"S0LEADS"}},
		Approval: config.Approval{Effects: []string{"change", "restart"}, ExpiresAfter: time.Hour, Quorum: 1},
	}
	for i := range deskClusters {
		d.cfg.Clusters = append(d.cfg.Clusters, config.Cluster{
			Name: fmt.Sprintf("c%d", i), Core: d.nodes.Addr(d.nodes.Core), User: d.nodes.User, IdentityFile: d.nodes.IdentityFile,
			KnownHosts: d.nodes.KnownHosts, Kato: "kato", Generation: "auto", Addresses: d.nodes.Addresses(), RunsDir: ".alsbot/runs",
		})
	}
	if change != nil {
		change(d.cfg)
	}
	d.open()
	t.Cleanup(func() { d.stop() })
	return d
}

// resetRights gives people the rights that they start with.
func (d *engineBed) resetRights() {
	d.groups.set("S0OPS", ann)
	d.groups.set("S0LEADS", bob, cat)
}

// script puts a kato in front of the simulated one that is as fast as a shell.
// It writes its run into the ledger and prints a list of patches that it has
// read.
func (d *engineBed) script() error {
	home := d.nodes.Home(d.nodes.Core)
	kato := filepath.Join(home, "bin", "kato")
	show := exec.Command(kato, "patch", "status")
	show.Env = append(os.Environ(), "HOME="+home)
	list, err := show.Output()
	if err != nil {
		return fmt.Errorf("asking the simulated kato for its patches: %w", err)
	}
	seen := filepath.Join(filepath.Dir(d.ledger), "patches")
	if err := errors.Join(os.WriteFile(seen, list, 0o600), os.Rename(kato, kato+".sim"), quickPS(home)); err != nil {
		return err
	}
	return os.WriteFile(kato, []byte(`#!/bin/sh
case "$*" in
'patch status') exec cat `+seen+` ;;
'patch update')
	out=$(readlink /proc/$$/fd/1)
	run=${out%/out}
	echo "${run##*/}" >>`+d.ledger+`
	[ ! -e `+d.ledger+`.slow ] || sleep 1
	echo Fetched ;;
'history --json') echo '[]' ;; # what is done here is in no history
*) exec `+kato+`.sim "$@" ;;
esac
`), 0o755)
}

// slow makes updates take a second, or not.
func (d *engineBed) slow(on bool) {
	d.t.Helper()
	if on {
		must(d.t, os.WriteFile(d.ledger+".slow", nil, 0o600))
	} else {
		must(d.t, os.Remove(d.ledger+".slow"))
	}
}

// open opens the store and runs an engine on it.
func (d *engineBed) open() {
	d.t.Helper()
	st, err := store.OpenBolt(d.cfg.Store.Path, store.Ballast(0))
	must(d.t, err)
	d.st = st
	parts, halt := enginetest.Assemble(d.t, d.cfg, st, d.groups, quietLog(), func(runs.Run) {})
	d.engine, d.records = parts.Engine, parts.Ledger
	d.halt = sync.OnceFunc(func() {
		if err := halt(); err != nil {
			d.t.Error(err)
		}
	})
	d.stop = func() {
		d.halt()
		if err := parts.Close(); err != nil {
			d.t.Error(err)
		}
	}
}

func person(id string) runs.Principal { return runs.Principal{Source: runs.FromSlack, ID: id} }

// say types a text as a user.
func (d *engineBed) say(user, text string) (jobs.Answer, error) {
	key := fmt.Sprintf("%s-%d", d.t.Name(), d.keys.Add(1))
	return d.engine.Ask(context.Background(), jobs.Ask{Key: key, By: person(user), Text: text})
}

// request requests an update of cluster i as ann.
func (d *engineBed) request(i int) (string, error) {
	ans, err := d.say(ann, fmt.Sprintf("patch update @c%d", i))
	if err == nil && ans.Run == "" {
		err = fmt.Errorf("no run was made: %s", ans.Text)
	}
	return ans.Run, err
}

// requestWaiting requests an update and returns when the run waits for approval.
func (d *engineBed) requestWaiting(i int) (string, error) {
	id, err := d.request(i)
	if err != nil {
		return "", err
	}
	_, err = d.until(id, func(r runs.Run) bool { return r.State == runs.Awaiting })
	return id, err
}

func (d *engineBed) until(id string, ok func(runs.Run) bool) (r runs.Run, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	changed := d.st.Watch(ctx, "runs")
	for {
		if r, _, err = d.records.Load(ctx, id); err != nil || ok(r) {
			return r, err
		}
		if r.State.Final() {
			return r, fmt.Errorf("run %s is %s: %s", id, r.State, r.Trouble)
		}
		select {
		case <-ctx.Done():
			return r, fmt.Errorf("run %s stays %s", id, r.State)
		case <-changed:
		}
	}
}

func (d *engineBed) end(id string) (runs.Run, error) {
	return d.until(id, func(r runs.Run) bool { return r.State.Final() })
}

// checkRan returns an error unless the run is in the ledger that often.
func (d *engineBed) checkRan(id string, times int) error {
	return oracle{Ledger: d.ledger}.checkRan(id+"-1", times)
}

// recorded counts the entries of the audit log for a run with an action.
func (d *engineBed) recorded(id, action string) (n int, err error) {
	err = d.st.View(context.Background(), func(tx store.Tx) error {
		return tx.Scan("audit", "", "", false, func(_ string, v []byte) bool {
			if strings.Contains(string(v), `"run":"`+id+`"`) && strings.Contains(string(v), `"action":"`+action+`"`) {
				n++
			}
			return true
		})
	})
	return n, err
}

// checkAudit returns an error if the audit log is damaged.
func (d *engineBed) checkAudit() error {
	_, err := runs.VerifyAudit(context.Background(), d.st, runs.AuditHead{})
	return err
}

// together runs everything at the same moment.
func together(all ...func() error) error {
	errs := make([]error, len(all))
	start := make(chan struct{})
	var ready, wg sync.WaitGroup
	ready.Add(len(all))
	for i, fn := range all {
		wg.Go(func() {
			ready.Done()
			<-start
			errs[i] = fn()
		})
	}
	ready.Wait()
	close(start)
	wg.Wait()
	return errors.Join(errs...)
}

// lanes runs n trials, one at a time on each cluster.
func (d *engineBed) lanes(n int, trial func(cluster, i int) error, done func(error)) {
	next := make(chan int)
	var wg sync.WaitGroup
	for c := range deskClusters {
		wg.Go(func() {
			for i := range next {
				done(trial(c, i))
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
}
