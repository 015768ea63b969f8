package als

import (
	"slices"
	"strings"
)

// nearest returns at most three names that s is probably a misspelling of, the
// best first.
func nearest(s string, names []string) []string {
	type near struct {
		name string
		far  int
	}
	s = strings.ToLower(s)
	if len(s) > 64 {
		return nil
	}
	var found []near
	for _, n := range names {
		far := distance(s, strings.ToLower(n))
		if len(s) >= 3 && strings.HasPrefix(strings.ToLower(n), s) {
			far = min(far, 1)
		}
		if far <= max(1, min(len(s), len(n))/3) {
			found = append(found, near{n, far})
		}
	}
	slices.SortStableFunc(found, func(a, b near) int { return a.far - b.far })
	var out []string
	for _, f := range found {
		if len(out) < 3 && !slices.Contains(out, f.name) {
			out = append(out, f.name)
		}
	}
	return out
}

// distance counts the letters to add, drop, change or swap with a neighbour to
// get from a to b.
func distance(a, b string) int {
	before, prev, cur := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], before[j-2]+1)
			}
		}
		before, prev, cur = prev, cur, before
	}
	return prev[len(b)]
}

// DidYouMean returns a sentence with the names that s may have meant, or "" if
// none is near.
func DidYouMean(s string, names []string) string {
	near := nearest(s, names)
	if len(near) == 0 {
		return ""
	}
	return "Did you mean " + strings.Join(near, " or ") + "?"
}
