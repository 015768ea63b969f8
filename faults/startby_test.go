package faults

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"alsbot/runs"
)

// startLimit is how long after its approval a run may still start.
const startLimit = 10 * time.Minute

// startBy tests requests approved so long ago that an engine that starts now
// comes just in time or just too late. A trial is a request.
func startBy(t *testing.T, r *report) {
	d := newEngineBed(t, nil)
	started, expired := 0, 0
	for done := 0; done < r.n; {
		var ids []string
		for i := range min(40, r.n-done) {
			id, err := d.requestWaiting(i % deskClusters)
			must(t, err)
			ids = append(ids, id)
		}
		done += len(ids)
		d.halt()
		open := time.Now().Add(150 * time.Millisecond)
		for _, id := range ids {
			must(t, d.approvedAt(id, open.Add(-startLimit).Add(time.Duration(rand.Int64N(int64(100*time.Millisecond))))))
		}
		d.stop()
		time.Sleep(time.Until(open))
		d.open()
		for _, id := range ids {
			late, err := d.startedOrExpired(id)
			r.trial(err)
			if late {
				expired++
			} else {
				started++
			}
		}
	}
	r.trial(d.checkAllNamed(started + expired))
	r.figure("%d started in time, %d expired", started, expired)
}

// approvedAt stores bob's approval, the last that the request needs.
func (d *engineBed) approvedAt(id string, at time.Time) error {
	return d.edit("approvals", id, func(a map[string]any) {
		a["state"] = runs.ApprovalChecking
		a["votes"] = []any{map[string]any{"by": map[string]any{"source": runs.FromSlack, "id": bob}, "at": at.UTC()}}
	})
}

// checkAllNamed returns an error unless the audit log names the runs whose
// approvals were put into the store behind its back.
func (d *engineBed) checkAllNamed(n int) error {
	err := d.checkAudit()
	if err == nil || !strings.Contains(err.Error(), "its record was changed between audit entry") {
		return fmt.Errorf("%d approvals were forged, and the audit log says: %v", n, err)
	}
	more, named := 0, strings.Count(err.Error(), "its record was changed between audit entry")
	if _, tail, ok := strings.Cut(err.Error(), "\nand "); ok {
		if _, err := fmt.Sscanf(tail, "%d more", &more); err != nil {
			return fmt.Errorf("reading how many more are named: %w", err)
		}
	}
	if named+more != n {
		return fmt.Errorf("%d approvals were forged, and the audit log names %d: %w", n, named+more, err)
	}
	return nil
}

func (d *engineBed) startedOrExpired(id string) (late bool, err error) {
	r, err := d.end(id)
	switch {
	case err != nil:
		return false, err
	case r.State == runs.Expired && strings.Contains(r.Trouble, "not there to start it within 10m"):
		return true, d.checkRan(id, 0)
	case well(r.State):
		return false, d.checkRan(id, 1)
	}
	return false, fmt.Errorf("run %s, approved ten minutes ago, is %s: %s", id, r.State, r.Trouble)
}
