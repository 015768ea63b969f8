package jobs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"alsbot/als"
	"alsbot/executor"
	"alsbot/store"
)

const (
	stepLimit   = 12 * time.Hour
	grace       = 10 * time.Second // between TERM and KILL when a step is cancelled
	verifyPause = 3 * time.Second
	// atLeast is for how long a step is watched before it has run for too
	// long: when alsbot starts again its host's clock may be wrong for a while.
	atLeast = 10 * time.Minute
)

// work runs the steps of a running run from where they stand, verifies and
// judges. After a step that failed, or a cancel, only clean-up steps run.
func (e *Engine) work(ctx context.Context, d *driver, r Run) error {
	op, err := operation(r)
	if err != nil {
		return e.unplanned(ctx, r.ID, err)
	}
	if r.overdue() {
		_, err := e.transit(ctx, r.ID, nobody, func(tx store.Tx, r *Run) error {
			return e.void(tx, r, fmt.Sprintf("it was to begin at %s, and alsbot could not begin it within %s", r.Started.Format("2006-01-02 15:04 MST"), startBy))
		})
		return err
	}
	for i := range r.Steps {
		s := &r.Steps[i]
		if !s.Ended.IsZero() || (e.broken(r, i) && !s.Step.Always && i != r.inFlight()) {
			continue
		}
		exit, err := e.step(ctx, d, &r, i)
		if ctx.Err() != nil {
			return nil // it goes on without us; the next start attaches to it
		}
		if errors.Is(err, errEnded) {
			return nil
		}
		if err != nil {
			return err
		}
		if exit.State == executor.Lost {
			_, err := e.transit(ctx, r.ID, nobody, func(_ store.Tx, r *Run) error {
				if r.State.Final() {
					return errSame
				}
				r.lose(i, exit.Why)
				return nil
			})
			return err
		}
		now, _, err := e.load(ctx, r.ID)
		if err != nil || now.State.Final() {
			return err
		}
		if r.Effect == als.Read {
			now.Steps = r.Steps // they are written with the verdict
		}
		r = now
	}
	return e.judge(ctx, d, op, r)
}

// broken reports whether something before step i, or a cancel, keeps it from running.
func (e *Engine) broken(r Run, i int) bool {
	if r.Cancel != nil {
		return true
	}
	for _, s := range r.Steps[:i] {
		if s.bad() {
			return true
		}
	}
	return false
}

// bad reports whether a step has failed in a way that ends the run.
func (s StepRecord) bad() bool {
	if s.Ended.IsZero() || s.Step.Tolerate {
		return false
	}
	return s.Trouble != "" || s.Exit == nil || *s.Exit != 0
}

// step runs one step to its end and writes down what became of it.
func (e *Engine) step(ctx context.Context, d *driver, r *Run, i int) (executor.Exit, error) {
	s := &r.Steps[i]
	if s.Started.IsZero() {
		s.Started = time.Now().UTC().Round(0)
	}
	t, err := e.target(r.Cluster, s.Step.Node)
	k := &keeper{e: e, ctx: ctx, run: r.ID, i: i, rec: s, target: t, doubt: s.Sent, stale: r.Remark != ""}
	if err == nil {
		err = s.moved(t)
	}
	if err != nil && k.doubt && !s.Step.Repeatable {
		return executor.Exit{State: executor.Lost, Why: err.Error()}, nil
	}
	if err != nil {
		return executor.Exit{}, e.endStep(ctx, r, i, executor.Exit{}, err)
	}
	s.Sent, s.Place = true, place(t)
	if r.Effect != als.Read {
		if err := e.putStep(ctx, r.ID, i, *s); err != nil {
			return executor.Exit{}, err
		}
	}
	run := e.durable
	if s.Step.Repeatable {
		run = e.plain
	}
	exit, err := run(ctx, d, k, r.Cancel != nil && !s.Step.Always)
	if ctx.Err() != nil || exit.State == executor.Lost {
		return exit, nil
	}
	if err != nil && exit.State == "" && !s.Step.Repeatable && (s.Begun || k.doubt && !refusedByNode(err)) {
		// It may be running. Whatever keeps us from it, a key, a full disk of
		// our own, is no end: the driver attaches again until there is one.
		k.heard(err)
		return exit, err
	}
	if why := k.why(); why != nil {
		err = why
	}
	return exit, e.endStep(ctx, r, i, exit, err)
}

