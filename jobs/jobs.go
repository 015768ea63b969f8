package jobs

import (
	"context"

	"alsbot/config"
	"alsbot/store"
)

// Directory knows who is a member of which group.
type Directory interface {
	// Members returns the user IDs of a group. With fresh they are fetched
	// now, else they may be five minutes old.
	Members(ctx context.Context, group string, fresh bool) ([]string, error)
}

// Engine is the part that decides. It is made by New and works in Run.
type Engine struct{ cfg *config.Config }

// Ask takes a command: it is parsed, its cluster found, its author
// authorised, and it is either answered from the store or becomes a run that
// is on disk when Ask returns. It never waits for a cluster.
func (e *Engine) Ask(ctx context.Context, a Ask) (Answer, error) { panic("not written yet") }

// Press takes an approver's decision on the approval of a run. The answer is
// for the person who pressed; everybody sees the approval's message change.
// The same press again has no second effect.
func (e *Engine) Press(ctx context.Context, run string, approve bool, by Principal) (Answer, error) {
	panic("not written yet")
}

// Get returns a run, and its approval if it has one.
func (e *Engine) Get(ctx context.Context, id string) (Run, *Approval, error) {
	panic("not written yet")
}

// Output returns up to max bytes of what the run's steps printed, from the
// end, and how many bytes there are in all.
func (e *Engine) Output(ctx context.Context, id string, max int) (tail []byte, size int64, err error) {
	panic("not written yet")
}

// Line says how many runs wait before this one on its cluster; 0 if none.
func (e *Engine) Line(ctx context.Context, id string) (int, error) { panic("not written yet") }

// Progress returns a channel that receives the IDs of runs whose output has
// grown, at most one waiting per run; nothing is promised for slow readers.
func (e *Engine) Progress() <-chan string { panic("not written yet") }

// Outbox returns up to n rows, oldest first.
func (e *Engine) Outbox(ctx context.Context, n int) ([]Outgoing, error) { panic("not written yet") }

// OutboxChanged receives when rows may have been added, until ctx ends.
func (e *Engine) OutboxChanged(ctx context.Context) <-chan struct{} { panic("not written yet") }

// Told deletes a row from the outbox, in the transaction in which the caller
// writes down where it was told.
func (e *Engine) Told(tx store.Tx, row Outgoing) error { panic("not written yet") }

// Runs returns the last n runs, newest first, of one cluster or, with "", of all.
func (e *Engine) Runs(ctx context.Context, cluster string, n int) ([]Run, error) {
	panic("not written yet")
}
