package faults

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"golang.org/x/sync/semaphore"

	"alsbot/runs"
	"alsbot/sim/node"
	"alsbot/store"
)

// profile says how many trials every row gets.
type profile int

const (
	short profile = iota
	ci
	soak
)

func chosen() (profile, error) {
	switch name := os.Getenv("ALSBOT_FAULTS"); name {
	case "", "short":
		return short, nil
	case "ci":
		return ci, nil
	case "soak":
		return soak, nil
	default:
		return short, fmt.Errorf("ALSBOT_FAULTS is %q: use short, ci or soak", name)
	}
}

// fault is one row of the list.
type fault struct {
	id     string // as in docs/reliability.md
	what   string
	limit  string // the accepted limit
	trials [3]int // by profile; 0: the profile doesn't have the row
	// alone: no other row runs while this one measures.
	alone bool
	// long: the row starts before others, so that none is left over at the end.
	long bool
	// parts: the row has parts that run beside everything else.
	parts bool
	run   func(t *testing.T, r *report)
}

// turn returns when a row starts: lower ones first.
func (f fault) turn() int {
	switch {
	case f.alone:
		return 0
	case f.long:
		return 1
	}
	return 2
}

// report is the result of a row.
type report struct {
	fault
	n    int // trials that the profile wants
	t    *testing.T
	side *semaphore.Weighted // slots for rows

	mu       sync.Mutex
	done     int
	failures int
	figures  []string
	took     time.Duration
}

// sideBySide is how many rows run at a time. Parts of rows that mostly wait
// don't count: after all other rows they would delay the end.
const sideBySide = 6

// beside takes a slot among other rows until t ends.
func (r *report) beside(t *testing.T) {
	t.Helper()
	must(t, r.side.Acquire(t.Context(), 1))
	t.Cleanup(func() { r.side.Release(1) })
}

// trial counts one trial. A failure fails the test, and the row goes on.
func (r *report) trial(err error) {
	r.t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.done++
	if err != nil {
		r.failures++
		r.t.Errorf("trial %d: %v", r.done, err)
	}
}

// figure adds a measurement to the table.
func (r *report) figure(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.figures = append(r.figures, fmt.Sprintf(format, args...))
}

// In the short profile, limits are unhurried times wider, and none is less than
// amply: that profile runs beside other tests on any machine and measures
// nothing.
const (
	unhurried = 10
	amply     = 10 * time.Second
)

// measures reports whether this profile measures. The short one only tests.
func measures() bool {
	p, err := chosen()
	return err == nil && p != short
}

// allowed returns a limit as this profile has it.
func allowed(limit time.Duration) time.Duration {
	if measures() {
		return limit
	}
	return max(limit*unhurried, amply)
}

// atMost adds a duration to the table and fails a row that was slower.
func (r *report) atMost(what string, took, limit time.Duration) {
	r.t.Helper()
	limit = allowed(limit)
	r.figure("%s %v", what, took.Round(10*time.Millisecond))
	if took > limit {
		r.t.Errorf("%s took %v, the limit is %v", what, took, limit)
	}
}

func TestMain(m *testing.M) {
	node.Main()
	store.CheckMain()
	oracleMain()
	code := m.Run()
	cleanBinaries()
	os.Exit(code)
}

// TestFaults runs the list. Rows that measure run alone and first, then those
// that take long.
func TestFaults(t *testing.T) {
	p, err := chosen()
	if err != nil {
		t.Fatal(err)
	}
	var reports []*report
	side := semaphore.NewWeighted(sideBySide)
	for _, f := range list() {
		if f.trials[p] > 0 {
			reports = append(reports, &report{fault: f, n: f.trials[p], side: side})
		}
	}
	// The table has the rows that ran, also if -run chose some.
	t.Cleanup(func() { show(t, reports) })
	for turn := range 3 {
		for _, r := range reports {
			if r.turn() != turn {
				continue
			}
			t.Run(r.id, func(t *testing.T) {
				if !r.alone {
					t.Parallel()
				}
				if !r.alone && !r.parts {
					r.beside(t)
				}
				r.t = t
				started := time.Now()
				defer func() { r.took = time.Since(started) }()
				r.run(t, r)
				t.Logf("%d trials, %d failures, %v; %s", r.done, r.failures, time.Since(started).Round(time.Second), strings.Join(r.figures, "; "))
				if r.done == 0 {
					t.Error("there was no trial")
				}
			})
		}
	}
}

// show prints the table.
func show(t *testing.T, reports []*report) {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "FAULT\t\tTRIALS\tFAILURES\tTOOK\tFIGURE\tLIMIT")
	for _, r := range reports {
		if r.t == nil {
			continue
		}
		failures := fmt.Sprint(r.failures)
		if r.t.Failed() && r.failures == 0 {
			failures = "limit"
		}
		fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%v\t%s\t%s\n", r.id, r.what, r.done, failures, r.took.Round(time.Second), strings.Join(r.figures, "; "), r.limit)
	}
	_ = w.Flush() // into memory
	fmt.Println("\n" + b.String())
	if path := os.Getenv("ALSBOT_FAULTS_TABLE"); path != "" {
		if err := os.WriteFile(path, []byte(markdown(reports)), 0o644); err != nil {
			t.Error(err)
		}
	}
}

// markdown returns the table as docs/reliability.md shows it.
func markdown(reports []*report) string {
	var b strings.Builder
	b.WriteString("| | fault | trials | failures | took | figure | limit |\n|---|---|---|---|---|---|---|\n")
	for _, r := range reports {
		if r.t == nil {
			continue
		}
		failures := fmt.Sprint(r.failures)
		if r.t.Failed() && r.failures == 0 {
			failures = "over the limit"
		}
		fmt.Fprintf(&b, "| %s | %s | %d | %s | %v | %s | %s |\n", r.id, r.what, r.done, failures, r.took.Round(time.Second), strings.Join(r.figures, "; "), r.limit)
	}
	return b.String()
}

// well reports whether a command has ended with status 0. The kato of most rows
// keeps no history, so alsbot cannot confirm that its restarts had an effect.
func well(s runs.State) bool { return s == runs.Succeeded || s == runs.Unconfirmed }
