package als

import (
	"fmt"
	"strings"
)

// kato's history as evidence. kato records every command that changes
// something with its result, even in versions whose exit status is always 0.
// The history can contradict what kato printed. Alone it proves nothing.

var (
	probeHistory      = stepID{"history", "read kato's history"}
	probeHistoryAfter = stepID{"history-after", "read kato's history again"}
)

func (c Cluster) probeHistory(id stepID) Step {
	s := c.probe(id, "history", "--json")
	s.Tolerate = true
	return s
}

// evidence is what the history says of a command since the plan was made.
type evidence int

const (
	evidenceNone    evidence = iota // the history could not be read, now or before
	evidenceMissing                 // the history has no new entry
	evidenceSuccess
	evidenceFailure
)

// baseline describes the newest entry of a command and how many there are, for
// evidenceFor and newEntries to compare with. It returns "" if the history
// could not be read.
func baseline(rs Results, id stepID, command string) string {
	r, ok := rs.find(id, "")
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

// evidenceFor compares the newest entry of a command with the plan's baseline.
func evidenceFor(p Plan, rs Results, command string) evidence {
	before, now := p.Hints.History, baseline(rs, probeHistoryAfter, command)
	switch {
	case before == "" || now == "":
		return evidenceNone
	case before == now:
		return evidenceMissing
	case strings.HasSuffix(now, " succeeded"):
		return evidenceSuccess
	case strings.HasSuffix(now, " failed"):
		return evidenceFailure
	}
	return evidenceNone
}

// newEntries returns the entries of a command since the plan was made. known
// is false if the history could not be read now, or then.
func newEntries(p Plan, rs Results, command string) (fresh []Action, known bool) {
	before := p.Hints.History
	if before == "" || baseline(rs, probeHistoryAfter, command) == "" {
		return nil, false
	}
	r, _ := rs.find(probeHistoryAfter, "")
	var all []Action
	for _, a := range ReadHistory(r.Output) {
		if strings.Contains(" "+a.Command+" ", " "+command+" ") {
			all = append(all, a)
		}
	}
	var had int
	_, _ = fmt.Sscan(before, &had)
	// kato may have dropped old entries since, so the number of entries alone is
	// not enough.
	since := 0
	for since < len(all) && !strings.HasSuffix(before, fmt.Sprintf(" %s %s", all[len(all)-1-since].When, strings.ToLower(all[len(all)-1-since].Status))) {
		since++
	}
	return all[len(all)-min(len(all), max(since, len(all)-had)):], true
}

// unconfirmed says why the effect of a command is not confirmed. It is used
// where the effect can't be seen, such as a restart of roles that ran before
// too.
type unconfirmed struct {
	why    string // a clause; "" if kato and its history both report success
	denied bool   // kato or its history says that it failed
	missed bool   // the history lacks the command
}

// unconfirmedBy checks how a step ended against kato's history.
func unconfirmedBy(p Plan, rs Results, step stepID, command string) unconfirmed {
	r, ok := rs.find(step, "")
	if _, asks := Prompt(r.Output); !ok || !r.OK() || asks || complaint(r.Output) != "" {
		return unconfirmed{why: describeEnd(rs, step), denied: true}
	}
	history := evidenceFor(p, rs, command)
	if history == evidenceSuccess {
		return unconfirmed{}
	}
	return unconfirmed{why: "kato's history " + history.String(), denied: history == evidenceFailure, missed: history == evidenceMissing}
}

func (t evidence) String() string {
	return [...]string{"cannot be read", "has no such command", "says that it succeeded", "says that it failed"}[t]
}
