package runs

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"alsbot/als"
	"alsbot/store"
)

// The buckets of runs. Keys that hold times are in UTC and sort as text.
var (
	records   = store.Bucket[Run]{Name: "runs"}            // run ID
	byTime    = store.Bucket[string]{Name: "runs.time"}    // time/ID → ID
	byCluster = store.Bucket[string]{Name: "runs.cluster"} // cluster/time/ID → ID
	active    = store.Bucket[State]{Name: "runs.active"}   // ID, while not final
	approvals = store.Bucket[Approval]{Name: "approvals"}  // run ID
)

// TimeKey renders a time as a key that sorts by it.
func TimeKey(t time.Time) string { return t.UTC().Format("20060102T150405.000000000Z") }

// ErrUnchanged ends a transition that would change nothing. Transition does
// not return it.
var ErrUnchanged = errors.New("nothing to change")

// EndHook is called in the transaction that makes a run final. What it writes
// is committed with the end, or not at all.
type EndHook func(tx store.Tx, r *Run) error

// Ledger reads and changes the records of runs in a store.
type Ledger struct {
	st       store.Store
	onEnd    []EndHook
	refusals refusals
}

// NewLedger returns a ledger on a store. It calls the hooks in order for each
// run that becomes final.
func NewLedger(st store.Store, onEnd ...EndHook) *Ledger { return &Ledger{st: st, onEnd: onEnd} }

// Create writes a new run with its indexes, its audit entry and the row that
// shows it.
func Create(tx store.Tx, r *Run) error {
	at := TimeKey(r.Asked) + "/" + r.ID
	return errors.Join(
		byTime.Put(tx, at, r.ID),
		byCluster.Put(tx, r.Request.Cluster+"/"+at, r.ID),
		records.Put(tx, r.ID, *r),
		active.Put(tx, r.ID, r.State),
		Record(tx, r.By, actionAsked, r.ID, r.Text),
		Tell(tx, Outgoing{Kind: TellRun, Run: r.ID}),
	)
}

// Get reads a run; ok is false if the store has none with this ID.
func Get(tx store.Tx, id string) (r Run, ok bool, err error) { return records.Get(tx, id) }

// mostID is how long an ID that a person gives can be. No run's ID is longer, and
// the store takes keys of any kind only up to a length.
const mostID = 64

// must reads a run and returns a *NotFoundError if there is none.
func must(tx store.Tx, id string) (Run, error) {
	if id == "" || len(id) > mostID {
		return Run{}, &NotFoundError{ID: strings.ToValidUTF8(id[:min(len(id), mostID)], "")}
	}
	r, ok, err := records.Get(tx, id)
	if err == nil && !ok {
		err = &NotFoundError{ID: id}
	}
	return r, err
}

// Load reads a run, and its approval if it has one. The error is a
// *NotFoundError for an unknown ID.
func (l *Ledger) Load(ctx context.Context, id string) (r Run, a *Approval, err error) {
	err = l.st.View(ctx, func(tx store.Tx) error {
		if r, err = must(tx, id); err != nil {
			return err
		}
		got, ok, err := approvals.Get(tx, id)
		if ok {
			a = &got
		}
		return err
	})
	return r, a, err
}

// Transition changes a run in one transaction: fn changes the record, and the
// indexes, the audit entry and the outgoing rows follow from the difference. A
// change of what an entry covers is never without an entry, even if fn changes
// no state and records nothing. fn may return ErrUnchanged to leave everything as it is. Transition returns
// the run as it is now.
func (l *Ledger) Transition(ctx context.Context, id string, by Principal, fn func(tx store.Tx, r *Run) error) (Run, error) {
	var now Run
	err := l.st.Update(ctx, func(tx store.Tx) error {
		r, err := must(tx, id)
		if err != nil {
			return err
		}
		now = r
		before := r.State
		covered, err := coverWithApproval(tx, r)
		if err != nil {
			return err
		}
		b := &book{Tx: tx}
		if err := fn(b, &r); errors.Is(err, ErrUnchanged) {
			return nil
		} else if err != nil {
			return err
		}
		now = r
		if err := l.write(b, by, before, &r); err != nil {
			return err
		}
		return b.close(id, by, covered)
	})
	return now, err
}

// write stores a changed run and all that changes with it.
func (l *Ledger) write(tx store.Tx, by Principal, before State, r *Run) error {
	if r.State.Final() {
		if r.Ended.IsZero() {
			r.Ended = time.Now()
		}
		r.completeAdvice()
	}
	if err := records.Put(tx, r.ID, *r); err != nil || r.State == before {
		return err
	}
	if err := Record(tx, by, string(r.State), r.ID, r.Why()); err != nil {
		return err
	}
	// A read passes from planned to running in a moment: its message shows the
	// end, or is updated as progress.
	if r.Effect != als.Read || r.State.Final() {
		if err := Tell(tx, Outgoing{Kind: TellRun, Run: r.ID}); err != nil {
			return err
		}
	}
	if !r.State.Final() {
		return active.Put(tx, r.ID, r.State)
	}
	return l.end(tx, r)
}

