package als

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// kato's history as evidence. kato records every command that changes
// something with its result, even in versions whose exit status is always 0.
// An entry is evidence of a step only if it is newer than the step: it was not
// in the list that was read just before, and its time, by the clock of the node
// that wrote it, is not before that. It must be of the same node and the same
// command: people run kato too. The history can contradict what kato printed.
// Alone it proves nothing.

var (
	probeHistory      = stepID{"history", "read kato's history"}
	probeHistoryAfter = stepID{"history-after", "read kato's history again"}
	probeClock        = stepID{"clock", "read the node's clock"}
)

// newEntryWords says for people what counts as evidence.
const newEntryWords = "this command as succeeded in a new entry (one that was not in the list read just before, and is not older than that by the node's clock)"

// probeHistory returns a probe of the history.
func (c Cluster) probeHistory(id stepID) Step {
	s := c.probe(id, "history", "--json")
	s.Tolerate = true
	return s
}

// probesBefore returns the probes that tell later whether an entry of the
// history is newer than a step on this node. They run last: what somebody does
// between them and the step looks like the step's own work.
func (c Cluster) probesBefore(node string) []Step {
	clock := probeClock.probe(node, []string{"date", "-u", "+%Y-%m-%dT%H:%M:%SZ"})
	clock.Tolerate, clock.Last = true, true
	history := c.probeHistory(probeHistory)
	history.Last = true
	return []Step{clock, history}
}

// before notes in the hints what probesBefore found about a command.
func (h *Hints) before(rs Results, command string) {
	h.History = baseline(rs, probeHistory, command)
	if r, ok := rs.find(probeClock, ""); ok && r.OK() && !r.Cut {
		if at, err := time.Parse(time.RFC3339, strings.TrimSpace(strings.Join(clean(r.Output), ""))); err == nil {
			h.Clock = at.UTC().Format(time.RFC3339)
		}
	}
}

// evidence is what the history says of a command since the plan was made.
type evidence int

const (
	evidenceNone    evidence = iota // the history could not be read, now or before, or does not say
	evidenceMissing                 // the history has no new entry
	evidenceSuccess
	evidenceFailure
)

// readHistory returns the entries of a command. known is false if the history
// cannot be read.
func readHistory(rs Results, id stepID, command string) (entries []Action, known bool) {
	all, err := readStep(rs, id, ReadHistory)
	for _, a := range all {
		if strings.Contains(" "+a.Command+" ", " "+command+" ") {
			entries = append(entries, a)
		}
	}
	if newestFirst(entries) {
		slices.Reverse(entries)
	}
	// kato itself has just been run: a history without any entry is none.
	return entries, err == nil && (len(all) > 0 || id == probeHistory)
}

// newestFirst reports whether entries are listed backwards. Nobody knows in
// which order kato lists them.
func newestFirst(entries []Action) bool {
	var at []time.Time
	for _, a := range entries {
		t, err := time.Parse(time.RFC3339Nano, a.When)
		if err != nil {
			return false
		}
		at = append(at, t)
	}
	up := func(a, b time.Time) int { return a.Compare(b) }
	return !slices.IsSortedFunc(at, up) && slices.IsSortedFunc(at, func(a, b time.Time) int { return up(b, a) })
}

// baseline describes the entries of a command, for newEntries to compare with. It returns "" if the history could not be
// read.
func baseline(rs Results, id stepID, command string) string {
	entries, known := readHistory(rs, id, command)
	if !known {
		return ""
	}
	return seenSoFar(entries)
}

// seenSoFar describes a list of entries for a baseline: how many, which, and the
// newest.
func seenSoFar(entries []Action) string {
	last := Action{}
	if len(entries) > 0 {
		last = entries[len(entries)-1]
	}
	return fmt.Sprintf("%d:%.16s %s", len(entries), digestOf(entries), last.mark())
}

// mark identifies an entry in a baseline.
func (a Action) mark() string { return a.When + " " + strings.ToLower(a.Status) }

