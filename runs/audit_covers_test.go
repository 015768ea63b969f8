package runs_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"alsbot/als"
	"alsbot/runs"
	"alsbot/store"
	"alsbot/upkeep/enginetest"
)

var approvals = store.Bucket[runs.Approval]{Name: "approvals"}

// verify checks the audit log of a rig.
func verify(h *enginetest.Rig) (runs.Verified, error) {
	return runs.VerifyAudit(h.T.Context(), h.Store, runs.AuditHead{})
}

// update changes the store as something else than alsbot would.
func update(h *enginetest.Rig, fn func(tx store.Tx) error) {
	h.T.Helper()
	if err := h.Store.Update(h.T.Context(), fn); err != nil {
		h.T.Fatal(err)
	}
}

// edit changes the record of a run and its approval.
func edit(h *enginetest.Rig, id string, fn func(r *runs.Run, a *runs.Approval)) (restore func()) {
	h.T.Helper()
	var r runs.Run
	var a runs.Approval
	var asked bool
	put := func(r runs.Run, a runs.Approval) {
		h.T.Helper()
		update(h, func(tx store.Tx) error {
			if asked {
				if err := approvals.Put(tx, id, a); err != nil {
					return err
				}
			}
			return enginetest.Records.Put(tx, id, r)
		})
	}
	update(h, func(tx store.Tx) (err error) {
		if r, _, err = enginetest.Records.Get(tx, id); err != nil {
			return err
		}
		a, asked, err = approvals.Get(tx, id)
		return err
	})
	was, wasAsked := r, a
	r.Steps, a.Votes = slices.Clone(r.Steps), slices.Clone(a.Votes)
	if r.Plan != nil {
		p := *r.Plan
		p.Steps, p.Findings, p.Facts = slices.Clone(p.Steps), slices.Clone(p.Findings), slices.Clone(p.Facts)
		r.Plan = &p
	}
	fn(&r, &a)
	put(r, a)
	return func() { put(was, wasAsked) }
}

// installed returns a rig with a run that was approved and has ended well.
func installed(t *testing.T) (*enginetest.Rig, string) {
	t.Helper()
	h := enginetest.New(t, nil)
	id := h.Run("U0ANN", "patch install --reason fix")
	h.Until(id, runs.Awaiting)
	h.Press("U0BOB", id, true)
	h.Until(id, runs.Succeeded)
	h.UntilEnded(id)
	return h, id
}

