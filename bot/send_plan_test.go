package bot_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"alsbot/als"
	"alsbot/bot"
	"alsbot/runs"
	"alsbot/sim/workspace"
)

const longName = "a-patch-with-a-name-as-long-as-the-vendor-makes-them-when-a-fix-is-urgent-"

// bigPlan returns a plan of 75 patches with long names, 100 nodes and 40
// findings, of which the last one stops the plan.
func bigPlan(t *testing.T) *als.Plan {
	t.Helper()
	p := &als.Plan{Operation: "patch install", Effect: als.Restart, Format: 1}
	var patches, nodes, pairs []string
	for i := range 75 {
		patches = append(patches, fmt.Sprintf("%s%d", longName, i))
		p.Notes = append(p.Notes, fmt.Sprintf("%s%d: %s (critical)", longName, i, strings.Repeat("what it mends ", 8)))
	}
	for i := range 100 {
		ip := fmt.Sprintf("10.20.30.%d", i)
		nodes, pairs = append(nodes, ip), append(pairs, "dea@"+ip)
		p.Steps = append(p.Steps, als.Step{Key: "patch:" + ip, Name: "run kato patch on " + ip, Node: als.Core, Argv: []string{"kato", "patch", "install", "--node", ip}})
	}
	for i := range 39 {
		p.Findings = append(p.Findings, als.Finding{Level: als.Warn, Text: fmt.Sprintf("warning %d: %s", i, strings.Repeat("w", 600)), Fix: als.Advise("%s", strings.Repeat("m", 200))})
	}
	p.Findings = append(p.Findings, als.Finding{Level: als.Stop, Text: "THE GRAVE ONE"})
	p.Facts = []als.Fact{
		{Key: "patches", Name: "patches", Value: strings.Join(patches, ", ")}, {Key: "nodes", Name: "nodes", Value: strings.Join(nodes, ", ")},
		{Key: "restarting-roles", Name: "roles that restart", Value: "dea on " + strings.Join(nodes, ", ")},
	}
	restarts, err := json.Marshal(strings.Join(append([]string{"router@10.20.30.0"}, pairs...), " "))
	if err == nil {
		err = json.Unmarshal(restarts, &p.Hints.Restarts)
	}
	if err != nil {
		t.Fatal(err)
	}
	p.Notes = append([]string{"It took 41m 7s last time."}, p.Notes...)
	return p
}

func bigRequest(t *testing.T) (runs.Run, runs.Approval) {
	t.Helper()
	r := newRun("r1", runs.Awaiting, prod)
	r.Plan = bigPlan(t)
	r.Digest = r.Plan.Digest()
	return r, runs.Approval{Run: "r1", Cluster: "prod", Digest: r.Digest, State: runs.ApprovalWaiting, Quorum: 1, Posted: asked, Expires: asked.Add(time.Hour)}
}

// checkWhole fails unless a text has everything that the plan binds.
func checkWhole(t *testing.T, text string, r runs.Run) {
	t.Helper()
	want := []string{r.Digest, r.Text, "41m 7s"}
	for _, f := range r.Plan.Facts {
		want = append(want, f.Items()...)
	}
	for _, s := range r.Plan.Steps {
		want = append(want, s.Line())
	}
	for _, f := range r.Plan.Findings {
		want = append(want, f.Text, f.Fix.Text)
	}
	for _, w := range append(want, r.Plan.Notes...) {
		if !strings.Contains(text, w) {
			t.Errorf("it lacks %q", w)
		}
	}
}

