package jobs_test

import (
	"fmt"
	"strings"
	"testing"

	"alsbot/config"
	"alsbot/jobs"
	"alsbot/runs"
	"alsbot/store"
	"alsbot/upkeep/enginetest"
)

// twoClusters is prod, and secret, which only S0SEC may operate.
func twoClusters(c *config.Config) {
	c.Clusters = append(c.Clusters, c.Clusters[0])
	c.Clusters[1].Name, c.Clusters[1].Channel = "secret", "C0SECRET"
	c.Clusters[1].Access = config.Access{Viewer: []string{"S0SEC"}, Operator: []string{"S0SEC"}}
}

// People read in the audit log what concerns the clusters that they operate,
// and nothing else.
func TestWhoMayReadTheAuditLog(t *testing.T) {
	t.Parallel()
	h := enginetest.New(t, twoClusters)
	h.Groups.Set("S0SEC", "U0SEC", "U0BOTH")
	h.Groups.Set("S0OPS", "U0BOTH")
	open, closed := h.Run("U0ANN", "version @prod"), h.Run("U0SEC", "version @secret")
	for _, id := range []string{open, closed} {
		h.Until(id, runs.Succeeded)
		h.UntilEnded(id)
	}
	if err := h.Store.Update(t.Context(), func(tx store.Tx) error {
		return runs.Note(tx, runs.Entry{By: runs.System, Action: "started", Detail: "the config"})
	}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		user, text string
		sees       []string
		not        []string
	}{
		{"U0ANN", "audit", []string{open, "asked", "succeeded", "@U0ANN"}, []string{closed, "the config"}},
		{"U0SEC", "audit", []string{closed}, []string{open, "the config"}},
		{"U0BOTH", "audit", []string{open, closed, "the config"}, nil},
		{"U0BOTH", "audit @secret", []string{closed}, []string{open, "the config"}},
		{"U0ANN", "audit " + open, []string{open, "asked", "version @prod"}, []string{closed}},
	} {
		ans := h.Ask(c.user, c.text)
		for _, s := range c.sees {
			if ans.Bad || !strings.Contains(ans.Pre, s) {
				t.Errorf("%s, %s: %q is missing in %s\n%s", c.user, c.text, s, ans.Text, ans.Pre)
			}
		}
		for _, s := range c.not {
			if strings.Contains(ans.Text+ans.Pre, s) {
				t.Errorf("%s, %s: %q is shown in %s\n%s", c.user, c.text, s, ans.Text, ans.Pre)
			}
		}
	}
	for _, c := range [][2]string{{"U0DAN", "audit"}, {"U0BOB", "audit"}, {"U0DAN", "audit " + open}, {"U0ANN", "audit @secret"}} {
		if ans := h.Ask(c[0], c[1]); !ans.Bad || !strings.Contains(ans.Text, "needs the operator role") || ans.Pre != "" {
			t.Errorf("%s, %s: %+v", c[0], c[1], ans)
		}
	}
	// Of a run on a cluster that one does not operate, not even its being there.
	other, none := h.Ask("U0ANN", "audit "+closed), h.Ask("U0ANN", "audit zzzzzzzzzz")
	if !other.Bad || strings.ReplaceAll(other.Text, closed, "zzzzzzzzzz") != none.Text || !strings.Contains(none.Text, `The audit log has no run "zzzzzzzzzz"`) {
		t.Errorf("%+v\n%+v", other, none)
	}
	h.Groups.Silent(true)
	if ans := h.Ask("U0BOTH", "audit"); !ans.Bad || !strings.Contains(ans.Text, "could not be looked up") {
		t.Errorf("Slack is silent: %+v", ans)
	}
}

// The entries of a run that retention has removed are still there for those
// who operate its cluster.
func TestTheAuditLogOutlivesARun(t *testing.T) {
	t.Parallel()
	h := enginetest.New(t, twoClusters)
	id := h.Run("U0ANN", "version @prod")
	h.Until(id, runs.Succeeded)
	h.UntilEnded(id)
	if err := h.Store.Update(t.Context(), func(tx store.Tx) error {
		r, _, err := runs.Get(tx, id)
		if err != nil {
			return err
		}
		return runs.Forget(tx, []runs.Run{r})
	}); err != nil {
		t.Fatal(err)
	}
	if ans := h.Ask("U0ANN", "audit "+id); ans.Bad || !strings.Contains(ans.Pre, "removed") || !strings.Contains(ans.Pre, "version @prod") {
		t.Errorf("%+v", ans)
	}
	h.Groups.Set("S0SEC", "U0SEC")
	if ans := h.Ask("U0SEC", "audit "+id); !ans.Bad {
		t.Errorf("%+v", ans)
	}
}

