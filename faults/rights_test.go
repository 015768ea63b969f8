package faults

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"alsbot/runs"
)

// rights takes rights away from the requester: before the approval, while the
// approved run is queued, and while it runs. A trial is a request. Engines with
// groups of their own run side by side, because the runs mostly sleep.
func rights(t *testing.T, r *report) {
	const side = 4
	var wg sync.WaitGroup
	for lane := range min(side, r.n) {
		d := newEngineBed(t, nil)
		d.slow(true)
		wg.Go(func() {
			for i := lane; i < r.n; i += side {
				r.trial(d.lostBeforeApproval())
				r.trial(d.lostInLine())
				r.trial(d.lostWhileRunning())
			}
			r.trial(d.checkAudit())
		})
	}
	wg.Wait()
}

func (d *engineBed) lostBeforeApproval() error {
	defer d.resetRights()
	id, err := d.requestWaiting(0)
	if err != nil {
		return err
	}
	d.groups.set("S0OPS")
	if err := d.press(bob, id, true, nil)(); err != nil {
		return err
	}
	return d.voidFor(id, "no longer operator")
}

func (d *engineBed) voidFor(id, why string) error {
	r, err := d.end(id)
	if err != nil {
		return err
	}
	if r.State != runs.Void || !strings.Contains(r.Trouble, why) {
		return fmt.Errorf("run %s is %s: %s", id, r.State, r.Trouble)
	}
	return d.checkRan(id, 0)
}

func (d *engineBed) lostInLine() error {
	defer d.resetRights()
	first, err := d.requestWaiting(1)
	if err != nil {
		return err
	}
	second, err := d.requestWaiting(1)
	if err != nil {
		return err
	}
	if err := errors.Join(d.press(bob, first, true, nil)()); err != nil {
		return err
	}
	if _, err := d.until(first, func(r runs.Run) bool { return r.State == runs.Running }); err != nil {
		return err
	}
	if err := d.press(cat, second, true, nil)(); err != nil {
		return err
	}
	if _, err := d.until(second, func(r runs.Run) bool { return r.State == runs.Queued && r.Waited }); err != nil {
		return err
	}
	d.groups.set("S0LEADS", bob) // this time it is the approver
	if _, err := d.end(first); err != nil {
		return err
	}
	return errors.Join(d.checkRan(first, 1), d.voidFor(second, "no longer approver"))
}

func (d *engineBed) lostWhileRunning() error {
	defer d.resetRights()
	id, err := d.requestWaiting(2)
	if err != nil {
		return err
	}
	if err := d.press(bob, id, true, nil)(); err != nil {
		return err
	}
	if _, err := d.until(id, func(r runs.Run) bool { return r.State == runs.Running }); err != nil {
		return err
	}
	d.groups.set("S0OPS")
	ans, err := d.say(ann, "cancel "+id)
	if err != nil || !ans.Bad {
		return fmt.Errorf("who is no longer operator cancelled run %s: %s %w", id, ans.Text, err)
	}
	r, err := d.end(id)
	if err != nil || !well(r.State) {
		return fmt.Errorf("run %s is %s: %s %w", id, r.State, r.Trouble, err)
	}
	return d.checkRan(id, 1)
}
