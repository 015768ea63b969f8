package jobs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"alsbot/als"
	"alsbot/config"
	"alsbot/executor"
	"alsbot/runs"
	"alsbot/store"
)

// planner turns a run's request into a plan, from what the cluster is now.
type planner struct {
	cfg    *config.Config
	st     store.Store
	ledger *runs.Ledger
	prober *Prober
}

// operation returns the operation of a stored run; one that this version no
// longer has is an error in words.
func operation(r runs.Run) (als.Operation, error) {
	op, ok := als.Operations.Find(r.Request.Operation)
	if !ok {
		return op, &als.Refusal{Text: "this version of alsbot has no operation " + r.Request.Operation, Next: als.Advise("Type %s to see what it has", als.Typed("help"))}
	}
	return op, nil
}

// unplanned ends a run that could not be planned.
func unplanned(ctx context.Context, ledger *runs.Ledger, id string, err error) error {
	var ref *als.Refusal
	if errors.As(err, &ref) {
		return ledger.Fail(ctx, id, ref.Text, ref.Next)
	}
	what, fix := err.Error(), als.Advice{}
	var node *executor.Error
	if errors.As(err, &node) {
		bare, advice := withoutAdvice(node)
		what, fix = bare.Error(), advice.Ended()
	}
	return ledger.Fail(ctx, id, what+". Nothing was changed",
		fix.And(als.Advise("When that is mended, type %s; %s on alsbot's host looks at every node", als.Typed("retry "+id), als.Typed("alsbot check --connect"))))
}

// buildPlan surveys the cluster, runs the operation's checks and plans. It
// changes nothing, so it may be called again at any time.
func (p *planner) buildPlan(ctx context.Context, r runs.Run) (als.Cluster, als.Plan, error) {
	op, err := operation(r)
	if err != nil {
		return als.Cluster{}, als.Plan{}, err
	}
	cluster, err := p.known(ctx, op, r)
	if err != nil {
		return cluster, als.Plan{}, err
	}
	var findings []als.Finding
	if op.Survey {
		seen, err := p.prober.Probe(ctx, cluster, als.SurveySteps(cluster.Kato))
		if err != nil {
			return cluster, als.Plan{}, err
		}
		cluster.Generation, cluster.Version, cluster.Nodes, findings = als.ReadSurvey(seen, cluster.Generation)
		if c, ok := p.cfg.Cluster(cluster.Name); ok {
			var more []als.Finding
			cluster.Nodes, more = Machines(p.cfg, c, cluster.Nodes)
			findings = append(findings, more...)
		}
		if surveyed := (als.Plan{Operation: op.Name, Effect: r.Effect, Findings: findings}); isStopped(surveyed) {
			return cluster, surveyed, nil
		}
	}
	seen, err := p.check(ctx, op, r, &cluster)
	if err != nil {
		return cluster, als.Plan{}, err
	}
	plan, err := op.Plan(r.Request, cluster, seen)
	if err != nil {
		return cluster, plan, err
	}
	plan.Findings = append(findings, plan.Findings...)
	return cluster, plan, p.bind(ctx, r, cluster, &plan)
}

// bind adds to a plan what an approval of it binds besides: how each node is
// reached and, where data is destroyed, the last good backup.
func (p *planner) bind(ctx context.Context, r runs.Run, cluster als.Cluster, plan *als.Plan) error {
	seen := map[string]bool{}
	for _, s := range plan.Steps {
		if seen[s.Node] {
			continue
		}
		seen[s.Node] = true
		t, err := p.prober.Target(cluster, s.Node)
		if err != nil {
			return err
		}
		plan.Targets = append(plan.Targets, als.Target{
			Node: s.Node, Addr: t.Addr, HostKeys: executor.KnownKeys(t), User: t.User,
			RunAs: t.RunAs, Via: t.Via, RunsDir: t.RunsDir, Kato: cluster.Kato,
		})
	}
	if r.Effect != als.Destroy {
		return nil
	}
	return p.st.View(ctx, func(tx store.Tx) error {
		last, ok, err := runs.LastBackup(tx, r.Request.Cluster)
		if ok {
			plan.Backup = last.Run
		}
		return err
	})
}