// Whoever changes what was decided about a run, or how it ended, is found: the
// run is named, and what differs.
func TestEveryEditIsNamed(t *testing.T) {
	t.Parallel()
	h, id := installed(t)
	if v, err := verify(h); err != nil || v.Runs != 1 || v.Earlier != 0 {
		t.Fatalf("%+v, %v", v, err)
	}
	long := time.Date(2001, 2, 3, 4, 5, 6, 7, time.UTC)
	mallory := runs.Principal{Source: runs.FromSlack, ID: "U0MAL"}
	zero, one := 0, 1
	for _, c := range []struct {
		what, differs string
		change        func(r *runs.Run, a *runs.Approval)
	}{
		{"text", "the command", func(r *runs.Run, _ *runs.Approval) { r.Text = "patch status" }},
		{"operation", "the command", func(r *runs.Run, _ *runs.Approval) { r.Request.Operation = "patch reset" }},
		{"argument", "the command", func(r *runs.Run, _ *runs.Approval) { r.Request.Args = []string{"other"} }},
		{"flag", "the command", func(r *runs.Run, _ *runs.Approval) {
			r.Request.Flags = map[string][]string{"no-restart": {""}}
		}},
		{"cluster", "the command", func(r *runs.Run, _ *runs.Approval) { r.Request.Cluster = "other" }},
		{"reason", "the command", func(r *runs.Run, _ *runs.Approval) { r.Request.Reason = "because" }},
		{"dry", "the command", func(r *runs.Run, _ *runs.Approval) { r.Request.Dry = true }},
		{"effect", "the command", func(r *runs.Run, _ *runs.Approval) { r.Effect = als.Read }},
		{"requester", "who requested it", func(r *runs.Run, _ *runs.Approval) { r.By = mallory }},
		{"handle", "who requested it", func(r *runs.Run, _ *runs.Approval) { r.By.Handle = "somebody" }},
		{"asked", "who requested it", func(r *runs.Run, _ *runs.Approval) { r.Asked = long }},
		{"slot", "who requested it", func(r *runs.Run, _ *runs.Approval) { r.Slot = long }},
		{"replaces", "who requested it", func(r *runs.Run, _ *runs.Approval) { r.Replaces = "aaaaaaaaaa" }},
		{"after", "who requested it", func(r *runs.Run, _ *runs.Approval) { r.After = "aaaaaaaaaa" }},
		{"state", "the state", func(r *runs.Run, _ *runs.Approval) { r.State = runs.Failed }},
		{"trouble", "the state", func(r *runs.Run, _ *runs.Approval) { r.Trouble = "it was the weather" }},
		{"started", "the state", func(r *runs.Run, _ *runs.Approval) { r.Started = long }},
		{"ended", "the state", func(r *runs.Run, _ *runs.Approval) { r.Ended = long }},
		{"digest", "the plan", func(r *runs.Run, _ *runs.Approval) { r.Digest = strings.Repeat("0", 64) }},
		{"planned argv", "the plan", func(r *runs.Run, _ *runs.Approval) { r.Plan.Steps[0].Argv = []string{"rm"} }},
		{"fact", "the plan", func(r *runs.Run, _ *runs.Approval) { r.Plan.Facts[0].Value = "none" }},
		{"finding", "the plan", func(r *runs.Run, _ *runs.Approval) {
			r.Plan.Findings = append(r.Plan.Findings, als.Finding{Level: als.Warn, Text: "odd"})
		}},
		{"no plan", "the plan", func(r *runs.Run, _ *runs.Approval) { r.Plan = nil }},
		{"argv", "the steps", func(r *runs.Run, _ *runs.Approval) { r.Steps[0].Step.Argv = []string{"rm"} }},
		{"node", "the steps", func(r *runs.Run, _ *runs.Approval) { r.Steps[0].Step.Node = "10.9.9.9" }},
		{"tolerated", "the steps", func(r *runs.Run, _ *runs.Approval) { r.Steps[0].Step.Tolerate = true }},
		{"step removed", "the steps", func(r *runs.Run, _ *runs.Approval) { r.Steps = nil }},
		{"exit status", "the exit statuses", func(r *runs.Run, _ *runs.Approval) { r.Steps[0].Exit = &one }},
		{"no exit status", "the exit statuses", func(r *runs.Run, _ *runs.Approval) { r.Steps[0].Exit = nil }},
		{"step trouble", "the exit statuses", func(r *runs.Run, _ *runs.Approval) { r.Steps[0].Trouble = "killed" }},
		{"place", "the exit statuses", func(r *runs.Run, _ *runs.Approval) { r.Steps[0].Place = "elsewhere" }},
		{"outcome", "the verdict", func(r *runs.Run, _ *runs.Approval) { v := *r.Verdict; v.Outcome = als.Failed; r.Verdict = &v }},
		{"summary", "the verdict", func(r *runs.Run, _ *runs.Approval) { v := *r.Verdict; v.Summary = "All is well"; r.Verdict = &v }},
		{"report", "the verdict", func(r *runs.Run, _ *runs.Approval) { v := *r.Verdict; v.Report = "nothing"; r.Verdict = &v }},
		{"approved digest", "the approval request", func(_ *runs.Run, a *runs.Approval) { a.Digest = strings.Repeat("0", 64) }},
		{"approval state", "the approval request", func(_ *runs.Run, a *runs.Approval) { a.State = runs.ApprovalRejected }},
		{"approval cluster", "the approval request", func(_ *runs.Run, a *runs.Approval) { a.Cluster = "other" }},
		{"quorum", "the approval request", func(_ *runs.Run, a *runs.Approval) { a.Quorum = 0 }},
		{"posted", "the approval request", func(_ *runs.Run, a *runs.Approval) { a.Posted = long }},
		{"expires", "the approval request", func(_ *runs.Run, a *runs.Approval) { a.Expires = long }},
		{"why", "the approval request", func(_ *runs.Run, a *runs.Approval) { a.Why = "because" }},
		{"closed", "the approval request", func(_ *runs.Run, a *runs.Approval) { a.Closed = &runs.Decision{By: mallory, At: long} }},
		{"voter", "the approvals", func(_ *runs.Run, a *runs.Approval) { a.Votes[0].By = mallory }},
		{"time of a vote", "the approvals", func(_ *runs.Run, a *runs.Approval) { a.Votes[0].At = long }},
		{"no vote", "the approvals", func(_ *runs.Run, a *runs.Approval) { a.Votes = nil }},
		{"one vote more", "the approvals", func(_ *runs.Run, a *runs.Approval) { a.Votes = append(a.Votes, runs.Decision{By: mallory, At: long}) }},
		{"cancel", "the cancellation", func(r *runs.Run, _ *runs.Approval) { r.Cancel = &runs.Decision{By: mallory, At: long} }},
		{"settled", "the acknowledgement", func(r *runs.Run, _ *runs.Approval) { r.Settled = &runs.Decision{By: mallory, At: long} }},
		{"ID", "another ID", func(r *runs.Run, _ *runs.Approval) { r.ID = "aaaaaaaaaa" }},
		{"remark", "", func(r *runs.Run, _ *runs.Approval) { r.Remark = "the node is silent" }},
		{"unheard", "", func(r *runs.Run, _ *runs.Approval) { r.Unheard = long }},
		{"size", "", func(r *runs.Run, _ *runs.Approval) { r.Steps[0].Size = 1 << 40 }},
		{"place of its message", "", func(r *runs.Run, _ *runs.Approval) { r.Origin.Thread = "1.2" }},
		{"the same exit status", "", func(r *runs.Run, _ *runs.Approval) { r.Steps[0].Exit = &zero }},
	} {
		restore := edit(h, id, c.change)
		_, err := verify(h)
		switch {
		case c.differs == "" && err != nil:
			t.Errorf("%s is progress: %v", c.what, err)
		case c.differs != "" && (err == nil || !strings.Contains(err.Error(), "run "+id) || !strings.Contains(err.Error(), c.differs)):
			t.Errorf("the %s was edited, and %q is not said: %v", c.what, c.differs, err)
		case c.differs != "" && c.what != "ID" && (strings.Count(err.Error(), "run "+id) != 1 || strings.Count(err.Error(), "what differs: "+c.differs) != 1):
			t.Errorf("the %s was edited: %v", c.what, err)
		}
		restore()
		if _, err := verify(h); err != nil {
			t.Fatalf("%s was put back: %v", c.what, err)
		}
	}
}

