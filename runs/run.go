// Package runs holds the records of alsbot and their ledger: runs, approvals,
// schedules and their slots, the queue of each cluster, the outbox, the audit
// log and the list of archives. It takes a store; it knows no node and no
// Slack, and decides nothing.
package runs

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"alsbot/als"
)

// State is the stage that a run has reached.
type State string

// The states. The last eight are final.
const (
	Planned     State = "planned"
	Awaiting    State = "awaiting_approval"
	Queued      State = "queued"
	Running     State = "running"
	Succeeded   State = "succeeded"
	Unconfirmed State = "unconfirmed" // the steps ended, their effect could not be seen
	Failed      State = "failed"
	Cancelled   State = "cancelled"
	Lost        State = "lost" // the outcome is unknown; a person decides
	Rejected    State = "rejected"
	Expired     State = "expired"
	Void        State = "void" // the cluster or the rights have changed
)

// Final reports whether a run in this state stays in it.
func (s State) Final() bool {
	switch s {
	case Planned, Awaiting, Queued, Running:
		return false
	default:
		return true
	}
}

// Source is the way by which a request comes in.
type Source string

// The sources.
const (
	FromSlack    Source = "slack"
	FromSchedule Source = "schedule"
	FromLocal    Source = "local" // the command line, by the admin socket
)

// Principal is the author of a request or a decision.
type Principal struct {
	Source Source `json:"source"`
	ID     string `json:"id"` // Slack user ID, schedule name, or local user name
	// Handle is the person's name in Slack, for people to read. It decides
	// nothing.
	Handle string `json:"handle,omitempty"`
}

// UnknownAccount is the ID of an author on the command line of whom the kernel
// does not say who it is. The config refuses to map it to a person.
const UnknownAccount = "(unknown account)"

// System is the author of what follows without a person.
var System = Principal{Source: "alsbot", ID: "alsbot"}

// Name returns the principal's name for answers and records.
func (p Principal) Name() string {
	switch p.Source {
	case FromSlack:
		if p.Handle != "" {
			return "@" + p.Handle
		}
		return "@" + p.ID
	case FromSchedule:
		return "schedule " + p.ID
	case FromLocal:
		return p.ID + " (command line)"
	default:
		return p.ID
	}
}

// Origin is the place of a request in Slack, where answers go. The ledger only
// stores it.
type Origin struct {
	Channel     string `json:"channel,omitempty"`
	Thread      string `json:"thread,omitempty"`
	ResponseURL string `json:"response_url,omitempty"`
}

// Run is the record of one request and of the plan that it became.
type Run struct {
	ID      string      `json:"id"`
	Text    string      `json:"text"` // as typed, normalised
	Request als.Request `json:"request"`
	Effect  als.Effect  `json:"effect"`
	By      Principal   `json:"by"`
	Origin  Origin      `json:"origin"`
	State   State       `json:"state"`

	Asked   time.Time `json:"asked"`
	Queued  time.Time `json:"queued,omitzero"`  // when it joined its cluster's queue
	Started time.Time `json:"started,omitzero"` // first step
	Ended   time.Time `json:"ended,omitzero"`

	Cluster als.Cluster  `json:"cluster"` // as surveyed when it was planned
	Plan    *als.Plan    `json:"plan,omitempty"`
	Digest  string       `json:"digest,omitempty"`
	Steps   []StepRecord `json:"steps,omitempty"`
	Verdict *als.Verdict `json:"verdict,omitempty"`
	Trouble string       `json:"trouble,omitempty"` // why it failed, is lost or void, in words for people; "" where the verdict says it: see Why
	Next    als.Advice   `json:"next,omitzero"`     // what to do about it
	Remark  string       `json:"remark,omitempty"`  // while it runs: what people should know, e.g. that a node is unreachable
	Unheard time.Time    `json:"unheard,omitzero"`  // while it runs: since when its node is unreachable
	Unsure  time.Time    `json:"unsure,omitzero"`   // before it starts: since when the rights of its requester or approvers are unknown
	Cancel  *Decision    `json:"cancel,omitempty"`  // who requested the cancellation
	Settled *Decision    `json:"settled,omitempty"` // who acknowledged a lost run, or gave up on one with an unreachable node
	// Replaces names the void run whose request this run repeats. Changed says
	// what has changed since.
	Replaces string `json:"replaces,omitempty"`
	Changed  string `json:"changed,omitempty"`
	// Voided holds when the requests that this run repeats became void.
	Voided []time.Time `json:"voided,omitempty"`
	// After names the run that this one follows without a request. Its
	// messages go to that run's thread.
	After string `json:"after,omitempty"`
	// LookedAgain is what a look some time after the run's end has found, where
	// it differs from the verdict.
	LookedAgain *Later `json:"looked_again,omitempty"`
	// Waited is true when the run could not start at once, so its plan has to
	// be made again before it starts.
	Waited bool      `json:"waited,omitempty"`
	Slot   time.Time `json:"slot,omitzero"` // the scheduled time
}

