package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"alsbot/als"
	"alsbot/runs"
	"alsbot/store"
)

// approver takes decisions on approval requests and watches over those that
// wait.
type approver struct {
	ledger  *runs.Ledger
	policy  policy
	rights  *rights
	recheck *rechecker
	kick    func(run string)
	log     *slog.Logger
}

// Press takes an approver's decision on a run. It looks an approver's rights up
// now; for others a cached no is enough. The answer is for the person who pressed; everybody sees the approval
// request change. The same press again has no second effect.
func (ap *approver) Press(ctx context.Context, id string, approve bool, by runs.Principal) (ans Answer, err error) {
	defer func() { ap.noteRefused(ctx, id, approve, by, ans) }()
	_, no, err := ap.mayDecide(ctx, id, approve, by)
	if err != nil || no.Bad {
		return no, err
	}
	return ap.decide(ctx, id, approve, "", ap.rights.named(ctx, by))
}

// Reject is Press with a reason, which goes on record and to the requester. It
// is cut to als.MaxReason bytes; "" is none.
func (ap *approver) Reject(ctx context.Context, id, why string, by runs.Principal) (ans Answer, err error) {
	defer func() { ap.noteRefused(ctx, id, false, by, ans) }()
	_, no, err := ap.mayDecide(ctx, id, false, by)
	if err != nil || no.Bad {
		return no, err
	}
	return ap.decide(ctx, id, false, plain(why), ap.rights.named(ctx, by))
}

// MayReject reports whether a person may reject a run that waits for approval.
func (ap *approver) MayReject(ctx context.Context, id string, by runs.Principal) (runs.Run, bool, error) {
	r, no, err := ap.mayDecide(ctx, id, false, by)
	return r, err == nil && !no.Bad && r.State == runs.Awaiting, err
}

// plain returns typed text as one line without invisible characters.
func plain(text string) string {
	text = strings.Map(func(r rune) rune {
		if als.Invisible(r) {
			return ' '
		}
		return r
	}, text)
	text = strings.Join(strings.Fields(text), " ")
	return strings.ToValidUTF8(text[:min(len(text), als.MaxReason)], "")
}

// mayDecide answers badly where a person may not decide on a run's approval.
func (ap *approver) mayDecide(ctx context.Context, id string, approve bool, by runs.Principal) (runs.Run, Answer, error) {
	r, a, err := ap.ledger.Load(ctx, id)
	var nf *runs.NotFoundError
	switch {
	case errors.As(err, &nf):
		return r, Answer{Bad: true, Text: nf.Error()}, nil
	case err != nil:
		return r, Answer{}, err
	case a == nil:
		return r, Answer{Bad: true, Text: fmt.Sprintf("Run %s needs no approval. Type `run %s` to see how it stands.", id, id)}, nil
	}
	refusal, err := ap.rights.deny(ctx, by, Approver, r.Request.Cluster, FreshYes)
	if err != nil {
		ap.log.Warn("looking up rights", "user", by.ID, "error", err)
		return r, Answer{Bad: true, Text: "Your rights could not be looked up in Slack just now" + unsaid(err) + ", so your decision was not taken. Press again in a minute."}, nil
	}
	if refusal != nil {
		return r, Answer{Bad: true, Text: refusal.Error() + "."}, nil
	}
	if _, known := ap.rights.inSlack(r.By); approve && !known && r.By.Source == runs.FromLocal {
		return r, Answer{Bad: true, Text: fmt.Sprintf("This was asked for on the command line by %s, and alsbot doesn't know who that is in Slack: it can't tell whether it is you. Nothing has changed. "+
			"Type `cancel %s`, and have it asked for in Slack.", r.By.ID, id)}, nil
	}
	if approve && ap.rights.samePerson(by, r.By) && !ap.policy.cfg.Approval.Self {
		return r, Answer{Bad: true, Text: "You asked for this yourself, so somebody else has to approve it. Nothing has changed. To take it back, type `cancel " + id + "`."}, nil
	}
	return r, Answer{}, nil
}

