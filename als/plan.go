package als

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Level says what a finding does to a request.
type Level string

// Levels of findings.
const (
	Stop Level = "stop" // nothing is posted for approval, nothing runs
	Warn Level = "warn" // shown to the approver
)

// Finding is something that a check found and that people should know.
type Finding struct {
	Level Level  `json:"level"`
	Text  string `json:"text"`          // what was found
	Fix   Advice `json:"mend,omitzero"` // what to do about it
	// Key names the kind of finding and Subjects what it is about: nodes, roles,
	// patches. An approval holds only while no finding has another key or
	// subject, or a worse level, than those that the approvers saw. Without a
	// key, the text is the key.
	Key      string   `json:"key,omitempty"`
	Subjects []string `json:"subjects,omitempty"`
	// Volatile is true of what changes by itself, such as free space. Approvals
	// don't depend on it unless it becomes a Stop.
	Volatile bool `json:"volatile,omitempty"`
}

// key returns what identifies the kind of a finding.
func (f Finding) key() string { return cmp.Or(f.Key, f.Text) }

// Fact is something about the cluster that decides what a plan does. Approvers
// see the facts, and the digest covers them: if one changed, the approval no
// longer holds.
type Fact struct {
	// Key never changes. It is "" in plans stored before facts had keys.
	Key   string `json:"key,omitempty"`
	Name  string `json:"name"` // the label, for people
	Value string `json:"value"`
}

// StableKey returns the fact's key. A fact that was stored without one has the
// key that belongs to its label.
func (f Fact) StableKey() string {
	if f.Key != "" {
		return f.Key
	}
	return factLabels0.key(f.Name)
}

// Plan is what a request would do, as data.
type Plan struct {
	Operation string `json:"operation"`
	// Format says what the digest covers: labels (0, in plans of earlier
	// versions) or keys (1).
	Format   int       `json:"format,omitempty"`
	Effect   Effect    `json:"effect"`
	Steps    []Step    `json:"steps,omitempty"`
	Verify   []Step    `json:"verify,omitempty"` // probes after the steps
	Facts    []Fact    `json:"facts,omitempty"`
	Notes    []string  `json:"notes,omitempty"` // shown, but not part of the digest: durations, free space
	Findings []Finding `json:"findings,omitempty"`
	// Nothing says why there is nothing to do, if so. Steps is empty then.
	Nothing string `json:"nothing,omitempty"`
	// Next accompanies Nothing: what people may want instead.
	Next Advice `json:"next,omitzero"`
	// Patience is how long Verify is repeated while Judge returns Waiting.
	Patience time.Duration `json:"patience,omitempty"`
	// Hints pass what Plan found on to Judge. The digest does not cover them.
	Hints Hints `json:"hints,omitzero"`
	// Targets are where the steps run and as whom, by node.
	Targets []Target `json:"targets,omitempty"`
	// Backup is the run of the last good backup, for a plan that destroys data;
	// "" if there is none.
	Backup string `json:"backup,omitempty"`
}

// Target is how alsbot reaches a node and what it runs there, as the config
// says. The names are those of its keys.
type Target struct {
	Node     string   `json:"node"`
	Addr     string   `json:"addr"`
	HostKeys []string `json:"host_keys,omitempty"` // fingerprints that known_hosts has for it
	User     string   `json:"user"`
	RunAs    string   `json:"run_as,omitempty"`
	Via      string   `json:"via,omitempty"`
	RunsDir  string   `json:"runs_dir"`
	Kato     string   `json:"kato"`
}

// Stopped returns the first finding that stops the plan.
func (p Plan) Stopped() (Finding, bool) {
	for _, f := range p.Findings {
		if f.Level == Stop {
			return f, true
		}
	}
	return Finding{}, false
}

// planFormat is the format of the plans that operations make.
const planFormat = 1

// newPlan returns a plan for a request that does nothing yet.
func newPlan(r Request, effect Effect) Plan {
	return Plan{Operation: r.Operation, Format: planFormat, Effect: effect}
}