// place is where a target keeps its runs.
func place(t executor.Target) string { return fmt.Sprintf("%s of %s at %s", t.RunsDir, t.User, t.Addr) }

// moved refuses to send a start again to another place than the first went
// to, which may have arrived: there it would run twice.
func (s StepRecord) moved(t executor.Target) error {
	if s.Place == "" || s.Begun || s.Step.Repeatable || s.Place == place(t) {
		return nil
	}
	return fmt.Errorf("it was sent to %s and no answer came, and the config now names %s", s.Place, place(t))
}

// refusedByNode reports an answer of the node that says: not begun. That it
// lets us look at nothing, or has something else there, says no such thing of
// a start that was sent before.
func refusedByNode(err error) bool {
	var e *executor.Error
	return errors.As(err, &e) && e.Kind == executor.Space
}

// plain runs a read over a plain exec; after a crash it simply runs again.
func (e *Engine) plain(ctx context.Context, d *driver, k *keeper, cancelled bool) (executor.Exit, error) {
	if cancelled {
		return executor.Exit{}, errCancelled
	}
	if err := e.forgetOutput(ctx, k.rec); err != nil {
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
				if why := e.told(sctx, k); why != nil {
					k.setCut(why)
					cancel()
				}
			}
		}
	}()
	status, err := e.read(sctx, k)
	late := sctx.Err() != nil
	cancel()
	<-watched // or it would take what wakes the next step
	if err != nil && late && ctx.Err() == nil {
		err = tooSlow(k.limit(), k.last.bytes())
	}
	return executor.Exit{State: executor.Finished, Status: status, Size: k.rec.Size}, err
}

// forgetOutput removes what an earlier try of a step has printed, also what a
// crash kept from being counted: a shorter output would leave its end standing.
func (e *Engine) forgetOutput(ctx context.Context, s *StepRecord) error {
	s.Size = 0
	n, err := e.st.BlobSize(ctx, s.Blob)
	if err != nil || n == 0 {
		return err
	}
	return e.st.DeleteBlobs(ctx, s.Blob)
}