// refused lists the audit entries of refusals, oldest first.
func refused(h *enginetest.Rig) (list []runs.Entry) {
	h.T.Helper()
	if err := h.Store.View(h.T.Context(), func(tx store.Tx) error {
		list = nil
		return runs.EachEntry(tx, func(en runs.Entry) bool {
			if en.Action == "refused" {
				list = append([]runs.Entry{en}, list...)
			}
			return true
		})
	}); err != nil {
		h.T.Fatal(err)
	}
	return list
}

// Commands and presses that were refused are in the audit log, with who, what
// and why, and repeated ones once. A typing mistake is no refusal.
func TestRefusalsAreInTheAuditLog(t *testing.T) {
	t.Parallel()
	h := enginetest.New(t, nil)
	id := h.Run("U0ANN", "patch install")
	h.Until(id, runs.Awaiting)
	for _, c := range []struct {
		try           func() jobs.Answer
		by, run, text string
	}{
		{func() jobs.Answer { return h.Ask("U0DAN", "patch install") }, "U0DAN", "", "patch install: This needs the operator role on @prod"},
		{func() jobs.Answer { return h.Ask("U0DAN", "cancel "+id) }, "U0DAN", id, "cancel " + id + ": This needs the operator role"},
		{func() jobs.Answer { return h.Ask("U0DAN", "acknowledge "+id) }, "U0DAN", id, "acknowledge " + id + ": This needs"},
		{func() jobs.Answer { return h.Ask("U0ANN", "retry "+id) }, "U0ANN", id, "retry " + id + ": Run " + id + " is still"},
		{func() jobs.Answer { return h.Ask("U0BOB", "approve "+id) }, "U0BOB", id, "approve " + id + ": Nothing has changed"},
		{func() jobs.Answer { return h.Ask("U0DAN", "audit") }, "U0DAN", "", "audit: This needs the operator role"},
		{func() jobs.Answer { return h.Press("U0DAN", id, true) }, "U0DAN", id, "Approve: Deciding this needs the approver role"},
		{func() jobs.Answer { return h.Press("U0DAN", id, false) }, "U0DAN", id, "Reject: Deciding this needs the approver role"},
		{func() jobs.Answer {
			ans, err := h.Engine.Reject(t.Context(), id, "no", enginetest.Slack("U0EVE"))
			if err != nil {
				t.Error(err)
			}
			return ans
		}, "U0EVE", id, "Reject: Deciding this"},
		{func() jobs.Answer { return h.Press("U0DAN", "zzzzzzzzzz", true) }, "U0DAN", "", "Approve of zzzzzzzzzz: there is no run"},
	} {
		before := len(refused(h))
		for range 3 {
			if ans := c.try(); !ans.Bad {
				t.Fatalf("%s was not refused: %+v", c.text, ans)
			}
		}
		got := refused(h)
		if len(got) != before+1 {
			t.Errorf("%s: %d entries more, not one", c.text, len(got)-before)
			continue
		}
		en := got[before]
		if en.By.ID != c.by || en.Run != c.run || !strings.HasPrefix(en.Detail, c.text) || c.run != "" && en.Cluster != "prod" {
			t.Errorf("%+v\nnot %s %s %s", en, c.by, c.run, c.text)
		}
	}
	before := len(refused(h))
	h.Ask("U0DAN", "pathc install")
	h.Ask("U0DAN", "status @prod")
	for i := range 50 {
		h.Ask("U0FLO", fmt.Sprintf("patch install p%d", i))
	}
	if got := refused(h); len(got) != before+10 || got[before].By.ID != "U0FLO" {
		t.Errorf("a mistake, a command that is fine and a flood made %d entries: %+v", len(got)-before, got[before:])
	}
	if ans := h.Press("U0BOB", id, false); ans.Bad {
		t.Fatalf("%+v", ans)
	}
	if ans := h.Press("U0CAT", id, true); !ans.Bad {
		t.Fatalf("%+v", ans)
	}
	if got := refused(h); !strings.HasPrefix(got[len(got)-1].Detail, "Approve: This request is already decided") {
		t.Errorf("a late press: %+v", got[len(got)-1])
	}
	if v, err := runs.VerifyAudit(t.Context(), h.Store, runs.AuditHead{}); err != nil {
		t.Errorf("%+v, %v", v, err)
	}
}
