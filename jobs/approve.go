package jobs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"alsbot/als"
	"alsbot/store"
)

// needsApproval reports whether policy asks for approval of a run. A schedule
// has been approved with the config, and so has what follows by itself.
func (e *Engine) needsApproval(r Run) bool {
	return e.guarded(r.Effect) && r.By.Source != FromSchedule && r.By != nobody
}

// requestApproval makes a run wait for approval of exactly this plan.
func (e *Engine) requestApproval(tx store.Tx, r *Run) error {
	r.State = Awaiting
	now := time.Now().UTC().Round(0)
	a := Approval{
		Run: r.ID, Cluster: r.Request.Cluster, Digest: r.Digest, State: ApprovalWaiting,
		Quorum: e.cfg.Approval.Quorum, Posted: now, Expires: now.Add(e.cfg.Approval.ExpiresAfter),
	}
	return errors.Join(approvals.Put(tx, r.ID, a), e.tell(tx, Outgoing{Kind: TellApproval, Run: r.ID}))
}

// Press takes an approver's decision on the approval of a run. Rights are
// looked up now, not in a cache. The answer is for the person who pressed;
// everybody sees the approval's message change. The same press again has no
// second effect.
func (e *Engine) Press(ctx context.Context, id string, approve bool, by Principal) (Answer, error) {
	_, no, err := e.decides(ctx, id, approve, by)
	if err != nil || no.Bad {
		return no, err
	}
	return e.decide(ctx, id, approve, "", by)
}

// Reject is Press with a reason, which goes on record and to who asked. It is
// cut to als.MaxReason bytes; "" is none.
func (e *Engine) Reject(ctx context.Context, id, why string, by Principal) (Answer, error) {
	_, no, err := e.decides(ctx, id, false, by)
	if err != nil || no.Bad {
		return no, err
	}
	return e.decide(ctx, id, false, plain(why), by)
}

// MayReject reports whether somebody may reject a run that waits for it.
func (e *Engine) MayReject(ctx context.Context, id string, by Principal) (Run, bool, error) {
	r, no, err := e.decides(ctx, id, false, by)
	return r, err == nil && !no.Bad && r.State == Awaiting, err
}

// plain is what somebody typed as one line without what cannot be seen.
func plain(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return ' '
		}
		return r
	}, text)
	text = strings.Join(strings.Fields(text), " ")
	return strings.ToValidUTF8(text[:min(len(text), als.MaxReason)], "")
}

// decides says who may not decide on the approval of a run, by a bad answer.
func (e *Engine) decides(ctx context.Context, id string, approve bool, by Principal) (Run, Answer, error) {
	r, a, err := e.load(ctx, id)
	var nf *NotFoundError
	switch {
	case errors.As(err, &nf):
		return r, Answer{Bad: true, Text: nf.Error()}, nil
	case err != nil:
		return r, Answer{}, err
	case a == nil:
		return r, Answer{Bad: true, Text: fmt.Sprintf("Run %s needs no approval. Type `run %s` to see how it stands.", id, id)}, nil
	}
	ok, err := e.may(ctx, by, Approver, r.Request.Cluster, true)
	if err != nil {
		e.log.Warn("looking up rights", "user", by.ID, "error", err)
		return r, Answer{Bad: true, Text: "Your rights could not be looked up in Slack just now, so your decision was not taken. Press again in a minute."}, nil
	}
	if !ok {
		return r, Answer{Bad: true, Text: fmt.Sprintf("Deciding this needs the approver role on @%s, which you do not have. Nothing has changed. Type `whoami` to see what you may do.", r.Request.Cluster)}, nil
	}
	if approve && e.same(by, r.By) && !e.cfg.Approval.Self {
		return r, Answer{Bad: true, Text: "You asked for this yourself, so somebody else has to approve it. Nothing has changed. To take it back, type `cancel " + id + "`."}, nil
	}
	return r, Answer{}, nil
}

