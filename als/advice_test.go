package als_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"alsbot/als"
)

// checkAdvice fails unless an advice's commands are exactly what its text has
// in back-ticks, in that order.
func checkAdvice(t *testing.T, a als.Advice) {
	t.Helper()
	var quoted []string
	for i, piece := range strings.Split(a.Text, "`") {
		if i%2 == 1 {
			quoted = append(quoted, piece)
		}
	}
	if !slices.Equal(quoted, a.Commands) {
		t.Errorf("commands %q: %s", a.Commands, a.Text)
	}
	for _, command := range a.Offers {
		if !slices.Contains(a.Commands, command) {
			t.Errorf("%q is offered and not named: %s", command, a.Text)
		}
	}
}

func TestAdviceNamesItsCommands(t *testing.T) {
	status := als.Advise("the cluster (%s)", als.Typed("status @prod"))
	for _, tt := range []struct {
		name string
		got  als.Advice
		want als.Advice
	}{
		{"no command", als.Advise("Try again."), als.Advice{Text: "Try again."}},
		{"commands, among them a list and those of another advice",
			als.Advise("Look at %s, type %s or %s on %s.", status, []als.Typed{"start", "stop"}, als.Typed("retry 7"), "the core"),
			als.Advice{Text: "Look at the cluster (`status @prod`), type `start`, `stop` or `retry 7` on the core.", Commands: []string{"status @prod", "start", "stop", "retry 7"}}},
		{"what a node prints is no command", als.Advise("Look at %s.", "`rm -rf /`"), als.Advice{Text: "Look at `rm -rf /`."}},
		{"nothing before", als.Advice{}.And(status), status},
		{"nothing after", status.And(als.Advice{}), status},
		{"the first is not empty", status.Or(als.ReadOutput), status},
		{"the first is empty", als.Advice{}.Or(als.ReadOutput), als.ReadOutput},
		{"one after the other, with no more offers than fit",
			als.Advice{Text: "A", Commands: []string{"a"}, Offers: []string{"a", "b"}}.And(als.Advice{Text: "B", Commands: []string{"b"}, Offers: []string{"c", "d"}, Reword: true}),
			als.Advice{Text: "A B", Commands: []string{"a", "b"}, Offers: []string{"a", "b", "c"}, Reword: true}},
		{"only generic", als.ReadOutput.Specific(), als.Advice{}},
		{"generic, and more", als.ReadOutput.And(als.Advise("Make room.")).Specific(), als.Advise("Make room.")},
		{"specific", status.Specific(), status},
		{"a clause ends", als.Advise("is it up").Ended(), als.Advise("is it up.")},
		{"a question has ended", als.Advise("is it up?").Ended(), als.Advise("is it up?")},
	} {
		if !reflect.DeepEqual(tt.got, tt.want) {
			t.Errorf("%s:\n got %#v\nwant %#v", tt.name, tt.got, tt.want)
		}
	}
}

func TestStoredAdviceIsRead(t *testing.T) {
	for name, tt := range map[string]struct {
		stored    string
		got, want any
	}{
		"a text": {`"Look with ` + "`status @prod` and `df`" + `."`, &als.Advice{},
			&als.Advice{Text: "Look with `status @prod` and `df`.", Commands: []string{"status @prod", "df"}}},
		"a text with one back-tick": {`"a ` + "`" + `b"`, &als.Advice{}, &als.Advice{Text: "a `b"}},
		"the generic text": {`"Read the output of this run. Make room."`, &als.Advice{},
			&als.Advice{Text: "Read the output of this run. Make room.", Generic: true}},
		"a finding": {`{"level":"stop","text":"no patch x","mend":"Try ` + "`y`" + `.","reword":true}`, &als.Finding{},
			&als.Finding{Level: als.Stop, Text: "no patch x", Fix: als.Advice{Text: "Try `y`.", Commands: []string{"y"}, Reword: true}}},
		"a finding without advice": {`{"level":"warn","text":"x"}`, &als.Finding{}, &als.Finding{Level: als.Warn, Text: "x"}},
		"a plan": {`{"operation":"patch install","effect":"restart","nothing":"x","next":"Type ` + "`a`" + `.","offers":["a"]}`, &als.Plan{},
			&als.Plan{Operation: "patch install", Effect: als.Restart, Nothing: "x", Next: als.Advice{Text: "Type `a`.", Commands: []string{"a"}, Offers: []string{"a"}}}},
		"a verdict": {`{"outcome":"failed","summary":"x","next":"Type ` + "`a`, `b`, `c`, `d`" + `.","offers":["a","b","c","d"]}`, &als.Verdict{},
			&als.Verdict{Outcome: als.Failed, Summary: "x", Next: als.Advice{Text: "Type `a`, `b`, `c`, `d`.", Commands: []string{"a", "b", "c", "d"}, Offers: []string{"a", "b", "c"}}}},
		"a result": {`{"key":"k","step":"s","node":"core","exit":0,"trouble":"x","mend":"is it up?"}`, &als.Result{},
			&als.Result{Key: "k", Step: "s", Node: "core", Trouble: "x", Fix: als.Advice{Text: "is it up?"}}},
	} {
		if err := json.Unmarshal([]byte(tt.stored), tt.got); err != nil || !reflect.DeepEqual(tt.got, tt.want) {
			t.Errorf("%s: %v\n got %+v\nwant %+v", name, err, tt.got, tt.want)
		}
		again := reflect.New(reflect.TypeOf(tt.want).Elem()).Interface()
		b, err := json.Marshal(tt.want)
		must(t, err)
		if err := json.Unmarshal(b, again); err != nil || !reflect.DeepEqual(again, tt.want) {
			t.Errorf("%s, stored anew as %s: %v, %+v", name, b, err, again)
		}
	}
	for _, bad := range []string{`7`, `["a"]`, `{"text":7}`} {
		if err := json.Unmarshal([]byte(bad), &als.Advice{}); err == nil {
			t.Errorf("%s is read as an advice", bad)
		}
	}
}
