// Package app builds the parts of alsbot in one straight function, runs them
// as one group and stops them in reverse.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"al.essio.dev/pkg/shellescape"
	"golang.org/x/sync/errgroup"

	"alsbot/bot"
	"alsbot/config"
	"alsbot/executor"
	"alsbot/jobs"
	"alsbot/runs"
	"alsbot/store"
	"alsbot/upkeep"
)

// App is a whole bot: New builds it, Run runs it.
type App struct {
	cfg    *config.Config
	log    *slog.Logger
	store  store.Store
	exec   *executor.Executor
	ledger *runs.Ledger
	engine *jobs.Engine
	upkeep *upkeep.Upkeep
	bot    *bot.Bot
	admin  *admin
	head   runs.HeadFile
}

// Start says what a person accepts at this start.
type Start struct {
	AcceptRestored bool // a store that is older than it should be
	NewStore       bool // that the store is lost
}

// New builds the parts and opens the store. It doesn't listen yet. Its errors
// are for people; callers can match store.ErrHeld, store.ErrDamaged and
// *config.Error.
func New(cfg *config.Config, log *slog.Logger, how Start) (_ *App, err error) {
	if err := jobs.CheckSchedules(cfg); err != nil {
		return nil, err
	}
	opts := []store.Option{store.Replaced(func(err error) { log.Error(err.Error()) })}
	if how.NewStore {
		opts = append(opts, store.Anew(func(output string) {
			log.Warn("the store is lost and begins empty; the output of its runs was kept", "moved to", output)
		}))
	}
	st, err := OpenStore(cfg, append(opts, store.Migrated(func(from, to int) {
		log.Info("the store was brought to the schema of this version", "from", from, "to", to)
	}), store.Slow(func(commit time.Duration) {
		log.Warn("the disk of the store is slow, and so is every answer: look at what else uses it, or put store.path on a local disk",
			"commit", commit.Round(time.Millisecond), "path", cfg.Store.Path)
	}))...)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, st.Close())
		}
	}()
	head := headOf(cfg)
	if err := checkHead(head, st, how); err != nil {
		return nil, err
	}
	client, err := bot.Dial(cfg.Slack, log, cfg.Secrets()...)
	if err != nil {
		return nil, err
	}
	owner, err := runs.Installation(context.Background(), st)
	if err != nil {
		return nil, err
	}
	m := newMetrics(cfg, st)
	exec := executor.New(log)
	exec.Owner = owner
	a := &App{cfg: cfg, log: log, store: st, exec: exec, head: head, ledger: runs.NewLedger(st, upkeep.Hooks(cfg)...)}
	a.engine, err = jobs.New(jobs.Options{
		Config: cfg, Store: st, Ledger: a.ledger, Executor: exec, Directory: client, Log: log,
		Ended: func(ctx context.Context, r runs.Run) {
			m.observe(r)
			a.upkeep.Ended(ctx, r)
		},
	})
	if err != nil {
		return nil, err
	}
	a.upkeep = upkeep.New(upkeep.Options{Config: cfg, Store: st, Ledger: a.ledger, Executor: exec, Engine: a.engine, Log: log})
	a.bot = bot.New(cfg, client, desk{a.engine, a.ledger}, st, log)
	a.admin = newAdmin(a, m)
	return a, nil
}

// desk is what the bot asks: the engine decides, the ledger knows.
type desk struct {
	*jobs.Engine
	*runs.Ledger
}

// Schema returns the number of this version's store schema.
func Schema() int { return len(runs.Migrations()) }

// storeRoom returns an error with advice if the store's directory is missing.
func storeRoom(cfg *config.Config) error {
	dir := filepath.Dir(cfg.Store.Path)
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("store.path: there is no directory %s: make it, and give it to the user that alsbot runs as", dir)
	}
	return nil
}

func engineProblem(cfg *config.Config) config.Problem {
	return config.Problem{Path: "store.engine", Text: cfg.Store.Engine + " is not in this version of alsbot yet: use bolt"}
}

// OpenStore opens the store that the config names.
func OpenStore(cfg *config.Config, opts ...store.Option) (store.Store, error) {
	if cfg.Store.Engine != "bolt" {
		return nil, &config.Error{Problems: []config.Problem{engineProblem(cfg)}}
	}
	if err := storeRoom(cfg); err != nil {
		return nil, err
	}
	opts = append(opts, store.Ordered(runs.Ordered...), store.Migrations(runs.Migrations()...))
	st, err := store.OpenBolt(cfg.Store.Path, opts...)
	return st, ownership(err, cfg.Store.Path, os.Getuid())
}

// ownership adds advice to a permission error. Most often someone has used the
// store as root, so its files belong to root.
func ownership(err error, path string, uid int) error {
	if !errors.Is(err, os.ErrPermission) {
		return err
	}
	me := userName(uid)
	return fmt.Errorf("%w. This was run as %s. If that is the bot's user, type as root: chown -R %s: %s*; if not, run it as the bot's user",
		err, me, strings.TrimPrefix(me, "uid "), shellescape.Quote(path))
}

// Run works until ctx ends or a part fails. Commands on nodes go on after Run
// returns; the next start attaches to them.
func (a *App) Run(ctx context.Context) error {
	if err := a.logStart(ctx); err != nil {
		return errors.Join(err, a.Close())
	}
	a.noteStart(ctx)
	g, gctx := errgroup.WithContext(ctx)
	part := func(name string, run func(context.Context) error) {
		g.Go(func() error {
			if err := run(gctx); err != nil && gctx.Err() == nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			return nil
		})
	}
	part("admin", a.admin.run)
	part("jobs", a.engine.Run)
	part("upkeep", a.upkeep.Run)
	part("slack", a.bot.Run)
	part("head", func(ctx context.Context) error { return a.head.Follow(ctx, a.store, a.headTrouble) })
	err := g.Wait()
	a.noteStop(err)
	if err := a.head.Keep(context.Background(), a.store); err != nil {
		a.headTrouble(err)
	}
	return errors.Join(err, a.Close())
}

// logStart logs the start and how many runs alsbot takes up again.
func (a *App) logStart(ctx context.Context) error {
	var open map[runs.State]int
	err := a.store.View(ctx, func(tx store.Tx) (err error) {
		open, err = runs.Open(tx)
		return err
	})
	if err != nil {
		if ctx.Err() != nil {
			return nil // alsbot is already stopping
		}
		return fmt.Errorf("counting the runs that are under way: %w", err)
	}
	line := []any{"version", Version(), "clusters", len(a.cfg.Clusters), "schedules", len(a.cfg.Schedules), "slack", a.cfg.Slack.Mode}
	for _, s := range []runs.State{runs.Running, runs.Queued, runs.Awaiting, runs.Planned} {
		line = append(line, string(s), open[s])
	}
	a.log.Info("alsbot is starting", line...)
	return nil
}

// Close closes the connections to nodes and the store. Run calls it.
func (a *App) Close() error {
	return errors.Join(a.exec.Close(), a.store.Close())
}