// end takes a final run off the active list and, unless it is lost, out of its
// cluster's queue. It calls the hooks and has the run's file and output shown.
func (l *Ledger) end(tx store.Tx, r *Run) error {
	if err := active.Delete(tx, r.ID); err != nil {
		return err
	}
	if r.State != Lost {
		if err := Dequeue(tx, r); err != nil {
			return err
		}
	}
	if err := learn(tx, r); err != nil {
		return err
	}
	for _, hook := range l.onEnd {
		if err := hook(tx, r); err != nil {
			return err
		}
	}
	if r.Verdict != nil && r.Verdict.File != nil && r.State == Succeeded {
		if err := Tell(tx, Outgoing{Kind: TellFile, Run: r.ID}); err != nil {
			return err
		}
	}
	reportIsWhole := r.Verdict != nil && r.Verdict.Whole && r.State == Succeeded
	if r.Printed() == 0 || reportIsWhole {
		return nil
	}
	return Tell(tx, Outgoing{Kind: TellOutput, Run: r.ID})
}

// Amend changes a run's details without a change of state or message. It has
// no audit entry unless it changes what entries cover, as a step does that
// ends after its run.
func (l *Ledger) Amend(ctx context.Context, id string, fn func(r *Run)) error {
	return l.st.Update(ctx, func(tx store.Tx) error {
		r, err := must(tx, id)
		if err != nil {
			return err
		}
		before, err := coverOf(r, nil)
		if err != nil {
			return err
		}
		fn(&r)
		after, err := coverOf(r, nil)
		if err != nil || after == before {
			return errors.Join(err, records.Put(tx, id, r))
		}
		if before, _, _, err = coverStored(tx, id); err != nil {
			return err
		}
		if err := records.Put(tx, id, r); err != nil {
			return err
		}
		return (&book{Tx: tx}).close(id, System, before)
	})
}

// Begin creates a run unless the store has one with its ID.
func (l *Ledger) Begin(ctx context.Context, r Run) error {
	return l.st.Update(ctx, func(tx store.Tx) error {
		if _, ok, err := records.Get(tx, r.ID); ok || err != nil {
			return err
		}
		return Create(tx, &r)
	})
}

// Fail ends a run in words. A run whose command may be running on a node
// becomes lost instead: nothing else changes the cluster until a person has
// looked. A run that waits for approval becomes void, with its request.
func (l *Ledger) Fail(ctx context.Context, id, trouble string, next als.Advice) error {
	_, err := l.Transition(ctx, id, System, func(tx store.Tx, r *Run) error {
		if r.State.Final() {
			return ErrUnchanged
		}
		if i := r.InFlight(); i >= 0 {
			r.Lose(i, trouble)
			return nil
		}
		if r.State == Awaiting {
			return Invalidate(tx, r, trouble)
		}
		r.State, r.Trouble, r.Next = Failed, trouble, next
		return nil
	})
	return err
}

// NotFoundError says that the store has no such run.
type NotFoundError struct{ ID string }

func (n *NotFoundError) Error() string {
	return fmt.Sprintf("there is no run %q. Type `runs` to see the latest", n.ID)
}

// completeAdvice adds what to type next to the advice of a final run that
// names no command.
func (r *Run) completeAdvice() {
	if len(r.Next.Commands) > 0 {
		return
	}
	if next := r.nextAdvice(); !next.Empty() {
		r.Next = r.Next.Specific().And(next)
	}
}

// nextAdvice says what to type after an end that nobody wanted, where nothing
// better is known.
func (r *Run) nextAdvice() als.Advice {
	retry := als.Typed("retry " + r.ID)
	switch r.State {
	case Failed, Unconfirmed:
		if !r.Next.Empty() && r.refused() {
			return als.Advice{}
		}
		switch unknown := r.Next.Generic && r.Next.Specific().Empty(); {
		case r.Printed() == 0 && unknown:
			return als.Advise("Nothing was printed. Look at %s; type %s to ask for it again.", r.ShownBy(), retry)
		case r.Printed() == 0:
			return als.Advise("When that is mended, type %s.", retry)
		}
		return als.Advise("Type %s to see what was printed, look at %s, type %s to ask for it again.", als.Typed("output "+r.ID), r.ShownBy(), retry)
	case Cancelled, Rejected, Expired, Void:
		return als.Advise("If it is still wanted, type %s.", retry)
	default:
		return als.Advice{}
	}
}

// refused reports whether a run ended because of its words: the same words
// would be refused again.
func (r *Run) refused() bool {
	if r.Plan == nil {
		return true
	}
	f, stopped := r.Plan.Stopped()
	return stopped && f.Fix.Reword
}
