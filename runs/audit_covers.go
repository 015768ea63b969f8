package runs

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"alsbot/als"
	"alsbot/store"
)

// coverForm numbers what a cover covers and how. Entries of another form say
// nothing about a record: a change of the lists below needs a new number.
const coverForm = 1

// partNames names the parts of a cover, for people.
var partNames = [...]string{
	"the command", "who requested it and when", "the state, its times or its reason", "the plan", "the steps",
	"the exit statuses", "the verdict", "the approval request", "the approvals", "the cancellation", "the acknowledgement",
}

// cover holds a SHA-256 of each part of what is decided about a run: nothing
// that moves while the run works. Sizes, remarks, output and the place of its
// messages are not in it. The zero cover is that of a run without a record.
//
// The lists are explicit and use no type of the records, so a new field there
// changes no digest that is on record.
type cover [len(partNames)][sha256.Size]byte

// coverOf returns the cover of a run and of its approval, which may be nil.
// Both must be as the store has them, or invalid UTF-8 makes a difference.
func coverOf(r Run, a *Approval) (c cover, err error) {
	parts := [len(partNames)]any{
		coveredCommand(r), coveredRequest(r),
		[]string{string(r.State), stamp(r.Started), stamp(r.Ended), r.Trouble},
		coveredPlan(r), coveredSteps(r), coveredExits(r), coveredVerdict(r),
		nil, nil, coveredDecision(r.Cancel), coveredDecision(r.Settled),
	}
	if a != nil {
		parts[7], parts[8] = coveredApproval(*a), coveredVotes(*a)
	}
	for i, p := range parts {
		b, err := json.Marshal(p)
		if err != nil {
			return c, fmt.Errorf("digesting %s of run %s: %w", partNames[i], r.ID, err)
		}
		c[i] = sha256.Sum256(b)
	}
	return c, nil
}

// coverStored returns the cover of a run as the store has it, and its cluster;
// ok is false if there is none.
func coverStored(tx store.Tx, id string) (c cover, cluster string, ok bool, err error) {
	r, ok, err := records.Get(tx, id)
	if err != nil || !ok {
		return c, "", false, err
	}
	c, err = coverWithApproval(tx, r)
	return c, r.Request.Cluster, err == nil, err
}

func coverWithApproval(tx store.Tx, r Run) (cover, error) {
	a, ok, err := approvals.Get(tx, r.ID)
	switch {
	case err != nil:
		return cover{}, err
	case !ok:
		return coverOf(r, nil)
	}
	return coverOf(r, &a)
}

// digest returns the SHA-256 of all parts, in hex; "" for the zero cover.
func (c cover) digest() string {
	if c == (cover{}) {
		return ""
	}
	h := sha256.New()
	_, _ = fmt.Fprintf(h, "alsbot run %d\n", coverForm) // a hash takes everything
	for _, p := range c {
		_, _ = h.Write(p[:])
	}
	return hex.EncodeToString(h.Sum(nil))
}

// shortPart is how much of each part's digest an entry keeps, in hex digits:
// it names a difference, and Covers proves it.
const shortPart = 8

// short returns the beginnings of the parts' digests.
func (c cover) short() string {
	var b strings.Builder
	for _, p := range c {
		b.WriteString(hex.EncodeToString(p[:])[:shortPart])
	}
	return b.String()
}

// differs names the parts that are not as an entry's Parts say; "" if it
// cannot tell.
func (c cover) differs(parts string) string {
	now := c.short()
	if len(parts) != len(now) {
		return ""
	}
	var names []string
	for i, name := range partNames {
		if at := i * shortPart; now[at:at+shortPart] != parts[at:at+shortPart] {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

// stamp renders a time without its zone; "" if it is not set.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

func coveredPerson(p Principal) []string { return []string{string(p.Source), p.ID, p.Handle} }

func coveredDecision(d *Decision) any {
	if d == nil {
		return nil
	}
	return append(coveredPerson(d.By), stamp(d.At))
}

func coveredCommand(r Run) any {
	return struct {
		ID, Text, Operation string
		Args                []string            `json:",omitempty"`
		Flags               map[string][]string `json:",omitempty"`
		Reason, Cluster     string
		Dry                 bool
		Effect              string
	}{r.ID, r.Text, r.Request.Operation, r.Request.Args, r.Request.Flags, r.Request.Reason, r.Request.Cluster, r.Request.Dry, string(r.Effect)}
}

func coveredRequest(r Run) any {
	return append(coveredPerson(r.By), stamp(r.Asked), stamp(r.Slot), r.Replaces, r.After)
}

// coveredPlan covers what the plan does by its own digest, and beside it what
// people were shown.
func coveredPlan(r Run) any {
	if r.Plan == nil {
		return []string{r.Digest}
	}
	shown := []string{r.Digest, r.Plan.Digest(), r.Plan.Nothing}
	for _, f := range r.Plan.Findings {
		shown = append(shown, string(f.Level), f.Text, f.Fix.Text)
	}
	for _, f := range r.Plan.Facts {
		shown = append(shown, f.Name, f.Value)
	}
	return []any{shown, r.Plan.Notes, coveredArgv(r.Plan.Verify)}
}

type coveredStep struct {
	Key, Name, Node  string
	Argv             []string `json:",omitempty"`
	Secret           string
	Always, Tolerate bool
	Save             []string `json:",omitempty"` // directory, name and SHA-256
}

func coveredArgv(steps []als.Step) (all []coveredStep) {
	for _, s := range steps {
		c := coveredStep{s.ResultKey(), s.Name, s.Node, s.Argv, s.Secret, s.Always, s.Tolerate, nil}
		if s.Save != nil {
			c.Save = []string{s.Save.Dir, s.Save.Name, s.Save.SHA256}
		}
		all = append(all, c)
	}
	return all
}

func coveredSteps(r Run) any {
	var ids []string
	var steps []als.Step
	for _, s := range r.Steps {
		ids, steps = append(ids, s.ID, s.Blob), append(steps, s.Step)
	}
	return []any{ids, coveredArgv(steps)}
}

// coveredExits covers how the steps ended, once the run has: until then they
// are progress.
func coveredExits(r Run) any {
	type exit struct {
		Exit           *int
		Trouble        string
		Place          string
		Started, Ended string
	}
	var exits []exit
	if r.State.Final() {
		for _, s := range r.Steps {
			exits = append(exits, exit{s.Exit, s.Trouble, s.Place, stamp(s.Started), stamp(s.Ended)})
		}
	}
	return exits
}

func coveredVerdict(r Run) any {
	if r.Verdict == nil {
		return nil
	}
	v := []string{string(r.Verdict.Outcome), r.Verdict.Summary, r.Verdict.Report}
	if r.LookedAgain != nil {
		v = append(v, stamp(r.LookedAgain.At), r.LookedAgain.Text)
	}
	return v
}

func coveredApproval(a Approval) any {
	return struct {
		Run, Cluster, Digest, State string
		Quorum                      int
		Posted, Expires             string
		Closed                      any
		Why                         string
	}{a.Run, a.Cluster, a.Digest, string(a.State), a.Quorum, stamp(a.Posted), stamp(a.Expires), coveredDecision(a.Closed), a.Why}
}

func coveredVotes(a Approval) any {
	var votes []any
	for _, v := range a.Votes {
		votes = append(votes, coveredDecision(&v))
	}
	return votes
}
