// Package jobs decides when and whether work is done: runs, approvals,
// schedules, reports, retention and audit. It knows no Slack. It keeps its
// state in the store, and tells the outside by rows in the outbox that are
// committed together with the state they speak of.
package jobs

import (
	"time"

	"alsbot/als"
)

// State is where a run stands.
type State string

// The states. The last seven are final.
const (
	Planned   State = "planned"
	Awaiting  State = "awaiting_approval"
	Queued    State = "queued"
	Running   State = "running"
	Succeeded State = "succeeded"
	Failed    State = "failed"
	Cancelled State = "cancelled"
	Lost      State = "lost" // alsbot cannot know; a person decides
	Rejected  State = "rejected"
	Expired   State = "expired"
	Void      State = "void" // the cluster or the rights have changed
)

// Final reports whether a run in this state stays in it.
func (s State) Final() bool {
	switch s {
	case Planned, Awaiting, Queued, Running:
		return false
	}
	return true
}

// Source is the way by which somebody asks.
type Source string

// The sources.
const (
	FromSlack    Source = "slack"
	FromSchedule Source = "schedule"
	FromLocal    Source = "local" // the command line, by the admin socket
)

// Principal is who asks or decides.
type Principal struct {
	Source Source `json:"source"`
	ID     string `json:"id"` // Slack user ID, schedule name, or local user name
	// Handle is what Slack calls a person, for people to read. Nothing is
	// decided by it.
	Handle string `json:"handle,omitempty"`
}

// Origin is where the request came from, and so where answers go. jobs only
// keeps it.
type Origin struct {
	Channel     string `json:"channel,omitempty"`
	Thread      string `json:"thread,omitempty"`
	ResponseURL string `json:"response_url,omitempty"`
}

// Run is one plan being carried out, and its record.
type Run struct {
	ID      string      `json:"id"`
	Text    string      `json:"text"` // as typed, normalised
	Request als.Request `json:"request"`
	Effect  als.Effect  `json:"effect"`
	By      Principal   `json:"by"`
	Origin  Origin      `json:"origin"`
	State   State       `json:"state"`

	Asked   time.Time `json:"asked"`
	Queued  time.Time `json:"queued,omitzero"`  // joined its cluster's line
	Started time.Time `json:"started,omitzero"` // first step
	Ended   time.Time `json:"ended,omitzero"`

	Cluster als.Cluster  `json:"cluster"` // as surveyed when it was planned
	Plan    *als.Plan    `json:"plan,omitempty"`
	Digest  string       `json:"digest,omitempty"`
	Steps   []StepRecord `json:"steps,omitempty"`
	Verdict *als.Verdict `json:"verdict,omitempty"`
	Trouble string       `json:"trouble,omitempty"` // why it failed, is lost or void, in words for people; "" where the verdict says it: see Why
	Next    string       `json:"next,omitempty"`    // what to do about it
	Remark  string       `json:"remark,omitempty"`  // while it runs: what people should know, e.g. that a node is out of reach
	Unheard time.Time    `json:"unheard,omitzero"`  // while it runs: since when nothing is heard of the node it runs on
	Unsure  time.Time    `json:"unsure,omitzero"`   // before it starts: since when the rights of those who made it possible are unknown
	Cancel  *Decision    `json:"cancel,omitempty"`  // who asked to cancel
	Settled *Decision    `json:"settled,omitempty"` // who acknowledged a lost run, or gave up one that runs on a node that is gone
	// Replaces names the void run whose request this is again, and What
	// says what has changed since.
	Replaces string `json:"replaces,omitempty"`
	Changed  string `json:"changed,omitempty"`
	// After names the run on which this one follows by itself; it is told in
	// that run's thread.
	After string `json:"after,omitempty"`
	// Waited is true when it could not start at once, so that its plan has
	// to be made again before it starts.
	Waited bool      `json:"waited,omitempty"`
	Slot   time.Time `json:"slot,omitzero"` // of a schedule
}

// Why says in words why the run ended otherwise than somebody wanted; "" if it
// did not.
func (r Run) Why() string {
	if r.Trouble == "" && r.State == Failed && r.Verdict != nil {
		return r.Verdict.Summary
	}
	return r.Trouble
}

// Offers are the commands that the run's end leads to, each whole, at most
// als.MaxOffers. There are none before its end, and none where something else
// is to be done next than the verdict says.
func (r Run) Offers() []string {
	if !r.State.Final() || r.Verdict == nil || r.Next != r.Verdict.Next {
		return nil
	}
	return r.Verdict.Offers[:min(len(r.Verdict.Offers), als.MaxOffers)]
}

// StepRecord is what became of one step of a run.
type StepRecord struct {
	Step    als.Step  `json:"step"`
	ID      string    `json:"id"`   // of the durable command on the node
	Blob    string    `json:"blob"` // of its output in the store
	Size    int64     `json:"size"` // bytes of output
	Sent    bool      `json:"sent,omitempty"`
	Place   string    `json:"place,omitempty"` // to which it was sent
	Begun   bool      `json:"begun,omitempty"` // the node has claimed it
	Exit    *int      `json:"exit,omitempty"`
	Trouble string    `json:"trouble,omitempty"` // why it did not end by itself
	Mend    string    `json:"mend,omitempty"`    // what to do about that, as a clause
	Started time.Time `json:"started,omitzero"`
	Ended   time.Time `json:"ended,omitzero"`
}

// Decision is something that a person decided.
type Decision struct {
	By Principal `json:"by"`
	At time.Time `json:"at"`
}

// ApprovalState is where a request for approval stands.
type ApprovalState string

// The states of an approval.
const (
	ApprovalWaiting  ApprovalState = "waiting"
	ApprovalChecking ApprovalState = "checking" // the quorum is there; the cluster is looked at again
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
}

// Kind is what an outbox row asks to be told.
type Kind string

// The kinds of outbox rows.
const (
	TellRun      Kind = "run"      // show the run's present state in its message
	TellApproval Kind = "approval" // show the approval's present state in its message
	TellOutput   Kind = "output"   // put the run's output into its thread
	TellFile     Kind = "file"     // put the file of the run's verdict into its thread
	TellReply    Kind = "reply"    // say Text to who asked, privately
	TellChannel  Kind = "channel"  // say Text in the cluster's channel
)

// Outgoing is one row of the outbox: something to be told outside, committed
// with what it speaks of. A row is deleted when it has been told.
type Outgoing struct {
	Seq     uint64    `json:"seq"`
	Kind    Kind      `json:"kind"`
	Run     string    `json:"run,omitempty"`
	Cluster string    `json:"cluster,omitempty"`
	Origin  Origin    `json:"origin,omitzero"`
	Text    string    `json:"text,omitempty"`
	At      time.Time `json:"at"`
}

// Ask is a command as somebody gave it.
type Ask struct {
	// Key names this delivery: the same key again has no second effect and
	// gets the same answer.
	Key    string
	By     Principal
	Text   string
	Origin Origin
}

// Answer is what is said at once to who asked.
type Answer struct {
	Text string // a sentence or a short paragraph, plain text
	// Channels are named behind Text, by ID; Slack shows each as a link.
	Channels []string `json:",omitempty"`
	Pre      string   // several lines, monospace, plain text; may be empty
	Run      string   // ID of the run that was created, if one was
	Bad      bool     // the command was refused
	// Public is true when the channel should see the answer, not only who asked.
	Public bool
}
