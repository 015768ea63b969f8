package jobs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"alsbot/als"
	"alsbot/config"
	"alsbot/store"
)

// own answers alsbot's own commands. Those that change something remember
// what they answered, so that the same delivery changes nothing twice.
func (e *Engine) own(ctx context.Context, a Ask, req als.Request) (Answer, error) {
	op, _ := als.Operations.Find(req.Operation)
	if op.Effect(req) == als.Read {
		return e.ownOnce(ctx, a, req)
	}
	var done delivery
	var again bool
	err := e.st.View(ctx, func(tx store.Tx) (err error) {
		done, again, err = answers.Get(tx, a.Key)
		return err
	})
	if err != nil || again {
		return done.Answer, err
	}
	ans, err := e.ownOnce(ctx, a, req)
	if err != nil || ans.Bad {
		return ans, err
	}
	return ans, e.st.Update(ctx, func(tx store.Tx) error {
		return answers.Put(tx, a.Key, delivery{At: time.Now(), Answer: ans})
	})
}

func (e *Engine) ownOnce(ctx context.Context, a Ask, req als.Request) (Answer, error) {
	if req.Cluster != "" {
		if _, err := e.cluster(req.Cluster, ""); err != nil {
			return refused(err)
		}
	}
	var ans Answer
	var err error
	switch req.Operation {
	case "help":
		ans, err = e.help(ctx, a.By, strings.Join(req.Args, " "))
	case "clusters":
		ans, err = e.clusters(ctx, a.By)
	case "whoami":
		ans, err = e.whoami(ctx, a.By)
	case "runs":
		ans, err = e.listRuns(ctx, a.By, req.Cluster)
	case "approvals":
		ans, err = e.listApprovals(ctx, a.By)
	case "run", "output", "cancel", "retry", "acknowledge":
		ans, err = e.onRun(ctx, a, req.Operation, req.Arg(0))
	case "schedule list":
		ans, err = e.listSchedules(ctx, a.By)
	case "schedule run", "schedule pause", "schedule resume":
		ans, err = e.onSchedule(ctx, a, req.Operation, req.Arg(0))
	default:
		err = &als.Refusal{Text: fmt.Sprintf("`%s` has no answer in this version of alsbot", req.Operation), Next: "Type `help` to see all commands"}
	}
	if err != nil {
		return refused(err)
	}
	return ans, nil
}

func (e *Engine) help(ctx context.Context, by Principal, topic string) (Answer, error) {
	if err := e.must(ctx, by, Viewer, ""); err != nil {
		return Answer{}, err
	}
	text, err := als.Help(als.Operations, topic)
	return Answer{Pre: text}, err
}

// views lists the clusters that somebody may see. Who may see none, or whose
// rights cannot be looked up, is refused: a list that leaves things out lies.
func (e *Engine) views(ctx context.Context, by Principal) ([]config.Cluster, error) {
	ctx, cancel := context.WithTimeout(ctx, lookup)
	defer cancel()
	var seen []config.Cluster
	for _, c := range e.cfg.Clusters {
		ok, err := e.may(ctx, by, Viewer, c.Name, false)
		if err != nil {
			return nil, e.unknownRights(by, err)
		}
		if ok {
			seen = append(seen, c)
		}
	}
	if len(seen) == 0 {
		return nil, e.must(ctx, by, Viewer, "")
	}
	return seen, nil
}

func (e *Engine) whoami(ctx context.Context, by Principal) (Answer, error) {
	t := newTable("CLUSTER", "VIEWER", "OPERATOR", "APPROVER")
	for _, c := range e.cfg.Clusters {
		row := []string{"@" + c.Name}
		for _, role := range []Role{Viewer, Operator, Approver} {
			ok, err := e.may(ctx, by, role, c.Name, false)
			word := "no"
			switch {
			case err != nil:
				word = "unknown (Slack did not answer)"
			case ok:
				word = "yes"
			}
			row = append(row, word)
		}
		t.row(row...)
	}
	return Answer{Text: "You are " + by.Name() + ". Viewers look, operators ask for anything, approvers approve; the `access` section of alsbot's config says who is what.", Pre: t.String()}, nil
}

