package jobs

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"alsbot/als"
	"alsbot/config"
	"alsbot/runs"
	"alsbot/store"
)

// policy answers from the config which runs need approval and when they may
// start.
type policy struct{ cfg *config.Config }

// guarded reports whether policy asks for approval of this effect.
func (p policy) guarded(effect als.Effect) bool {
	return slices.Contains(p.cfg.Approval.Effects, string(effect))
}

// needsApproval reports whether policy asks for approval of a run. A schedule
// was approved with the config, as long as the config still has it as it was,
// and so were the runs that follow others.
func (p policy) needsApproval(r runs.Run) bool {
	return p.guarded(r.Effect) && !p.scheduled(r) && r.By != runs.System
}

// scheduled reports whether the config still has the schedule that asked for a
// run, with the same command.
func (p policy) scheduled(r runs.Run) bool {
	if r.By.Source != runs.FromSchedule {
		return false
	}
	return slices.ContainsFunc(p.cfg.Schedules, func(s config.Schedule) bool {
		if s.Name != r.By.ID || s.Cluster != r.Request.Cluster {
			return false
		}
		now, err := scheduled(Operations, s)
		return err == nil && now.Text == r.Text
	})
}

// quorum returns how many approvals a request needs: the larger of what policy
// asked for when it was posted and of what it asks for now.
func (p policy) quorum(a runs.Approval) int { return max(a.Quorum, p.cfg.Approval.Quorum) }

// requestApproval makes a run wait for approval of its plan.
func (p policy) requestApproval(tx store.Tx, r *runs.Run) error {
	return runs.RequestApproval(tx, r, p.cfg.Approval.Quorum, p.cfg.Approval.ExpiresAfter)
}

// opensIn returns how long a run has to wait for one of its cluster's windows:
// 0 when it may start now. Windows bind what restarts or destroys.
func (p policy) opensIn(r runs.Run) time.Duration {
	c, ok := p.cfg.Cluster(r.Request.Cluster)
	if !ok || (r.Effect != als.Restart && r.Effect != als.Destroy) {
		return 0
	}
	return c.Opens(time.Now())
}

// enqueue queues a run. It joins its cluster's queue when its window opens, and
// blocks nobody before.
func (p policy) enqueue(tx store.Tx, r *runs.Run) error {
	r.State = runs.Queued
	r.RightsKnown()
	if p.opensIn(*r) > 0 {
		r.Queued = time.Now().UTC().Round(0)
		return nil
	}
	return runs.Enqueue(tx, r)
}

// route decides where a run with a new plan goes.
func (p policy) route(tx store.Tx, r *runs.Run) error {
	if f, stop := r.Plan.Stopped(); stop {
		r.State, r.Trouble, r.Next = runs.Failed, f.Text, f.Fix
		return nil
	}
	switch {
	case r.Plan.Nothing != "":
		r.State = runs.Succeeded
		r.Next = r.Plan.Next
		v := heed(als.Verdict{Outcome: als.Succeeded, Summary: "Nothing to do: " + r.Plan.Nothing, Whole: true, Next: r.Plan.Next}, *r.Plan)
		r.Verdict = &v
	case r.Request.Dry:
		r.State = runs.Succeeded
		r.Verdict = &als.Verdict{Outcome: als.Succeeded, Summary: "This is what would happen. Nothing was run.", Report: describe(*r.Plan), Whole: true}
	case r.Effect == als.Read:
		start(r)
	case p.needsApproval(*r):
		return p.requestApproval(tx, r)
	default:
		return p.enqueue(tx, r)
	}
	return nil
}

// heed adds to good news the worst that the checks before it found, such as
// that the list of nodes could not be read.
func heed(v als.Verdict, p als.Plan) als.Verdict {
	if found := p.WorstFirst(); v.Outcome == als.Succeeded && len(found) > 0 {
		v.Concern = true
		v.Summary = strings.TrimSuffix(v.Summary, ".") + ". Yet " + found[0].Text
		v.Next = found[0].Fix.Or(v.Next)
	}
	return v
}

// start makes a run running, with a record for each of its plan's steps.
func start(r *runs.Run) {
	r.State, r.Started = runs.Running, time.Now().UTC().Round(0)
	r.RightsKnown()
	r.Steps = make([]runs.StepRecord, len(r.Plan.Steps))
	for i, s := range r.Plan.Steps {
		id := fmt.Sprintf("%s-%d", r.ID, i+1)
		r.Steps[i] = runs.StepRecord{Step: s, ID: id, Blob: id}
	}
}

// describe shows the findings and the plan as text.
func describe(p als.Plan) string {
	var b strings.Builder
	for _, f := range p.Findings {
		fmt.Fprintf(&b, "%s: %s\n", f.Level, strings.TrimSuffix(f.Text+". "+f.Fix.Text, ". "))
	}
	return b.String() + p.Text()
}
