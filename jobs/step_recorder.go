package jobs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/dustin/go-humanize"

	"alsbot/als"
	"alsbot/executor"
	"alsbot/runs"
)

const (
	commitEvery = time.Second            // how often a growing output's size is committed
	signalEvery = 500 * time.Millisecond // how often growth is signalled
	quiet       = 20 * time.Second       // of silence after a prompt before it counts as unanswered
	promptTail  = 4 << 10
)

// stepRecorder records one step as it runs: its output goes to the store's
// blob, and the offset that is safe there is committed after it. After a crash,
// output beyond the committed offset is fetched again and overwrites itself.
type stepRecorder struct {
	w      *worker
	ctx    context.Context
	run    string
	i      int
	rec    *runs.StepRecord
	target executor.Target

	committed, signalled time.Time
	stale                bool // an earlier try has left a remark on record

	mu        sync.Mutex // guards what the step's guard reads
	maybeSent bool       // a start may have reached the node without alsbot knowing
	last      tail       // of the output
	grew      time.Time  // when there was output last
	cut       error      // why the step was ended
	silence   error      // why the node is unreachable
	unheard   time.Time  // since when
	advised   bool       // people have been told that they may give up on the run
}

func (k *stepRecorder) limit() time.Duration {
	if k.rec.Step.Limit > 0 {
		return k.rec.Step.Limit
	}
	return stepLimit
}

// A node may print without end, and the disk of alsbot's host is there for all
// clusters. An answer is never near readMost; a command may have a long log.
const (
	readMost    = 64 << 20
	printedMost = 2 << 30
)

// most is how many bytes of the step's output are kept.
func (k *stepRecorder) most() int64 {
	if k.rec.Step.Repeatable {
		return readMost
	}
	return printedMost
}

// tooMuch says that a command printed more than is kept.
func tooMuch(most int64) error {
	return &als.Refusal{
		Text: fmt.Sprintf("it printed more than %s, and alsbot keeps no more", humanize.IBytes(uint64(most))),
		Next: als.Advise("See on the node what prints so much"),
	}
}

// left is how long the step may still run, by the clock.
func (k *stepRecorder) left() time.Duration { return time.Until(k.rec.Started.Add(k.limit())) }

// startBy is when it is too late for the step to begin, because nobody expects
// it any more. Clean-up may be late.
func (k *stepRecorder) startBy() time.Time {
	if k.rec.Step.Always {
		return time.Time{}
	}
	return k.rec.Started.Add(startBy)
}

func (k *stepRecorder) setCut(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.cut = err
}

func (k *stepRecorder) why() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.cut
}

// Started records that the node has begun the command. From now on it is never
// begun again.
func (k *stepRecorder) Started() error {
	if k.stale {
		k.stale = false
		k.showLink(nil)
	}
	if k.rec.Begun {
		return nil
	}
	k.rec.Begun = true
	return k.w.putStep(k.ctx, k.run, k.i, *k.rec)
}

// Output stores the bytes at offset, up to the most that a step may print. A
// read ends there; a command that changes something goes on.
func (k *stepRecorder) Output(offset int64, p []byte) error {
	keep := p[:max(0, min(int64(len(p)), k.most()-offset))]
	if len(keep) > 0 {
		if err := k.w.st.WriteBlob(k.ctx, k.rec.Blob, offset, keep); err != nil {
			return fmt.Errorf("keeping the output of run %s: %w", k.run, err)
		}
	}
	if len(keep) < len(p) {
		err := tooMuch(k.most())
		if k.why() == nil {
			k.setCut(err)
		}
		if k.rec.Step.Repeatable {
			return err
		}
	}
	k.rec.Size = offset + int64(len(p))
	now := time.Now()
	err := k.remember(now, p)
	if now.Sub(k.signalled) > signalEvery {
		k.signalled = now
		k.w.signal(k.run)
	}
	if k.rec.Step.Repeatable || now.Sub(k.committed) < commitEvery {
		return err
	}
	k.committed = now
	return k.w.putStep(k.ctx, k.run, k.i, *k.rec)
}

// remember keeps the end of what was printed.
func (k *stepRecorder) remember(now time.Time, p []byte) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.last.max, k.grew = promptTail, now
	_, err := k.last.Write(p)
	return err
}

