package faults

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"alsbot/jobs"
)

// rights takes rights away from the requester: before the approval, while the
// approved run is queued, and while it runs. A trial is a request. Desks with
// groups of their own run side by side, because the runs mostly sleep.
func rights(t *testing.T, r *report) {
	const side = 4
	var wg sync.WaitGroup
	for lane := range min(side, r.n) {
		d := newDesk(t, nil)
		d.slow(true)
		wg.Go(func() {
			for i := lane; i < r.n; i += side {
				r.trial(d.lostBeforeApproval())
				r.trial(d.lostInLine())
				r.trial(d.lostWhileRunning())
			}
			r.trial(d.whole())
		})
	}
	wg.Wait()
}

func (d *desk) lostBeforeApproval() error {
	defer d.everybody()
	id, err := d.waiting(0)
	if err != nil {
		return err
	}
	d.groups.set("S0OPS")
	if err := d.press(bob, id, true, nil)(); err != nil {
		return err
	}
	return d.voidFor(id, "no longer operator")
}

func (d *desk) voidFor(id, why string) error {
	r, err := d.end(id)
	if err != nil {
		return err
	}
	if r.State != jobs.Void || !strings.Contains(r.Trouble, why) {
		return fmt.Errorf("run %s is %s: %s", id, r.State, r.Trouble)
	}
	return d.ran(id, 0)
}

func (d *desk) lostInLine() error {
	defer d.everybody()
	first, err := d.waiting(1)
	if err != nil {
		return err
	}
	second, err := d.waiting(1)
	if err != nil {
		return err
	}
	if err := errors.Join(d.press(bob, first, true, nil)()); err != nil {
		return err
	}
	if _, err := d.until(first, func(r jobs.Run) bool { return r.State == jobs.Running }); err != nil {
		return err
	}
	if err := d.press(cat, second, true, nil)(); err != nil {
		return err
	}
	if _, err := d.until(second, func(r jobs.Run) bool { return r.State == jobs.Queued && r.Waited }); err != nil {
		return err
	}
	d.groups.set("S0LEADS", bob) // this time it is the approver
	if _, err := d.end(first); err != nil {
		return err
	}
	return errors.Join(d.ran(first, 1), d.voidFor(second, "no longer approver"))
}

func (d *desk) lostWhileRunning() error {
	defer d.everybody()
	id, err := d.waiting(2)
	if err != nil {
		return err
	}
	if err := d.press(bob, id, true, nil)(); err != nil {
		return err
	}
	if _, err := d.until(id, func(r jobs.Run) bool { return r.State == jobs.Running }); err != nil {
		return err
	}
	d.groups.set("S0OPS")
	ans, err := d.says(ann, "cancel "+id)
	if err != nil || !ans.Bad {
		return fmt.Errorf("who is no longer operator cancelled run %s: %s %w", id, ans.Text, err)
	}
	r, err := d.end(id)
	if err != nil || r.State != jobs.Succeeded {
		return fmt.Errorf("run %s is %s: %s %w", id, r.State, r.Trouble, err)
	}
	return d.ran(id, 1)
}