// Why says in words why the run didn't end well; "" if it did.
func (r Run) Why() string {
	if r.Trouble == "" && (r.State == Failed || r.State == Unconfirmed) && r.Verdict != nil {
		return r.Verdict.Summary
	}
	return r.Trouble
}

// Offers returns the commands that the run's end leads to, each whole, at most
// als.MaxOffers. It returns none before the end.
func (r Run) Offers() []string {
	if !r.State.Final() {
		return nil
	}
	return r.Next.Offers[:min(len(r.Next.Offers), als.MaxOffers)]
}

// UnmarshalJSON also reads a run of an earlier version, whose offers were only
// in its verdict. They were the run's where both had the same advice.
func (r *Run) UnmarshalJSON(b []byte) error {
	type plain Run
	if err := json.Unmarshal(b, (*plain)(r)); err != nil {
		return fmt.Errorf("reading a run: %w", err)
	}
	if v := r.Verdict; v != nil && len(v.Next.Offers) > 0 && r.Next.Text == v.Next.Text {
		r.Next = v.Next
	}
	return nil
}

// Printed returns how many bytes the run's steps have printed.
func (r *Run) Printed() int64 {
	var n int64
	for _, s := range r.Steps {
		n += s.Size
	}
	return n
}

// InFlight returns the index of the step whose command may be running on its
// node, -1 if none. Steps that can be repeated at no cost don't count.
func (r *Run) InFlight() int {
	return slices.IndexFunc(r.Steps, func(s StepRecord) bool {
		return s.Sent && s.Ended.IsZero() && !s.Step.Repeatable
	})
}

// Broken reports whether a failure before step i, or a cancel, keeps it from
// running.
func (r *Run) Broken(i int) bool {
	return r.Cancel != nil || slices.ContainsFunc(r.Steps[:i], StepRecord.Bad)
}

// Verifying reports whether the steps of a running run have ended, as far as
// the record knows, and only the verification is left. The steps of a read are
// recorded with its verdict, so a read never reports true.
func (r Run) Verifying() bool {
	if r.State != Running || len(r.Steps) == 0 {
		return false
	}
	broken := r.Cancel != nil
	for _, s := range r.Steps {
		ended := !s.Ended.IsZero()
		skipped := s.Started.IsZero() && broken && !s.Step.Always
		if !ended && !skipped {
			return false
		}
		broken = broken || s.Bad()
	}
	return true
}

// RightsKnown clears the note that rights could not be looked up.
func (r *Run) RightsKnown() {
	if !r.Unsure.IsZero() {
		r.Remark, r.Unsure = "", time.Time{}
	}
}

// StepRecord is the record of one step of a run.
type StepRecord struct {
	Step    als.Step   `json:"step"`
	ID      string     `json:"id"`   // of the durable command on the node
	Blob    string     `json:"blob"` // of its output in the store
	Size    int64      `json:"size"` // bytes of output
	Sent    bool       `json:"sent,omitempty"`
	Place   string     `json:"place,omitempty"` // to which it was sent
	Begun   bool       `json:"begun,omitempty"` // the node has claimed it
	Exit    *int       `json:"exit,omitempty"`
	Trouble string     `json:"trouble,omitempty"` // why it did not end by itself
	Fix     als.Advice `json:"mend,omitzero"`     // what to do about that, as a clause
	Started time.Time  `json:"started,omitzero"`
	Ended   time.Time  `json:"ended,omitzero"`
}

// Bad reports whether a step has failed in a way that ends the run.
func (s StepRecord) Bad() bool {
	if s.Ended.IsZero() || s.Step.Tolerate {
		return false
	}
	return s.Trouble != "" || s.Exit == nil || *s.Exit != 0
}

// OnNode reports whether a step may have files on its node.
func (s StepRecord) OnNode() bool { return s.Sent && !s.Step.Repeatable }

// Later is what was found of a run's effect after its end.
type Later struct {
	At   time.Time `json:"at"`
	Text string    `json:"text"`
}

// Decision is one person's decision.
type Decision struct {
	By Principal `json:"by"`
	At time.Time `json:"at"`
}