// An edit that a later decision would cover up is found all the same, and so
// is one of a run that retention has removed since.
func TestAnEditIsNotCoveredUp(t *testing.T) {
	t.Parallel()
	h := enginetest.New(t, nil)
	id := h.Run("U0ANN", "patch install")
	h.Until(id, runs.Awaiting)
	edit(h, id, func(r *runs.Run, _ *runs.Approval) { r.By.ID = "U0MAL" })
	h.Press("U0BOB", id, false)
	h.Until(id, runs.Rejected)
	named := func(when string) {
		t.Helper()
		if _, err := verify(h); err == nil || !strings.Contains(err.Error(), "run "+id+": its record was changed between audit entry") {
			t.Errorf("%s: %v", when, err)
		}
	}
	named("after a decision")

	other := h.Run("U0DAN", "version")
	h.Until(other, runs.Succeeded)
	h.UntilEnded(other)
	edit(h, other, func(r *runs.Run, _ *runs.Approval) { r.By.ID = "U0MAL" })
	forget(h, other)
	id = other
	named("after its removal")
}

func forget(h *enginetest.Rig, id string) {
	h.T.Helper()
	update(h, func(tx store.Tx) error {
		r, _, err := runs.Get(tx, id)
		if err != nil {
			return err
		}
		return runs.Forget(tx, []runs.Run{r})
	})
}