const listed = 20 // lines of a list

// Runs returns the last n runs, newest first, of one cluster or, with "", of all.
func (e *Engine) Runs(ctx context.Context, cluster string, n int) ([]Run, error) {
	index, prefix := runsAt, ""
	if cluster != "" {
		index, prefix = runsOf, cluster+"/"
	}
	var list []Run
	err := e.st.View(ctx, func(tx store.Tx) error {
		var bad error
		err := index.Scan(tx, store.Range{Prefix: prefix, Reverse: true}, func(_, id string) bool {
			r, ok, err := runs.Get(tx, id)
			if bad = err; ok {
				list = append(list, r)
			}
			return bad == nil && len(list) < n
		})
		return errors.Join(err, bad)
	})
	return list, err
}

func (e *Engine) listRuns(ctx context.Context, by Principal, cluster string) (Answer, error) {
	seen, err := e.views(ctx, by)
	if err != nil {
		return Answer{}, err
	}
	var list []Run
	for _, c := range seen {
		if cluster != "" && c.Name != cluster {
			continue
		}
		some, err := e.Runs(ctx, c.Name, listed)
		if err != nil {
			return Answer{}, err
		}
		list = append(list, some...)
	}
	slices.SortFunc(list, func(a, b Run) int { return b.Asked.Compare(a.Asked) })
	list = list[:min(len(list), listed)]
	if len(list) == 0 {
		of := ""
		if cluster != "" {
			of = " of @" + cluster
		}
		return Answer{Text: "There are no runs" + of + " yet. Type `help` to see what alsbot can do."}, nil
	}
	t := newTable("RUN", "STATE", "ASKED", "BY", "COMMAND")
	for _, r := range list {
		state := string(r.State)
		if r.State == Lost && r.Settled == nil {
			state += ", to acknowledge"
		}
		t.row(r.ID, state, ago(r.Asked), r.By.Name(), r.Text)
	}
	return Answer{Text: "The last runs, the newest first. Type `run ID` to see one of them, `output ID` for what it printed.", Pre: t.String()}, nil
}

func (e *Engine) listApprovals(ctx context.Context, by Principal) (Answer, error) {
	seen, err := e.views(ctx, by)
	if err != nil {
		return Answer{}, err
	}
	t := newTable("RUN", "APPROVED", "EXPIRES", "BY", "COMMAND")
	n := 0
	var cards []string
	err = e.st.View(ctx, func(tx store.Tx) error {
		var bad error
		err := active.Scan(tx, store.Range{}, func(id string, s State) bool {
			if s != Awaiting {
				return true
			}
			r, _, err := runs.Get(tx, id)
			a, ok, err2 := approvals.Get(tx, id)
			if bad = errors.Join(err, err2); ok && sees(seen, r.Request.Cluster) {
				n++
				if at := e.cards(r); at != "" && !slices.Contains(cards, at) {
					cards = append(cards, at)
				}
				t.row(id, fmt.Sprintf("%d of %d", len(a.Votes), a.Quorum), a.Expires.UTC().Format(slotTime), r.By.Name(), r.Text)
			}
			return bad == nil
		})
		return errors.Join(err, bad)
	})
	if n == 0 {
		return Answer{Text: "Nothing waits for approval. Type `runs` to see what was asked for."}, err
	}
	text := "`run ID` shows one, `cancel ID` withdraws it. Approve or reject on the card of each"
	if len(cards) > 0 {
		text += ", in:"
	}
	return Answer{Text: text, Channels: cards, Pre: t.String()}, err
}

// cards is the channel in which a run's approval is asked for.
func (e *Engine) cards(r Run) string {
	c, _ := e.cfg.Cluster(r.Request.Cluster)
	return cmp.Or(c.Approvals, c.Channel, r.Origin.Channel)
}