// decide writes a decision down, if there is still something to decide.
func (e *Engine) decide(ctx context.Context, id string, approve bool, why string, by Principal) (Answer, error) {
	var ans Answer
	now := time.Now().UTC().Round(0)
	_, err := e.transit(ctx, id, by, func(tx store.Tx, r *Run) error {
		a, _, err := approvals.Get(tx, id)
		if err != nil {
			return err
		}
		open := r.State == Awaiting && (a.State == ApprovalWaiting || a.State == ApprovalChecking)
		switch {
		case !open:
			ans = Answer{Bad: true, Text: decided(*r, a)}
			return errSame
		case !now.Before(a.Expires) && a.State == ApprovalWaiting:
			ans = Answer{Bad: true, Text: "This request expired at " + a.Expires.Format("15:04 MST") + ". Nothing was run. If it is still wanted, type `retry " + r.ID + "`."}
			return errSame // the run's driver writes it down
		case !approve:
			ans = Answer{Text: "Rejected. Nothing was run."}
			a.State, a.Closed = ApprovalRejected, &Decision{By: by, At: now}
			r.State = Rejected
			r.Trouble = "rejected by " + by.Name()
			if why != "" {
				a.Why = why
				r.Trouble += ": " + why
			}
			return e.putApproval(tx, a)
		case slices.ContainsFunc(a.Votes, func(d Decision) bool { return d.By.ID == by.ID }):
			ans = Answer{Text: "Your approval already counts."}
			return errSame
		}
		a.Votes = append(a.Votes, Decision{By: by, At: now})
		ans = Answer{Text: fmt.Sprintf("Approved: %d of %d. It starts when %s.", len(a.Votes), a.Quorum, others(a.Quorum-len(a.Votes)))}
		if len(a.Votes) >= a.Quorum {
			a.State = ApprovalChecking
			ans.Text = "Approved. alsbot looks at the cluster once more and starts."
		}
		return errors.Join(e.record(tx, by, "approved", id, a.Digest), e.putApproval(tx, a))
	})
	if err == nil {
		e.kick(id)
	}
	return ans, err
}

func others(n int) string {
	if n == 1 {
		return "one more person approves"
	}
	return fmt.Sprintf("%d more people approve", n)
}

func (e *Engine) putApproval(tx store.Tx, a Approval) error {
	return errors.Join(approvals.Put(tx, a.Run, a), e.tell(tx, Outgoing{Kind: TellApproval, Run: a.Run}))
}

// decided says how a request that is no longer open ended.
func decided(r Run, a Approval) string {
	text := fmt.Sprintf("This request is already decided: it is %s", a.State)
	if a.Closed != nil {
		text += fmt.Sprintf(", by %s at %s", a.Closed.By.Name(), a.Closed.At.Format("15:04 MST"))
	}
	if r.State == Cancelled {
		text = fmt.Sprintf("Run %s was cancelled before it was decided", r.ID)
	}
	return text + ". Your press changed nothing. Type `run " + r.ID + "` to see what became of it."
}

// startBy is how long after the last approval the cluster is still looked at
// again and the run begun or queued, and how long after its turn has come a
// step is still begun. Only a crash or a long stop of alsbot, or a node that
// is out of reach, comes between.
const startBy = 10 * time.Minute

// await looks after a run that waits for approval: it expires, or, when the
// quorum is there, the cluster is looked at again.
func (e *Engine) await(ctx context.Context, d *driver, r Run, a *Approval) (time.Duration, error) {
	if a == nil {
		return 0, e.fail(ctx, r.ID, "the request for approval is missing from the store", "type `retry "+r.ID+"`")
	}
	why := "nobody approved it in time"
	if a.State == ApprovalChecking {
		if n := len(a.Votes); n == 0 || time.Since(a.Votes[n-1].At) < startBy {
			return e.checkAgain(ctx, d, r)
		}
		why = fmt.Sprintf("it was approved, but alsbot was not there to start it within %s", startBy)
		if !r.Unsure.IsZero() {
			why = fmt.Sprintf("it was approved, but the rights of those who made it possible could not be looked up in Slack for %s", startBy)
		}
	} else if left := time.Until(a.Expires); left > 0 {
		return min(left, longest), nil
	}
	was := a.State
	_, err := e.transit(ctx, r.ID, nobody, func(tx store.Tx, r *Run) error {
		a, _, err := approvals.Get(tx, r.ID)
		if err != nil {
			return err
		}
		if r.State != Awaiting || a.State != was {
			return errSame
		}
		return e.expire(tx, r, a, why)
	})
	return 0, err
}

// expire is written down when it is first seen, so that a clock that goes
// back revives nothing.
func (e *Engine) expire(tx store.Tx, r *Run, a Approval, why string) error {
	a.State, a.Closed = ApprovalExpired, &Decision{By: nobody, At: time.Now().UTC().Round(0)}
	r.State, r.Trouble = Expired, why
	r.Next = "if it is still wanted, type `retry " + r.ID + "`"
	return e.putApproval(tx, a)
}

// checkAgain takes an approved run to its cluster's line, if the cluster and
// everybody's rights are still as they were.
func (e *Engine) checkAgain(ctx context.Context, d *driver, r Run) (time.Duration, error) {
	same, pause, err := e.stillSame(ctx, d, r)
	if err != nil || !same {
		return pause, err
	}
	_, err = e.transit(ctx, r.ID, nobody, func(tx store.Tx, r *Run) error {
		a, _, err := approvals.Get(tx, r.ID)
		if err != nil {
			return err
		}
		if r.State != Awaiting || a.State != ApprovalChecking {
			return errSame
		}
		if a.Digest == "" || a.Digest != r.Digest {
			return e.void(tx, r, "the approval does not belong to this plan")
		}
		a.State = ApprovalGiven
		return errors.Join(e.queue(tx, r), e.putApproval(tx, a))
	})
	return 0, err
}

