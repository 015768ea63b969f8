package als

import (
	"fmt"
	"strings"
)

// kato's own history as a second witness: it keeps a line for every command
// that changed something, with what became of it, also where the exit status
// is always 0. It can contradict kato's output; alone it proves nothing.

const (
	lookHistory  = "read kato's history"
	againHistory = "read kato's history again"
	hintHistory  = "history"
)

func (c Cluster) lookHistory(name string) Step {
	s := c.look(name, "history", "--json")
	s.Tolerate = true
	return s
}

// testimony is what the history says of a command since the plan was made.
type testimony int

const (
	silent       testimony = iota // it cannot be read, or was not before
	nothingSince                  // it can be read, and has no new entry
	wentWell
	wentWrong
)

// mark remembers, for testify, the newest entry of a command.
func mark(rs Results, step, command string) string {
	r, ok := rs.Find(step, "")
	actions := ReadHistory(r.Output)
	if !ok || !r.OK() || len(actions) == 0 {
		return ""
	}
	n, last := 0, Action{}
	for _, a := range actions {
		if strings.Contains(" "+a.Command+" ", " "+command+" ") {
			n, last = n+1, a
		}
	}
	return fmt.Sprintf("%d %s %s", n, last.When, strings.ToLower(last.Status))
}

// testify compares the newest entry of a command with the one before.
func testify(p Plan, rs Results, command string) testimony {
	before, now := p.Hints[hintHistory], mark(rs, againHistory, command)
	switch {
	case before == "" || now == "":
		return silent
	case before == now:
		return nothingSince
	case strings.HasSuffix(now, " succeeded"):
		return wentWell
	case strings.HasSuffix(now, " failed"):
		return wentWrong
	}
	return silent
}

func (t testimony) String() string {
	return [...]string{"cannot be read", "has no such command", "says that it succeeded", "says that it failed"}[t]
}
