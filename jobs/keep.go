package jobs

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"alsbot/als"
	"alsbot/store"
)

// The buckets. Keys that hold times are in UTC and sort as text.
var (
	runs      = store.Bucket[Run]{Name: "runs"}            // run ID
	runsAt    = store.Bucket[string]{Name: "runs.time"}    // time/ID → ID
	runsOf    = store.Bucket[string]{Name: "runs.cluster"} // cluster/time/ID → ID
	active    = store.Bucket[State]{Name: "runs.active"}   // ID, while not final
	line      = store.Bucket[string]{Name: "line"}         // cluster/time/ID → ID: who may change the cluster, in order
	approvals = store.Bucket[Approval]{Name: "approvals"}  // run ID
	answers   = store.Bucket[delivery]{Name: "deliveries"} // key of a delivery → what was answered
	backups   = store.Bucket[Backup]{Name: "backups"}      // cluster/time
	outbox    = store.Bucket[Outgoing]{Name: "outbox"}     // sequence
)

// timeKey renders a time so that keys sort by it.
func timeKey(t time.Time) string { return t.UTC().Format("20060102T150405.000000000Z") }

// errSame ends a transition that would change nothing; it is not an error to
// the caller of transit.
var errSame = errors.New("nothing to change")

// create writes a new run with its indexes, its audit entry and the row that
// tells of it.
func (e *Engine) create(tx store.Tx, r *Run) error {
	at := timeKey(r.Asked) + "/" + r.ID
	if err := errors.Join(
		runsAt.Put(tx, at, r.ID),
		runsOf.Put(tx, r.Request.Cluster+"/"+at, r.ID),
		runs.Put(tx, r.ID, *r),
		active.Put(tx, r.ID, r.State),
	); err != nil {
		return err
	}
	if err := e.record(tx, r.By, "asked", r.ID, r.Text); err != nil {
		return err
	}
	return e.tell(tx, Outgoing{Kind: TellRun, Run: r.ID})
}

// transit changes a run in one transaction: fn changes it, and the indexes,
// the audit entry and the outgoing rows follow from the difference. fn may
// return errSame to leave everything as it is. It returns the run as it is
// now.
func (e *Engine) transit(ctx context.Context, id string, by Principal, fn func(tx store.Tx, r *Run) error) (Run, error) {
	var now Run
	err := e.st.Update(ctx, func(tx store.Tx) error {
		r, ok, err := runs.Get(tx, id)
		if err != nil {
			return err
		}
		if !ok {
			return notFound(id)
		}
		now = r
		before := r.State
		if err := fn(tx, &r); errors.Is(err, errSame) {
			return nil
		} else if err != nil {
			return err
		}
		now = r
		return e.follow(tx, by, before, &r)
	})
	return now, err
}

// follow writes a changed run and all that has to change with it.
func (e *Engine) follow(tx store.Tx, by Principal, before State, r *Run) error {
	if r.State.Final() && r.Ended.IsZero() {
		r.Ended = time.Now()
	}
	if r.State.Final() && !strings.Contains(r.Next, "`") {
		if onward := r.onward(); onward != "" {
			r.Next = strings.TrimSpace(strings.TrimPrefix(r.Next, als.ReadOutput) + " " + onward)
		}
	}
	if err := runs.Put(tx, r.ID, *r); err != nil {
		return err
	}
	if r.State == before {
		return nil
	}
	if err := e.record(tx, by, string(r.State), r.ID, r.Why()); err != nil {
		return err
	}
	// A read's way from planned to running is over in a moment: its message
	// shows the end, or is brought up to date as progress.
	if r.Effect != als.Read || r.State.Final() {
		if err := e.tell(tx, Outgoing{Kind: TellRun, Run: r.ID}); err != nil {
			return err
		}
	}
	if !r.State.Final() {
		return active.Put(tx, r.ID, r.State)
	}
	return e.close(tx, r)
}

// onward says what to type after an end that somebody did not want, where
// nothing better is known.
func (r *Run) onward() string {
	switch r.State {
	case Failed:
		if r.Next != "" && r.refused() {
			return ""
		}
		switch unknown := r.Next == als.ReadOutput; {
		case r.printed() == 0 && unknown:
			return fmt.Sprintf("Nothing was printed. Look at %s; type `retry %s` to ask for it again.", r.effect(), r.ID)
		case r.printed() == 0:
			return fmt.Sprintf("When that is mended, type `retry %s`.", r.ID)
		}
		return fmt.Sprintf("Type `output %s` to see what was printed, look at %s, type `retry %s` to ask for it again.", r.ID, r.effect(), r.ID)
	case Cancelled, Rejected, Expired, Void:
		return fmt.Sprintf("If it is still wanted, type `retry %s`.", r.ID)
	}
	return ""
}

// refused reports whether a run ended because of its words: the same ones
// would be refused again.
func (r *Run) refused() bool {
	if r.Plan == nil {
		return true
	}
	f, stopped := r.Plan.Stopped()
	return stopped && f.Reword
}

