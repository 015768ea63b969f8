package als

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Keep says of how many days, weeks and months retention keeps one archive
// each. If all are 0, retention removes nothing.
type Keep struct {
	Daily   int `json:"daily"`
	Weekly  int `json:"weekly"`
	Monthly int `json:"monthly"`
}

func (k Keep) off() bool { return k.Daily <= 0 && k.Weekly <= 0 && k.Monthly <= 0 }

func (k Keep) String() string {
	return fmt.Sprintf("%d daily, %d weekly, %d monthly", k.Daily, k.Weekly, k.Monthly)
}

// suspectStay is how long a suspect archive is kept for people to look at.
const suspectStay = 7 * 24 * time.Hour

// Fate is what retention decides about an archive, and why.
type Fate struct {
	Go  bool
	Why string // what keeps it, if it stays
}

// Retain decides which archives stay. The caller passes only archives that are
// on their nodes as they were recorded. For each series, and each of the last
// days, weeks and months that have an archive, the newest one stays. Days begin
// at midnight UTC, and an archive belongs to the day when its export began.
// Whatever keep says, these stay too:
//
//   - the last verified archive of each series,
//   - an archive that a person named,
//   - an archive dated after now, since a clock was wrong: it counts for no day,
//   - a suspect archive, for a week and until a later one is verified.
//
// The result is by run ID.
func Retain(keep Keep, archives []Archive, now time.Time) map[string]Fate {
	fates := map[string]Fate{}
	series := map[string][]Archive{}
	for _, a := range archives {
		switch {
		case keep.off():
			fates[a.Run] = Fate{Why: "retention is off"}
		case !a.namedByAlsbot():
			fates[a.Run] = Fate{Why: "a person named it"}
		case a.begunAt().After(now):
			fates[a.Run] = Fate{Why: "dated in the future"}
		case a.Seen != "" && a.Seen != Sound:
			fates[a.Run] = Fate{Why: "found " + a.Seen}
		default:
			series[a.series()] = append(series[a.series()], a)
		}
	}
	for _, some := range series {
		slices.SortFunc(some, func(a, b Archive) int { return older(b, a) })
		generations(keep, some, now, fates)
	}
	return fates
}

// generations decides about one series, sorted from the newest.
func generations(keep Keep, some []Archive, now time.Time, fates map[string]Fate) {
	classes := []struct {
		name   string
		most   int
		period func(time.Time) string
		seen   []string
	}{
		{name: "daily", most: keep.Daily, period: func(t time.Time) string { return t.Format("2006-01-02") }},
		{name: "weekly", most: keep.Weekly, period: func(t time.Time) string { y, w := t.ISOWeek(); return fmt.Sprintf("%d-%d", y, w) }},
		{name: "monthly", most: keep.Monthly, period: func(t time.Time) string { return t.Format("2006-01") }},
	}
	verified := 0
	for _, a := range some {
		if a.Verdict != verdictVerified {
			fates[a.Run] = suspectFate(a, now, verified)
			continue
		}
		var kept []string
		if verified++; verified == 1 {
			kept = []string{"the last verified"}
		}
		for i := range classes {
			c := &classes[i]
			period := c.period(a.begunAt().UTC())
			if len(c.seen) < c.most && !slices.Contains(c.seen, period) {
				c.seen = append(c.seen, period)
				kept = append(kept, c.name)
			}
		}
		fates[a.Run] = Fate{Go: len(kept) == 0, Why: strings.Join(kept, ", ")}
	}
}

func suspectFate(a Archive, now time.Time, newer int) Fate {
	switch {
	case newer == 0:
		return Fate{Why: "suspect, none later is verified"}
	case now.Sub(a.begunAt()) < suspectStay:
		return Fate{Why: "suspect, stays a week"}
	}
	return Fate{Go: true}
}

// Prunable reports whether retention would remove an archive according to the
// records. On the nodes it may find fewer.
func Prunable(keep Keep, archives []Archive, now time.Time) bool {
	for _, fate := range Retain(keep, notRemoved(archives), now) {
		if fate.Go {
			return true
		}
	}
	return false
}

// notRemoved returns the archives that are on a node according to the records.
func notRemoved(archives []Archive) []Archive {
	var out []Archive
	for _, a := range archives {
		if a.Path != "" && a.Node != "" && a.Gone == "" {
			out = append(out, a)
		}
	}
	return out
}
