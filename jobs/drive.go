package jobs

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"alsbot/als"
	"alsbot/config"
	"alsbot/executor"
	"alsbot/runs"
	"alsbot/store"
)

// retryStore is how long a run rests after the store refused a transaction,
// which happens when its disk is full.
const retryStore = 2 * time.Second

// drive carries a run from its stored state to its end. All that it knows is
// in the store, so it can stop between any two lines and start again.
func (e *Engine) drive(ctx context.Context, d *driver) {
	defer e.drivers.remove(d)
	defer d.releasePlace()
	for ctx.Err() == nil {
		r, a, err := e.ledger.Load(ctx, d.run)
		var gone *runs.NotFoundError
		switch {
		case errors.As(err, &gone), ctx.Err() != nil:
			return
		case err != nil:
			e.log.Error("reading a run", "run", d.run, "error", err)
			d.rest(ctx, longest)
			continue
		case r.State.Final():
			if d.live { // else it ended before, and somebody kicked it again
				e.finish(ctx, r)
			}
			return
		}
		d.live = true
		if cluster := r.Request.Cluster; isLook(r) && !d.tryPlace(e.reads[cluster]) {
			// Nothing below uses r: a read that waits keeps no record in memory.
			e.waitForPlace(ctx, d, cluster)
			continue
		}
		going := ctx
		if isLook(r) { // looks must not use up a node's sessions: anyone can make many
			going = executor.Patient(ctx)
		}
		if pause := e.advanceLogged(going, d, r, a); pause > 0 {
			d.rest(ctx, pause)
		}
	}
}

// advanceLogged does the next thing for a run and returns how long to rest. It
// logs an error once, as the same one may last for days.
func (e *Engine) advanceLogged(ctx context.Context, d *driver, r runs.Run, a *runs.Approval) (pause time.Duration) {
	pause, err := e.advance(ctx, d, r, a)
	if errors.Is(err, store.ErrTooLong) { // and always will be: the cluster says more than a record holds
		err = e.ledger.Fail(ctx, r.ID, fmt.Sprintf("what @%s says is more than can be put on record: %v", r.Request.Cluster, err), als.Advice{})
	}
	if err == nil || ctx.Err() != nil {
		d.logged = ""
		return pause
	}
	if text := err.Error(); text != d.logged {
		d.logged = text
		e.log.Error("carrying a run forward", "run", r.ID, "state", r.State, "error", err)
	}
	return max(pause, retryStore)
}

// advance does the next thing for a run. It returns how long there is nothing
// to do unless the driver is woken.
func (e *Engine) advance(ctx context.Context, d *driver, r runs.Run, a *runs.Approval) (pause time.Duration, err error) {
	// A run whose handling panics ends in words; the others go on.
	defer func() {
		if p := recover(); p != nil {
			e.log.Error("panic", "run", r.ID, "panic", p, "stack", string(debug.Stack()))
			err = e.ledger.Fail(ctx, r.ID, "alsbot made a mistake of its own and stopped this run",
				als.Advise("report it with the log lines that name run %s; look at the cluster before you ask again", r.ID))
		}
	}()
	switch r.State {
	case runs.Planned:
		return 0, e.plan(ctx, d, r)
	case runs.Awaiting:
		return e.await(ctx, d, r, a)
	case runs.Queued:
		return e.begin(ctx, d, r)
	case runs.Running:
		return 0, e.worker.work(ctx, d, r)
	default:
		return 0, nil
	}
}

// plan probes the cluster, makes the run's plan and decides what comes next:
// an end, an approval, the cluster's queue, or, for a read, the steps.
func (e *Engine) plan(ctx context.Context, d *driver, r runs.Run) error {
	probing, stop := d.cancelOnDecision(ctx, e.ledger, r)
	cluster, plan, err := e.planner.buildPlan(probing, r)
	interrupted := probing.Err() != nil
	stop()
	if interrupted {
		return nil // it is cancelled, or the next start plans again
	}
	if err != nil {
		return unplanned(ctx, e.ledger, r.ID, err)
	}
	nobody := ""
	if !r.Request.Dry && e.policy.needsApproval(r) && plan.Nothing == "" && !isStopped(plan) {
		nobody = e.rights.unapprovable(ctx, r)
	}
	_, err = e.ledger.Transition(ctx, r.ID, runs.System, func(tx store.Tx, r *runs.Run) error {
		if r.State != runs.Planned {
			return runs.ErrUnchanged // cancelled meanwhile
		}
		r.Cluster, r.Plan, r.Digest = cluster, &plan, plan.Digest()
		err := e.policy.route(tx, r)
		if r.State == runs.Awaiting {
			r.Remark = nobody
		}
		return err
	})
	return err
}

// finish does what follows the end of a run: it tells the rest of alsbot, and
// the next run in the cluster's queue starts.
func (e *Engine) finish(ctx context.Context, r runs.Run) {
	for _, id := range e.queued(ctx, r.Request.Cluster) {
		e.Kick(id)
	}
	e.ended(ctx, r)
}

// readsAtOnce is how many reads of one cluster are carried forward at the same
// time. The others wait with little more in memory than their ID, so thousands
// of commands for a cluster that hangs are no burden. They wait no longer than
// checkLimit.
const readsAtOnce = 200

// readPlaces holds, by cluster, a place for each read that is carried forward.
type readPlaces map[string]chan struct{}

func newReadPlaces(clusters []config.Cluster) readPlaces {
	places := readPlaces{}
	for _, c := range clusters {
		places[c.Name] = make(chan struct{}, readsAtOnce)
	}
	return places
}

// isLook reports whether a run changes nothing.
func isLook(r runs.Run) bool { return r.Effect == als.Read || r.Request.Dry }

// tryPlace takes a place, unless the driver has one or needs none: a cluster
// that left the config has no places.
func (d *driver) tryPlace(places chan struct{}) bool {
	if places == nil || d.place != nil {
		return true
	}
	select {
	case places <- struct{}{}:
		d.place = places
		return true
	default:
		return false
	}
}

func (d *driver) releasePlace() {
	if d.place != nil {
		<-d.place
	}
}

// waitForPlace waits for a place, or until the driver is woken. A read that
// waits for too long ends in words.
func (e *Engine) waitForPlace(ctx context.Context, d *driver, cluster string) {
	timer := time.NewTimer(checkLimit)
	defer timer.Stop()
	select {
	case e.reads[cluster] <- struct{}{}:
		d.place = e.reads[cluster]
	case <-d.wake:
	case <-ctx.Done():
	case <-timer.C:
		err := e.ledger.Fail(ctx, d.run, fmt.Sprintf("more than %d commands wait for @%s, and this one's turn has not come in %s. Nothing was changed", readsAtOnce, cluster, checkLimit),
			als.Advise("Look whether the cluster's nodes are up, then ask again"))
		if err != nil && ctx.Err() == nil {
			e.log.Error("ending a command that waits for too long", "run", d.run, "error", err)
		}
	}
}
