package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"alsbot/als"
	"alsbot/executor"
	"alsbot/runs"
)

const (
	stepLimit = 12 * time.Hour
	grace     = 10 * time.Second // between TERM and KILL when a step is cancelled
)

var (
	errCancelled = errors.New("cancelled")
	errEnded     = errors.New("the run has been given up") // the store has its end
)

// step runs one step to its end and records what became of it.
func (w *worker) step(ctx context.Context, d *driver, r *runs.Run, i int) (executor.Exit, error) {
	s := &r.Steps[i]
	if s.Started.IsZero() {
		s.Started = time.Now().UTC().Round(0)
	}
	target, err := w.prober.Target(r.Cluster, s.Step.Node)
	rec := &stepRecorder{w: w, ctx: ctx, run: r.ID, i: i, rec: s, target: target, maybeSent: s.Sent, stale: r.Remark != ""}
	if err == nil {
		err = notMoved(*s, target)
	}
	if err != nil {
		if s.Sent && !s.Step.Repeatable {
			return executor.Exit{State: executor.Lost, Why: err.Error()}, nil
		}
		return executor.Exit{}, w.endStep(ctx, r, i, executor.Exit{}, err)
	}
	s.Sent, s.Place = true, place(target)
	if r.Effect != als.Read {
		if err := w.putStep(ctx, r.ID, i, *s); err != nil {
			return executor.Exit{}, err
		}
	}
	run := w.runDurably
	if s.Step.Repeatable {
		run = w.runPlainly
	}
	exit, err := run(ctx, d, rec, r.Cancel != nil && !s.Step.Always)
	if ctx.Err() != nil || exit.State == executor.Lost {
		return exit, nil
	}
	if err != nil && exit.State == "" && rec.mayRun(err) {
		// Whatever keeps alsbot from it, a key or a full disk of its own, is no
		// end: the driver attaches again until there is one.
		rec.showLink(err)
		return exit, err
	}
	if why := rec.why(); why != nil {
		err = why
	}
	return exit, w.endStep(ctx, r, i, exit, err)
}

// mayRun reports whether the command may be running on its node although the
// attempt to run it ended with err.
func (k *stepRecorder) mayRun(err error) bool {
	if k.rec.Step.Repeatable {
		return false
	}
	return k.rec.Begun || k.maybeSent && !refusedByNode(err)
}

// refusedByNode reports an answer of the node that says: not begun. A node that
// shows nothing, or has something else there, doesn't say that of a start that
// was sent before.
func refusedByNode(err error) bool {
	var e *executor.Error
	return errors.As(err, &e) && e.Kind == executor.Space
}

// place names where a target keeps its commands.
func place(t executor.Target) string { return fmt.Sprintf("%s of %s at %s", t.RunsDir, t.User, t.Addr) }

// notMoved refuses to send a start to another place than the first one went to.
// The first one may have arrived: the command would run twice.
func notMoved(s runs.StepRecord, t executor.Target) error {
	if s.Place == "" || s.Begun || s.Step.Repeatable || s.Place == place(t) {
		return nil
	}
	return fmt.Errorf("it was sent to %s and no answer came, and the config now names %s", s.Place, place(t))
}

// runPlainly runs a read over a plain exec; after a crash it simply runs again.
func (w *worker) runPlainly(ctx context.Context, d *driver, k *stepRecorder, cancelled bool) (executor.Exit, error) {
	if cancelled {
		return executor.Exit{}, errCancelled
	}
	if err := w.forgetOutput(ctx, k.rec); err != nil {
		return executor.Exit{}, err
	}
	sctx, cancel := context.WithTimeout(ctx, k.limit())
	defer cancel()
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		for {
			select {
			case <-sctx.Done():
				return
			case <-d.wake:
				if why := w.decided(sctx, k); why != nil {
					k.setCut(why)
					cancel()
				}
			}
		}
	}()
	status, err := w.read(sctx, k)
	late := sctx.Err() != nil
	cancel()
	<-watched // or it would take what wakes the next step
	if err != nil && late && ctx.Err() == nil {
		err = tooSlow(k.limit(), k.last.bytes())
	}
	return executor.Exit{State: executor.Finished, Status: status, Size: k.rec.Size}, err
}

// forgetOutput removes what an earlier try of a step has printed, even what a
// crash kept from being counted: the end of it would stand behind a shorter
// output.
func (w *worker) forgetOutput(ctx context.Context, s *runs.StepRecord) error {
	s.Size = 0
	n, err := w.st.BlobSize(ctx, s.Blob)
	if err != nil || n == 0 {
		return err
	}
	return w.st.DeleteBlobs(ctx, s.Blob)
}

// decided returns what people have decided about a step since it began:
// errCancelled, errEnded or nil.
func (w *worker) decided(ctx context.Context, k *stepRecorder) error {
	r, _, err := w.ledger.Load(ctx, k.run)
	switch {
	case err != nil:
		return nil
	case r.State.Final():
		return errEnded
	case r.Cancel != nil && !k.rec.Step.Always:
		return errCancelled
	}
	return nil
}

// putStep records one step. It returns errEnded for a step that has not ended
// of a run that has: somebody gave up on the run meanwhile.
func (w *worker) putStep(ctx context.Context, id string, i int, s runs.StepRecord) error {
	gone := false
	err := w.ledger.Amend(ctx, id, func(r *runs.Run) {
		if gone = r.State.Final() && s.Ended.IsZero(); !gone {
			r.Steps[i] = s
		}
	})
	if err == nil && gone {
		return errEnded
	}
	return err
}

// endStep records how a step ended.
func (w *worker) endStep(ctx context.Context, r *runs.Run, i int, exit executor.Exit, trouble error) error {
	s := &r.Steps[i]
	s.Ended = time.Now().UTC().Round(0)
	// The exit status of a durable command is known, whatever became of its
	// output.
	if exit.State == executor.Finished && (trouble == nil || errors.Is(trouble, errCancelled) || !s.Step.Repeatable) {
		s.Exit = &exit.Status
	}
	if trouble != nil {
		s.Trouble, s.Fix = inWords(trouble)
	}
	if r.Effect == als.Read {
		return nil // it is recorded with the verdict
	}
	if err := w.putStep(ctx, r.ID, i, *s); err != nil {
		return err
	}
	w.signal(r.ID)
	return nil
}
