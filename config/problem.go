package config

import (
	"fmt"
	"slices"
	"strings"
)

// Problem is one mistake in the configuration.
type Problem struct {
	Place string // file and line, or the variable; "" if there is no place
	Path  string // the key's path, such as clusters[0].core
	Text  string // what is wrong, and what to write
}

func (p Problem) String() string {
	var parts []string
	for _, s := range []string{p.Place, p.Path, p.Text} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, ": ")
}

// Error lists every mistake in the configuration.
type Error struct{ Problems []Problem }

// Error returns one line for each problem.
func (e *Error) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// report collects problems and knows where each key was set.
type report struct {
	problems []Problem
	places   map[string]string // by path
	lines    map[string]int    // line of each place in the file, for sorting
	foreign  []string          // variables that a container platform made
}

// add records a problem with the key at path. If the key has no place, the
// problem gets the place of the key around it. A key that already has a
// problem, or is inside one that has, isn't reported as missing too.
func (r *report) add(path, format string, args ...any) {
	if slices.ContainsFunc(r.problems, func(p Problem) bool { return p.Path != "" && within(path, p.Path) }) {
		return
	}
	r.problems = append(r.problems, Problem{Place: r.place(path), Path: path, Text: fmt.Sprintf(format, args...)})
}

// within reports whether path equals other or is below it.
func within(path, other string) bool {
	rest, ok := strings.CutPrefix(path, other)
	return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
}

func (r *report) place(path string) string {
	for p := path; p != ""; {
		if place, ok := r.places[p]; ok {
			return place
		}
		p = p[:max(strings.LastIndexAny(p, ".["), 0)]
	}
	return r.places[""]
}

// set records where a key was set: in the file, or by a variable that
// overrides it.
func (r *report) set(path, place string, line int) {
	r.places[path] = place
	if line > 0 {
		r.lines[place] = line
	}
}

// err returns the problems as an error: in the order of the file, variables
// last.
func (r *report) err() error {
	if len(r.problems) == 0 {
		return nil
	}
	order := func(p Problem) int {
		if n, ok := r.lines[p.Place]; ok {
			return n
		}
		return 1 << 30
	}
	slices.SortStableFunc(r.problems, func(a, b Problem) int { return order(a) - order(b) })
	return &Error{r.problems}
}

// suggest returns " (did you mean X?)" with the known word nearest to typed,
// or "".
func suggest(typed string, known []string) string {
	best, at := "", max(2, len(typed)/3)+1
	for _, k := range known {
		if d := distance(typed, k); d < at && d < len(k) {
			best, at = k, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %s?)", best)
}

// distance returns the number of letters to add, drop or change.
func distance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return 64
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j]+1, row[j+1]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
