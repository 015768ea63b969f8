package jobs

import (
	"context"
	"fmt"
	"time"

	"alsbot/store"
)

// rightsAgain is when rights are looked up again that Slack did not tell.
const rightsAgain = 5 * time.Second

// lostRights says who of those who made a run possible may no longer do so.
// An error means that it could not be looked up.
func (e *Engine) lostRights(ctx context.Context, r Run) (string, error) {
	_, a, err := e.load(ctx, r.ID)
	if err != nil {
		return "the request could not be read again: " + err.Error(), nil
	}
	ask := func(p Principal, role Role) (string, error) {
		ok, err := e.may(ctx, p, role, r.Request.Cluster, true)
		if err != nil {
			return "", fmt.Errorf("the rights of %s could not be looked up in Slack (%w)", p.Name(), err)
		}
		if !ok {
			return fmt.Sprintf("%s is no longer %s on @%s", p.Name(), role, r.Request.Cluster), nil
		}
		return "", nil
	}
	why, err := ask(r.By, Operator)
	if a == nil {
		return why, err
	}
	for _, v := range a.Votes {
		if why != "" || err != nil {
			break
		}
		why, err = ask(v.By, Approver)
	}
	return why, err
}

// unsure lets a run wait in words while rights cannot be looked up. When that
// has lasted for startBy, nobody expects it to start any more: it expires.
func (e *Engine) unsure(ctx context.Context, id string, trouble error) error {
	_, err := e.transit(ctx, id, nobody, func(tx store.Tx, r *Run) error {
		now := time.Now().UTC().Round(0)
		switch {
		case r.State != Queued && r.State != Awaiting:
			return errSame
		case r.Unsure.IsZero():
			r.Unsure = now
			r.Remark = fmt.Sprintf("%s. It starts when they can be, or expires at %s", trouble, now.Add(startBy).Format("15:04 MST"))
			return e.tell(tx, Outgoing{Kind: TellRun, Run: r.ID})
		case r.State == Awaiting || now.Before(r.Unsure.Add(startBy)):
			return errSame // await has its own limit
		}
		why := fmt.Sprintf("its turn had come, but for %s %s", startBy, trouble)
		a, ok, err := approvals.Get(tx, r.ID)
		if ok {
			return e.expire(tx, r, a, why)
		}
		r.State, r.Trouble = Expired, why
		return err
	})
	if ctx.Err() == nil {
		e.log.Warn("looking up rights", "run", id, "error", trouble)
	}
	return err
}

// sure forgets that rights were not known.
func (r *Run) sure() {
	if !r.Unsure.IsZero() {
		r.Remark, r.Unsure = "", time.Time{}
	}
}
