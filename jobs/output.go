package jobs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"alsbot/als"
	"alsbot/executor"
)

const (
	commitEvery = time.Second            // how often a growing output's size is committed
	signalEvery = 500 * time.Millisecond // how often growth is signalled
	quiet       = 20 * time.Second       // of silence after a prompt make it a prompt
	promptTail  = 4 << 10
)

// keeper takes what one step prints: bytes go to the store's blob, and the
// offset that is safe there is committed behind them. What is beyond the
// committed offset after a crash is fetched again and overwrites itself.
type keeper struct {
	e      *Engine
	ctx    context.Context
	run    string
	i      int
	rec    *StepRecord
	target executor.Target

	committed, signalled time.Time
	stale                bool // there is a remark on record that an earlier try has left

	mu      sync.Mutex // what watch reads
	doubt   bool       // a start may have reached the node without our knowing
	last    tail
	grew    time.Time
	cut     error
	silence error     // why nothing is heard of the node
	unheard time.Time // since when
	advised bool      // people have been told that they may give the run up
}

func (k *keeper) limit() time.Duration {
	if k.rec.Step.Limit > 0 {
		return k.rec.Step.Limit
	}
	return stepLimit
}

// left is how long the step may still run, by the clock.
func (k *keeper) left() time.Duration { return time.Until(k.rec.Started.Add(k.limit())) }

// startBy is when it is too late for the step to begin: nobody expects it then
// any more. What cleans up may be late.
func (k *keeper) startBy() time.Time {
	if k.rec.Step.Always {
		return time.Time{}
	}
	return k.rec.Started.Add(startBy)
}

func (k *keeper) setCut(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.cut = err
}

func (k *keeper) why() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.cut
}

// Started writes down that the node has begun the command: from now on it is
// never begun again.
func (k *keeper) Started() error {
	if k.stale {
		k.stale = false
		k.heard(nil)
	}
	if k.rec.Begun {
		return nil
	}
	k.rec.Begun = true
	return k.e.putStep(k.ctx, k.run, k.i, *k.rec)
}

// Output keeps the bytes at offset.
func (k *keeper) Output(offset int64, p []byte) error {
	if err := k.e.st.WriteBlob(k.ctx, k.rec.Blob, offset, p); err != nil {
		return fmt.Errorf("keeping the output of run %s: %w", k.run, err)
	}
	k.rec.Size = offset + int64(len(p))
	now := time.Now()
	err := k.remember(now, p)
	if now.Sub(k.signalled) > signalEvery {
		k.signalled = now
		k.e.signal(k.run)
	}
	if k.rec.Step.Repeatable || now.Sub(k.committed) < commitEvery {
		return err
	}
	k.committed = now
	return k.e.putStep(k.ctx, k.run, k.i, *k.rec)
}

// remember takes what was printed as the last that is known.
func (k *keeper) remember(now time.Time, p []byte) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.last.max, k.grew = promptTail, now
	_, err := k.last.Write(p)
	return err
}

// recall reads back what was printed before this process began: a question
// that has stood since then is answered by nobody either. What is not here any
// more, as after a restore without the outputs, is fetched again.
func (k *keeper) recall() error {
	n, err := k.e.st.BlobSize(k.ctx, k.rec.Blob)
	if err != nil {
		return err
	}
	if k.rec.Size = min(k.rec.Size, n); k.rec.Size == 0 {
		return nil
	}
	tail, err := k.e.blobTail(k.ctx, *k.rec, promptTail)
	if err != nil {
		return err
	}
	return k.remember(time.Now(), tail)
}