// A request that doesn't fit on its message has no Approve button until Slack
// has the file.
func TestApproveComesWithTheFile(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	r, a := bigRequest(t)
	s.ws.Fail("files.getUploadURLExternal", 2, workspace.Refused("missing_scope"))
	s.engine.setApproval(t, r, a)
	s.until("the message says why there is no button", func() bool {
		m := s.card(approve)
		return strings.Contains(m, "No Approve button yet") && strings.Contains(m, "the Slack app lacks a permission") && strings.Contains(m, "[Reject]") && !strings.Contains(m, "[Approve]")
	})
	if _, a, err := s.engine.Load(s.ctx, "r1"); err != nil || a.Unshown == "" || a.Filed {
		t.Errorf("meanwhile the approval is %+v, %v", a, err)
	}
	s.untilApprovable(approve)
	s.waitAllSent()
	if _, a, err := s.engine.Load(s.ctx, "r1"); err != nil || a.Unshown != "" || !a.Filed {
		t.Errorf("then the approval is %+v, %v", a, err)
	}
	m := s.roots(approve)
	if len(m) != 1 || strings.Contains(m[0].Text(), "No Approve button") {
		t.Errorf("the channel reads\n%s", s.ws.Transcript(approve))
	}
	checkWhole(t, s.files(approve, m[0].TS), r)
}

// A request whose blocks Slack refuses keeps its buttons, beside all that they
// approve. If Slack refuses them too, the request says what can be done.
func TestRefusedBlocksLeaveAWayToDecide(t *testing.T) {
	t.Parallel()
	for refused, want := range map[int]string{1: "[Approve]", 2: "Type `cancel r1`, then `retry r1`"} {
		s := newStage(t, nil)
		r, a := bigRequest(t)
		r.Plan = aPlan()
		for range 20 {
			r.Plan.Notes = append(r.Plan.Notes, strings.Repeat("a long note ", 20)+fmt.Sprint(len(r.Plan.Notes)))
		}
		r.Plan.Findings = append(r.Plan.Findings, als.Finding{Level: als.Warn, Text: "<!channel> & the last warning"})
		s.ws.Fail("chat.postMessage", refused, workspace.Refused("invalid_blocks"))
		s.engine.setApproval(t, r, a)
		s.waitAllSent()
		m := s.card(approve)
		for _, w := range []string{want, "Approval wanted", r.Text, "the last warning", r.Plan.Steps[0].Line()} {
			if !strings.Contains(m, w) {
				t.Errorf("refused %d times, it lacks %q:\n%s", refused, w, m)
			}
		}
		if refused == 1 && (!strings.Contains(m, "run r1") || strings.Contains(m, "more lines")) {
			t.Errorf("the buttons stand beside a text that is cut:\n%s", m)
		}
		if refused == 2 && strings.Contains(m, "[Approve]") {
			t.Errorf("buttons in a text:\n%s", m)
		}
	}
}

// What has the whole plan needs no file.
func TestSmallRequestNeedsNoFile(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	r, a := bigRequest(t)
	r.Plan = aPlan()
	s.engine.setApproval(t, r, a)
	s.waitAllSent()
	if m := s.card(approve); !strings.Contains(m, "[Approve]") || strings.Contains(m, "hortened") {
		t.Errorf("it reads\n%s", m)
	}
	if n := s.ws.Calls("files.getUploadURLExternal"); n != 0 {
		t.Errorf("%d uploads", n)
	}
	if n := s.ws.Calls("chat.postMessage"); n != 1 || s.ws.Calls("chat.update") != 0 {
		t.Errorf("%d posts", n)
	}
}

// A script is bound by its text, and the message has only its name.
func TestScriptNeedsFile(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	r, a := bigRequest(t)
	r.Plan = aPlan()
	r.Plan.Steps[0].Argv = []string{"sh", "-c", "echo one\nrm -r two", "alsbot-move", "/mnt"}
	s.engine.setApproval(t, r, a)
	s.untilApprovable(approve)
	if f := s.files(approve, s.roots(approve)[0].TS); !strings.Contains(f, "rm -r two") {
		t.Errorf("the file reads\n%s", f)
	}
}

// After a crash between the message and its file the next start goes on.
func TestFileComesAfterCrash(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	r, a := bigRequest(t)
	s.ws.Fail("upload", 1, workspace.NoAnswer())
	s.engine.setApproval(t, r, a)
	s.until("an upload has begun", func() bool { return s.ws.Calls("files.getUploadURLExternal") == 1 })
	s.stop()
	if strings.Contains(s.card(approve), "[Approve]") {
		t.Error("there is a button without the file")
	}
	s.start()
	s.untilApprovable(approve)
	if len(s.roots(approve)) != 1 {
		t.Errorf("the channel reads\n%s", s.ws.Transcript(approve))
	}
	checkWhole(t, s.files(approve, s.roots(approve)[0].TS), r)
}

