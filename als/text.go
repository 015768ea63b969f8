package als

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
)

// table lays out rows in columns, with two blanks between them.
func table(rows [][]string) string {
	var width []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(width) {
				width = append(width, 0)
			}
			width[i] = max(width[i], len([]rune(cell)))
		}
	}
	var b strings.Builder
	for _, row := range rows {
		line := ""
		for i, cell := range row {
			line += cell + strings.Repeat(" ", width[i]-len([]rune(cell))+2)
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	return b.String()
}

// count writes a number with its noun: "1 patch", "2 patches".
func count(n int, noun string) string {
	switch {
	case n == 1:
		return "1 " + noun
	case strings.HasSuffix(noun, "ch"):
		noun += "es"
	case strings.HasSuffix(noun, "process"):
		noun += "es"
	default:
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}

// listMost is how many words of a list are named.
const listMost = 12

// list joins words for a sentence, and shortens a long list.
func list(words []string) string {
	if len(words) > listMost {
		return strings.Join(words[:listMost], ", ") + fmt.Sprintf(" and %d more", len(words)-listMost)
	}
	return strings.Join(words, ", ")
}

// allOf joins words and shortens nothing.
func allOf(words []string) string { return strings.Join(words, ", ") }

// unique returns the words in their order, each once.
func unique(words []string) []string {
	seen := map[string]bool{}
	return slices.DeleteFunc(words, func(w string) bool {
		before := seen[w]
		seen[w] = true
		return before
	})
}

func orNone(words []string) string {
	if len(words) == 0 {
		return "none"
	}
	return list(words)
}

func orNoneText(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// duration writes a duration as 4m 12s.
func duration(d time.Duration) string {
	d = d.Round(time.Second)
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm %ds", int(d.Minutes()), int(d.Seconds())%60)
	}
	return fmt.Sprintf("%dh %dm", int(d.Hours()), int(d.Minutes())%60)
}

// The notes of lastTime, by which Impact finds them.
const (
	neverDone  = "It has not succeeded on this cluster before, so there is no telling how long it takes."
	tookBefore = "It took "
	tookAfter  = " last time."
)

// lastTime returns the note on how long the operation took last time.
func lastTime(c Cluster) []string {
	if c.History.Last <= 0 {
		return []string{neverDone}
	}
	return []string{tookBefore + duration(c.History.Last) + tookAfter}
}

// command returns a whole command, with the cluster.
func (c Cluster) command(words ...string) Typed {
	s := strings.Join(words, " ")
	if c.Name != "" {
		s += " @" + c.Name
	}
	return Typed(s)
}

// fullSentence turns a clause into a sentence; "" stays "".
func fullSentence(clause string) string {
	s := capitalized(clause)
	if s == "" || strings.ContainsAny(s[len(s)-1:], ".?!") {
		return s
	}
	return s + "."
}

func isAre(n int, noun string) string {
	if n == 1 {
		return "1 " + noun + " is"
	}
	return count(n, noun) + " are"
}

// addSizes adds sizes that nodes claim, up to the largest one that there is.
func addSizes(a, b int64) int64 {
	if b > math.MaxInt64-a {
		return math.MaxInt64
	}
	return a + b
}

func size(n int64) string { return humanize.IBytes(uint64(max(n, 0))) }

func runningClause(n int) string {
	if n == 1 {
		return "the role runs"
	}
	return fmt.Sprintf("all %d roles run", n)
}