// Write makes a keeper the target of a plain exec.
func (k *keeper) Write(p []byte) (int, error) {
	if err := k.Output(k.rec.Size, p); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Link shows people that the node cannot be reached, or is again.
func (k *keeper) Link(err error) {
	if err != nil {
		var e *executor.Error
		sure := errors.As(err, &e) && e.Kind == executor.Unreachable
		k.mu.Lock()
		k.doubt = k.doubt || !sure
		k.mu.Unlock()
		k.e.log.Warn("node out of reach during a run", "run", k.run, "node", k.target.Name, "error", err)
	}
	k.heard(err)
}

// Orphan shows people that the exit status will never be known.
func (k *keeper) Orphan() {
	k.remark("the command still runs on the node, but what would have recorded its exit status was killed: alsbot will see its end and never its status. " +
		"Wait for it, or type `cancel " + k.run + "`")
}

func (k *keeper) remark(text string) {
	k.note(func(r *Run) { r.Remark = text })
}

// note changes what is on record of a run that still runs, and shows it.
func (k *keeper) note(fn func(r *Run)) {
	err := k.e.note(k.ctx, k.run, func(r *Run) {
		if !r.State.Final() {
			fn(r)
		}
	})
	if err != nil && k.ctx.Err() == nil {
		k.e.log.Error("noting the state of a node", "run", k.run, "error", err)
	}
	k.e.signal(k.run)
}

// asking reports a prompt that has stood unanswered.
func (k *keeper) asking() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.grew.IsZero() || time.Since(k.grew) < quiet {
		return nil
	}
	if _, ok := als.Prompt(k.last.bytes()); !ok {
		return nil
	}
	return tooSlow(quiet, k.last.bytes())
}

// signal tells Progress of a run, if there is room.
func (e *Engine) signal(run string) {
	select {
	case e.progress <- run:
	default:
	}
}

// Progress returns a channel that receives the IDs of runs whose output or
// steps have moved; nothing is promised to slow readers.
func (e *Engine) Progress() <-chan string { return e.progress }

// Get returns a run, and its approval if it has one. The error is a
// *NotFoundError for an unknown ID.
func (e *Engine) Get(ctx context.Context, id string) (Run, *Approval, error) { return e.load(ctx, id) }

// Output returns up to max bytes of what the run's steps printed, from the
// end, and how many bytes there are in all.
func (e *Engine) Output(ctx context.Context, id string, max int) (tail []byte, size int64, err error) {
	r, _, err := e.load(ctx, id)
	if err != nil {
		return nil, 0, err
	}
	for i := len(r.Steps) - 1; i >= 0; i-- {
		s := r.Steps[i]
		if s.Size, err = e.st.BlobSize(ctx, s.Blob); err != nil {
			return nil, 0, err
		}
		size += s.Size
		if len(tail) < max {
			part, err := e.blobTail(ctx, s, max-len(tail))
			if err != nil {
				return nil, 0, err
			}
			tail = append(part, tail...)
		}
	}
	return tail, size, nil
}

// blobTail reads the last max bytes of a step's output.
func (e *Engine) blobTail(ctx context.Context, s StepRecord, max int) ([]byte, error) {
	p := make([]byte, min(s.Size, int64(max)))
	n := 0
	for n < len(p) {
		m, err := e.st.ReadBlob(ctx, s.Blob, s.Size-int64(len(p)-n), p[n:])
		n += m
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("reading the output of %s: %w", s.ID, err)
		}
	}
	return p[:n], nil
}

// WriteOutput copies all that a run's steps printed to w, in order.
func (e *Engine) WriteOutput(ctx context.Context, id string, w io.Writer) error {
	r, _, err := e.load(ctx, id)
	if err != nil {
		return err
	}
	for _, s := range r.Steps {
		if _, err := io.Copy(w, &blob{e: e, ctx: ctx, name: s.Blob}); err != nil {
			return fmt.Errorf("reading the output of run %s: %w", id, err)
		}
	}
	return nil
}

// blob reads a blob from its beginning; its context lives as long as one copy.
type blob struct {
	e    *Engine
	ctx  context.Context
	name string
	off  int64
}

func (b *blob) Read(p []byte) (int, error) {
	n, err := b.e.st.ReadBlob(b.ctx, b.name, b.off, p)
	b.off += int64(n)
	return n, err
}
