package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"alsbot/als"
	"alsbot/config"
	"alsbot/executor"
	"alsbot/runs"
	"alsbot/store"
)

// worker runs the steps of runs on their nodes and judges the result.
type worker struct {
	cfg     *config.Config
	st      store.Store
	ledger  *runs.Ledger
	exec    *executor.Executor
	prober  *Prober
	outputs *outputs
	log     *slog.Logger
	moved   chan string // IDs of runs whose output or steps have moved
}

// work runs the steps of a running run from where they stand, verifies and
// judges. After a failed step, or a cancel, only clean-up steps run.
func (w *worker) work(ctx context.Context, d *driver, r runs.Run) error {
	op, err := operation(r)
	if err != nil {
		return unplanned(ctx, w.ledger, r.ID, err)
	}
	if overdue(&r) {
		_, err := w.ledger.Transition(ctx, r.ID, runs.System, func(tx store.Tx, r *runs.Run) error {
			return runs.Invalidate(tx, r, fmt.Sprintf("it was to begin at %s, and alsbot could not begin it within %s", r.Started.Format("2006-01-02 15:04 MST"), startBy))
		})
		return err
	}
	for i := range r.Steps {
		s := &r.Steps[i]
		if !s.Ended.IsZero() || (r.Broken(i) && !s.Step.Always && i != r.InFlight()) {
			continue
		}
		if s.Step.Weigh && !s.Sent {
			results, err := w.results(ctx, r)
			if err != nil {
				return err
			}
			s.Step = op.Weighed(r.Request, r.Cluster, *r.Plan, results, s.Step)
		}
		exit, err := w.step(ctx, d, &r, i)
		switch {
		case ctx.Err() != nil, errors.Is(err, errEnded):
			return nil // the next start attaches to it, or a person has given up on it
		case err != nil:
			return err
		case exit.State == executor.Lost:
			return w.lose(ctx, r.ID, i, exit.Why)
		}
		now, _, err := w.ledger.Load(ctx, r.ID)
		if err != nil || now.State.Final() {
			return err
		}
		if r.Effect == als.Read {
			now.Steps = r.Steps // they are recorded with the verdict
		}
		r = now
	}
	return w.judge(ctx, d, op, r)
}

func (w *worker) lose(ctx context.Context, id string, step int, why string) error {
	_, err := w.ledger.Transition(ctx, id, runs.System, func(_ store.Tx, r *runs.Run) error {
		if r.State.Final() {
			return runs.ErrUnchanged
		}
		r.Lose(step, why)
		return nil
	})
	return err
}

// signal tells Progress of a run, if there is room.
func (w *worker) signal(run string) {
	select {
	case w.moved <- run:
	default:
	}
}

// verifyPause is how long judge waits before it probes a cluster again that is
// still starting.
const verifyPause = 3 * time.Second

// judge verifies by effect and ends the run.
func (w *worker) judge(ctx context.Context, d *driver, op als.Operation, r runs.Run) error {
	results, err := w.results(ctx, r)
	if err != nil {
		return err
	}
	probing, stop := d.cancelOnDecision(ctx, w.ledger, r)
	defer stop()
	verdict, err := w.verify(ctx, probing, op, r, results)
	if err != nil || ctx.Err() != nil {
		return err
	}
	_, err = w.ledger.Transition(ctx, r.ID, runs.System, func(_ store.Tx, now *runs.Run) error {
		if now.State.Final() {
			return runs.ErrUnchanged
		}
		now.Steps = r.Steps
		conclude(now, verdict)
		return nil
	})
	return err
}

// verify probes the cluster until the verdict is clear, the plan's patience is
// over, or probing ends: then the last verdict stands. It returns no verdict
// when ctx has ended.
func (w *worker) verify(ctx, probing context.Context, op als.Operation, r runs.Run, results als.Results) (als.Verdict, error) {
	until := time.Now().Add(r.Plan.Patience)
	for {
		seen, err := w.prober.Probe(probing, r.Cluster, tolerant(r.Plan.Verify))
		if err != nil || ctx.Err() != nil {
			return als.Verdict{}, ignoreIfDone(ctx, err)
		}
		verdict := op.Conclude(r.Request, r.Cluster, *r.Plan, append(results[:len(results):len(results)], seen...))
		if verdict.Outcome != als.Waiting || r.Cancel != nil || time.Now().After(until) {
			return verdict, nil
		}
		select {
		case <-probing.Done():
			return verdict, nil
		case <-time.After(verifyPause):
		}
	}
}

func ignoreIfDone(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// tolerant turns probes that fail into results that say so: the verdict has to
// be given in any case.
func tolerant(steps []als.Step) []als.Step {
	out := make([]als.Step, len(steps))
	for i, s := range steps {
		s.Tolerate = true
		out[i] = s
	}
	return out
}

// conclude turns a verdict into the run's final state. The verdict says what
// became of the steps.
func conclude(r *runs.Run, v als.Verdict) {
	if r.Effect == als.Read && r.Plan != nil {
		v = heed(v, *r.Plan)
	}
	r.Verdict, r.Next = &v, v.Next
	switch {
	case r.Cancel != nil:
		r.State, r.Trouble = runs.Cancelled, "cancelled by "+r.Cancel.By.Name()+"; what was done before stays done"
	case v.Outcome == als.Succeeded:
		r.State = runs.Succeeded
	case v.Outcome == als.Unconfirmed && r.Effect != als.Read:
		r.State = runs.Unconfirmed
	case v.Outcome == als.Waiting:
		r.State, r.Trouble = runs.Failed, "it did not settle in time"
	default:
		r.State = runs.Failed
	}
}

// readPatience is how long alsbot tries to read a step's output back from its
// own disk before the run ends without it: other runs wait for this one.
const readPatience = time.Minute

// results returns what the steps printed, read back from the store.
func (w *worker) results(ctx context.Context, r runs.Run) (als.Results, error) {
	var rs als.Results
	for _, s := range r.Steps {
		if s.Ended.IsZero() {
			continue
		}
		res := s.Step.Result()
		res.Trouble, res.Fix = s.Trouble, s.Fix
		if s.Exit != nil {
			res.Exit = *s.Exit
		}
		res.Cut = s.Size > readerLimit
		var err error
		if res.Output, err = w.outputs.tail(ctx, s, readerLimit); err != nil {
			if ctx.Err() != nil || time.Since(s.Ended) < readPatience {
				return nil, err
			}
			res.Trouble, res.Fix = "what it printed cannot be read on alsbot's host: "+err.Error(), als.Advise("look at the disk of alsbot's host")
		}
		rs = append(rs, res)
	}
	return rs, nil
}
