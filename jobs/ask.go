package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"alsbot/als"
	"alsbot/runs"
)

// Ask is a command as a person or a schedule gave it.
type Ask struct {
	// Key names this delivery: the same key again has no second effect and
	// gets the same answer.
	Key    string
	By     runs.Principal
	Text   string
	Origin runs.Origin
}

// Answer is the immediate reply to a command.
type Answer struct {
	Text string // a sentence or a short paragraph, plain text
	// Channels are named after Text, by ID; Slack shows each as a link.
	Channels []string `json:",omitempty"`
	Pre      string   // several lines, monospace, plain text; may be empty
	Run      string   // ID of the run that was created, if one was
	Bad      bool     // the command was refused
	// Public is true when the channel should see the answer, not only the
	// person who asked.
	Public bool
}

// Ask takes a command. It parses it, finds its cluster and checks its author's
// rights; then it either answers from the store or makes a run that is on disk
// when Ask returns. It never waits for a cluster. An error means that alsbot
// itself is in trouble; what is wrong with the command is in the answer.
func (e *Engine) Ask(ctx context.Context, a Ask) (ans Answer, err error) {
	a.By = e.rights.named(ctx, a.By)
	req, op, err := parse(a.Text)
	defer func() { e.builtins.noteRefused(ctx, a, req, ans) }()
	if err != nil {
		if ans, decides, err := e.builtins.typedDecision(ctx, a.By, a.Text); decides {
			return ans, err
		}
		return refused(err)
	}
	if op.Builtin && !req.Dry {
		ans, instead, err := e.builtins.answer(ctx, a, req)
		if err != nil || instead == "" {
			return ans, err
		}
		if req, op, err = parse(instead); err != nil {
			return refused(err)
		}
	}
	id := runs.NewID(a.Key)
	if r, _, err := e.ledger.Load(ctx, id); err == nil {
		return e.accepted(r), nil // whatever keeps alsbot from taking new work now
	}
	if req.Cluster, err = e.rights.cluster(ctx, a.By, req.Cluster, a.Origin.Channel); err != nil {
		return refused(err)
	}
	if err := e.rights.authorize(ctx, a.By, op, req); err != nil {
		return refused(err)
	}
	return e.accept(ctx, runs.Run{
		ID:      id,
		Text:    als.Command(req),
		Request: req,
		Effect:  op.Effect(req),
		By:      a.By,
		Origin:  a.Origin,
		State:   runs.Planned,
		Asked:   time.Now().UTC().Round(0),
	})
}

func parse(text string) (als.Request, als.Operation, error) {
	req, err := als.Parse(text, Operations)
	if err != nil {
		return req, als.Operation{}, err
	}
	op, ok := Operations.Find(req.Operation)
	if !ok {
		return req, op, &als.Refusal{Text: fmt.Sprintf("%q is not something alsbot can do", req.Operation), Next: als.Advise("Type %s", als.Typed("help"))}
	}
	return req, op, nil
}

// accept records a new run and has it driven. The same ID again gets the same
// answer and nothing else.
func (e *Engine) accept(ctx context.Context, r runs.Run) (Answer, error) {
	if e.drivers.closed() {
		return Answer{Bad: true, Text: "alsbot is shutting down. Nothing was started; ask again in a minute."}, nil
	}
	if err := e.outputs.st.Ready(); err != nil {
		return Answer{Bad: true, Text: "Nothing was started, because alsbot's own store takes no new work: " + err.Error() + ". What is under way goes on; ask again when that is mended."}, nil
	}
	if err := e.ledger.Begin(ctx, r); err != nil {
		return Answer{}, fmt.Errorf("writing the command down: %w", err)
	}
	e.Kick(r.ID)
	return e.accepted(r), nil
}

// accepted returns the answer to a command that has become a run.
func (e *Engine) accepted(r runs.Run) Answer {
	text := fmt.Sprintf("Run `%s`: %s", r.ID, r.Text)
	switch {
	case r.Effect == als.Read:
	case e.policy.guarded(r.Effect) && !r.Request.Dry && r.By.Source != runs.FromSchedule:
		text += ". Looking at the cluster first; what is to be done then waits for approval. Type `approvals` to see what waits."
	default:
		text += ". Looking at the cluster first."
	}
	return Answer{Text: text, Run: r.ID}
}

// refused turns what is wrong with a command into the answer.
func refused(err error) (Answer, error) {
	var ref *als.Refusal
	var unknown *runs.NotFoundError
	switch {
	case errors.As(err, &ref):
		return Answer{Text: ref.Error(), Bad: true}, nil
	case errors.As(err, &unknown):
		return Answer{Text: unknown.Error(), Bad: true}, nil
	}
	return Answer{}, err
}
