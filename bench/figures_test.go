// Package bench_test measures alsbot beside its limits. A limit is the same
// work in bare Go with nothing around it, in the same run, on the same disk.
// `make bench` prints one table; docs/performance.md explains it.
package bench_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"alsbot/sim/node"
	"alsbot/store"
)

func TestMain(m *testing.M) {
	node.Main()
	store.CheckMain()
	limitMain()
	os.Exit(m.Run())
}

// BenchmarkFigures runs once, whatever -benchtime says, and prints the table.
func BenchmarkFigures(b *testing.B) {
	if b.N > 1 {
		return
	}
	f := &figures{bin: build(b)}
	for _, part := range []struct {
		name    string
		measure func(*testing.B, *figures)
	}{
		{"acknowledgement", acknowledgement},
		{"burst", burst},
		{"read", warmRead},
		{"output", output},
		{"memory", idle},
		{"start", startUp},
		{"store", durableWrites},
	} {
		b.Run(part.name, func(b *testing.B) { part.measure(b, f) })
	}
	f.print()
}

// figures collects the rows of the table.
type figures struct {
	bin  string // path of the alsbot binary
	rows [][]string
}

// row adds a row. A lower ratio is better, or a higher one with atLeast. A
// goal of 0 means no goal.
func (f *figures) row(what, alsbot, limit string, ratio float64, goal float64, is string) {
	verdict := "ok"
	switch {
	case goal == 0:
		verdict = "-"
	case is == atMost && ratio > goal, is == atLeast && ratio < goal:
		verdict = "OVER"
	}
	word := is + " " + strconv.FormatFloat(goal, 'g', 3, 64)
	if goal == 0 {
		word = "-"
	}
	f.rows = append(f.rows, []string{what, alsbot, limit, fmt.Sprintf("%.2f", ratio), word, verdict})
}

const (
	atMost  = "<="
	atLeast = ">="
)

func (f *figures) print() {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "\nrow\talsbot\tlimit\tratio\tgoal\t")
	for _, r := range f.rows {
		_, _ = fmt.Fprintln(w, strings.Join(r, "\t"))
	}
	_ = w.Flush()
}

// build builds the binary as `make build` does.
func build(b *testing.B) string {
	b.Helper()
	if bin := os.Getenv("BENCH_BINARY"); bin != "" {
		return bin // a binary built differently, for a profile
	}
	bin := filepath.Join(b.TempDir(), "alsbot")
	cmd := exec.CommandContext(b.Context(), "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", bin, "alsbot/cmd/alsbot")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("building alsbot: %v\n%s", err, out)
	}
	return bin
}

func must(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// times holds the durations of many runs of one thing.
type times []time.Duration

func (t times) at(quantile float64) time.Duration {
	s := slices.Sorted(slices.Values(t))
	return s[min(len(s)-1, int(quantile*float64(len(s))))]
}

func (t times) median() time.Duration { return t.at(0.5) }

func ratio(a, b time.Duration) float64 { return float64(a) / float64(b) }

// show formats a duration with three digits.
func show(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return fmt.Sprintf("%.0f µs", float64(d)/1e3)
	case d < time.Second:
		return fmt.Sprintf("%.2f ms", float64(d)/1e6)
	}
	return fmt.Sprintf("%.2f s", d.Seconds())
}

const mib = 1 << 20
