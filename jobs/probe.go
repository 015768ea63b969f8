package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"alsbot/als"
	"alsbot/config"
	"alsbot/executor"
)

const (
	checkLimit   = 2 * time.Minute // for one probe
	probesAtOnce = 8
	readerLimit  = 1 << 20 // bytes of a step's output that readers get
)

// Prober runs read-only steps on the nodes of the config's clusters.
type Prober struct {
	cfg  *config.Config
	exec *executor.Executor
}

// NewProber returns a Prober.
func NewProber(cfg *config.Config, exec *executor.Executor) *Prober { return &Prober{cfg, exec} }

// Probe runs read-only steps, several at once and those that are Last after all
// others, and returns their results in the order of the steps. A node that can't
// be asked is an error, unless the step tolerates it.
func (p *Prober) Probe(ctx context.Context, cluster als.Cluster, steps []als.Step) (als.Results, error) {
	results := make(als.Results, len(steps))
	for _, last := range []bool{false, true} {
		g, gctx := errgroup.WithContext(ctx)
		g.SetLimit(probesAtOnce)
		for i, s := range steps {
			if s.Last != last {
				continue
			}
			g.Go(func() error {
				r, err := p.probe(gctx, cluster, s)
				if err != nil && !s.Tolerate {
					return err
				}
				results[i] = r
				return nil
			})
		}
		if err := g.Wait(); err != nil {
			return results, err
		}
	}
	return results, nil
}

// probe runs one read-only step over a plain exec, and once more if the
// connection breaks.
func (p *Prober) probe(ctx context.Context, cluster als.Cluster, s als.Step) (als.Result, error) {
	limit := s.Limit
	if limit == 0 {
		limit = checkLimit
	}
	res := s.Result()
	t, err := p.Target(cluster, s.Node)
	if err != nil {
		res.Trouble = err.Error()
		return res, err
	}
	sctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	read := func() (err error) {
		out := &tail{max: readerLimit, most: readMost}
		res.Exit, err = p.exec.Exec(sctx, t, s.Command(), out)
		res.Output, res.Cut = out.bytes(), out.cut()
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
	res.Trouble, res.Fix = inWords(err)
	var slow *als.Refusal
	if errors.As(err, &slow) {
		err = &als.Refusal{Text: fmt.Sprintf("%s on %s: %s", s.Name, t.Name, slow.Text), Next: slow.Next}
	}
	return res, err
}

// Nodes asks a cluster for its nodes.
func (p *Prober) Nodes(ctx context.Context, c config.Cluster) ([]als.Node, error) {
	generation := configured(c)
	seen, err := p.Probe(ctx, als.Cluster{Name: c.Name, Host: coreHost(c), Kato: c.Kato, Generation: generation}, als.SurveySteps(c.Kato))
	if err != nil {
		return nil, err
	}
	_, _, nodes, findings := als.ReadSurvey(seen, generation)
	if len(nodes) > 0 {
		nodes, _ = Machines(p.cfg, c, nodes) // a node that the core may not name is refused where it is dialled
		return nodes, nil
	}
	for _, f := range findings {
		err = errors.Join(err, errors.New(f.Text))
	}
	return nil, err
}

// tooSlow says that a command did not end, and what it was waiting for if its
// output shows that.
func tooSlow(limit time.Duration, out []byte) error {
	if q, ok := als.Prompt(out); ok {
		return &als.Refusal{
			Text: fmt.Sprintf("it waits for an answer (%s) and alsbot never answers prompts", q),
			Next: als.Advise("Set up what it asks for (passwordless sudo or SSH keys between the nodes), then ask again"),
		}
	}
	return &als.Refusal{
		Text: fmt.Sprintf("it did not end within %s", limit),
		Next: als.Advise("Look whether the node is overloaded or kato hangs there, then ask again"),
	}
}
