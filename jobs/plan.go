package jobs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"alsbot/als"
	"alsbot/executor"
	"alsbot/store"
)

const (
	checkLimit  = 2 * time.Minute // for one look at the cluster
	looksAtOnce = 8
	keepInMind  = 1 << 20 // bytes of a step's output that readers get
)

// plan looks at the cluster, makes the run's plan and decides what comes
// next: an end, an approval, the cluster's line, or, for a read, the steps.
func (e *Engine) plan(ctx context.Context, d *driver, r Run) error {
	look, stop := e.heed(ctx, d, r)
	cluster, plan, err := e.think(look, r)
	over := look.Err() != nil
	stop()
	if over {
		return nil // it is cancelled, or the next start plans again
	}
	if err != nil {
		return e.unplanned(ctx, r.ID, err)
	}
	_, err = e.transit(ctx, r.ID, nobody, func(tx store.Tx, r *Run) error {
		if r.State != Planned {
			return errSame // cancelled meanwhile
		}
		r.Cluster, r.Plan, r.Digest = cluster, &plan, plan.Digest()
		return e.route(tx, r)
	})
	return err
}

// unplanned ends a run that could not be planned.
func (e *Engine) unplanned(ctx context.Context, id string, err error) error {
	var ref *als.Refusal
	if errors.As(err, &ref) {
		return e.fail(ctx, id, ref.Text, ref.Next)
	}
	what, mend := err.Error(), ""
	var node *executor.Error
	if errors.As(err, &node) {
		bare, advice := withoutAdvice(node)
		what, mend = bare.Error(), before(advice)
	}
	return e.fail(ctx, id, what+". Nothing was changed", mend+"When that is mended, type `retry "+id+"`; `alsbot check --connect` on alsbot's host looks at every node")
}

// route decides where a run with a fresh plan goes.
func (e *Engine) route(tx store.Tx, r *Run) error {
	if f, stop := r.Plan.Stopped(); stop {
		r.State, r.Trouble, r.Next = Failed, f.Text, f.Mend
		return nil
	}
	switch {
	case r.Plan.Nothing != "":
		r.State = Succeeded
		r.Next = r.Plan.Next
		r.Verdict = &als.Verdict{Outcome: als.Succeeded, Summary: "Nothing to do: " + r.Plan.Nothing, Whole: true, Next: r.Plan.Next, Offers: r.Plan.Offers}
	case r.Request.Dry:
		r.State = Succeeded
		r.Verdict = &als.Verdict{Outcome: als.Succeeded, Summary: "This is what would happen. Nothing was run.", Report: describe(*r.Plan), Whole: true}
	case r.Effect == als.Read:
		e.commence(r)
	case e.needsApproval(*r):
		return e.requestApproval(tx, r)
	default:
		return e.queue(tx, r)
	}
	return nil
}

// commence makes a run running.
func (e *Engine) commence(r *Run) {
	r.State, r.Started = Running, time.Now().UTC().Round(0)
	r.sure()
	r.Steps = make([]StepRecord, len(r.Plan.Steps))
	for i, s := range r.Plan.Steps {
		id := fmt.Sprintf("%s-%d", r.ID, i+1)
		r.Steps[i] = StepRecord{Step: s, ID: id, Blob: id}
	}
}

// describe shows the findings and the plan as text.
func describe(p als.Plan) string {
	var b strings.Builder
	for _, f := range p.Findings {
		fmt.Fprintf(&b, "%s: %s\n", f.Level, strings.TrimSuffix(f.Text+". "+f.Mend, ". "))
	}
	return b.String() + p.Text()
}