// stillSame looks again, just before something approved starts: at the
// rights of who asked and who approved, and at the cluster. What has changed
// makes the run void; a fresh request then says what changed. Where rights
// cannot be looked up nothing starts, and pause is when to look again.
func (e *Engine) stillSame(ctx context.Context, d *driver, r Run) (same bool, pause time.Duration, err error) {
	why, err := e.lostRights(ctx, r)
	if err != nil {
		return false, rightsAgain, e.unsure(ctx, r.ID, err)
	}
	if why != "" {
		_, err := e.transit(ctx, r.ID, nobody, func(tx store.Tx, r *Run) error { return e.void(tx, r, why) })
		return false, 0, err
	}
	look, stop := e.heed(ctx, d, r)
	cluster, plan, err := e.think(look, r)
	over := look.Err() != nil
	stop()
	if over {
		return false, 0, nil // it is cancelled, or the next start looks again
	}
	if err != nil {
		_, err := e.transit(ctx, r.ID, nobody, func(tx store.Tx, r *Run) error {
			return e.void(tx, r, "the cluster could not be looked at again: "+err.Error())
		})
		return false, 0, err
	}
	if f, stop := plan.Stopped(); stop || plan.Digest() != r.Digest {
		why := changes(*r.Plan, plan)
		if stop {
			why = f.Text
		}
		return false, 0, e.renew(ctx, r, cluster, plan, why)
	}
	return true, 0, nil
}

// void ends a run whose approval no longer holds.
func (e *Engine) void(tx store.Tx, r *Run, why string) error {
	if r.State.Final() {
		return errSame
	}
	r.State, r.Trouble, r.Next = Void, why, "nothing was run; if it is still wanted, type `retry "+r.ID+"`"
	a, ok, err := approvals.Get(tx, r.ID)
	if err != nil || !ok {
		return err
	}
	a.State, a.Why = ApprovalVoid, why
	a.Closed = &Decision{By: nobody, At: time.Now().UTC().Round(0)}
	return e.putApproval(tx, a)
}

// renew replaces a run whose cluster has moved. An approved one becomes void
// and a fresh request takes its place; what needed no approval just goes on
// with the new plan.
func (e *Engine) renew(ctx context.Context, old Run, cluster als.Cluster, plan als.Plan, why string) error {
	fresh := old
	fresh.ID, fresh.Replaces, fresh.Changed = runID(old.ID+"/again"), old.ID, why
	fresh.Asked, fresh.Waited, fresh.Queued = time.Now().UTC().Round(0), false, time.Time{}
	fresh.State, fresh.Plan, fresh.Digest = Planned, nil, ""
	fresh.sure()
	_, err := e.transit(ctx, old.ID, nobody, func(tx store.Tx, r *Run) error {
		if r.State.Final() {
			return errSame
		}
		_, approved, err := approvals.Get(tx, r.ID)
		if err != nil {
			return err
		}
		if !approved {
			joined := r.Queued
			r.Cluster, r.Plan, r.Digest, r.Waited, r.Changed = cluster, &plan, plan.Digest(), false, why
			if err := errors.Join(e.leaveLine(tx, r), e.route(tx, r)); err != nil || r.State != Queued {
				return err
			}
			err := e.leaveLine(tx, r) // its turn has come: it keeps its place
			r.Queued = joined
			return errors.Join(err, line.Put(tx, lineKey(r), r.ID))
		}
		_, stop := plan.Stopped()
		if err := e.void(tx, r, "the cluster has changed since it was approved: "+why); err != nil || stop || plan.Nothing != "" {
			return err
		}
		r.Next = "a fresh request says what changed: see `run " + fresh.ID + "`"
		return e.create(tx, &fresh)
	})
	if err == nil {
		e.kick(fresh.ID)
	}
	return err
}

// changes says in words how two plans of one request differ.
func changes(before, now als.Plan) string {
	if now.Nothing != "" {
		return now.Nothing
	}
	facts := map[string]string{}
	for _, f := range before.Facts {
		facts[f.Name] = f.Value
	}
	var diff []string
	for _, f := range now.Facts {
		if was := facts[f.Name]; was != f.Value {
			diff = append(diff, fmt.Sprintf("%s was %s, is now %s", f.Name, orNone(was), orNone(f.Value)))
		}
		delete(facts, f.Name)
	}
	for name, was := range facts {
		diff = append(diff, fmt.Sprintf("%s was %s, is now none", name, was))
	}
	slices.Sort(diff)
	if len(diff) == 0 {
		return "other commands or other nodes than were shown"
	}
	return strings.Join(diff, "; ")
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// Name is how a principal is called in answers and records.
func (p Principal) Name() string {
	switch p.Source {
	case FromSlack:
		if p.Handle != "" {
			return "@" + p.Handle
		}
		return "@" + p.ID
	case FromSchedule:
		return "schedule " + p.ID
	case FromLocal:
		return p.ID + " (command line)"
	}
	return p.ID
}
