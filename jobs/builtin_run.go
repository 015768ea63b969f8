package jobs

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"alsbot/runs"
)

// table is text in columns.
type table struct {
	b strings.Builder
	w *tabwriter.Writer
}

func newTable(heads ...string) *table {
	t := &table{}
	t.w = tabwriter.NewWriter(&t.b, 0, 0, 2, ' ', 0)
	t.row(heads...)
	return t
}

// row adds a line. Writing to a strings.Builder does not fail.
func (t *table) row(cells ...string) { _, _ = fmt.Fprintln(t.w, strings.Join(cells, "\t")) }

func (t *table) String() string {
	_ = t.w.Flush()
	var lines []string
	for l := range strings.Lines(t.b.String()) {
		lines = append(lines, strings.TrimRight(l, " \n"))
	}
	return strings.Join(lines, "\n")
}

// ago renders how long ago a time was, in the largest unit that fits.
func ago(t time.Time) string {
	switch d := time.Since(t); {
	case d < time.Minute:
		return fmt.Sprintf("%ds ago", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm ago", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh ago", int(d.Hours()))
	}
	return t.UTC().Format("2006-01-02")
}

// describeRun shows a whole run: who asked, who decided, its steps and its end,
// and then its whole plan. waits says what a queued run waits for.
func describeRun(r runs.Run, a *runs.Approval, waits string) string {
	var b strings.Builder
	add := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "%-10s %s\n", name, fmt.Sprintf(format, args...))
	}
	clock := func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 MST") }
	add("run", "%s", r.ID)
	add("command", "%s", r.Text)
	add("cluster", "@%s", r.Request.Cluster)
	add("state", "%s", r.State)
	add("asked", "%s by %s", clock(r.Asked), r.By.Name())
	if r.Request.Reason != "" {
		add("reason", "%s", r.Request.Reason)
	}
	if r.Replaces != "" {
		add("replaces", "%s: %s", r.Replaces, r.Changed)
	}
	if a != nil {
		add("approval", "%s, %d of %d", a.State, len(a.Votes), a.Quorum)
		if a.State == runs.ApprovalWaiting && r.State == runs.Awaiting {
			add("", "open until %s", clock(a.Expires))
		}
		if a.Unshown != "" && r.State == runs.Awaiting {
			add("", "without its Approve button: %s", a.Unshown)
		}
		for _, v := range a.Votes {
			add("", "approved by %s at %s", v.By.Name(), clock(v.At))
		}
		if a.Closed != nil {
			add("", "%s by %s at %s", a.State, a.Closed.By.Name(), clock(a.Closed.At))
		}
	}
	if r.Digest != "" {
		add("digest", "%s", r.Digest)
	}
	for i, s := range r.Steps {
		add(fmt.Sprintf("step %d", i+1), "%q on %s: %s", s.Step.Name, s.Step.Node, stepState(s))
	}
	if r.Cancel != nil {
		add("cancel", "asked for by %s at %s", r.Cancel.By.Name(), clock(r.Cancel.At))
	}
	if !r.Ended.IsZero() {
		add("ended", "%s", clock(r.Ended))
	}
	if waits != "" {
		add("now", "%s", waits)
	}
	if r.Remark != "" && !r.State.Final() {
		add("now", "%s", r.Remark)
	}
	if r.Verdict != nil {
		add("verdict", "%s", r.Verdict.Summary)
	}
	if r.Trouble != "" {
		add("trouble", "%s", r.Trouble)
	}
	if r.Settled != nil {
		add("settled", "acknowledged by %s at %s", r.Settled.By.Name(), clock(r.Settled.At))
	}
	switch {
	case !r.Next.Empty():
		add("next", "%s", r.Next)
	case !r.State.Final() && r.Cancel == nil && r.Remark == "":
		add("next", "type `cancel %s` if it is not wanted any more", r.ID)
	}
	if r.Plan != nil {
		b.WriteString("\nThe plan\n" + r.Plan.Whole())
	}
	return strings.TrimRight(b.String(), "\n")
}

// stepState says in words how far a step has come.
func stepState(s runs.StepRecord) string {
	switch {
	case s.Exit != nil && s.Trouble != "":
		return fmt.Sprintf("exit %d, %s", *s.Exit, s.Trouble)
	case s.Exit != nil:
		return fmt.Sprintf("exit %d, %s", *s.Exit, s.Ended.Sub(s.Started).Round(time.Second))
	case s.Trouble != "":
		return s.Trouble
	case !s.Started.IsZero():
		return "running since " + s.Started.UTC().Format("2006-01-02 15:04:05 MST")
	}
	return "not run"
}
