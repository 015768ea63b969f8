package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"time"

	"alsbot/als"
	"alsbot/bot"
	"alsbot/config"
	"alsbot/executor"
	"alsbot/jobs"
	"alsbot/store"
)

// Check prints what is right and wrong with a config and, with connect, with
// Slack and every node that the config names. It reports whether everything is
// in order; a warning is.
func Check(ctx context.Context, cfg *config.Config, connect bool, out io.Writer) bool {
	c := &checker{out: out, good: true}
	c.say("ok", "config", "%s, %s", count(len(cfg.Clusters), "cluster"), count(len(cfg.Schedules), "schedule"))
	for _, w := range cfg.Warnings {
		c.say("warn", "config", "%s", w)
	}
	if me := OwnAccount(); len(cfg.Approval.Effects) > 0 && len(cfg.Admin.Users) > 0 && cfg.Admin.Users[me] == "" {
		c.say("warn", "config", "admin.users: does not name %s, under which you run this: on the command line you cannot ask for what needs approval", me)
	}
	c.store(ctx, cfg)
	if cfg.Store.Engine != "bolt" {
		c.bad("config", errors.New(engineProblem(cfg).String()))
	}
	for _, cl := range cfg.Clusters {
		c.key(cl)
		for _, l := range executor.UnreadLines(cl.KnownHosts) {
			c.say("warn", "clusters "+cl.Name, "known_hosts: %s", unreadLine(cl.KnownHosts, l))
		}
		c.fetch(cl)
	}
	if err := jobs.CheckSchedules(cfg); err != nil {
		c.bad("schedules", err)
	}
	if !connect {
		_, _ = fmt.Fprintln(out, "Slack and the nodes were not asked: `alsbot check --connect` does.")
		return c.good
	}
	c.slack(ctx, cfg)
	exec := executor.New(slog.New(slog.DiscardHandler))
	defer exec.Close() //nolint:errcheck // the process ends here
	for _, cl := range cfg.Clusters {
		c.cluster(ctx, exec, cfg, cl)
	}
	return c.good
}

type checker struct {
	out  io.Writer
	good bool
}

func (c *checker) say(verdict, what, format string, args ...any) {
	_, _ = fmt.Fprintf(c.out, "%-4s  %s: %s\n", verdict, what, als.Visible(fmt.Sprintf(format, args...)))
}

func (c *checker) bad(what string, err error) {
	c.good = false
	c.say("bad", what, "%v", err)
}

func count(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}

// key checks that there is a private key to log in with. Its content is
// checked when it is used.
func (c *checker) key(cl config.Cluster) {
	f, err := os.Open(cl.IdentityFile)
	if errors.Is(err, os.ErrNotExist) {
		err = fmt.Errorf("%w. Make it with `ssh-keygen -t ecdsa -N '' -f %s`, and put its public half on every node", err, cl.IdentityFile)
	}
	if err != nil {
		c.bad("clusters "+cl.Name, fmt.Errorf("identity_file: %w", err))
		return
	}
	_ = f.Close() // nothing was written
}

// store prints the schema of the store's file if it exists and no bot uses it.
// A running bot has already brought the file to its own schema.
func (c *checker) store(ctx context.Context, cfg *config.Config) {
	if err := storeRoom(cfg); err != nil {
		c.bad("config", err)
		return
	}
	n, err := store.Schema(ctx, cfg.Store.Path)
	switch {
	case errors.Is(err, os.ErrNotExist), errors.Is(err, store.ErrHeld):
	case errors.Is(err, store.ErrDamaged):
		c.bad("store", fmt.Errorf("%w. `alsbot serve` says how to put a snapshot in its place", err))
	case err != nil:
		c.say("warn", "store", "%v", err)
	case n > Schema():
		c.bad("store", fmt.Errorf("schema %d, and this alsbot knows up to %d: start the newer one, or put an older snapshot in place", n, Schema()))
	case n < Schema():
		c.say("ok", "store", "schema %d; the next start brings it to %d", n, Schema())
	default:
		c.say("ok", "store", "schema %d; `alsbot serve` looks whether the file is sound", n)
	}
}

