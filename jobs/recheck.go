package jobs

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"alsbot/als"
	"alsbot/runs"
	"alsbot/store"
)

// startBy is how long after the last approval alsbot checks the cluster again
// and starts or queues the run, and how long after its turn has come it still
// begins a step. Only a crash or a long stop of alsbot, or an unreachable
// node, comes between.
const startBy = 10 * time.Minute

// rightsAgain is when alsbot looks rights up again after Slack did not answer.
const rightsAgain = 5 * time.Second

// Once a cluster has made voidsMost requests for the same void within
// restlessFor, alsbot posts no other one by itself.
const (
	voidsMost   = 3
	restlessFor = time.Hour
)

// rechecker checks, just before something approved or queued starts, that the
// rights and the cluster are still as they were.
type rechecker struct {
	st      store.Store
	ledger  *runs.Ledger
	policy  policy
	rights  *rights
	planner *planner
	kick    func(run string)
	log     *slog.Logger
}

// unchanged checks the rights of the requester and the approvers, and the
// cluster. If anything changed, the run becomes void and a new request says
// what changed. Where rights cannot be looked up nothing starts, and pause is
// when to check again.
func (rc *rechecker) unchanged(ctx context.Context, d *driver, r runs.Run) (same bool, pause time.Duration, err error) {
	why, err := rc.lostRights(ctx, r)
	if err != nil {
		return false, rightsAgain, rc.waitForRights(ctx, r.ID, err)
	}
	if why != "" {
		return false, 0, rc.void(ctx, r.ID, why)
	}
	probing, stop := d.cancelOnDecision(ctx, rc.ledger, r)
	cluster, plan, err := rc.planner.buildPlan(probing, r)
	interrupted := probing.Err() != nil
	stop()
	if interrupted {
		return false, 0, nil // it is cancelled, or the next start checks again
	}
	if err != nil {
		return false, 0, rc.void(ctx, r.ID, "the cluster could not be looked at again: "+err.Error())
	}
	why, err = rc.difference(ctx, r, plan)
	if err != nil {
		return false, 0, err
	}
	if why != "" {
		return false, 0, rc.renew(ctx, r, cluster, plan, why)
	}
	return true, 0, rc.adopt(ctx, r, cluster, plan)
}

// difference says in words how a present plan differs from the one on record,
// which is the one that was shown; "" if it doesn't.
func (rc *rechecker) difference(ctx context.Context, r runs.Run, now als.Plan) (string, error) {
	if r.Plan.Digest() != r.Digest {
		return "the plan on record is not the one that was shown", nil
	}
	diff := als.Differences(*r.Plan, now)
	if r.Plan.Backup != "" && now.Backup != "" {
		var good bool
		if err := rc.st.View(ctx, func(tx store.Tx) (err error) {
			good, err = runs.GoodBackup(tx, r.Request.Cluster, r.Plan.Backup)
			return err
		}); err != nil {
			return "", err
		}
		if !good {
			diff = append(diff, "the last good backup was run "+r.Plan.Backup+", which is no longer good; it is now run "+now.Backup)
		}
	}
	return strings.Join(diff, "; "), nil
}

// adopt gives a run its present plan, which does what the shown one does. What
// the run is judged by then comes from the last probes before its start.
func (rc *rechecker) adopt(ctx context.Context, r runs.Run, cluster als.Cluster, plan als.Plan) error {
	return rc.ledger.Amend(ctx, r.ID, func(now *runs.Run) {
		if now.State == r.State && now.Digest == r.Digest {
			now.Cluster, now.Plan, now.Digest = cluster, &plan, plan.Digest()
		}
	})
}

func (rc *rechecker) void(ctx context.Context, id, why string) error {
	_, err := rc.ledger.Transition(ctx, id, runs.System, func(tx store.Tx, r *runs.Run) error { return runs.Invalidate(tx, r, why) })
	return err
}

// lostRights names the requester or approver who may no longer make the run
// possible. An error means that it could not be looked up.
func (rc *rechecker) lostRights(ctx context.Context, r runs.Run) (string, error) {
	_, a, err := rc.ledger.Load(ctx, r.ID)
	if err != nil {
		return "the request could not be read again: " + err.Error(), nil
	}
	ask := func(p runs.Principal, role Role) (string, error) {
		ok, err := rc.rights.may(ctx, p, role, r.Request.Cluster, Fresh)
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
		if why == "" {
			why = rc.rights.ownVote(v.By, r.By)
		}
		if why != "" || err != nil {
			break
		}
		why, err = ask(v.By, Approver)
	}
	return why, err
}

