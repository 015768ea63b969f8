package jobs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"alsbot/als"
	"alsbot/store"
)

// queue puts a run into its cluster's line. One run at a time changes a
// cluster; the line is in the store, so that its order survives.
func (e *Engine) queue(tx store.Tx, r *Run) error {
	r.State, r.Queued = Queued, time.Now().UTC().Round(0)
	r.sure()
	if e.opens(*r) > 0 {
		return nil // it joins the line when its window opens, and holds up nobody before
	}
	return line.Put(tx, lineKey(r), r.ID)
}

func lineKey(r *Run) string { return r.Request.Cluster + "/" + timeKey(r.Queued) + "/" + r.ID }

func (e *Engine) leaveLine(tx store.Tx, r *Run) error {
	if r.Queued.IsZero() {
		return nil
	}
	return line.Delete(tx, lineKey(r))
}

// ahead lists the runs in a cluster's line, first the one whose turn it is.
func ahead(tx store.Tx, cluster string) (ids []string, err error) {
	err = line.Scan(tx, store.Range{Prefix: cluster + "/"}, func(_, id string) bool {
		ids = append(ids, id)
		return true
	})
	return ids, err
}

func (e *Engine) inLine(ctx context.Context, cluster string) (ids []string) {
	err := e.st.View(ctx, func(tx store.Tx) (err error) {
		ids, err = ahead(tx, cluster)
		return err
	})
	if err != nil && ctx.Err() == nil {
		e.log.Error("reading a cluster's line", "cluster", cluster, "error", err)
	}
	return ids
}

// atWork is the run in the same line that is at work on the cluster now, or
// may be, being lost; "" if none. Whatever comes behind it waits, and is
// planned again then.
func (e *Engine) atWork(ctx context.Context, r Run) (id string, err error) {
	err = e.st.View(ctx, func(tx store.Tx) error {
		ids, err := ahead(tx, r.Request.Cluster)
		if err != nil {
			return err
		}
		for _, other := range ids {
			o, ok, err := runs.Get(tx, other)
			if err != nil {
				return err
			}
			if ok && (o.State == Running || o.State == Lost) && o.ID != r.ID {
				id = o.ID
			}
		}
		return nil
	})
	return id, err
}

// Line says how many runs are before this one in its cluster's line; 0 if
// none, or if it stands in no line.
func (e *Engine) Line(ctx context.Context, id string) (int, error) {
	var n int
	err := e.st.View(ctx, func(tx store.Tx) error {
		r, ok, err := runs.Get(tx, id)
		if err != nil || !ok {
			return err
		}
		ids, err := ahead(tx, r.Request.Cluster)
		n = max(0, slices.Index(ids, id))
		return err
	})
	return n, err
}

// Waiting says in words what a queued run waits for; "" if it is not queued.
func (e *Engine) Waiting(ctx context.Context, id string) (string, error) {
	r, _, err := e.load(ctx, id)
	if err != nil || r.State != Queued {
		return "", err
	}
	if wait := e.opens(r); wait > 0 {
		return "waits for its window, which opens at " + time.Now().Add(wait).UTC().Format("Mon 2006-01-02 15:04 MST"), nil
	}
	ids := e.inLine(ctx, r.Request.Cluster)
	i := slices.Index(ids, id)
	if i <= 0 {
		return "next in line", nil
	}
	first, _, err := e.load(ctx, ids[0])
	if err != nil {
		return "", err
	}
	if first.State == Lost {
		return fmt.Sprintf("the line of @%s is closed: nobody knows what became of run %s. Look at the cluster, then type `acknowledge %s`", r.Request.Cluster, ids[0], ids[0]), nil
	}
	says := fmt.Sprintf("number %d in line on @%s, behind run %s (%s)", i, r.Request.Cluster, ids[0], first.Text)
	if first.State == Running && !first.Unheard.IsZero() {
		says += fmt.Sprintf(". Nothing has been heard of its node since %s: `run %s` says what can be done", first.Unheard.Format("15:04 MST"), ids[0])
	}
	return says, nil
}

// opens says how long a run has to wait for one of its cluster's windows: 0
// when it may start now. Windows hold for what restarts or destroys.
func (e *Engine) opens(r Run) time.Duration {
	c, ok := e.cfg.Cluster(r.Request.Cluster)
	if !ok || (r.Effect != als.Restart && r.Effect != als.Destroy) {
		return 0
	}
	return c.Opens(time.Now())
}

