package als

import (
	"encoding/json"
	"fmt"
	"regexp"
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

// opensArray matches the first line of a JSON array of objects.
var opensArray = regexp.MustCompile(`^ *\[ *(\{|$)`)

// ReadHistory finds the actions in the output of `kato history --json`, or in
// lines of kato.log. An output without actions is no error: perhaps none was
// run. JSON whose end is missing counts as empty, since its last action would
// be older than it seems.
func ReadHistory(out []byte) []Action {
	var actions []Action
	add := func(m map[string]any) {
		field := func(key string, most int) string { return printable(text(m[key]), most) }
		a := Action{field("time", 40), field("node", 45), field("command", 300), field("status", 40)}
		if a.Command != "" && a.Status != "" {
			actions = append(actions, a)
		}
	}
	var entries []map[string]any
	if fromJSON(out, &entries) == nil {
		for _, m := range entries {
			add(m)
		}
	}
	if len(actions) > 0 {
		return actions
	}
	for _, l := range clean(out) {
		if opensArray.MatchString(l) {
			return nil
		}
		for next := strings.IndexByte(l, '{'); next >= 0; {
			l = l[next:]
			var m map[string]any
			d := json.NewDecoder(strings.NewReader(l))
			if d.Decode(&m) != nil {
				break
			}
			add(m)
			l = l[d.InputOffset():]
			next = strings.IndexByte(l, '{') // if the beginning of an array is missing, the next object is on the same line
		}
	}
	return actions
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
	if f, bad := trouble(rs[0]); bad {
		return nothingRead(f)
	}
	actions := ReadHistory(rs[0].Output)
	if len(actions) == 0 {
		return Verdict{Outcome: Succeeded, Summary: "No action can be made out in kato's history."}
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
	return v
}
