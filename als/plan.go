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

// The levels of findings.
const (
	Stop Level = "stop" // nothing is posted for approval, nothing runs
	Warn Level = "warn" // shown to the approver
)

// Finding is something that a check saw and a person should know.
type Finding struct {
	Level Level  `json:"level"`
	Text  string `json:"text"`           // what is the case
	Fix   string `json:"mend,omitempty"` // what to do about it
	// Reword is true where only other words than were typed mend it: the same
	// ones would be refused again.
	Reword bool `json:"reword,omitempty"`
}

// Fact is something about the cluster that decides what a plan does. Facts
// are shown to the approver and are part of the digest: if one has changed, the
// approval no longer holds.
type Fact struct {
	// Key never changes; it is "" in plans that were stored before facts had keys.
	Key   string `json:"key,omitempty"`
	Name  string `json:"name"` // the label, for people
	Value string `json:"value"`
}

// Plan is what a request would do, as data.
type Plan struct {
	Operation string `json:"operation"`
	// Format says what the digest covers: labels of steps and facts (0, plans
	// of earlier versions) or their keys (1).
	Format   int       `json:"format,omitempty"`
	Effect   Effect    `json:"effect"`
	Steps    []Step    `json:"steps,omitempty"`
	Verify   []Step    `json:"verify,omitempty"` // read-only looks after the steps
	Facts    []Fact    `json:"facts,omitempty"`
	Notes    []string  `json:"notes,omitempty"` // shown, but not part of the digest: durations, free space
	Findings []Finding `json:"findings,omitempty"`
	// Nothing, when set, says why there is nothing to do; Steps is empty.
	Nothing string `json:"nothing,omitempty"`
	// Next and Offers are, beside Nothing, what somebody may want instead, as in
	// a Verdict.
	Next   string   `json:"next,omitempty"`
	Offers []string `json:"offers,omitempty"`
	// Patience is how long Verify is repeated while Judge says Waiting.
	Patience time.Duration `json:"patience,omitempty"`
	// Hints carry what Plan knows and Judge needs; not part of the digest.
	Hints Hints `json:"hints,omitzero"`
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

// newPlan returns the plan of a request, as yet without anything to do.
func newPlan(r Request, effect Effect) Plan {
	return Plan{Operation: r.Operation, Format: planFormat, Effect: effect}
}

// Digest identifies what the plan would do, in the plan's own format: two plans
// of one format with the same digest do the same. It covers operation, effect,
// the key, node, argv and secret of each step and whether it always runs, the
// facts by key and value, and whether there is nothing to do. It covers no
// labels, findings, notes, times or sizes. It is a SHA-256 in hex, never empty.
func (p Plan) Digest() string { return p.DigestAs(p.Format) }

// DigestAs returns the digest that the plan has in a format. A plan that was
// stored by an earlier version is compared with a new one in the format of the
// stored one: fresh.DigestAs(stored.Format).
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
	steps, facts := make([]step, len(p.Steps)), make([]fact, len(p.Facts))
	for i, s := range p.Steps {
		steps[i] = step{s.ResultKey(), s.Node, s.Argv, s.Secret, s.Always}
	}
	for i, f := range p.Facts {
		facts[i] = fact{cmp.Or(f.Key, f.Name), f.Value}
	}
	return digestOf(struct {
		Format    int
		Operation string
		Effect    Effect
		Steps     []step
		Facts     []fact
		Nothing   bool
	}{planFormat, p.Operation, p.Effect, steps, facts, p.Nothing != ""})
}

// Text shows people the plan: what decides it, what would run where, how it
// is verified, and what is good to know. Findings are not in it.
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

// Outcome is what a verdict says.
type Outcome string

// The outcomes.
const (
	Succeeded Outcome = "succeeded"
	Failed    Outcome = "failed"
	Waiting   Outcome = "waiting" // look again: something is still starting
)

// Verdict is what became of a run, judged by effect.
type Verdict struct {
	Outcome Outcome `json:"outcome"`
	Summary string  `json:"summary"`          // one sentence
	Report  string  `json:"report,omitempty"` // plain text, several lines, monospace; may be empty
	Next    string  `json:"next,omitempty"`   // what to type or do next
	// Offers are whole commands, with the cluster, that Next names and that
	// somebody may want next: at most MaxOffers, and none of effect Destroy.
	// Each is only words: asked for, it is checked and approved as if typed.
	Offers []string `json:"offers,omitempty"`
	// Whole is true when Report already says all that the output says, so
	// that the output need not be shown beside it.
	Whole bool `json:"whole,omitempty"`
	// Data is kept with the run, for monitoring.
	Data Data `json:"data,omitzero"`
	// Archives are news of archives, by Run; the one that this run has made
	// itself needs none. Run, operation, cluster, contents and times of a new
	// one, and the times of what is news, are filled in by who keeps them.
	Archives []Archive `json:"archives,omitempty"`
	// File is for who asked; it goes into the thread of the run.
	File *File `json:"file,omitempty"`
}

// MaxOffers is how many commands a verdict offers; where more are wanted,
// Next names them all.
const MaxOffers = 3

// offering is the verdict with commands to go on with: words say what to do,
// with %s in the place of the commands, which can be pressed too.
func (v Verdict) offering(words string, commands ...string) Verdict {
	v.Next, v.Offers = strings.Replace(words, "%s", typedAll(commands), 1), commands[:min(len(commands), MaxOffers)]
	return v
}

// File is a file on a node.
type File struct {
	Name   string   `json:"name"`
	Place  string   `json:"place"` // where it is, for people
	Node   string   `json:"node"`
	Size   int64    `json:"size"` // bytes
	SHA256 string   `json:"sha256"`
	Send   []string `json:"send"`   // argv that prints its bytes and nothing else; a status other than 0 says that it is not there as it was
	Remove []string `json:"remove"` // argv that removes it, if it is what it was: for when it has been taken
}

// Conclude is Judge, and adds to the verdict's data what monitoring keeps of
// the looks at patches and roles that verified the steps: they are as good as
// a `patch status` and a `status`.
func (op Operation) Conclude(r Request, c Cluster, p Plan, rs Results) Verdict {
	v := op.Judge(r, c, p, rs)
	if list, err := readStep(rs, probePatchesAfter, ReadPatches); err == nil {
		v.Data.Patches = countPatches(list)
	}
	if status, err := readStep(rs, probeRolesAfter, ReadStatus); err == nil {
		v.Data.Roles = countRoles(status)
	}
	return v
}

// Refusal is a request that cannot be carried out as asked: said to the
// person who asked, and nothing runs.
type Refusal struct { //nolint:errname // it is said to people as what it is
	Text string // what is wrong
	Next string // what to type instead
}

func (r *Refusal) Error() string {
	if r.Next == "" {
		return r.Text
	}
	return r.Text + ". " + r.Next
}

// Command is what the step runs: its argv with its figures.
func (s Step) Command() []string {
	argv := slices.Clone(s.Argv)
	for _, n := range s.Figures {
		argv = append(argv, strconv.FormatInt(n, 10))
	}
	return argv
}

// Line is the step's command for people: its words, and for a script of ours
// its name in place of its text.
func (s Step) Line() string {
	argv := s.Command()
	if len(argv) > 3 && argv[0] == "sh" && argv[1] == "-c" {
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
