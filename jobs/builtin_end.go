package jobs

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"alsbot/als"
	"alsbot/runs"
	"alsbot/store"
)

var cancelCommand = builtin{reply: (*builtins).cancel, effect: als.Change, op: als.Operation{
	Name:    "cancel",
	Summary: "end a run, or withdraw it before it has begun",
	Detail:  "The whole process tree on the node is ended. Clean-up steps still run.",
	Example: "cancel k3v9t2",
	Params:  runParam,
}}

var retryCommand = builtin{instead: (*builtins).retry, effect: als.Change, op: als.Operation{
	Name:    "retry",
	Summary: "ask again for what a finished run was asked to do",
	Detail:  "It is a new request: checked again, and approved again where policy asks.",
	Example: "retry k3v9t2",
	Params:  runParam,
}}

// endable returns the run that a command names to a person who may end it. The
// requester of a read or a dry run may take it back; ending what changes a
// cluster needs an operator, as rights can have been lost since.
func (b *builtins) endable(ctx context.Context, c call) (runs.Run, error) {
	r, _, err := b.visibleRun(ctx, c.By, c.req.Arg(0))
	if err != nil || b.rights.samePerson(c.By, r.By) && isLook(r) {
		return r, err
	}
	return r, b.rights.requireRole(ctx, c.By, Operator, r.Request.Cluster)
}

// retry asks again, as the person who types it, for what a final run was.
func (b *builtins) retry(ctx context.Context, c call) (command string, err error) {
	r, _, err := b.visibleRun(ctx, c.By, c.req.Arg(0))
	if err != nil {
		return "", err
	}
	if !r.State.Final() {
		return "", &als.Refusal{Text: fmt.Sprintf("Run %s is still %s", r.ID, strings.ReplaceAll(string(r.State), "_", " ")),
			Next: als.Advise("Wait for its end, or type %s.", als.Typed("cancel "+r.ID))}
	}
	return r.Text, nil
}

// cancel ends a run: at once before it began, else by ending its commands on
// the nodes.
func (b *builtins) cancel(ctx context.Context, c call) (Answer, error) {
	r, err := b.endable(ctx, c)
	if err != nil {
		return Answer{}, err
	}
	var ans Answer
	by := &runs.Decision{By: c.By, At: time.Now().UTC().Round(0)}
	_, err = b.ledger.Transition(ctx, r.ID, c.By, func(tx store.Tx, r *runs.Run) (err error) {
		ans, err = cancelRun(tx, r, by)
		return err
	})
	if err == nil {
		b.kick(r.ID)
	}
	return ans, err
}

func cancelRun(tx store.Tx, r *runs.Run, d *runs.Decision) (Answer, error) {
	switch {
	case r.State.Final():
		return Answer{Bad: true, Text: fmt.Sprintf("Run %s has already ended (%s). Type `run %s` to see what became of it.", r.ID, r.State, r.ID)}, runs.ErrUnchanged
	case r.Cancel != nil:
		return Answer{Text: fmt.Sprintf("Run %s is already being cancelled. Its message shows what keeps it, and so does `run %s`.", r.ID, r.ID)}, runs.ErrUnchanged
	case r.State == runs.Running:
		r.Cancel = d
		ans := Answer{Text: fmt.Sprintf("Run %s is told to stop. What runs on the node gets %s to end; clean-up steps still run.", r.ID, grace)}
		if !r.Unheard.IsZero() {
			ans.Text += " Its node cannot be reached now: it is told as soon as it can be."
		}
		return ans, errors.Join(runs.Record(tx, d.By, "cancel", r.ID, ""), runs.Tell(tx, runs.Outgoing{Kind: runs.TellRun, Run: r.ID}))
	}
	ans := Answer{Text: fmt.Sprintf("Run %s is cancelled. Nothing was run.", r.ID)}
	r.State, r.Cancel, r.Trouble = runs.Cancelled, d, "cancelled by "+d.By.Name()+" before it began"
	a, ok, err := runs.GetApproval(tx, r.ID)
	if err != nil || !ok {
		return ans, err
	}
	a.State, a.Why, a.Closed = runs.ApprovalVoid, "the request was cancelled", d
	return ans, runs.PutApproval(tx, a)
}