func sees(seen []config.Cluster, name string) bool {
	return slices.ContainsFunc(seen, func(c config.Cluster) bool { return c.Name == name })
}

// onRun answers the commands that name a run.
func (e *Engine) onRun(ctx context.Context, a Ask, command, id string) (Answer, error) {
	r, ap, err := e.load(ctx, id)
	var nf *NotFoundError
	if errors.As(err, &nf) {
		return Answer{Bad: true, Text: nf.Error()}, nil
	}
	if err != nil {
		return Answer{}, err
	}
	if err := e.must(ctx, a.By, Viewer, r.Request.Cluster); err != nil {
		return Answer{}, err
	}
	switch command {
	case "run":
		waits, err := e.Waiting(ctx, r.ID)
		return Answer{Pre: record(r, ap, waits)}, err
	case "output":
		return e.showOutput(ctx, r)
	case "retry":
		return e.retry(ctx, a, r)
	}
	// Who has asked for a look, or a dry run, may take it back; what changes a
	// cluster is an operator's also for its end, and rights can have been lost since.
	if !e.same(a.By, r.By) || r.Effect != als.Read && !r.Request.Dry {
		if err := e.must(ctx, a.By, Operator, r.Request.Cluster); err != nil {
			return Answer{}, err
		}
	}
	if command == "acknowledge" {
		return e.acknowledge(ctx, a.By, r)
	}
	return e.cancel(ctx, a.By, r)
}

// atOnce is how much output fits into an answer, in bytes.
const atOnce = 6000

func (e *Engine) showOutput(ctx context.Context, r Run) (Answer, error) {
	out, size, err := e.Output(ctx, r.ID, atOnce)
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

// retry asks again, as the person who types it, for what a final run was.
func (e *Engine) retry(ctx context.Context, a Ask, r Run) (Answer, error) {
	if !r.State.Final() {
		return Answer{Bad: true, Text: fmt.Sprintf("Run %s is still %s. Wait for its end, or type `cancel %s`.", r.ID, strings.ReplaceAll(string(r.State), "_", " "), r.ID)}, nil
	}
	a.Text = r.Text
	return e.Ask(ctx, a)
}

// cancel ends a run: at once before it began, else by ending its commands on
// the nodes.
func (e *Engine) cancel(ctx context.Context, by Principal, r Run) (Answer, error) {
	var ans Answer
	d := &Decision{By: by, At: time.Now().UTC().Round(0)}
	_, err := e.transit(ctx, r.ID, by, func(tx store.Tx, r *Run) error {
		switch {
		case r.State.Final():
			ans = Answer{Bad: true, Text: fmt.Sprintf("Run %s has already ended (%s). Type `run %s` to see what became of it.", r.ID, r.State, r.ID)}
			return errSame
		case r.Cancel != nil:
			ans = Answer{Text: fmt.Sprintf("Run %s is already being cancelled. Its message shows what keeps it, and so does `run %s`.", r.ID, r.ID)}
			return errSame
		case r.State == Running:
			r.Cancel = d
			ans = Answer{Text: fmt.Sprintf("Run %s is told to stop. What runs on the node gets %s to end; clean-up steps still run.", r.ID, grace)}
			if !r.Unheard.IsZero() {
				ans.Text += " Its node cannot be reached now: it is told as soon as it can be."
			}
			return errors.Join(e.record(tx, by, "cancel", r.ID, ""), e.tell(tx, Outgoing{Kind: TellRun, Run: r.ID}))
		}
		ans = Answer{Text: fmt.Sprintf("Run %s is cancelled. Nothing was run.", r.ID)}
		r.State, r.Cancel, r.Trouble = Cancelled, d, "cancelled by "+by.Name()+" before it began"
		ap, ok, err := approvals.Get(tx, r.ID)
		if err != nil || !ok {
			return err
		}
		ap.State, ap.Why, ap.Closed = ApprovalVoid, "the request was cancelled", d
		return e.putApproval(tx, ap)
	})
	if err == nil {
		e.kick(r.ID)
	}
	return ans, err
}