// longest is how long a driver sleeps at most before it looks again by itself.
const longest = time.Minute

// begin starts a queued run when its window is open and its turn has come.
// A run that had to wait is planned again first: what is started is what was
// approved, or nothing.
func (e *Engine) begin(ctx context.Context, d *driver, r Run) (time.Duration, error) {
	if wait := e.opens(r); wait > 0 {
		return min(wait, longest), e.stepAside(ctx, r.ID)
	}
	turn, waited, err := e.turn(ctx, r.ID)
	if err != nil || !turn {
		return longest, err
	}
	if waited {
		if same, pause, err := e.stillSame(ctx, d, r); !same || err != nil {
			return pause, err
		}
	}
	_, err = e.transit(ctx, r.ID, nobody, func(tx store.Tx, r *Run) error {
		if free, err := free(tx, r); err != nil {
			return err
		} else if r.State != Queued || !free || e.opens(*r) > 0 { // the window may have closed while we looked
			return errSame
		}
		if _, asked, err := approvals.Get(tx, r.ID); err != nil {
			return err
		} else if !asked && e.needsApproval(*r) { // policy did not ask for it when it was queued
			return errors.Join(e.leaveLine(tx, r), e.requestApproval(tx, r))
		}
		if r.Plan == nil || r.Plan.Digest() != r.Digest {
			return e.void(tx, r, "the plan on record is not the one that was shown: the store was changed by something else than alsbot")
		}
		e.commence(r)
		return nil
	})
	return 0, err
}

// overdue reports whether a run that changes something was to begin long ago,
// and nothing of it was ever sent: the cluster may not be as it was looked at.
func (r *Run) overdue() bool {
	return r.Effect != als.Read && r.Cancel == nil && len(r.Steps) > 0 && time.Since(r.Started) > startBy &&
		!slices.ContainsFunc(r.Steps, func(s StepRecord) bool { return s.Sent || !s.Ended.IsZero() })
}

// stepAside takes a run out of the line when its window has closed before its
// turn came: the next one may open in a week, and backups are behind it.
func (e *Engine) stepAside(ctx context.Context, id string) error {
	_, err := e.transit(ctx, id, nobody, func(tx store.Tx, r *Run) error {
		_, in, err := line.Get(tx, lineKey(r))
		if err != nil {
			return err
		}
		if r.State != Queued || (r.Waited && !in) {
			return errSame
		}
		r.Waited = true
		r.sure()
		return errors.Join(e.leaveLine(tx, r), e.tell(tx, Outgoing{Kind: TellRun, Run: r.ID}))
	})
	return err
}

// turn joins the line if need be and reports whether it is the run's turn, and
// whether that has not come at once: it was another's, or alsbot was away.
func (e *Engine) turn(ctx context.Context, id string) (mine, waited bool, err error) {
	err = e.st.Update(ctx, func(tx store.Tx) error {
		r, ok, err := runs.Get(tx, id)
		if err != nil || !ok || r.State != Queued {
			return err
		}
		in, ok, err := line.Get(tx, lineKey(&r))
		if err != nil {
			return err
		}
		told := r.Waited
		r.Waited = r.Waited || time.Since(r.Queued) > longest
		if !ok || in != id {
			r.Queued = time.Now().UTC().Round(0)
			if err := line.Put(tx, lineKey(&r), id); err != nil {
				return err
			}
		}
		if mine, err = free(tx, &r); err != nil {
			return err
		}
		if !mine && !told {
			r.Waited = true
			if err := e.tell(tx, Outgoing{Kind: TellRun, Run: id}); err != nil {
				return err
			}
		}
		waited = r.Waited
		return runs.Put(tx, id, r)
	})
	return mine, waited, err
}

// free reports whether a run is first in its cluster's line and nothing else
// in it runs or is lost. The second look holds also after a clock went back.
func free(tx store.Tx, r *Run) (bool, error) {
	ids, err := ahead(tx, r.Request.Cluster)
	if err != nil || len(ids) == 0 || ids[0] != r.ID {
		return false, err
	}
	for _, id := range ids[1:] {
		other, ok, err := runs.Get(tx, id)
		if err != nil {
			return false, err
		}
		if ok && (other.State == Running || other.State == Lost) {
			return false, nil
		}
	}
	return true, nil
}