// think surveys the cluster, runs the operation's checks and plans. It only
// looks; it may be done again at any time.
func (e *Engine) think(ctx context.Context, r Run) (als.Cluster, als.Plan, error) {
	var plan als.Plan
	op, err := operation(r)
	if err != nil {
		return als.Cluster{}, plan, err
	}
	c, ok := e.cfg.Cluster(r.Request.Cluster)
	if !ok {
		return als.Cluster{}, plan, &als.Refusal{Text: fmt.Sprintf("Cluster @%s is no longer in alsbot's config", r.Request.Cluster), Next: "Type `clusters` to see which there are"}
	}
	cluster := als.Cluster{Name: c.Name, Kato: c.Kato, BackupDir: c.Backup.Directory, Config: e.cfg.Path, Run: r.ID, Asked: r.Asked}
	if cluster.Socket, err = filepath.Abs(e.cfg.Admin.Socket); err != nil {
		return cluster, plan, fmt.Errorf("finding the socket %s: %w", e.cfg.Admin.Socket, err)
	}
	if c.Generation != "auto" {
		cluster.Generation = als.Generation(c.Generation)
	}
	cluster.Keep, cluster.MaxAge = als.Keep(c.Backup.Keep), c.Backup.MaxAge
	if op.Agent {
		cluster.Agent = agent(e.cfg.Monitoring.NewRelic)
	}
	if op.Archives {
		cluster.Fetch = host(c.Backup.Fetch)
	}
	if cluster.History, err = e.history(ctx, r.Request, op.Archives); err != nil {
		return cluster, plan, err
	}
	if cluster.Busy, err = e.atWork(ctx, r); err != nil {
		return cluster, plan, err
	}
	var findings []als.Finding
	if op.Survey {
		seen, err := e.look(ctx, cluster, als.SurveySteps(c.Kato))
		if err != nil {
			return cluster, plan, err
		}
		cluster.Generation, cluster.Version, cluster.Nodes, findings = als.ReadSurvey(seen, cluster.Generation)
		for _, f := range findings {
			if f.Level == als.Stop {
				return cluster, als.Plan{Operation: op.Name, Effect: r.Effect, Findings: findings}, nil
			}
		}
	}
	var seen als.Results
	if op.Checks != nil {
		checks, err := op.Checks(r.Request, cluster)
		if err != nil {
			return cluster, plan, err
		}
		if seen, err = e.look(ctx, cluster, checks); err != nil {
			return cluster, plan, err
		}
		if cluster.Busy == "" { // one may have begun while we looked
			if cluster.Busy, err = e.atWork(ctx, r); err != nil {
				return cluster, plan, err
			}
		}
	}
	plan, err = op.Plan(r.Request, cluster, seen)
	plan.Findings = append(findings, plan.Findings...)
	return cluster, plan, err
}

// look runs read-only steps, several at once, and returns their results in
// the order of the steps. A node that cannot be asked is an error, unless
// the step tolerates it.
func (e *Engine) look(ctx context.Context, cluster als.Cluster, steps []als.Step) (als.Results, error) {
	results := make(als.Results, len(steps))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(looksAtOnce)
	for i, s := range steps {
		g.Go(func() error {
			r, err := e.glance(gctx, cluster, s)
			if err != nil && !s.Tolerate {
				return err
			}
			results[i] = r
			return nil
		})
	}
	return results, g.Wait()
}

// glance runs one read-only step over a plain exec, and once more if the
// connection breaks under it.
func (e *Engine) glance(ctx context.Context, cluster als.Cluster, s als.Step) (als.Result, error) {
	limit := s.Limit
	if limit == 0 {
		limit = checkLimit
	}
	res := als.Result{Step: s.Name, Node: s.Node}
	t, err := e.target(cluster, s.Node)
	if err != nil {
		res.Trouble = err.Error()
		return res, err
	}
	sctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	read := func() (err error) {
		out := &tail{max: keepInMind}
		res.Exit, err = e.exec.Exec(sctx, t, s.Command(), out)
		res.Output = out.bytes()
		return err
	}
	err = read()
	var broken *executor.Error
	if errors.As(err, &broken) && broken.Kind == executor.Interrupted && sctx.Err() == nil {
		err = read()
	}
	if err != nil && sctx.Err() != nil && ctx.Err() == nil {
		err = tooSlow(limit, res.Output)
	}
	if errors.Is(context.Cause(ctx), errCancelled) {
		err = errors.New("the run was cancelled before it was seen to its end")
	}
	if err == nil {
		return res, nil
	}
	res.Trouble, res.Mend = inWords(err)
	var slow *als.Refusal
	if errors.As(err, &slow) {
		err = &als.Refusal{Text: fmt.Sprintf("%s on %s: %s", s.Name, t.Name, slow.Text), Next: slow.Next}
	}
	return res, err
}

// tooSlow says of a command that it did not end, and what it was waiting for
// if that can be seen.
func tooSlow(limit time.Duration, out []byte) error {
	if q, ok := als.Prompt(out); ok {
		return &als.Refusal{
			Text: fmt.Sprintf("it waits for an answer (%s) and alsbot never answers prompts", q),
			Next: "Set up what it asks for (passwordless sudo or SSH keys between the nodes), then ask again",
		}
	}
	return &als.Refusal{
		Text: fmt.Sprintf("it did not end within %s", limit),
		Next: "Look whether the node is overloaded or kato hangs there, then ask again",
	}
}

// tail keeps the last max bytes that are written to it.
type tail struct {
	max int
	buf []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.buf = append(t.buf, p...)
	if len(t.buf) > 2*t.max {
		t.buf = append(t.buf[:0], t.buf[len(t.buf)-t.max:]...)
	}
	return len(p), nil
}

func (t *tail) bytes() []byte {
	if len(t.buf) > t.max {
		return bytes.Clone(t.buf[len(t.buf)-t.max:])
	}
	return t.buf
}

var _ io.Writer = (*tail)(nil)

func stack() string { return string(debug.Stack()) }
