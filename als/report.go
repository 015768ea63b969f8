package als

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// table lays out rows in columns, two blanks between them.
func table(rows [][]string) string {
	var width []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(width) {
				width = append(width, 0)
			}
			width[i] = max(width[i], len([]rune(cell)))
		}
	}
	var b strings.Builder
	for _, row := range rows {
		line := ""
		for i, cell := range row {
			line += cell + strings.Repeat(" ", width[i]-len([]rune(cell))+2)
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	return b.String()
}

// count writes a number with its noun: "1 patch", "2 patches".
func count(n int, noun string) string {
	switch {
	case n == 1:
		return "1 " + noun
	case strings.HasSuffix(noun, "ch"):
		noun += "es"
	case strings.HasSuffix(noun, "process"):
		noun += "es"
	default:
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}

// list joins words for a sentence and cuts a long list short.
func list(words []string) string {
	const most = 12
	if len(words) > most {
		return strings.Join(words[:most], ", ") + fmt.Sprintf(" and %d more", len(words)-most)
	}
	return strings.Join(words, ", ")
}

func orNone(words []string) string {
	if len(words) == 0 {
		return "none"
	}
	return list(words)
}

func orNoneText(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// duration writes a duration as 4m 12s.
func duration(d time.Duration) string {
	d = d.Round(time.Second)
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm %ds", int(d.Minutes()), int(d.Seconds())%60)
	}
	return fmt.Sprintf("%dh %dm", int(d.Hours()), int(d.Minutes())%60)
}

// lastTime is the note that says how long an operation took before.
func lastTime(c Cluster) []string {
	if c.History.Last <= 0 {
		return []string{"It has not succeeded on this cluster before, so there is no telling how long it takes."}
	}
	return []string{"It took " + duration(c.History.Last) + " last time."}
}

// typed is a command for a person to type, with the cluster.
func (c Cluster) typed(words ...string) string { return "`" + c.command(words...) + "`" }

// typedAll shows commands as typed does.
func typedAll(commands []string) string {
	var out []string
	for _, command := range commands {
		out = append(out, "`"+command+"`")
	}
	return list(out)
}

// command is a whole command, with the cluster.
func (c Cluster) command(words ...string) string {
	s := strings.Join(words, " ")
	if c.Name != "" {
		s += " @" + c.Name
	}
	return s
}

// how tells how a step ended, as a clause: what kato says, which is not what
// is believed.
func how(rs Results, step string) string {
	r, ok := rs.Find(step, "")
	switch {
	case !ok:
		return "the step was not run"
	case r.Trouble != "":
		return printable(r.Trouble, 200)
	}
	if p, asks := Prompt(r.Output); asks {
		return "it asked a person and got no answer: " + p
	}
	if missingKato(r) {
		return "kato was not found on " + nodeWords(r.Node)
	}
	s := fmt.Sprintf("kato ended with status %d", r.Exit)
	if said := complaint(r.Output); said != "" {
		return s + " and said: " + said
	}
	if r.Exit != 0 {
		s += lastWords(r.Output)
	}
	return s
}

// failedStep returns the first step of the plan that did not end with 0 and
// why, in words; clean-up and tolerated steps aside.
func failedStep(p Plan, rs Results) (Finding, bool) {
	for _, s := range p.Steps {
		r, ok := rs.Find(s.Name, s.Node)
		if !ok || s.Always || s.Tolerate || r.OK() {
			continue
		}
		if f, bad := trouble(r); bad {
			return f, true
		}
	}
	return Finding{}, false
}

// ReadOutput is what is left to say where nothing better is known. It names no
// run, which is not known here: jobs says what to type in its place.
const ReadOutput = "Read the output of this run."

// nothingRead is the verdict when a step's result is missing or unusable.
func nothingRead(f Finding) Verdict {
	if f.Mend == "" {
		f.Mend = ReadOutput
	}
	return Verdict{Outcome: Failed, Summary: whole(f.Text), Next: f.Mend}
}

// whole makes a clause a sentence; nothing stays nothing.
func whole(clause string) string {
	s := sentence(clause)
	if s == "" || strings.ContainsAny(s[len(s)-1:], ".?!") {
		return s
	}
	return s + "."
}

// onNode is a role on a node, as plans remember it.
type onNode struct{ Role, Node string }

func (o onNode) String() string { return o.Role + " on " + nodeWords(o.Node) }

// pack and unpack keep such pairs in a plan's hints.
func pack(pairs []onNode) string {
	var out []string
	for _, p := range pairs {
		out = append(out, p.Role+"@"+p.Node)
	}
	return strings.Join(out, " ")
}

func unpack(s string) []onNode {
	var out []onNode
	for _, w := range strings.Fields(s) {
		role, node, _ := strings.Cut(w, "@")
		out = append(out, onNode{role, node})
	}
	return out
}

// words writes pairs role by role: "dea on 10.0.0.12, 10.0.0.13; router on …".
func pairWords(pairs []onNode) string {
	var roles, out []string
	nodes := map[string][]string{}
	for _, p := range pairs {
		if !slices.Contains(roles, p.Role) {
			roles = append(roles, p.Role)
		}
		nodes[p.Role] = append(nodes[p.Role], nodeWords(p.Node))
	}
	slices.Sort(roles)
	for _, r := range roles {
		out = append(out, r+" on "+list(nodes[r]))
	}
	return strings.Join(out, "; ")
}

// where finds the nodes that have a role, by the survey and by what
// `kato status` lists.
func where(c Cluster, s Status, role string) []string {
	var out []string
	for _, n := range c.NodesWith(role) {
		out = append(out, n.IP)
	}
	for _, ip := range s.Nodes(role) {
		if ip != "" && !slices.Contains(out, ip) {
			out = append(out, ip)
		}
	}
	slices.SortFunc(out, byIP)
	return out
}

// settled holds the roles that should run against a fresh status. A role that
// is FATAL or STOPPED is down at once; one that is starting is waited for.
func settled(s Status, want []onNode) (down, moving []string) {
	for _, w := range want {
		c := s.Of(w.Node, w.Role)
		switch {
		case c.Healthy():
		case c.Moving():
			moving = append(moving, fmt.Sprintf("%s is %s", w, c))
		default:
			down = append(down, fmt.Sprintf("%s is %s", w, c))
		}
	}
	return down, moving
}