// recall reads back what was printed before this process started: a prompt from
// then is unanswered too. Output that is no longer here, as after a restore
// without the outputs, is fetched again.
func (k *stepRecorder) recall() error {
	n, err := k.w.st.BlobSize(k.ctx, k.rec.Blob)
	if err != nil {
		return err
	}
	if k.rec.Size = min(k.rec.Size, n); k.rec.Size == 0 {
		return nil
	}
	tail, err := k.w.outputs.tail(k.ctx, *k.rec, promptTail)
	if err != nil {
		return err
	}
	return k.remember(time.Now(), tail)
}

// Write takes the output of a plain exec.
func (k *stepRecorder) Write(p []byte) (int, error) {
	if err := k.Output(k.rec.Size, p); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Link shows people that the node is unreachable, or reachable again.
func (k *stepRecorder) Link(err error) {
	if err != nil {
		var e *executor.Error
		sure := errors.As(err, &e) && e.Kind == executor.Unreachable
		k.mu.Lock()
		k.maybeSent = k.maybeSent || !sure
		k.mu.Unlock()
		k.w.log.Warn("node out of reach during a run", "run", k.run, "node", k.target.Name, "error", err)
	}
	k.showLink(err)
}

// Orphan shows people that alsbot will never know the exit status.
func (k *stepRecorder) Orphan() {
	k.remark("the command still runs on the node, but what would have recorded its exit status was killed: alsbot will see its end and never its status. " +
		"Wait for it, or type `cancel " + k.run + "`")
}

func (k *stepRecorder) remark(text string) {
	k.amend(func(r *runs.Run) { r.Remark = text })
}

// amend changes the record of a run that still runs, and shows it.
func (k *stepRecorder) amend(fn func(r *runs.Run)) {
	err := k.w.ledger.Amend(k.ctx, k.run, func(r *runs.Run) {
		if !r.State.Final() {
			fn(r)
		}
	})
	if err != nil && k.ctx.Err() == nil {
		k.w.log.Error("noting the state of a node", "run", k.run, "error", err)
	}
	k.w.signal(k.run)
}

// unansweredPrompt reports a prompt that nobody has answered for a while.
func (k *stepRecorder) unansweredPrompt() error {
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

// showLink shows people why the step's node is unreachable (err), or that it is
// reachable again (nil). When that has lasted, it says what they may do.
func (k *stepRecorder) showLink(err error) {
	var of *executor.Error
	if err != nil && !errors.As(err, &of) {
		k.remark(err.Error()) // alsbot's own trouble
		return
	}
	k.amend(func(r *runs.Run) {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.silence, k.advised = err, false
		if err == nil {
			r.Remark, r.Unheard = "", time.Time{}
			return
		}
		if r.Unheard.IsZero() {
			r.Unheard = time.Now().UTC().Round(0)
		}
		r.Remark, k.unheard = err.Error(), r.Unheard
		if of.Kind == executor.Interrupted {
			r.Remark = k.target.Name + ": the connection was lost. What runs there does not depend on it, and alsbot goes on trying"
		}
		if by := k.startBy(); !k.maybeSent && !r.Steps[k.i].Begun && !by.IsZero() {
			r.Remark += ". It begins by " + by.UTC().Format("15:04 MST") + ", or not at all"
		}
		if k.advised = time.Since(r.Unheard) >= giveUpAfter; k.advised {
			r.Remark += fmt.Sprintf(". Nothing has been heard of it since %s. If it does not come back, type `acknowledge %s`: the run becomes lost, and the line of @%s is open again",
				r.Unheard.Format("2006-01-02 15:04 MST"), r.ID, r.Request.Cluster)
		}
	})
}

// advise says what people may do about an unreachable node once it is time.
func (k *stepRecorder) advise() {
	k.mu.Lock()
	err := k.silence
	due := err != nil && !k.advised && time.Since(k.unheard) >= giveUpAfter
	k.mu.Unlock()
	if due {
		k.showLink(err)
	}
}

// tail keeps the last max bytes that are written to it.
type tail struct {
	max   int
	most  int64 // bytes after which nothing more is taken; 0 for no such limit
	buf   []byte
	total int64 // bytes written so far
}

// cut reports whether more was written than bytes returns.
func (t *tail) cut() bool { return t.total > int64(t.max) }

func (t *tail) Write(p []byte) (int, error) {
	t.total += int64(len(p))
	if t.most > 0 && t.total > t.most {
		return 0, tooMuch(t.most)
	}
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