// Digest identifies what the plan does, in the plan's own format. Two plans of
// one format with the same digest do the same. It covers the operation, the
// effect, the facts by key and value, the findings by key, subjects and level
// but for the volatile ones, the targets, the last good backup of a plan that
// destroys data, and whether there is nothing to do; of each step it covers
// key, node, argv, secret and whether it always runs. It covers no labels,
// notes, times or sizes. It is a SHA-256 in hex, never empty.
func (p Plan) Digest() string { return p.DigestAs(p.Format) }

// DigestAs returns the plan's digest in a given format. To compare a new plan
// with one that an earlier version stored, use the stored one's format:
// fresh.DigestAs(stored.Format).
func (p Plan) DigestAs(format int) string {
	if format == 0 {
		return p.digest0()
	}
	type step struct {
		Key, Node string
		Argv      []string
		Secret    string
		Always    bool
	}
	type fact struct{ Key, Value string }
	type finding struct{ Key, Subjects, Level string }
	steps, facts := make([]step, len(p.Steps)), make([]fact, len(p.Facts))
	for i, s := range p.Steps {
		steps[i] = step{s.ResultKey(), s.Node, s.Argv, s.Secret, s.Always}
	}
	for i, f := range p.Facts {
		facts[i] = fact{f.StableKey(), f.Value}
	}
	var findings []finding
	for _, f := range p.Findings {
		if !f.Volatile {
			findings = append(findings, finding{f.key(), strings.Join(f.Subjects, "\n"), string(f.Level)})
		}
	}
	slices.SortFunc(findings, func(a, b finding) int {
		return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.Subjects, b.Subjects), cmp.Compare(a.Level, b.Level))
	})
	return digestOf(struct {
		Format    int
		Operation string
		Effect    Effect
		Steps     []step
		Facts     []fact
		Findings  []finding
		Targets   []Target
		Backup    string
		Nothing   bool
	}{planFormat, p.Operation, p.Effect, steps, facts, findings, p.Targets, p.Backup, p.Nothing != ""})
}

// Text shows people the plan: its facts, what would run where, how it is
// verified, and its notes. It does not include findings.
func (p Plan) Text() string {
	var b strings.Builder
	rows := make([][]string, len(p.Facts))
	for i, f := range p.Facts {
		rows[i] = []string{f.Name, f.Value}
	}
	b.WriteString(table(rows))
	for i, s := range p.Steps {
		fmt.Fprintf(&b, "%d. %s, on %s\n   %s\n", i+1, s.Name, s.Node, s.Line())
		if s.Always {
			b.WriteString("   in any case, also after a failure\n")
		}
		if s.Secret != "" {
			fmt.Fprintf(&b, "   with %s of the config on its stdin\n", s.Secret)
		}
	}
	for i, s := range p.Verify {
		if i == 0 {
			b.WriteString("Then it is verified:\n")
		}
		fmt.Fprintf(&b, " - %s, on %s\n", s.Name, s.Node)
	}
	for i, n := range p.Notes {
		if i == 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "%s\n", n)
	}
	return strings.TrimSpace(b.String())
}

// Outcome is the result that a verdict states.
type Outcome string

// Outcomes.
const (
	Succeeded Outcome = "succeeded"
	Failed    Outcome = "failed"
	Waiting   Outcome = "waiting" // probe again: a role is still starting
	// Unconfirmed is the outcome of steps that ended, and whose effect could not
	// be seen. A read is never unconfirmed: it has failed.
	Unconfirmed Outcome = "unconfirmed"
)

// Verdict is the result of a run, judged by effect.
type Verdict struct {
	Outcome Outcome `json:"outcome"`
	Summary string  `json:"summary"` // one sentence; of a read it is what was found
	// Concern is true if a read has succeeded and found that not all is well. A
	// success without it is good news.
	Concern bool   `json:"concern,omitempty"`
	Report  string `json:"report,omitempty"` // plain text, several lines, monospace; may be empty
	Next    Advice `json:"next,omitzero"`    // what to type or do next
	// Whole is true if Report has all that the output says. The output need not
	// be shown then.
	Whole bool `json:"whole,omitempty"`
	// Data is kept with the run, for monitoring.
	Data Data `json:"data,omitzero"`
	// Archives are news of archives, by Run; the archive that this run made has
	// no Run. The caller sets run, operation, cluster, contents and times of a
	// new archive, and the times of news.
	Archives []Archive `json:"archives,omitempty"`
	// File is for the person who made the request. alsbot posts it in the run's
	// thread.
	File *File `json:"file,omitempty"`
}