// decide records a decision, if the request is still open.
func (ap *approver) decide(ctx context.Context, id string, approve bool, why string, by runs.Principal) (Answer, error) {
	var ans Answer
	now := time.Now().UTC().Round(0)
	_, err := ap.ledger.Transition(ctx, id, by, func(tx store.Tx, r *runs.Run) error {
		a, _, err := runs.GetApproval(tx, id)
		if err != nil {
			return err
		}
		open := r.State == runs.Awaiting && (a.State == runs.ApprovalWaiting || a.State == runs.ApprovalChecking)
		switch {
		case !open:
			ans = Answer{Bad: true, Text: decided(*r, a)}
			return runs.ErrUnchanged
		case !now.Before(a.Expires) && a.State == runs.ApprovalWaiting:
			ans = Answer{Bad: true, Text: "This request expired at " + a.Expires.Format("15:04 MST") + ". Nothing was run. If it is still wanted, type `retry " + r.ID + "`."}
			return runs.ErrUnchanged // the run's driver writes it down
		case !approve:
			ans = Answer{Text: "Rejected. Nothing was run."}
			a.State, a.Closed = runs.ApprovalRejected, &runs.Decision{By: by, At: now}
			r.State = runs.Rejected
			r.Trouble = "rejected by " + by.Name()
			if why != "" {
				a.Why = why
				r.Trouble += ": " + why
			}
			return runs.PutApproval(tx, a)
		case a.Unshown != "":
			ans = Answer{Bad: true, Text: notShown(*r, a)}
			return runs.ErrUnchanged
		case slices.ContainsFunc(a.Votes, func(d runs.Decision) bool { return d.By.ID == by.ID }):
			ans = Answer{Text: "Your approval already counts."}
			return runs.ErrUnchanged
		}
		if r.Unsure.IsZero() {
			r.Remark = "" // that nobody can approve it, if it said so
		}
		a.Votes = append(a.Votes, runs.Decision{By: by, At: now})
		a.Quorum = ap.policy.quorum(a)
		ans = Answer{Text: fmt.Sprintf("Approved: %d of %d. It starts when %s.", len(a.Votes), a.Quorum, others(a.Quorum-len(a.Votes)))}
		if len(a.Votes) >= a.Quorum {
			a.State = runs.ApprovalChecking
			ans.Text = "Approved. alsbot looks at the cluster once more and starts."
		}
		return errors.Join(runs.Record(tx, by, "approved", id, a.Digest), runs.PutApproval(tx, a))
	})
	if err == nil {
		ap.kick(id)
	}
	return ans, err
}

// notShown answers a press on a request that approvers can't read in full.
func notShown(r runs.Run, a runs.Approval) string {
	return fmt.Sprintf("Your approval was not taken: %s. Nothing has changed. alsbot keeps trying; approve when the request has its button again. To see the plan now, type `run %s`.", a.Unshown, r.ID)
}

func others(n int) string {
	if n == 1 {
		return "one more person approves"
	}
	return fmt.Sprintf("%d more people approve", n)
}

// decided says how a closed request ended.
func decided(r runs.Run, a runs.Approval) string {
	text := fmt.Sprintf("This request is already decided: it is %s", a.State)
	if a.Closed != nil {
		text += fmt.Sprintf(", by %s at %s", a.Closed.By.Name(), a.Closed.At.Format("15:04 MST"))
	}
	if r.State == runs.Cancelled {
		text = fmt.Sprintf("Run %s was cancelled before it was decided", r.ID)
	}
	return text + ". Your press changed nothing. Type `run " + r.ID + "` to see what became of it."
}

// await watches over a run that waits for approval: it expires, or, once the
// quorum is reached, the cluster is checked again.
func (ap *approver) await(ctx context.Context, d *driver, r runs.Run, a *runs.Approval) (time.Duration, error) {
	if a == nil {
		return 0, ap.ledger.Fail(ctx, r.ID, "the request for approval is missing from the store", als.Advise("type %s", als.Typed("retry "+r.ID)))
	}
	why := "nobody approved it in time"
	if a.State == runs.ApprovalChecking {
		if n := len(a.Votes); n == 0 || time.Since(a.Votes[n-1].At) < startBy {
			return ap.checkAgain(ctx, d, r)
		}
		why = fmt.Sprintf("it was approved, but alsbot was not there to start it within %s", startBy)
		if !r.Unsure.IsZero() {
			why = fmt.Sprintf("it was approved, but the rights of those who made it possible could not be looked up in Slack for %s", startBy)
		}
	} else if left := time.Until(a.Expires); left > 0 {
		return min(left, longest), nil
	}
	was := a.State
	_, err := ap.ledger.Transition(ctx, r.ID, runs.System, func(tx store.Tx, r *runs.Run) error {
		a, _, err := runs.GetApproval(tx, r.ID)
		if err != nil {
			return err
		}
		if r.State != runs.Awaiting || a.State != was {
			return runs.ErrUnchanged
		}
		return runs.Expire(tx, r, a, why)
	})
	return 0, err
}

// checkAgain puts an approved run into its cluster's queue, if the cluster and
// everybody's rights are still as they were.
func (ap *approver) checkAgain(ctx context.Context, d *driver, r runs.Run) (time.Duration, error) {
	shown := r.Digest // unchanged gives the run its present plan, which has a digest of its own
	same, pause, err := ap.recheck.unchanged(ctx, d, r)
	if err != nil || !same {
		return pause, err
	}
	_, err = ap.ledger.Transition(ctx, r.ID, runs.System, func(tx store.Tx, r *runs.Run) error {
		a, _, err := runs.GetApproval(tx, r.ID)
		if err != nil {
			return err
		}
		if r.State != runs.Awaiting || a.State != runs.ApprovalChecking {
			return runs.ErrUnchanged
		}
		if needed := ap.policy.quorum(a); len(a.Votes) < needed { // the config has changed since the press
			a.State, a.Quorum = runs.ApprovalWaiting, needed
			return runs.PutApproval(tx, a)
		}
		if shown == "" || a.Digest != shown {
			return runs.Invalidate(tx, r, "the approval does not belong to this plan")
		}
		a.State = runs.ApprovalGiven
		return errors.Join(ap.policy.enqueue(tx, r), runs.PutApproval(tx, a))
	})
	return 0, err
}