// A message that takes the place of a deleted one has a thread of its own, and
// so needs a file of its own.
func TestNewMessageNeedsItsOwnFile(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	r, a := bigRequest(t)
	s.engine.setApproval(t, r, a)
	s.untilApprovable(approve)
	s.waitAllSent()
	_, stored, err := s.engine.Load(s.ctx, "r1")
	if err != nil {
		t.Fatal(err)
	}
	s.ws.Fail("chat.update", 1, workspace.Refused("message_not_found"))
	s.ws.Fail("files.completeUploadExternal", 1, workspace.Refused("fatal_error"))
	s.engine.setApproval(t, r, *stored)
	s.until("there is a new message", func() bool { return len(s.roots(approve)) == 2 })
	s.until("it is approvable", func() bool { return strings.Contains(s.roots(approve)[1].Text(), "[Approve]") })
	s.waitAllSent()
	checkWhole(t, s.files(approve, s.roots(approve)[1].TS), r)
}

// A request that an earlier version has posted, with its button, keeps it.
func TestRequestOfEarlierVersionKeepsItsButton(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	r, a := bigRequest(t)
	small := r
	small.Plan = aPlan()
	s.engine.setApproval(t, small, a)
	s.waitAllSent()
	s.engine.setApproval(t, r, a) // as if the earlier version had posted this
	s.waitAllSent()
	if m := s.card(approve); !strings.Contains(m, "[Approve]") || !strings.Contains(m, "type run r1") {
		t.Errorf("it reads\n%s", m)
	}
	if n := s.ws.Calls("files.getUploadURLExternal"); n != 0 {
		t.Errorf("%d uploads", n)
	}
}

// A file that nobody waits for any more is not uploaded.
func TestClosedRequestNeedsNoFile(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	r, a := bigRequest(t)
	s.ws.Fail("files.getUploadURLExternal", 1000, workspace.Refused("missing_scope"))
	s.engine.setApproval(t, r, a)
	s.until("the upload is refused", func() bool { return strings.Contains(s.card(approve), "lacks a permission") })
	r.State, a.State, a.Unshown = runs.Rejected, runs.ApprovalRejected, "still"
	s.engine.setApproval(t, r, a)
	s.waitAllSent()
	if m := s.card(approve); strings.Contains(m, "No Approve button") || !strings.Contains(m, "Rejected") {
		t.Errorf("it reads\n%s", m)
	}
}

// roots returns the messages of a channel that are in no thread.
func (s *stage) roots(channel string) (roots []workspace.Message) {
	for _, m := range s.ws.Messages(channel) {
		if m.Thread == "" || m.Thread == m.TS {
			roots = append(roots, m)
		}
	}
	return roots
}

// card returns the newest message of a channel that is in no thread.
func (s *stage) card(channel string) string {
	all := s.roots(channel)
	if len(all) == 0 {
		return ""
	}
	return all[len(all)-1].Text()
}

func (s *stage) untilApprovable(channel string) {
	s.Helper()
	s.until("there is an Approve button", func() bool { return strings.Contains(s.card(channel), "[Approve]") })
}

// files returns the files in a thread.
func (s *stage) files(channel, ts string) (text string) {
	for _, m := range s.ws.Thread(channel, ts) {
		for _, f := range m.Files {
			text += string(f.Content)
		}
	}
	return text
}

// Every kind that the ledger knows has a line in the sender's table, and a row
// of a kind that it doesn't know delays nothing.
func TestRowOfLaterVersionDelaysNothing(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	s.engine.set(t, newRun("r1", runs.Running, prod), "of a later version", runs.TellRun)
	s.waitAllSent()
	if n := len(s.ws.Messages(prod)); n != 1 {
		t.Errorf("%d messages", n)
	}
	for _, k := range []runs.Kind{runs.TellRun, runs.TellApproval, runs.TellPlan, runs.TellOutput, runs.TellFile, runs.TellFollowUp, runs.TellReply, runs.TellChannel} {
		if !bot.Sends(k) {
			t.Errorf("nothing sends %s", k)
		}
	}
}