// newEntries returns the entries of a command that are newer than the plan's
// baseline. known is false if that cannot be told.
func newEntries(p Plan, rs Results, command string) (fresh []Action, known bool) {
	before := p.Hints.History
	now, known := readHistory(rs, probeHistoryAfter, command)
	count, newest, _ := strings.Cut(before, " ")
	count, _, whole := strings.Cut(count, ":")
	had, err := strconv.Atoi(count)
	if !known || err != nil || had < 0 {
		return nil, false
	}
	switch at := lastMarked(now, newest); {
	case had == 0:
		fresh = now
	case len(now) >= had && (seenSoFar(now[:had]) == before || !whole && now[had-1].mark() == newest): // an earlier version stored only the newest
		fresh = now[had:]
	case at >= 0 && now[at].When != "" && p.Hints.Clock != "": // kato has dropped old entries since
		fresh = now[at+1:]
	default:
		return nil, false
	}
	return notEarlier(fresh, p.Hints.Clock)
}

// lastMarked returns the last entry with this mark, or -1.
func lastMarked(entries []Action, mark string) int {
	for i := len(entries) - 1; i >= 0; i-- {
		if entries[i].mark() == mark {
			return i
		}
	}
	return -1
}

// notEarlier drops the entries from before a time. known is false if an entry
// has a time that cannot be read.
func notEarlier(entries []Action, clock string) (out []Action, known bool) {
	since, err := time.Parse(time.RFC3339, clock)
	if err != nil { // the list alone decides
		return entries, true
	}
	for _, a := range entries {
		at, err := time.Parse(time.RFC3339Nano, a.When)
		switch {
		case a.When != "" && err != nil:
			return nil, false
		case a.When == "" || !at.Before(since):
			out = append(out, a)
		}
	}
	return out, true
}

// of reports whether an entry can be of a step: it is of the step's node, if
// kato tells the node, and has the step's words, or only the command's.
func (a Action) of(c Cluster, s Step, command string) bool {
	core := c.CoreIP()
	if a.Node != "" && (s.Node != Core && a.Node != s.Node || s.Node == Core && core != Core && a.Node != core) {
		return false
	}
	words := strings.Fields(a.Command)
	if len(words) < 2 || len(s.Argv) < 2 {
		return false
	}
	return slices.Equal(words[1:], s.Command()[1:]) || strings.Join(words[1:], " ") == command
}

// entriesOf finds the new entry of each step, in order. Each entry counts
// once. known is false if it cannot be told which entries are new.
func entriesOf(c Cluster, p Plan, rs Results, steps []Step, command string) (found []Action, known bool) {
	fresh, known := newEntries(p, rs, command)
	found = make([]Action, len(steps))
	for i, s := range steps {
		// kato may first note that a command began, and then how it ended.
		for {
			at := slices.IndexFunc(fresh, func(a Action) bool { return a.of(c, s, command) })
			if at < 0 {
				break
			}
			found[i] = fresh[at]
			fresh = slices.Delete(slices.Clone(fresh), at, at+1)
			if a := found[i].evidence(); a == evidenceSuccess || a == evidenceFailure {
				break
			}
		}
	}
	return found, known
}

// evidence returns what an entry says.
func (a Action) evidence() evidence {
	switch strings.ToLower(a.Status) {
	case "succeeded":
		return evidenceSuccess
	case "failed":
		return evidenceFailure
	case "":
		return evidenceMissing
	}
	return evidenceNone
}

// evidenceFor returns what the history says of the plan's step with this ID.
func evidenceFor(c Cluster, p Plan, rs Results, id stepID, command string) evidence {
	i := slices.IndexFunc(p.Steps, func(s Step) bool { return s.ResultKey() == id.key })
	if i < 0 {
		return evidenceNone
	}
	found, known := entriesOf(c, p, rs, p.Steps[i:i+1], command)
	if !known {
		return evidenceNone
	}
	return found[0].evidence()
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
func unconfirmedBy(c Cluster, p Plan, rs Results, step stepID, command string) unconfirmed {
	r, ok := rs.find(step, "")
	if _, asks := Prompt(r.Output); !ok || !r.OK() || asks || complaint(r.Output) != "" {
		return unconfirmed{why: describeEnd(rs, step), denied: true}
	}
	history := evidenceFor(c, p, rs, step, command)
	if history == evidenceSuccess {
		return unconfirmed{}
	}
	return unconfirmed{why: "kato's history " + history.String(), denied: history == evidenceFailure, missed: history == evidenceMissing}
}

func (t evidence) String() string {
	return [...]string{"cannot be read", "has no such command", "says that it succeeded", "says that it failed"}[t]
}