// close takes a run that has become final off the active list and, unless it
// is lost, out of its cluster's line, and sees that its output is shown.
func (e *Engine) close(tx store.Tx, r *Run) error {
	if err := active.Delete(tx, r.ID); err != nil {
		return err
	}
	if r.State != Lost {
		if err := e.leaveLine(tx, r); err != nil {
			return err
		}
	}
	if err := errors.Join(e.remember(tx, r), e.followUp(tx, r), e.missedFollower(tx, r), leaves(tx, r)); err != nil {
		return err
	}
	if r.Verdict != nil && r.Verdict.File != nil && r.State == Succeeded {
		if err := e.tell(tx, Outgoing{Kind: TellFile, Run: r.ID}); err != nil {
			return err
		}
	}
	if r.printed() == 0 || (r.Verdict != nil && r.Verdict.Whole && r.State == Succeeded) {
		return nil
	}
	return e.tell(tx, Outgoing{Kind: TellOutput, Run: r.ID})
}

// printed is how many bytes the run's steps have printed.
func (r *Run) printed() int64 {
	var n int64
	for _, s := range r.Steps {
		n += s.Size
	}
	return n
}

// note changes a run's details without a change of state, audit or message.
func (e *Engine) note(ctx context.Context, id string, fn func(r *Run)) error {
	return e.st.Update(ctx, func(tx store.Tx) error {
		r, ok, err := runs.Get(tx, id)
		if err != nil {
			return err
		}
		if !ok {
			return notFound(id)
		}
		fn(&r)
		return runs.Put(tx, id, r)
	})
}

// load reads one run and its approval.
func (e *Engine) load(ctx context.Context, id string) (r Run, a *Approval, err error) {
	err = e.st.View(ctx, func(tx store.Tx) error {
		var ok bool
		if r, ok, err = runs.Get(tx, id); err != nil {
			return err
		}
		if !ok {
			return notFound(id)
		}
		got, ok, err := approvals.Get(tx, id)
		if ok {
			a = &got
		}
		return err
	})
	return r, a, err
}

// NotFoundError says that the store knows no such run.
type NotFoundError struct{ ID string }

func (n *NotFoundError) Error() string {
	return fmt.Sprintf("there is no run %q. Type `runs` to see the latest", n.ID)
}

func notFound(id string) error { return &NotFoundError{ID: id} }

// tell adds a row to the outbox.
func (e *Engine) tell(tx store.Tx, row Outgoing) error {
	// Sequences never come back, also after the outbox was empty.
	row.Seq = uint64(time.Now().UnixNano())
	var bad error
	if err := tx.Scan(outbox.Name, "", "", true, func(key string, _ []byte) bool {
		var last uint64
		last, bad = strconv.ParseUint(key, 16, 64)
		row.Seq = max(row.Seq, last+1)
		return false
	}); err != nil || bad != nil {
		return errors.Join(err, bad)
	}
	row.At = time.Now()
	return outbox.Put(tx, outboxKey(row.Seq), row)
}

func outboxKey(seq uint64) string { return fmt.Sprintf("%016x", seq) }

// Outbox returns up to n rows, oldest first.
func (e *Engine) Outbox(ctx context.Context, n int) ([]Outgoing, error) {
	var rows []Outgoing
	err := e.st.View(ctx, func(tx store.Tx) error {
		return outbox.Scan(tx, store.Range{}, func(_ string, row Outgoing) bool {
			rows = append(rows, row)
			return len(rows) < n
		})
	})
	return rows, err
}

// OutboxChanged receives when rows may have been added, until ctx ends.
func (e *Engine) OutboxChanged(ctx context.Context) <-chan struct{} {
	return e.st.Watch(ctx, outbox.Name)
}

// Told deletes a row from the outbox, in the transaction in which the caller
// writes down where it was told.
func (e *Engine) Told(tx store.Tx, row Outgoing) error {
	return outbox.Delete(tx, outboxKey(row.Seq))
}

// Migrations are the steps by which the records in the store have grown, the
// oldest first; their number is the store's schema. A step that has been
// shipped stays as it is. A record that only gains a field needs none.
func Migrations() []store.Migration { return nil }

// Ordered names the buckets whose keys only grow.
var Ordered = []string{runsAt.Name, audit.Name, outbox.Name}

// Open counts the runs that are not final, by state.
func Open(tx store.Tx) (map[State]int, error) {
	n := map[State]int{}
	err := active.Scan(tx, store.Range{}, func(_ string, s State) bool {
		n[s]++
		return true
	})
	return n, err
}

// Untold counts the rows of the outbox.
func Untold(tx store.Tx) (n int, err error) {
	err = outbox.Scan(tx, store.Range{}, func(string, Outgoing) bool {
		n++
		return true
	})
	return n, err
}

// installation holds one row: the name by which nodes know this store.
var installation = store.Bucket[string]{Name: "installation"}

// Installation returns the name of this installation, which is made once and
// stays with the store. Nodes keep it beside the runs, so that two stores
// never look after the same ones.
func Installation(ctx context.Context, st store.Store) (string, error) {
	var name string
	err := st.Update(ctx, func(tx store.Tx) error {
		var ok bool
		var err error
		if name, ok, err = installation.Get(tx, "name"); ok || err != nil {
			return err
		}
		name = strings.ToLower(rand.Text())
		return installation.Put(tx, "name", name)
	})
	return name, err
}
