package bot_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"alsbot/als"
	"alsbot/bot"
	"alsbot/runs"
	"alsbot/sim/workspace"
)

// What matters most stands on the message, however long the plan is; the rest
// is counted.
func TestBigRequestShowsWhatMatters(t *testing.T) {
	t.Parallel()
	r, a := bigRequest(t)
	for _, votes := range []int{0, 1, 20} {
		a.Quorum, a.Votes = votes+1, nil
		for range votes {
			a.Votes = append(a.Votes, runs.Decision{By: runs.Principal{Source: runs.FromLocal, ID: strings.Repeat("x", 60)}, At: asked})
		}
		_, blocks, plain := bot.View(bot.ApprovalMessage(r, a))
		raw, err := json.Marshal(blocks)
		if err != nil {
			t.Fatal(err)
		}
		for _, err := range workspace.Validate(raw) {
			t.Errorf("Slack would refuse it: %v", err)
		}
		shown := string(raw)
		last := 0
		for _, want := range []string{"What stops:", "router on 10.20.30.0: no application can be reached", "dea on 100 nodes, of which 10.20.30.0, ", "100 nodes", "41m 7s",
			"patch install @prod", "THE GRAVE ONE", "warning 0:", "warning 38:", "75 patches, of which " + longName + "0", "dea on 100 nodes", "1. run kato patch on 10.20.30.0", "more commands"} {
			at := strings.Index(shown[last:], want)
			if at < 0 {
				t.Fatalf("with %d votes the message lacks %q, or has it too early:\n%s", votes, want, plain)
			}
			last += at
		}
		if !strings.Contains(shown, `"approve"`) || !strings.Contains(shown, "run r1") { // stored by an earlier version, it counts as shown
			t.Errorf("with %d votes, buttons or small print are missing", votes)
		}
	}
}

// The plan's room doesn't depend on what is hostile or huge in it.
func TestEveryPlanStaysWithinSlackLimits(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*als.Plan){
		"long names": func(p *als.Plan) { p.Facts[0].Name = strings.Repeat("n", 5000) },
		"many facts": func(p *als.Plan) {
			for range 9 {
				p.Facts = append(p.Facts, p.Facts...)
			}
		},
		"long step": func(p *als.Plan) { p.Steps[0].Argv = []string{strings.Repeat("x", 20000)} },
		"many verify": func(p *als.Plan) {
			for range 3 {
				p.Verify = append(p.Verify, p.Steps...)
			}
		},
		"many finding": func(p *als.Plan) {
			for range 5 {
				p.Findings = append(p.Findings, p.Findings...)
			}
		},
		"long nodes": func(p *als.Plan) { p.Steps[0].Node = strings.Repeat("n", 9000) },
	} {
		r, a := bigRequest(t)
		change(r.Plan)
		r.Request.Reason, r.Changed = strings.Repeat("r", 3000), strings.Repeat("c", 3000)
		a.Unshown = strings.Repeat("u", 3000)
		text, blocks, plain := bot.View(bot.ApprovalMessage(r, a))
		for _, err := range workspace.Validate(blocks) {
			t.Errorf("%s: Slack would refuse it: %v", name, err)
		}
		if !strings.Contains(plain, "What stops:") || utf8.RuneCountInString(text) > 4000 {
			t.Errorf("%s: it reads\n%s", name, plain)
		}
	}
}

// Room is divided so that nobody gets more than they need, and what is left over
// goes to those who need it.
func TestShares(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		needs []int
		room  int
		want  string
	}{
		{nil, 10, "[]"},
		{[]int{3, 4}, 10, "[3 4]"},
		{[]int{0, 100, 100}, 10, "[0 5 5]"},
		{[]int{100, 2, 100}, 12, "[5 2 5]"},
		{[]int{8, 8}, 0, "[0 0]"},
		{[]int{8, 8}, -5, "[0 0]"},
	} {
		if got := fmt.Sprint(bot.Shares(c.needs, c.room)); got != c.want {
			t.Errorf("%v in %d: %s, not %s", c.needs, c.room, got, c.want)
		}
	}
}

func TestCounted(t *testing.T) {
	t.Parallel()
	items := []string{"one", "two", "three", "four"}
	for _, c := range []struct {
		noun string
		max  int
		want string
	}{
		{"patches", 30, "one, two, three, four"},
		{"patches", 21, "one, two, three, four"},
		{"patches", 20, "4 patches"},
		{"patches", 5, "4 pa…"},
		{"in this order", 20, "4, of which one, …"},
	} {
		if got := bot.Counted(items, c.noun, c.max); got != c.want {
			t.Errorf("in %d: %q, not %q", c.max, got, c.want)
		}
	}
	if got := bot.Counted([]string{"a single long value"}, "things", 10); got != "a single …" {
		t.Errorf("one value: %q", got)
	}
}