// waitForRights records that a run waits because rights cannot be looked up.
// When that has lasted for startBy, the run expires.
func (rc *rechecker) waitForRights(ctx context.Context, id string, trouble error) error {
	_, err := rc.ledger.Transition(ctx, id, runs.System, func(tx store.Tx, r *runs.Run) error {
		now := time.Now().UTC().Round(0)
		switch {
		case r.State != runs.Queued && r.State != runs.Awaiting:
			return runs.ErrUnchanged
		case r.Unsure.IsZero():
			r.Unsure = now
			r.Remark = fmt.Sprintf("%s. It starts when they can be, or expires at %s", trouble, now.Add(startBy).Format("15:04 MST"))
			return runs.Tell(tx, runs.Outgoing{Kind: runs.TellRun, Run: r.ID})
		case r.State == runs.Awaiting || now.Before(r.Unsure.Add(startBy)):
			return runs.ErrUnchanged // await has a limit of its own
		}
		why := fmt.Sprintf("its turn had come, but for %s %s", startBy, trouble)
		a, ok, err := runs.GetApproval(tx, r.ID)
		if ok {
			return runs.Expire(tx, r, a, why)
		}
		r.State, r.Trouble = runs.Expired, why
		return err
	})
	if ctx.Err() == nil {
		rc.log.Warn("looking up rights", "run", id, "error", trouble)
	}
	return err
}

// renew replaces a run whose cluster has changed. An approved run becomes void
// and a new request replaces it; a run that needed no approval goes on with
// the new plan.
func (rc *rechecker) renew(ctx context.Context, old runs.Run, cluster als.Cluster, plan als.Plan, why string) error {
	again := requestAgain(old, why)
	_, err := rc.ledger.Transition(ctx, old.ID, runs.System, func(tx store.Tx, r *runs.Run) error {
		if r.State.Final() {
			return runs.ErrUnchanged
		}
		_, approved, err := runs.GetApproval(tx, r.ID)
		if err != nil {
			return err
		}
		if !approved {
			return rc.replan(tx, r, cluster, plan, why)
		}
		_, stop := plan.Stopped()
		if err := runs.Invalidate(tx, r, "the cluster has changed since it was approved: "+why); err != nil || stop || plan.Nothing != "" {
			return err
		}
		if len(again.Voided) >= voidsMost {
			r.Next = als.Advise("nothing was run. %d requests for this became void within an hour, so alsbot posts no other by itself. When the cluster has settled, type %s",
				len(again.Voided), als.Typed("retry "+r.ID))
			return nil
		}
		r.Next = als.Advise("a fresh request says what changed: see %s", als.Typed("run "+again.ID))
		return runs.Create(tx, &again)
	})
	if err == nil {
		rc.kick(again.ID)
	}
	return err
}

// requestAgain returns a new run for the request of a void one.
func requestAgain(old runs.Run, why string) runs.Run {
	again := old
	again.ID, again.Replaces, again.Changed = runs.NewID(old.ID+"/again"), old.ID, why
	again.Asked, again.Waited, again.Queued = time.Now().UTC().Round(0), false, time.Time{}
	again.State, again.Plan, again.Digest = runs.Planned, nil, ""
	again.Voided = slices.DeleteFunc(append(slices.Clone(old.Voided), again.Asked), func(t time.Time) bool {
		return again.Asked.Sub(t) > restlessFor
	})
	again.RightsKnown()
	return again
}

// replan gives a queued run its new plan. Where it still needs its turn, it
// keeps its place in the queue.
func (rc *rechecker) replan(tx store.Tx, r *runs.Run, cluster als.Cluster, plan als.Plan, why string) error {
	joined := r.Queued
	if err := runs.Dequeue(tx, r); err != nil {
		return err
	}
	r.Cluster, r.Plan, r.Digest, r.Waited, r.Changed = cluster, &plan, plan.Digest(), false, why
	if err := rc.policy.route(tx, r); err != nil || r.State != runs.Queued {
		return err
	}
	if err := runs.Dequeue(tx, r); err != nil {
		return err
	}
	return runs.EnqueueAt(tx, r, joined)
}
