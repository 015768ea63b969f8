package bot

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// How parts of a message share its room, and how a list that is too long is
// counted instead of cut.

// fitting returns the first lines that fit, and how many more there are.
func (c *card) fitting(lines []string, room int, one, many string) []string {
	if lengths(lines) <= room {
		return lines
	}
	c.cut = true
	var out []string
	for i, l := range lines {
		n := utf8.RuneCountInString(l) + 1
		if room -= n; room < roomForCut && i > 0 {
			return append(out, "… and "+plural(len(lines)-i, one, many))
		}
		if room < roomForCut {
			l = shorten(l, max(n+room-roomForCut, roomForCut))
		}
		out = append(out, l)
	}
	return out
}

// counted lists items in at most max code points: all of them, or their number
// and the first of them. noun is used if it is a plain plural.
func counted(items []string, noun string, max int) string {
	whole := strings.Join(items, ", ")
	if utf8.RuneCountInString(whole) <= max {
		return whole
	}
	if len(items) == 1 {
		return shorten(whole, max)
	}
	s := fmt.Sprint(len(items))
	if !strings.ContainsAny(noun, " ,") && strings.HasSuffix(noun, "s") {
		s += " " + noun
	}
	for i, item := range items {
		between := ", "
		if i == 0 {
			between = ", of which "
		}
		if utf8.RuneCountInString(s+between+item) > max-3 {
			break
		}
		s += between + item
	}
	if strings.Contains(s, ", of which ") {
		s += ", …"
	}
	return shorten(s, max)
}

// lengths returns the code points of lines, with their ends.
func lengths(lines []string) (n int) {
	for _, l := range lines {
		n += utf8.RuneCountInString(l) + 1
	}
	return n
}

// shares divides room among needs. What needs less than its share gets what it
// needs, and leaves the rest to the others.
func shares(needs []int, room int) []int {
	order, share := make([]int, len(needs)), make([]int, len(needs))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return needs[a] - needs[b] })
	for k, i := range order {
		share[i] = min(needs[i], max(room, 0)/(len(order)-k))
		room -= share[i]
	}
	return share
}
