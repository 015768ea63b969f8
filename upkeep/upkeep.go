// Package upkeep does what needs no request: it removes old records and
// copies, cleans up what runs leave on nodes, warns of old backups and of
// maintenance mode that was left on, starts what follows an export, and
// compares the nodes with the store. It changes a cluster only by runs.
package upkeep

import (
	"context"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"alsbot/config"
	"alsbot/executor"
	"alsbot/jobs"
	"alsbot/runs"
	"alsbot/store"
)

// Upkeep looks after records, nodes and copies. New makes it and Run starts it.
type Upkeep struct {
	cfg    *config.Config
	st     store.Store
	ledger *runs.Ledger
	exec   *executor.Executor
	engine *jobs.Engine
	prober *jobs.Prober
	log    *slog.Logger
	logged logOnce
}

// Options are the parts of an Upkeep.
type Options struct {
	Config   *config.Config
	Store    store.Store
	Ledger   *runs.Ledger // made with Hooks
	Executor *executor.Executor
	Engine   *jobs.Engine // whose Ended calls Upkeep.Ended
	Log      *slog.Logger
}

// New returns an Upkeep that has not started anything.
func New(o Options) *Upkeep {
	return &Upkeep{
		cfg: o.Config, st: o.Store, ledger: o.Ledger, exec: o.Executor, engine: o.Engine,
		prober: jobs.NewProber(o.Config, o.Executor), log: o.Log, logged: logOnce{said: map[string]string{}},
	}
}

// Hooks returns what has to be written with the end of a run.
func Hooks(cfg *config.Config) []runs.EndHook {
	return []runs.EndHook{followUp(cfg), reportFailedFollower, noteRemoteFiles, planSecondLook}
}

// Ended does what follows the end of a run: the runs that follow it start, and
// its output is removed from the nodes. What a lost run has left is for people
// to see first.
func (u *Upkeep) Ended(ctx context.Context, r runs.Run) {
	u.kickFollowers(r)
	if r.State != runs.Lost {
		u.clean(ctx, r, unreachable{})
	}
}

const (
	housekeepingEvery = time.Hour
	cleanupEvery      = 10 * time.Minute
)

// Run works at once and then at intervals, until ctx ends.
func (u *Upkeep) Run(ctx context.Context) error {
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error { every(gctx, housekeepingEvery, u.housekeeping); return nil })
	g.Go(func() error {
		every(gctx, cleanupEvery, func(ctx context.Context, _ time.Duration) {
			u.logUnlessDone(ctx, "looking after what runs have left on nodes", u.cleanup(ctx))
			u.logUnlessDone(ctx, "counting refusals in the audit log", u.ledger.FlushRefusals(ctx, false))
		})
		return nil
	})
	g.Go(func() error {
		every(gctx, secondLookEvery, func(ctx context.Context, _ time.Duration) {
			u.logUnlessDone(ctx, "looking again at what runs have restarted", u.lookAgain(ctx))
		})
		return nil
	})
	return g.Wait()
}

// every calls fn at once and then at each interval, until ctx ends. fn gets the
// time since its last call, 0 at first.
func every(ctx context.Context, interval time.Duration, fn func(ctx context.Context, passed time.Duration)) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for passed := time.Duration(0); ; passed = interval {
		fn(ctx, passed)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// housekeeping removes what is old and warns of what is overdue. passed is the
// time since the last call.
func (u *Upkeep) housekeeping(ctx context.Context, passed time.Duration) {
	by, err := u.oldBy(ctx, time.Now(), passed)
	if err == nil {
		err = u.prune(ctx, by)
	}
	u.logUnlessDone(ctx, "removing old records", err)
	u.logUnlessDone(ctx, "looking at the age of backups", u.watchBackups(ctx, time.Now()))
	u.logUnlessDone(ctx, "looking after the copies of archives on this host", u.pruneCopies(ctx, time.Now()))
	u.logUnlessDone(ctx, "looking for maintenance mode that was left on", u.watchMaintenance(ctx))
}

func (u *Upkeep) logUnlessDone(ctx context.Context, doing string, err error) {
	if err != nil && ctx.Err() == nil {
		u.log.Error(doing, "error", err)
	}
}
