package runs

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"alsbot/store"
)

// The bounds of what refusals add to the audit log within one window: a flood
// of them must not grow it. What is beyond is counted.
const (
	refusalWindow     = 10 * time.Minute
	refusalsPerPerson = 10
	refusalsAtMost    = 100
)

// Refusal is a command or a press of a button that was refused: nothing has
// changed.
type Refusal struct {
	By      Principal
	Run     string // the run that it is about, if that exists
	Cluster string
	What    string // the command, or the button
	Why     string // what the person was told
}

// refusals folds repeated refusals. One person's with one reason and subject
// share an entry: the first is written at once, and when the window is over a
// second entry counts the rest.
type refusals struct {
	mu    sync.Mutex
	until time.Time // the end of the window; zero if none is open
	seen  map[Refusal]int
	order []Refusal         // of seen, as they were first written
	by    map[Principal]int // entries of one person
	rest  map[Principal]int // refusals of one person without an entry
	lost  int               // refusals of persons beyond all bounds
}

// Refused records a refusal, or counts it if it is in the log already. Most
// calls write nothing.
func (l *Ledger) Refused(ctx context.Context, f Refusal) error {
	f.What, f.Why = cut(f.What, 300), cut(f.Why, 600)
	f.Cluster, f.Run = cut(f.Cluster, 100), cut(f.Run, 100)
	entries := l.refusals.count(f, time.Now())
	return l.noteAll(ctx, entries)
}

// FlushRefusals writes down how often refusals were repeated whose window is
// over; with all, also those whose window is open, as when alsbot stops.
func (l *Ledger) FlushRefusals(ctx context.Context, all bool) error {
	l.refusals.mu.Lock()
	var entries []Entry
	if now := time.Now(); all || l.refusals.over(now) {
		entries = l.refusals.close(now)
	}
	l.refusals.mu.Unlock()
	return l.noteAll(ctx, entries)
}

func (l *Ledger) noteAll(ctx context.Context, entries []Entry) error {
	if len(entries) == 0 {
		return nil
	}
	return l.st.Update(ctx, func(tx store.Tx) error {
		for _, en := range entries {
			if err := Note(tx, en); err != nil {
				return err
			}
		}
		return nil
	})
}

// count counts one refusal and returns the entries that are due.
func (rs *refusals) count(f Refusal, now time.Time) (due []Entry) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if rs.over(now) {
		due = rs.close(now)
	}
	if rs.until.IsZero() {
		rs.until = now.Add(refusalWindow)
		rs.seen, rs.by, rs.rest = map[Refusal]int{}, map[Principal]int{}, map[Principal]int{}
	}
	key := f.key()
	_, repeated := rs.seen[key]
	_, resting := rs.rest[key.By]
	switch {
	case repeated:
		rs.seen[key]++
	case rs.by[key.By] < refusalsPerPerson && len(rs.seen) < refusalsAtMost:
		rs.seen[key] = 0
		rs.by[key.By]++
		rs.order = append(rs.order, f)
		return append(due, f.entry(""))
	case resting || len(rs.rest) < refusalsAtMost:
		rs.rest[key.By]++
	default:
		rs.lost++
	}
	return due
}

// over reports whether a window has ended, or the clock was set back.
func (rs *refusals) over(now time.Time) bool {
	return !rs.until.IsZero() && (!now.Before(rs.until) || now.Before(rs.until.Add(-refusalWindow)))
}

// close ends the window and returns what it has counted beyond its entries.
func (rs *refusals) close(now time.Time) (due []Entry) {
	until := now.UTC().Format("15:04 MST")
	for _, f := range rs.order {
		if n := rs.seen[f.key()]; n > 0 {
			due = append(due, f.entry(fmt.Sprintf("%s until %s: ", times(n), until)))
		}
	}
	people := make([]Principal, 0, len(rs.rest))
	for p := range rs.rest {
		people = append(people, p)
	}
	slices.SortFunc(people, func(a, b Principal) int { return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.ID, b.ID)) })
	for _, p := range people {
		due = append(due, Entry{By: p, Action: actionRefused, Detail: fmt.Sprintf("other commands or presses, %s until %s", times(rs.rest[p]), until)})
	}
	if rs.lost > 0 {
		due = append(due, Entry{By: System, Action: actionRefused, Detail: fmt.Sprintf("commands or presses of other people, %s until %s", times(rs.lost), until)})
	}
	rs.until, rs.seen, rs.order, rs.by, rs.rest, rs.lost = time.Time{}, nil, nil, nil, nil, 0
	return due
}

// key is what repeated refusals share: a new name makes no new person.
func (f Refusal) key() Refusal {
	f.By.Handle = ""
	return f
}

func times(n int) string {
	if n == 1 {
		return "once more"
	}
	return fmt.Sprintf("%d more times", n)
}

func (f Refusal) entry(again string) Entry {
	return Entry{By: f.By, Action: actionRefused, Run: f.Run, Cluster: f.Cluster, Detail: again + f.What + ": " + f.Why}
}
