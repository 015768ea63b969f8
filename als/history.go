package als

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// kato's history lists the commands that were run on the cluster, by alsbot or
// by anyone else.

var opHistory = reading(Operation{
	Name: "history", Summary: "show which kato commands were run in the cluster, by whomever",
	Example: "history @prod",
	Flags:   nodeFlag("this node only"),
	Judge:   judgeHistory,
}, func(r Request) []string { return withNode(r, "history", "--json") })

// Action is one entry of kato's history. A field that kato does not tell is
// "".
type Action struct{ When, Node, Command, Status string }

var (
	historyLog = mustCompile(`^\[info\] \(\d+\) INVOKE-ADMIN-ACTION (\{.*\})$`)
	infoLine   = mustCompile(`^\[info\] (?:\(\d*(?:\) ?|$))?(.*)$`)
)

const historyMark = "INVOKE-ADMIN-ACTION"

// partOfAction reports whether a line of kato.log may be what is left of an
// action.
func partOfAction(text string) bool {
	m := infoLine.FindStringSubmatch(text)
	return m != nil && (strings.HasPrefix(historyMark, m[1]) || strings.HasPrefix(m[1], historyMark))
}

// ReadHistory reads the output of `kato history --json`, or lines of kato.log.
// It returns an error unless it could read all of it; the actions are then
// those that it could read. A history that lists no action is not an error.
func ReadHistory(out []byte) ([]Action, error) {
	list, g := actionList{}, &gaps{}
	tree, _ := findJSON(out, g)
	items, isArray := tree.([]any)
	if list.read = isArray; !isArray {
		g = &gaps{}
		list.lines(clean(out), g)
	}
	for _, item := range items {
		list.add(item, field{"an action", item}.String(), g)
	}
	if list.read {
		return list.actions, g.err("kato's history")
	}
	if said := complaint(out); said != "" {
		return nil, fmt.Errorf("kato could not tell its history: %s", said)
	}
	return nil, errors.New("kato's history cannot be read: it has none of the shapes that kato is known to print")
}

type actionList struct {
	actions []Action
	read    bool // it is a history, perhaps an empty one
}

// add adds an action. said is its text.
func (l *actionList) add(v any, said string, g *gaps) {
	o, _ := v.(object)
	field := func(key string, most int) string { s, _ := o.get(key).(string); return printable(s, most) }
	a := Action{field("time", 40), field("node", 45), field("command", 300), field("status", 40)}
	if a.Command == "" || a.Status == "" {
		g.line(said)
		return
	}
	if first := append(l.actions, a)[0]; (a.When == "") != (first.When == "") {
		g.say("not every action has its time")
	}
	o.twice(g)
	l.actions, l.read = append(l.actions, a), true
}

// lines reads one action a line.
func (l *actionList) lines(lines []string, g *gaps) {
	for _, line := range lines {
		text := strings.TrimSpace(line)
		if m := historyLog.FindStringSubmatch(text); m != nil {
			text = m[1]
		}
		switch v, found := findJSON([]byte(text), g); {
		case found && text[0] == '{':
			l.add(v, text, g)
		case !isNoise(line), partOfAction(text):
			g.line(line)
		}
	}
	g.textEnd(lines)
}

// toSecond shortens a time that kato wrote to seconds. It returns a text that
// is no such time unchanged.
func toSecond(when string) string {
	t, err := time.Parse(time.RFC3339Nano, when)
	if err != nil {
		return when
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}

func judgeHistory(_ Request, _ Cluster, _ Plan, rs Results) Verdict {
	actions, err := readPart(rs, stepID{rs[0].Key, rs[0].Step}, ReadHistory)
	if err == nil && len(actions) == 0 {
		return Verdict{Outcome: Succeeded, Summary: "kato's history lists no action."}
	}
	const most = 50
	skipped := max(0, len(actions)-most)
	var rows [][]string
	for _, a := range actions[skipped:] {
		rows = append(rows, []string{toSecond(a.When), a.Node, a.Status, a.Command})
	}
	v := Verdict{Outcome: Succeeded, Whole: skipped == 0, Summary: count(len(actions), "action") + ".", Report: table(rows)}
	if skipped > 0 {
		v.Summary = fmt.Sprintf("The last %d of %d actions.", most, len(actions))
	}
	if err != nil {
		return partRead(err, count(len(actions), "action"), v)
	}
	return v
}