func isStopped(p als.Plan) bool {
	_, stopped := p.Stopped()
	return stopped
}

// known returns what the config and the store know of a run's cluster.
func (p *planner) known(ctx context.Context, op als.Operation, r runs.Run) (cluster als.Cluster, err error) {
	c, ok := p.cfg.Cluster(r.Request.Cluster)
	if !ok {
		return cluster, &als.Refusal{Text: fmt.Sprintf("Cluster @%s is no longer in alsbot's config", r.Request.Cluster), Next: als.Advise("Type %s to see which there are", als.Typed("clusters"))}
	}
	cluster = als.Cluster{
		Name: c.Name, Host: coreHost(c), Kato: c.Kato, BackupDir: c.Backup.Directory, Config: p.cfg.Path, Run: r.ID, Asked: r.Asked,
		Generation: configured(c), Keep: als.Keep(c.Backup.Keep), MaxAge: c.Backup.MaxAge, MaxSize: int64(c.Backup.MaxSize),
	}
	if cluster.Socket, err = filepath.Abs(p.cfg.Admin.Socket); err != nil {
		return cluster, fmt.Errorf("finding the socket %s: %w", p.cfg.Admin.Socket, err)
	}
	if op.Agent {
		cluster.Agent = agent(p.cfg.Monitoring.NewRelic)
	}
	if op.Archives {
		cluster.Fetch = copyHost(c.Backup.Fetch)
	}
	if cluster.History, err = p.ledger.History(ctx, r.Request, op.Archives, op.Earlier); err != nil {
		return cluster, err
	}
	cluster.Busy, err = p.holder(ctx, r)
	return cluster, err
}

// configured returns the generation that the config names, "" for auto.
func configured(c config.Cluster) als.Generation {
	if c.Generation == "auto" {
		return ""
	}
	return als.Generation(c.Generation)
}

// check runs the operation's checks.
func (p *planner) check(ctx context.Context, op als.Operation, r runs.Run, cluster *als.Cluster) (als.Results, error) {
	if op.Checks == nil {
		return nil, nil
	}
	checks, err := op.Checks(r.Request, *cluster)
	if err != nil {
		return nil, err
	}
	seen, err := p.prober.Probe(ctx, *cluster, checks)
	if err != nil || cluster.Busy != "" {
		return seen, err
	}
	cluster.Busy, err = p.holder(ctx, r) // a run may have begun during the checks
	return seen, err
}

// holder returns the other run that is at work on the cluster, or may be; ""
// if none. What comes after it waits, and is planned again then.
func (p *planner) holder(ctx context.Context, r runs.Run) (id string, err error) {
	err = p.st.View(ctx, func(tx store.Tx) error {
		id, err = runs.Holder(tx, r.Request.Cluster, r.ID)
		return err
	})
	return id, err
}

// agent returns what the config says of New Relic, without the key itself.
func agent(n config.NewRelic) als.Agent {
	return als.Agent{Key: n.LicenseKey != "", Package: n.Package, Source: n.Source, Install: n.Install, Config: n.ConfigFile, Start: n.Start, Process: n.Process}
}

// copyHost returns what is known of a directory for copies of archives.
func copyHost(dir string) als.Host {
	h := als.Host{Dir: dir}
	if dir == "" {
		return h
	}
	h.Free = freeIn(dir)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return h // the fetch says what is wrong with it
	}
	for _, entry := range entries {
		whole, ok := PartOf(entry.Name())
		info, err := entry.Info()
		if ok && err == nil && info.Mode().IsRegular() {
			if h.Parts == nil {
				h.Parts = map[string]int64{}
			}
			h.Parts[whole] = info.Size()
		}
	}
	return h
}
