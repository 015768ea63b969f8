package jobs

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"alsbot/als"
	"alsbot/runs"
)

var runsCommand = builtin{reply: (*builtins).listRuns, effect: als.Read, op: als.Operation{
	Name:    "runs",
	Summary: "list the last runs",
	Example: "runs @prod",
}}

// runParam is the parameter of commands that name a run.
var runParam = []als.Param{{Name: "ID", Kind: als.KindName, Help: "the ID of a run, as `runs` shows it"}}

var runCommand = builtin{reply: (*builtins).showRun, effect: als.Read, op: als.Operation{
	Name:    "run",
	Summary: "show one run: who asked, who approved, its plan, its steps and what became of it",
	Example: "run k3v9t2",
	Params:  runParam,
}}

var outputCommand = builtin{reply: (*builtins).showOutput, effect: als.Read, op: als.Operation{
	Name:    "output",
	Summary: "show what the nodes printed in a run",
	Example: "output k3v9t2",
	Params:  runParam,
}}

const listed = 20 // rows of a list

func (b *builtins) listRuns(ctx context.Context, c call) (Answer, error) {
	seen, err := b.rights.visible(ctx, c.By, c.req.Cluster)
	if err != nil {
		return Answer{}, err
	}
	var list []runs.Run
	for _, cluster := range seen {
		some, err := b.ledger.Recent(ctx, cluster.Name, listed)
		if err != nil {
			return Answer{}, err
		}
		list = append(list, some...)
	}
	slices.SortFunc(list, func(a, b runs.Run) int { return b.Asked.Compare(a.Asked) })
	list = list[:min(len(list), listed)]
	if len(list) == 0 {
		return Answer{Text: "There are no runs on " + b.scope(seen, c.req.Cluster) + " yet. Type `help` to see what alsbot can do."}, nil
	}
	t := newTable("RUN", "STATE", "ASKED", "BY", "COMMAND")
	for _, r := range list {
		state := string(r.State)
		if r.State == runs.Lost && r.Settled == nil {
			state += ", to acknowledge"
		}
		t.row(r.ID, state, ago(r.Asked), r.By.Name(), r.Text)
	}
	return Answer{Text: "The last runs, the newest first. Type `run ID` to see one of them, `output ID` for what it printed.", Pre: t.String()}, nil
}

// visibleRun returns the run that a command names, and its approval, to a
// person who may see its cluster. For others there is no such run.
func (b *builtins) visibleRun(ctx context.Context, by runs.Principal, id string) (runs.Run, *runs.Approval, error) {
	r, a, err := b.ledger.Load(ctx, id)
	if err != nil {
		return r, a, err
	}
	err = b.rights.requireRole(ctx, by, Viewer, r.Request.Cluster)
	var no *als.Refusal
	if errors.As(err, &no) && no.Text == lacks(Viewer, r.Request.Cluster).Text {
		err = &runs.NotFoundError{ID: id}
	}
	if err != nil {
		return runs.Run{}, nil, err
	}
	return r, a, nil
}

func (b *builtins) showRun(ctx context.Context, c call) (Answer, error) {
	r, a, err := b.visibleRun(ctx, c.By, c.req.Arg(0))
	if err != nil {
		return Answer{}, err
	}
	waits, err := b.turns.Waiting(ctx, r.ID)
	return Answer{Pre: describeRun(r, a, waits)}, err
}

// atOnce is how much output fits into an answer, in bytes.
const atOnce = 6000

func (b *builtins) showOutput(ctx context.Context, c call) (Answer, error) {
	r, _, err := b.visibleRun(ctx, c.By, c.req.Arg(0))
	if err != nil {
		return Answer{}, err
	}
	out, size, err := b.outputs.Output(ctx, r.ID, atOnce)
	if err != nil {
		return Answer{}, err
	}
	switch {
	case size == 0:
		return Answer{Text: fmt.Sprintf("Run %s has printed nothing. Type `run %s` to see how it stands.", r.ID, r.ID)}, nil
	case size > int64(len(out)):
		return Answer{Text: fmt.Sprintf("The last %d of %d bytes; `alsbot output %s` on alsbot's host prints all.", len(out), size, r.ID), Pre: string(out)}, nil
	}
	return Answer{Pre: string(out)}, nil
}
