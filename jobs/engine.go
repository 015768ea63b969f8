// Package jobs decides when and whether work is done: it takes requests,
// checks rights, plans, asks for approval, drives runs to their end and keeps
// the schedules. It knows no Slack. All that it knows of a run is on the
// ledger of package runs, so it can stop between any two lines.
package jobs

import (
	"context"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"alsbot/config"
	"alsbot/executor"
	"alsbot/runs"
	"alsbot/store"
)

// Engine takes requests and carries runs to their end. New makes it and Run
// starts it. Its parts carry the exported methods that they answer for.
type Engine struct {
	log    *slog.Logger
	ledger *runs.Ledger
	ended  func(context.Context, runs.Run)

	*approver
	*outputs
	*files
	*turns
	*monitoring

	policy    policy
	rights    *rights
	planner   *planner
	worker    *worker
	builtins  *builtins
	scheduler *scheduler
	drivers   *drivers
	reads     readPlaces
}

// Options are the parts and the callbacks of an Engine.
type Options struct {
	Config    *config.Config
	Store     store.Store
	Ledger    *runs.Ledger // nil is one on Store, without hooks
	Executor  *executor.Executor
	Directory Directory
	Log       *slog.Logger
	// Ended, if set, is called with each run that has become final, by the
	// run's driver and after the end is on the ledger.
	Ended func(context.Context, runs.Run)
}

// New returns an engine that has not started anything. It checks the config's
// schedules: the error names those whose command cannot be scheduled.
func New(o Options) (*Engine, error) {
	if o.Ledger == nil {
		o.Ledger = runs.NewLedger(o.Store)
	}
	e := &Engine{
		log: o.Log, ledger: o.Ledger, ended: o.Ended,
		policy: policy{o.Config}, rights: &rights{cfg: o.Config, dir: o.Directory, log: o.Log},
		drivers: newDrivers(), reads: newReadPlaces(o.Config.Clusters),
	}
	if e.ended == nil {
		e.ended = func(context.Context, runs.Run) {}
	}
	prober := NewProber(o.Config, o.Executor)
	e.planner = &planner{cfg: o.Config, st: o.Store, ledger: o.Ledger, prober: prober}
	recheck := &rechecker{st: o.Store, ledger: o.Ledger, policy: e.policy, rights: e.rights, planner: e.planner, kick: e.Kick, log: o.Log}
	e.outputs = &outputs{st: o.Store, ledger: o.Ledger}
	e.files = &files{ledger: o.Ledger, exec: o.Executor, prober: prober, log: o.Log}
	e.turns = &turns{st: o.Store, ledger: o.Ledger, policy: e.policy, recheck: recheck, log: o.Log}
	e.approver = &approver{ledger: o.Ledger, policy: e.policy, rights: e.rights, recheck: recheck, kick: e.Kick, log: o.Log}
	e.monitoring = &monitoring{cfg: o.Config, st: o.Store}
	e.worker = &worker{
		cfg: o.Config, st: o.Store, ledger: o.Ledger, exec: o.Executor, prober: prober,
		outputs: e.outputs, log: o.Log, moved: make(chan string, 256),
	}
	e.scheduler = &scheduler{cfg: o.Config, st: o.Store, log: o.Log, kick: e.Kick}
	e.builtins = &builtins{
		cfg: o.Config, st: o.Store, ledger: o.Ledger, rights: e.rights, turns: e.turns,
		outputs: e.outputs, kick: e.Kick, log: o.Log, catalogue: Operations,
	}
	return e, CheckSchedules(o.Config)
}

// Run resumes the runs that are under way and keeps the schedules until ctx
// ends. Then it refuses new requests in words, leaves commands on the nodes
// alone, and returns within 5 seconds.
func (e *Engine) Run(ctx context.Context) error {
	g, gctx := errgroup.WithContext(ctx)
	e.drivers.open(func(d *driver) { g.Go(func() error { e.drive(gctx, d); return nil }) })
	defer e.drivers.close()
	if err := e.resume(ctx); err != nil && ctx.Err() == nil {
		return err
	}
	g.Go(func() error { return e.scheduler.run(gctx) })
	g.Go(func() error {
		<-gctx.Done()
		e.drivers.close()
		return nil
	})
	err := g.Wait()
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// resume starts a driver for every run that is not final.
func (e *Engine) resume(ctx context.Context) error {
	var ids []string
	if err := e.planner.st.View(ctx, func(tx store.Tx) (err error) {
		ids, err = runs.Active(tx)
		return err
	}); err != nil {
		return err
	}
	for _, id := range ids {
		e.Kick(id)
	}
	return nil
}

// Kick has a run looked at: by its driver, or by a new one. Before Run has
// started it does nothing: the start resumes every run.
func (e *Engine) Kick(id string) { e.drivers.kick(id) }

// Progress returns a channel that receives the IDs of runs whose output or
// steps have moved. Slow readers miss some.
func (e *Engine) Progress() <-chan string { return e.worker.moved }

// longest is how long a driver sleeps at most before it looks again.
const longest = time.Minute