// told is what people have said to a step since it began: errCancelled,
// errEnded or nothing.
func (e *Engine) told(ctx context.Context, k *keeper) error {
	r, _, err := e.load(ctx, k.run)
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

var (
	errCancelled = errors.New("cancelled")
	errEnded     = errors.New("the run has been given up") // the store has its end
)

// durable starts a step on its node or attaches to it, and watches over it:
// a cancel, the step's limit, and a prompt that nobody will answer end its
// whole process tree. A run that is given up is left alone.
func (e *Engine) durable(ctx context.Context, d *driver, k *keeper, cancelled bool) (executor.Exit, error) {
	if err := k.recall(); err != nil {
		return executor.Exit{}, err
	}
	wctx, stop := context.WithCancel(ctx)
	watched := make(chan struct{})
	var word chan struct{} // closed when the node has it that the step shall end
	if cancelled && !k.rec.Begun {
		word = make(chan struct{})
	}
	go func() {
		defer close(watched)
		e.watch(wctx, stop, d, k, cancelled, word)
	}()
	if word != nil { // or Run would begin now what never came to the node
		select {
		case <-word:
		case <-wctx.Done():
		}
	}
	exit, err := e.exec.Run(wctx, k.target, executor.Command{
		ID: k.rec.ID, Argv: k.rec.Step.Command(), Input: e.cfg.Secret(k.rec.Step.Secret).Reveal(), Offset: k.rec.Size,
		Started: k.rec.Begun, StartBy: k.startBy(), Sent: k.doubt,
	}, k)
	stop()
	<-watched
	if errors.Is(k.why(), errEnded) {
		return executor.Exit{State: executor.Lost, Why: errEnded.Error()}, nil
	}
	if exit.State == executor.Finished && k.rec.Size < exit.Size && e.hasAll(ctx, k.rec, exit.Size) {
		err = nil
	}
	if err == nil {
		switch exit.State {
		case executor.Revoked:
			err = errors.New("cancelled before it began")
		case executor.NotBegun:
			err = fmt.Errorf("it never began: %s", exit.Why)
		}
	}
	return exit, err
}

// hasAll takes output for what the node no longer has, if all of it is here:
// the store was put back to a snapshot, and the node has been cleaned since.
func (e *Engine) hasAll(ctx context.Context, s *StepRecord, size int64) bool {
	n, err := e.st.BlobSize(ctx, s.Blob)
	if err != nil || n != size {
		return false
	}
	s.Size = n
	return true
}

// watch ends a durable step for one of three reasons, and says which in k.cut.
// It leaves, by stop, one whose run has been given up. word, if there is one,
// is closed when the node has been told to end a step that may not have begun.
func (e *Engine) watch(ctx context.Context, stop func(), d *driver, k *keeper, cancelled bool, word chan<- struct{}) {
	tick := time.NewTicker(verifyPause)
	defer tick.Stop()
	deadline := time.NewTimer(max(k.left(), min(k.limit(), atLeast)))
	defer deadline.Stop()
	var why error
	if cancelled {
		why = errCancelled
	}
	for taken := false; ; { // by the node, the word that it shall end
		if why != nil && !taken {
			k.setCut(why)
			var known bool
			if taken, known = e.end(ctx, k, word != nil); known && word != nil {
				close(word)
				word = nil
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-d.wake:
			said := e.told(ctx, k)
			if errors.Is(said, errEnded) {
				k.setCut(said)
				stop()
				return
			}
			why = first(why, said)
		case <-deadline.C:
			if left := k.left(); left > 0 {
				deadline.Reset(left)
				continue
			}
			why = first(why, tooSlow(k.limit(), nil))
		case <-tick.C:
			k.advise()
			why = first(why, k.asking())
		}
	}
}

// end tells a step's node to end it, and reports whether the node has done
// that, or at least knows the step: a start sent now begins nothing. When
// nothing else asks the node, people are told here what is wrong with it.
func (e *Engine) end(ctx context.Context, k *keeper, alone bool) (taken, known bool) {
	err := e.exec.Cancel(ctx, k.target, k.rec.ID, grace)
	if err != nil && ctx.Err() == nil {
		e.log.Warn("cancelling a step", "run", k.run, "node", k.target.Name, "error", err)
	}
	known = err == nil || errors.Is(err, executor.ErrRunsOn)
	switch {
	case !alone || ctx.Err() != nil:
	case known:
		k.heard(nil)
	default:
		k.heard(err)
	}
	return err == nil, known
}

func first(why, other error) error {
	if why != nil {
		return why
	}
	return other
}

// putStep writes one step's record down. What has ended there is not taken
// for one that runs: a run that was given up meanwhile does not go on.
func (e *Engine) putStep(ctx context.Context, id string, i int, s StepRecord) error {
	gone := false
	err := e.note(ctx, id, func(r *Run) {
		if gone = r.State.Final() && s.Ended.IsZero(); !gone {
			r.Steps[i] = s
		}
	})
	if err == nil && gone {
		return errEnded
	}
	return err
}

// endStep writes down how a step ended.
func (e *Engine) endStep(ctx context.Context, r *Run, i int, exit executor.Exit, trouble error) error {
	s := &r.Steps[i]
	s.Ended = time.Now().UTC().Round(0)
	// What a durable command ended with is known, whatever became of its output.
	if exit.State == executor.Finished && (trouble == nil || errors.Is(trouble, errCancelled) || !s.Step.Repeatable) {
		s.Exit = &exit.Status
	}
	if trouble != nil {
		s.Trouble, s.Mend = inWords(trouble)
	}
	if r.Effect == als.Read {
		return nil // written with the verdict
	}
	if err := e.putStep(ctx, r.ID, i, *s); err != nil {
		return err
	}
	e.signal(r.ID)
	return nil
}

// inFlight is the step whose command may be running on its node, -1 if none.
// What can be repeated at no cost does not count.
func (r *Run) inFlight() int {
	return slices.IndexFunc(r.Steps, func(s StepRecord) bool {
		return s.Sent && s.Ended.IsZero() && !s.Step.Repeatable
	})
}

// judge verifies by effect and ends the run.
func (e *Engine) judge(ctx context.Context, d *driver, op als.Operation, r Run) error {
	results, err := e.results(ctx, r)
	if err != nil {
		return err
	}
	heeded, stop := e.heed(ctx, d, r)
	defer stop()
	var verdict als.Verdict
	for until, over := time.Now().Add(r.Plan.Patience), false; !over; {
		seen, err := e.look(heeded, r.Cluster, tolerant(r.Plan.Verify))
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		verdict = op.Conclude(r.Request, r.Cluster, *r.Plan, append(results[:len(results):len(results)], seen...))
		if verdict.Outcome != als.Waiting || r.Cancel != nil || time.Now().After(until) {
			break
		}
		select {
		case <-heeded.Done():
			over = true // what was seen last is what is known
		case <-time.After(verifyPause):
		}
	}
	if ctx.Err() != nil {
		return nil
	}
	_, err = e.transit(ctx, r.ID, nobody, func(_ store.Tx, now *Run) error {
		if now.State.Final() {
			return errSame
		}
		now.Steps = r.Steps
		settle(now, verdict)
		return nil
	})
	return err
}

// tolerant makes looks that cannot be made into results that say so: the
// verdict has to be told in any case.
func tolerant(steps []als.Step) []als.Step {
	out := make([]als.Step, len(steps))
	for i, s := range steps {
		s.Tolerate = true
		out[i] = s
	}
	return out
}

// settle turns a verdict into the run's final state. What became of the steps
// the verdict says.
func settle(r *Run, v als.Verdict) {
	r.Verdict, r.Next = &v, v.Next
	switch {
	case r.Cancel != nil:
		r.State, r.Trouble = Cancelled, "cancelled by "+r.Cancel.By.Name()+"; what was done before stays done"
	case v.Outcome == als.Succeeded:
		r.State = Succeeded
	case v.Outcome == als.Waiting:
		r.State, r.Trouble = Failed, "it did not settle in time"
	default:
		r.State = Failed
	}
}

// readPatience is how long what a step has printed is tried to be read back,
// before its run ends without it: others wait for the run.
const readPatience = time.Minute

// results are what the steps printed, read back from the store.
func (e *Engine) results(ctx context.Context, r Run) (als.Results, error) {
	var rs als.Results
	for _, s := range r.Steps {
		if s.Ended.IsZero() {
			continue
		}
		res := als.Result{Step: s.Step.Name, Node: s.Step.Node, Trouble: s.Trouble, Mend: s.Mend}
		if s.Exit != nil {
			res.Exit = *s.Exit
		}
		var err error
		if res.Output, err = e.blobTail(ctx, s, keepInMind); err != nil {
			if ctx.Err() != nil || time.Since(s.Ended) < readPatience {
				return nil, err
			}
			res.Trouble, res.Mend = "what it printed cannot be read on alsbot's host: "+err.Error(), "look at the disk of alsbot's host"
		}
		rs = append(rs, res)
	}
	return rs, nil
}