// A record that is gone or came from nowhere is named. What retention removes
// is neither.
func TestRecordsThatAreGoneOrNew(t *testing.T) {
	t.Parallel()
	h, id := installed(t)
	var raw, rawApproval []byte
	update(h, func(tx store.Tx) (err error) {
		if raw, err = tx.Get("runs", id); err != nil {
			return err
		}
		rawApproval, err = tx.Get("approvals", id)
		return err
	})
	names := func(what, says string) {
		t.Helper()
		if _, err := verify(h); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s, and %q is not said: %v", what, says, err)
		}
	}
	update(h, func(tx store.Tx) error { return tx.Delete("approvals", id) })
	names("the approval is gone", "run "+id+": its record was changed")
	update(h, func(tx store.Tx) error { return tx.Delete("runs", id) })
	names("the run is gone", "run "+id+": its record is gone")
	update(h, func(tx store.Tx) error { return tx.Put("approvals", id, rawApproval) })
	names("the run alone is gone", "run "+id+": it has an approval request and no record")
	update(h, func(tx store.Tx) error { return tx.Put("runs", id, raw[:len(raw)/2]) })
	names("the record is damaged", "run "+id+": its record cannot be read")
	update(h, func(tx store.Tx) error { return tx.Put("runs", id, raw) })
	update(h, func(tx store.Tx) error { return tx.Put("runs", "bbbbbbbbbb", raw) })
	names("a record was added", "run bbbbbbbbbb: its record is there, and the audit log has no entry of it")
	update(h, func(tx store.Tx) error { return tx.Delete("runs", "bbbbbbbbbb") })
	if _, err := verify(h); err != nil {
		t.Fatalf("all was put back: %v", err)
	}
	forget(h, id)
	if v, err := verify(h); err != nil || v.Runs != 0 {
		t.Errorf("retention removed it: %+v, %v", v, err)
	}
	update(h, func(tx store.Tx) error { return tx.Put("runs", id, raw) })
	names("a removed run is back", "run "+id+": its record is there, and the audit log has no entry of it, or says that retention removed it")
}

// Whatever becomes of a run, its record stays what its entries cover.
func TestTheRecordsOfAllEndsAreCovered(t *testing.T) {
	t.Parallel()
	h, lost := enginetest.Lost(t)
	if _, err := verify(h); err != nil {
		t.Errorf("lost: %v", err)
	}
	h.Ask("U0ANN", "acknowledge "+lost)
	if v, err := verify(h); err != nil || v.Runs != 1 {
		t.Errorf("acknowledged: %+v, %v", v, err)
	}
	h = enginetest.New(t, nil)
	read := h.Run("U0DAN", "status")
	h.Until(read, runs.Succeeded)
	for _, end := range []func(id string){
		func(id string) { h.Press("U0BOB", id, false); h.Until(id, runs.Rejected) },
		func(id string) { h.Ask("U0ANN", "cancel "+id); h.Until(id, runs.Cancelled) },
	} {
		id := h.Run("U0ANN", "patch install")
		h.Until(id, runs.Awaiting)
		end(id)
	}
	v, err := verify(h)
	if err != nil || v.Runs != 3 || v.Earlier != 0 {
		t.Errorf("%+v, %v", v, err)
	}
}
