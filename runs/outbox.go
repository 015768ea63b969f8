package runs

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"alsbot/store"
)

// Kind is the subject of an outbox row.
type Kind string

// The kinds of outbox rows.
const (
	TellRun      Kind = "run"      // show the run's present state in its message
	TellApproval Kind = "approval" // show the approval's present state in its message
	TellOutput   Kind = "output"   // put the run's output into its thread
	TellFile     Kind = "file"     // send the file of the run's verdict to the requester
	TellPlan     Kind = "plan"     // put the whole plan, as a file, into the thread of the approval request
	TellFollowUp Kind = "followup" // say Text in the run's thread, after its end
	TellReply    Kind = "reply"    // say Text to the requester, privately
	TellChannel  Kind = "channel"  // say Text in the cluster's channel
)

// Outgoing is one row of the outbox: a message to be sent, committed with the
// state that it speaks of. The sender deletes a row once it is sent.
type Outgoing struct {
	Seq     uint64    `json:"seq"`
	Kind    Kind      `json:"kind"`
	Run     string    `json:"run,omitempty"`
	Cluster string    `json:"cluster,omitempty"`
	Origin  Origin    `json:"origin,omitzero"`
	Text    string    `json:"text,omitempty"`
	At      time.Time `json:"at"`
}

var outbox = store.Bucket[Outgoing]{Name: "outbox"} // sequence

// Tell adds a row to the outbox and gives it its sequence number and time.
func Tell(tx store.Tx, row Outgoing) error {
	// A sequence number never returns, even after the outbox was empty.
	row.Seq = uint64(time.Now().UnixNano())
	var bad error
	if err := tx.Scan(outbox.Name, "", "", true, func(key string, _ []byte) bool {
		var last uint64
		last, bad = strconv.ParseUint(key, 16, 64)
		row.Seq = max(row.Seq, last+1)
		return false
	}); err != nil || bad != nil {
		return errors.Join(err, bad)
	}
	row.At = time.Now()
	return outbox.Put(tx, outboxKey(row.Seq), row)
}

func outboxKey(seq uint64) string { return fmt.Sprintf("%016x", seq) }

// Sent deletes a row from the outbox. The caller records in the same
// transaction where it sent the message.
func (l *Ledger) Sent(tx store.Tx, row Outgoing) error { return outbox.Delete(tx, outboxKey(row.Seq)) }

// Unsent counts the rows of the outbox.
func Unsent(tx store.Tx) (n int, err error) {
	err = outbox.Scan(tx, store.Range{}, func(string, Outgoing) bool {
		n++
		return true
	})
	return n, err
}

// Outbox returns up to n rows, oldest first.
func (l *Ledger) Outbox(ctx context.Context, n int) ([]Outgoing, error) {
	var rows []Outgoing
	err := l.st.View(ctx, func(tx store.Tx) error {
		return outbox.Scan(tx, store.Range{}, func(_ string, row Outgoing) bool {
			rows = append(rows, row)
			return len(rows) < n
		})
	})
	return rows, err
}

// OutboxChanged receives when rows may have been added, until ctx ends.
func (l *Ledger) OutboxChanged(ctx context.Context) <-chan struct{} {
	return l.st.Watch(ctx, outbox.Name)
}
