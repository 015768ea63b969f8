package faults

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"alsbot/config"
	"alsbot/jobs"
	"alsbot/runs"
)

// approvers tests presses at the same moment. A trial is a request.
func approvers(t *testing.T, r *report) {
	one := newEngineBed(t, nil)
	one.lanes(r.n, one.bothApprove, r.trial)
	one.lanes(r.n, one.approveOrDeny, r.trial)
	one.lanes(r.n, one.approveOrCancel, r.trial)
	r.trial(one.checkAudit())
	two := newEngineBed(t, func(c *config.Config) { c.Approval.Quorum = 2 })
	two.lanes(r.n, two.bothApprove, r.trial)
	two.lanes(r.n, two.oneTwice, r.trial)
	r.trial(two.checkAudit())
}

// press presses once; the caller judges the answer.
func (d *engineBed) press(user, id string, approve bool, ans *jobs.Answer) func() error {
	return func() error {
		got, err := d.engine.Press(context.Background(), id, approve, person(user))
		if ans != nil {
			*ans = got
		}
		return err
	}
}

func (d *engineBed) bothApprove(cluster, _ int) error {
	id, err := d.requestWaiting(cluster)
	if err != nil {
		return err
	}
	if err := together(d.press(bob, id, true, nil), d.press(cat, id, true, nil)); err != nil {
		return err
	}
	r, err := d.end(id)
	if err != nil || !well(r.State) {
		return fmt.Errorf("approved by two, run %s is %s: %s %w", id, r.State, r.Trouble, err)
	}
	starts, err := d.recorded(id, "running")
	if err == nil && starts != 1 {
		err = fmt.Errorf("run %s started %d times by the audit log", id, starts)
	}
	return errors.Join(err, d.checkRan(id, 1))
}

func (d *engineBed) oneTwice(cluster, _ int) error {
	id, err := d.requestWaiting(cluster)
	if err != nil {
		return err
	}
	if err := together(d.press(bob, id, true, nil), d.press(bob, id, true, nil)); err != nil {
		return err
	}
	r, a, err := d.records.Load(context.Background(), id)
	if err != nil || r.State != runs.Awaiting || len(a.Votes) != 1 {
		return fmt.Errorf("run %s, approved twice by one of two, is %s with %d votes: %w", id, r.State, len(a.Votes), err)
	}
	ans, err := d.say(ann, "cancel "+id)
	if err != nil || ans.Bad {
		return fmt.Errorf("cancelling %s: %s %w", id, ans.Text, err)
	}
	return d.checkRan(id, 0)
}

func (d *engineBed) approveOrDeny(cluster, _ int) error {
	id, err := d.requestWaiting(cluster)
	if err != nil {
		return err
	}
	var yes, no jobs.Answer
	if err := together(d.press(bob, id, true, &yes), d.press(cat, id, false, &no)); err != nil {
		return err
	}
	r, err := d.end(id)
	switch {
	case err != nil:
		return err
	case r.State == runs.Rejected && !no.Bad:
		return d.checkRan(id, 0)
	case well(r.State) && no.Bad && !yes.Bad:
		return d.checkRan(id, 1)
	}
	return fmt.Errorf("run %s is %s, but approve was told %q and deny %q", id, r.State, yes.Text, no.Text)
}

func (d *engineBed) approveOrCancel(cluster, _ int) error {
	id, err := d.requestWaiting(cluster)
	if err != nil {
		return err
	}
	var yes, cancel jobs.Answer
	err = together(d.press(bob, id, true, &yes), func() (err error) {
		time.Sleep(time.Duration(rand.Int64N(int64(40 * time.Millisecond)))) // before, during and after the second check
		cancel, err = d.say(ann, "cancel "+id)
		return err
	})
	if err != nil {
		return err
	}
	r, err := d.end(id)
	before := strings.Contains(cancel.Text, "Nothing was run")
	switch {
	case err != nil:
		return err
	case r.State == runs.Cancelled && before:
		return d.checkRan(id, 0)
	case r.State == runs.Cancelled: // cancelled while it ran
		n, err := oracle{Ledger: d.ledger}.executions(id + "-1")
		if err == nil && n > 1 {
			err = fmt.Errorf("run %s was begun %d times", id, n)
		}
		return err
	case well(r.State) && cancel.Bad && !yes.Bad:
		return d.checkRan(id, 1)
	}
	return fmt.Errorf("run %s is %s, but approve was told %q and cancel %q", id, r.State, yes.Text, cancel.Text)
}

// expiry tests presses within five milliseconds of the moment at which the
// request expires. A trial is a request.
func expiry(t *testing.T, r *report) {
	d := newEngineBed(t, func(c *config.Config) { c.Approval.ExpiresAfter = 60 * time.Millisecond })
	approved, expired := 0, 0
	results := make(chan bool, r.n)
	d.lanes(r.n, func(cluster, i int) error {
		won, err := d.pressAtExpiry(cluster)
		results <- won
		return err
	}, r.trial)
	close(results)
	for won := range results {
		if won {
			approved++
		} else {
			expired++
		}
	}
	r.trial(d.checkAudit())
	r.figure("%d approved, %d expired", approved, expired)
	startBy(t, r)
}

func (d *engineBed) pressAtExpiry(cluster int) (approved bool, err error) {
	id, err := d.request(cluster)
	if err != nil {
		return false, err
	}
	if _, err := d.until(id, func(r runs.Run) bool { return r.State == runs.Awaiting || r.State == runs.Expired }); err != nil {
		return false, err
	}
	_, a, err := d.records.Load(context.Background(), id)
	if err != nil {
		return false, err
	}
	time.Sleep(time.Until(a.Expires) + time.Duration(rand.Int64N(int64(10*time.Millisecond))) - 5*time.Millisecond)
	var ans jobs.Answer
	if err := d.press(bob, id, true, &ans)(); err != nil {
		return false, err
	}
	r, err := d.end(id)
	if err != nil {
		return false, err
	}
	votes, err := d.recorded(id, "approved")
	switch {
	case err != nil:
		return false, err
	case r.State == runs.Expired && ans.Bad && strings.Contains(ans.Text, "expired") && votes == 0:
		return false, d.checkRan(id, 0)
	case well(r.State) && !ans.Bad && votes == 1:
		return true, d.checkRan(id, 1)
	}
	return false, fmt.Errorf("run %s is %s with %d votes on record, but the press was told %q", id, r.State, votes, ans.Text)
}