// File is a file on a node.
type File struct {
	Name   string   `json:"name"`
	Place  string   `json:"place"` // where it is, for people
	Node   string   `json:"node"`
	Size   int64    `json:"size"` // bytes
	SHA256 string   `json:"sha256"`
	Send   []string `json:"send"`   // argv that prints its bytes and nothing else; its status is not 0 if the file has changed or is gone
	Remove []string `json:"remove"` // argv that removes it once it was posted, unless it has changed
}

// Conclude calls Judge. It also counts the patches and roles that the
// verification read, if that is whole: they are as good for monitoring as a
// `patch status` and a `status`.
func (op Operation) Conclude(r Request, c Cluster, p Plan, rs Results) Verdict {
	v := op.Judge(r, c, p, rs)
	if list, err := readStep(rs, probePatchesAfter, ReadPatches); err == nil {
		v.Data.Patches = countPatches(list)
	}
	if status, err := c.status(rs, probeRolesAfter); err == nil && c.wholeStatus(status) {
		v.Data.Roles = countRoles(status)
	}
	return v.bounded()
}

// wholeStatus reports whether a status tells of every node and role that the
// survey found. Without a list of nodes nobody knows.
func (c Cluster) wholeStatus(s Status) bool {
	absent, missing := s.lacks(c.Nodes)
	return len(c.Nodes) > 0 && c.Nodes[0].IP != Core && len(absent)+len(missing) == 0
}

// What a node prints decides how long a verdict is, and it stays on record.
const (
	summaryMost  = 2000
	verdictLines = 200 << 10 // bytes of the report
)

// bounded returns the verdict in a size for people.
func (v Verdict) bounded() Verdict {
	if len(v.Summary) > summaryMost {
		v.Summary = printable(v.Summary, summaryMost)
	}
	if len(v.Report) > verdictLines {
		keep := v.Report[:verdictLines]
		keep = keep[:strings.LastIndexByte(keep, '\n')+1]
		v.Whole = false
		v.Report = fmt.Sprintf("%s[cut: %s more]\n", strings.ToValidUTF8(keep, ""), size(int64(len(v.Report)-len(keep))))
	}
	return v
}

// Refusal is a request that cannot be carried out as it stands. alsbot tells
// the person who made it, and nothing runs.
type Refusal struct { //nolint:errname // people see its text as it is
	Text string // what is wrong
	Next Advice // what to type instead
}

func (r *Refusal) Error() string {
	if r.Next.Empty() {
		return r.Text
	}
	return r.Text + ". " + r.Next.Text
}

// Command returns what the step runs: its argv with its figures.
func (s Step) Command() []string {
	argv := slices.Clone(s.Argv)
	for _, n := range s.Figures {
		argv = append(argv, strconv.FormatInt(n, 10))
	}
	return argv
}

// Weighed returns a step that is about to begin, with the figures that come
// from the results of the steps before it.
func (op Operation) Weighed(r Request, c Cluster, p Plan, rs Results, s Step) Step {
	if s.Weigh && op.Weigh != nil {
		s.Figures = op.Weigh(r, c, p, rs)
	}
	return s
}

// RemovesTemporary reports whether the step only removes temporary files that
// its run has made. It may then run after the end of a run whose outcome was
// unknown, once a person has acknowledged it.
func (s Step) RemovesTemporary() bool { return s.Always && s.ResultKey() == stepClean.key }

// Line returns the step's command for people. A script is shown by its name
// instead of its text.
func (s Step) Line() string {
	argv := s.Command()
	if s.isScript() {
		argv = argv[3:]
	}
	words := make([]string, len(argv))
	for i, w := range argv {
		words[i] = w
		if w == "" || strings.ContainsAny(w, " \t\n\"'$`\\&|;<>(){}*?") {
			words[i] = strconv.Quote(w)
		}
	}
	return strings.Join(words, " ")
}

// isScript reports whether the step is `sh -c TEXT NAME ARG…`.
func (s Step) isScript() bool { return len(s.Argv) > 3 && s.Argv[0] == "sh" && s.Argv[1] == "-c" }
