package runs

import (
	"errors"
	"time"

	"alsbot/als"
	"alsbot/store"
)

// ApprovalState is the stage that an approval request has reached.
type ApprovalState string

// The states of an approval.
const (
	ApprovalWaiting  ApprovalState = "waiting"
	ApprovalChecking ApprovalState = "checking" // the quorum is reached; alsbot checks the cluster again
	ApprovalGiven    ApprovalState = "approved"
	ApprovalRejected ApprovalState = "rejected"
	ApprovalExpired  ApprovalState = "expired"
	ApprovalVoid     ApprovalState = "void"
)

// Approval is a request for approval. It has the ID of its run.
type Approval struct {
	Run     string        `json:"run"`
	Cluster string        `json:"cluster"`
	Digest  string        `json:"digest"` // of the plan that was shown; never empty
	State   ApprovalState `json:"state"`
	Quorum  int           `json:"quorum"`
	Posted  time.Time     `json:"posted"`
	Expires time.Time     `json:"expires"`
	Votes   []Decision    `json:"votes,omitempty"`  // who approved
	Closed  *Decision     `json:"closed,omitempty"` // who rejected, or when it expired or became void
	Why     string        `json:"why,omitempty"`
	// Unshown says, as a clause, why approvers can't read all that they would
	// approve; "" if they can. Nobody can approve then. It says where the
	// request stands in Slack and is no decision: the audit log doesn't cover it.
	Unshown string `json:"unshown,omitempty"`
	// Filed is true if the whole plan is a file in the request's thread.
	Filed bool `json:"filed,omitempty"`
}

// SetShown records whether approvers can read all that they would approve:
// unshown is why not, filed whether the whole plan is a file in the request's
// thread. Call it in the transaction that records where the request is. It
// shows nothing by itself, and reports whether the record changed.
func SetShown(tx store.Tx, run, unshown string, filed bool) (changed bool, err error) {
	a, ok, err := approvals.Get(tx, run)
	if err != nil || !ok || a.Unshown == unshown && a.Filed == filed {
		return false, err
	}
	a.Unshown, a.Filed = unshown, filed
	return true, approvals.Put(tx, run, a)
}

// GetApproval reads the approval of a run; ok is false if there is none.
func GetApproval(tx store.Tx, run string) (a Approval, ok bool, err error) {
	return approvals.Get(tx, run)
}

// PutApproval writes an approval and the row that shows it.
func PutApproval(tx store.Tx, a Approval) error {
	return errors.Join(approvals.Put(tx, a.Run, a), Tell(tx, Outgoing{Kind: TellApproval, Run: a.Run}))
}

// RequestApproval makes a run wait for approval of its plan.
func RequestApproval(tx store.Tx, r *Run, quorum int, expiresAfter time.Duration) error {
	r.State = Awaiting
	now := time.Now().UTC().Round(0)
	return PutApproval(tx, Approval{
		Run: r.ID, Cluster: r.Request.Cluster, Digest: r.Digest, State: ApprovalWaiting,
		Quorum: quorum, Posted: now, Expires: now.Add(expiresAfter),
	})
}

// Invalidate ends a run whose approval no longer holds, and closes its
// approval. It returns ErrUnchanged for a run that has ended.
func Invalidate(tx store.Tx, r *Run, why string) error {
	if r.State.Final() {
		return ErrUnchanged
	}
	r.State, r.Trouble, r.Next = Void, why, als.Advise("nothing was run; if it is still wanted, type %s", als.Typed("retry "+r.ID))
	a, ok, err := approvals.Get(tx, r.ID)
	if err != nil || !ok {
		return err
	}
	a.State, a.Why = ApprovalVoid, why
	a.Closed = &Decision{By: System, At: time.Now().UTC().Round(0)}
	return PutApproval(tx, a)
}

// Expire ends a run that nobody approved in time. The ledger records the first
// expiry that is seen, so a clock set back can't reopen a request.
func Expire(tx store.Tx, r *Run, a Approval, why string) error {
	a.State, a.Closed = ApprovalExpired, &Decision{By: System, At: time.Now().UTC().Round(0)}
	r.State, r.Trouble = Expired, why
	r.Next = als.Advise("if it is still wanted, type %s", als.Typed("retry "+r.ID))
	return PutApproval(tx, a)
}
