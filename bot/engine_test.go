package bot_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	"alsbot/als"
	"alsbot/jobs"
	"alsbot/runs"
	"alsbot/store"
)

// engine is a scripted jobs.Engine over a real store: it returns the answers
// that a test sets, and its outbox is real.
type engine struct {
	st       store.Store
	progress chan string

	mu        sync.Mutex
	asked     []jobs.Ask
	pressed   []string
	refused   []runs.Refusal
	answer    func(jobs.Ask) (jobs.Answer, error)
	press     func(run string, approve bool, by runs.Principal) (jobs.Answer, error)
	seq       uint64
	file      nodeFile
	beforeAck func(store.Tx) // runs after sending, before the row is deleted

	unreadable error // what reading a run's output returns
}

func (e *engine) Ask(_ context.Context, a jobs.Ask) (jobs.Answer, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	known := slices.ContainsFunc(e.asked, func(b jobs.Ask) bool { return b.Key == a.Key })
	if !known {
		e.asked = append(e.asked, a)
	}
	if e.answer == nil {
		return jobs.Answer{Text: "heard " + a.Text}, nil
	}
	return e.answer(a)
}

func (e *engine) Press(_ context.Context, run string, approve bool, by runs.Principal) (jobs.Answer, error) {
	e.mu.Lock()
	e.pressed = append(e.pressed, fmt.Sprint(run, " ", approve, " ", by.ID))
	press := e.press
	e.mu.Unlock()
	if press == nil {
		return jobs.Answer{Text: "Your decision counts."}, nil
	}
	return press(run, approve, by)
}

func (e *engine) Reject(_ context.Context, run, why string, by runs.Principal) (jobs.Answer, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.pressed = append(e.pressed, fmt.Sprint(run, " false ", by.ID, " ", why))
	return jobs.Answer{Text: "Rejected."}, nil
}

func (e *engine) MayReject(ctx context.Context, run string, _ runs.Principal) (runs.Run, bool, error) {
	r, _, err := e.Load(ctx, run)
	return r, err == nil, err
}

func (e *engine) Load(ctx context.Context, id string) (r runs.Run, a *runs.Approval, err error) {
	err = e.st.View(ctx, func(tx store.Tx) error {
		var ok bool
		if r, ok, err = runsOf.Get(tx, id); err != nil {
			return err
		}
		if !ok {
			return &runs.NotFoundError{ID: id}
		}
		some, ok, err := approvalsOf.Get(tx, id)
		if ok {
			a = &some
		}
		return err
	})
	return r, a, err
}

func (e *engine) Output(ctx context.Context, id string, max int) ([]byte, int64, error) {
	if e.unreadable != nil {
		return nil, 0, e.unreadable
	}
	size, err := e.st.BlobSize(ctx, id)
	if err != nil || size == 0 {
		return nil, 0, err
	}
	p := make([]byte, min(int64(max), size))
	_, err = e.st.ReadBlob(ctx, id, size-int64(len(p)), p)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return p, size, err
}

func (e *engine) WriteOutput(ctx context.Context, id string, w io.Writer) error {
	p := make([]byte, 64<<10)
	for off := int64(0); ; {
		n, err := e.st.ReadBlob(ctx, id, off, p)
		if _, werr := w.Write(p[:n]); werr != nil {
			return werr
		}
		off += int64(n)
		if errors.Is(err, io.EOF) || err == nil && n == 0 {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (e *engine) UnderWay(ctx context.Context) (open []runs.Run, err error) {
	err = e.st.View(ctx, func(tx store.Tx) error {
		return runsOf.Scan(tx, store.Range{}, func(_ string, r runs.Run) bool {
			if !r.State.Final() && r.Effect != als.Read {
				open = append(open, r)
			}
			return true
		})
	})
	return open, err
}

func (e *engine) Waiting(context.Context, string) (string, error) { return "next in line", nil }

func (e *engine) Progress() <-chan string { return e.progress }

func (e *engine) Outbox(ctx context.Context, n int) (rows []runs.Outgoing, err error) {
	err = e.st.View(ctx, func(tx store.Tx) error {
		return rowsOf.Scan(tx, store.Range{}, func(_ string, r runs.Outgoing) bool {
			rows = append(rows, r)
			return len(rows) < n
		})
	})
	return rows, err
}

func (e *engine) Refused(_ context.Context, f runs.Refusal) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.refused = append(e.refused, f)
	return nil
}

func (e *engine) OutboxChanged(ctx context.Context) <-chan struct{} {
	return e.st.Watch(ctx, rowsOf.Name)
}

func (e *engine) Sent(tx store.Tx, row runs.Outgoing) error {
	if e.beforeAck != nil {
		e.beforeAck(tx)
	}
	return rowsOf.Delete(tx, rowKey(row.Seq))
}

// set stores a run and puts rows of these kinds into the outbox.
func (e *engine) set(t *testing.T, r runs.Run, kinds ...runs.Kind) {
	t.Helper()
	err := e.st.Update(t.Context(), func(tx store.Tx) error {
		if err := runsOf.Put(tx, r.ID, r); err != nil {
			return err
		}
		for _, k := range kinds {
			if err := e.put(tx, runs.Outgoing{Kind: k, Run: r.ID}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (e *engine) setApproval(t *testing.T, r runs.Run, a runs.Approval) {
	t.Helper()
	if err := e.st.Update(t.Context(), func(tx store.Tx) error {
		return errors.Join(runsOf.Put(tx, r.ID, r), approvalsOf.Put(tx, r.ID, a), e.put(tx, runs.Outgoing{Kind: runs.TellApproval, Run: r.ID}))
	}); err != nil {
		t.Fatal(err)
	}
}

func (e *engine) tell(t *testing.T, rows ...runs.Outgoing) {
	t.Helper()
	if err := e.st.Update(t.Context(), func(tx store.Tx) error {
		for _, r := range rows {
			if err := e.put(tx, r); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

func (e *engine) put(tx store.Tx, row runs.Outgoing) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.seq++
	row.Seq, row.At = e.seq, cmp.Or(row.At, time.Now())
	return rowsOf.Put(tx, rowKey(row.Seq), row)
}

// rowKey returns the key of a row as runs.Tell writes it.
func rowKey(seq uint64) string { return fmt.Sprintf("%016x", seq) }

func (e *engine) asks() []jobs.Ask {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.asked)
}

func (e *engine) presses() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.pressed)
}

// newRun returns a run of patch install on prod that ann requested in channel.
func newRun(id string, state runs.State, channel string) runs.Run {
	return runs.Run{
		ID: id, Text: "patch install @prod", State: state, Effect: als.Restart, Asked: asked,
		Request: als.Request{Operation: "patch install", Cluster: "prod"},
		By:      runs.Principal{Source: runs.FromSlack, ID: ann},
		Origin:  runs.Origin{Channel: channel},
		Digest:  "0123456789abcdef0123456789abcdef",
	}
}