// fetch checks whether alsbot can copy archives to this host.
func (c *checker) fetch(cl config.Cluster) {
	dir := cl.Backup.Fetch
	if dir == "" {
		return
	}
	f, err := os.CreateTemp(dir, ".alsbot-check-")
	if err == nil {
		err = errors.Join(f.Close(), os.Remove(f.Name()))
	}
	if err != nil {
		c.bad("clusters "+cl.Name, fmt.Errorf("backup.fetch: nothing can be written to %s: %w", dir, err))
	}
}

func (c *checker) slack(ctx context.Context, cfg *config.Config) {
	client, err := bot.Dial(cfg.Slack, slog.New(slog.DiscardHandler))
	if err != nil {
		c.bad("slack", err)
		return
	}
	for _, f := range client.Check(ctx, cfg) {
		switch {
		case f.Err != nil:
			c.bad(f.What, f.Err)
		case f.Warn:
			c.say("warn", f.What, "%s", f.Text)
		default:
			c.say("ok", f.What, "%s", f.Text)
		}
	}
}

// maxSkew is the largest allowed error of a node's clock. Beyond it, the
// node's cron lines and certificates disagree with the times that people see.
const maxSkew = 30 * time.Second

func (c *checker) cluster(ctx context.Context, exec *executor.Executor, cfg *config.Config, cl config.Cluster) {
	seen, err := survey(ctx, exec, cfg, cl)
	for _, w := range seen.warnings {
		c.say("warn", "@"+cl.Name, "%v", w)
	}
	if err != nil {
		c.bad("@"+cl.Name, err)
		return
	}
	c.say("ok", "@"+cl.Name, "kato %s, generation %s, %d nodes", seen.version, seen.generation, len(seen.nodes))
	for _, n := range seen.nodes {
		c.node(ctx, exec, cfg, cl, seen.nodes, n.IP)
	}
	c.preconditions(ctx, exec, cfg, cl, seen)
}

// node checks the login and the clock of one node.
func (c *checker) node(ctx context.Context, exec *executor.Executor, cfg *config.Config, cl config.Cluster, nodes []als.Node, ip string) {
	what := "@" + cl.Name + " " + ip
	asked := time.Now()
	out, status, err := look(ctx, exec, cfg, cl, nodes, als.Step{Node: ip, Argv: []string{"sh", "-c", "id -un; date +%s"}})
	if err != nil {
		c.bad(what, err)
		return
	}
	lines := strings.Fields(string(out))
	if status != 0 || len(lines) < 2 {
		c.bad(what, fmt.Errorf("the login works, but its shell does not: exit %d, %q", status, out))
		return
	}
	lines = lines[len(lines)-2:]
	c.say("ok", what, "logs in, commands run as %s", lines[0])
	if at, err := strconv.ParseInt(lines[1], 10, 64); err == nil {
		if skew := time.Unix(at, 0).Sub(asked).Abs(); skew > maxSkew {
			c.say("warn", what, "its clock is off by %s: set up NTP", skew.Round(time.Second))
		}
	}
}

// preconditions runs the checks that several operations share. An unmet one is
// a warning: the operations that need it refuse.
func (c *checker) preconditions(ctx context.Context, exec *executor.Executor, cfg *config.Config, cl config.Cluster, seen surveyed) {
	cluster := als.Cluster{Name: cl.Name, Host: seen.host, Kato: cl.Kato, Generation: seen.generation, Version: seen.version, Nodes: seen.nodes}
	var rs als.Results
	for _, need := range als.Preconditions(cluster) {
		for _, s := range need.Probes(cluster) {
			if _, had := rs.Find(s.ResultKey(), s.Node); had {
				continue
			}
			r := s.Result()
			var err error
			if r.Output, r.Exit, err = look(ctx, exec, cfg, cl, seen.nodes, s); err != nil {
				r.Trouble = err.Error()
			}
			rs = append(rs, r)
		}
		what := "@" + cl.Name + " " + need.Node
		if f, amiss := need.Finding(cluster, rs); amiss {
			c.say("warn", what, "%s", strings.TrimSpace(f.Text+". "+f.Fix.Text))
		} else {
			c.say("ok", what, "%s", need.Name)
		}
	}
}
