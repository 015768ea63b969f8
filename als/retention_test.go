package als_test

import (
	"fmt"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"alsbot/als"
)

// taken is a verified archive of the whole cluster, exported at a time.
func taken(at time.Time) als.Archive {
	stamp := at.UTC().Format("20060102T150405Z")
	return als.Archive{
		Run: "run" + stamp, Operation: "export cluster", Cluster: "prod", Node: "10.0.0.11", Path: "/mnt/nas/helion-export-prod-" + stamp + ".tgz",
		Size: 1000, SHA256: strings.Repeat("a", 64), Verdict: "verified", Begun: at, At: at.Add(20 * time.Minute),
	}
}

func times(t *testing.T, list ...string) []als.Archive {
	t.Helper()
	var out []als.Archive
	for _, s := range list {
		at, err := time.Parse("2006-01-02 15:04", s)
		must(t, err)
		out = append(out, taken(at))
	}
	return out
}

// change returns the list with its i-th archive changed.
func change(list []als.Archive, i int, fn func(a *als.Archive)) []als.Archive {
	fn(&list[i])
	return list
}

func TestRetain(t *testing.T) {
	suspect := func(a *als.Archive) {
		a.Verdict, a.Path = "suspect", strings.TrimSuffix(a.Path, ".tgz")+".suspect.tgz"
	}
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC) // a Monday
	for _, tt := range []struct {
		name string
		keep als.Keep
		list []als.Archive
		want string // per archive what keeps it, "GOES" for nothing
	}{
		{"off", als.Keep{}, times(t, "2020-01-01 03:00", "2026-11-23 03:00"), "retention is off; retention is off"},
		{"one only, however old", als.Keep{Daily: 1}, times(t, "2020-01-01 03:00"), "the last verified, daily"},
		{"several a day: the newest", als.Keep{Daily: 2}, times(t, "2026-11-22 03:00", "2026-11-22 15:00", "2026-11-23 03:00", "2026-11-23 09:00"),
			"GOES; daily; GOES; the last verified, daily"},
		{"days without one do not count", als.Keep{Daily: 2}, times(t, "2026-09-01 03:00", "2026-10-01 03:00", "2026-11-23 03:00"), "GOES; daily; the last verified, daily"},
		{"weeks begin on Monday", als.Keep{Weekly: 2}, times(t, "2026-11-15 03:00", "2026-11-16 03:00", "2026-11-22 03:00", "2026-11-23 03:00"),
			"GOES; GOES; weekly; the last verified, weekly"},
		{"a week over the new year is one", als.Keep{Weekly: 2}, times(t, "2025-12-28 03:00", "2025-12-31 03:00", "2026-01-02 03:00"), "weekly; GOES; the last verified, weekly"},
		{"months", als.Keep{Daily: 1, Monthly: 3}, times(t, "2026-08-31 03:00", "2026-09-30 03:00", "2026-10-01 03:00", "2026-10-31 03:00", "2026-11-23 03:00"),
			"GOES; monthly; GOES; monthly; the last verified, daily, monthly"},
		{"without days the last one still stays", als.Keep{Monthly: 1}, times(t, "2026-11-22 03:00", "2026-11-23 03:00"), "GOES; the last verified, monthly"},
		{"dated in the future: stays and does not count", als.Keep{Daily: 1}, times(t, "2026-11-22 03:00", "2026-11-23 03:00", "2031-01-01 03:00"),
			"GOES; the last verified, daily; dated in the future"},
		{"a suspect one does not count", als.Keep{Daily: 1}, change(times(t, "2026-11-22 03:00", "2026-11-23 03:00"), 1, suspect),
			"the last verified, daily; suspect, none later is verified"},
		{"a suspect one stays a week", als.Keep{Daily: 9}, change(times(t, "2026-11-17 03:00", "2026-11-23 03:00"), 0, suspect), "suspect, stays a week; the last verified, daily"},
		{"and then goes", als.Keep{Daily: 9}, change(times(t, "2026-11-15 03:00", "2026-11-23 03:00"), 0, suspect), "GOES; the last verified, daily"},
		{"unless none later is verified", als.Keep{Daily: 9}, change(times(t, "2026-10-01 03:00", "2026-10-15 03:00"), 1, suspect), "the last verified, daily; suspect, none later is verified"},
		{"found damaged: stays and does not count", als.Keep{Daily: 1}, change(times(t, "2026-11-22 03:00", "2026-11-23 03:00"), 1, func(a *als.Archive) { a.Seen = als.Damaged }),
			"the last verified, daily; found damaged"},
		{"a person named it", als.Keep{Daily: 1}, change(times(t, "2026-11-20 03:00", "2026-11-22 03:00", "2026-11-23 03:00"), 0, func(a *als.Archive) { a.Path = "/mnt/nas/before-the-move.tgz" }),
			"a person named it; GOES; the last verified, daily"},
		{"of another cluster by its name", als.Keep{Daily: 1}, change(times(t, "2026-11-22 03:00", "2026-11-23 03:00"), 0, func(a *als.Archive) { a.Cluster = "pro" }), "a person named it; the last verified, daily"},
		{"one node's does not stand for the cluster's", als.Keep{Daily: 1}, change(times(t, "2026-11-22 03:00", "2026-11-23 03:00"), 1, func(a *als.Archive) { a.Operation = "export node" }),
			"the last verified, daily; the last verified, daily"},
		{"chosen contents do not stand for all", als.Keep{Daily: 1}, change(times(t, "2026-11-22 03:00", "2026-11-23 03:00"), 1, func(a *als.Archive) { a.Contents = "--redis" }),
			"the last verified, daily; the last verified, daily"},
		{"an early version's, without a beginning", als.Keep{Daily: 1}, change(times(t, "2026-11-22 03:00", "2026-11-23 03:00"), 0, func(a *als.Archive) { a.Begun = time.Time{} }),
			"GOES; the last verified, daily"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			fates := als.Retain(tt.keep, tt.list, now)
			var got []string
			for _, a := range tt.list {
				word := fates[a.Run].Why
				if fates[a.Run].Go {
					word = "GOES"
				}
				got = append(got, word)
			}
			if s := strings.Join(got, "; "); s != tt.want {
				t.Errorf("got  %s\nwant %s", s, tt.want)
			}
		})
	}
}

// Half past one at night in Berlin is on the previous day in UTC in summer.
// Around a change of clocks, retention loses only the night that shares its
// UTC day with the next.
func TestRetainOverDaylightSaving(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	must(t, err)
	for _, first := range []time.Time{time.Date(2026, 3, 26, 1, 30, 0, 0, berlin), time.Date(2026, 10, 22, 1, 30, 0, 0, berlin)} {
		var list []als.Archive
		days := map[string]bool{}
		for i := range 7 {
			a := taken(first.AddDate(0, 0, i))
			list = append(list, a)
			days[a.Begun.UTC().Format(time.DateOnly)] = true
		}
		fates := als.Retain(als.Keep{Daily: 7}, list, list[6].At)
		stay := 0
		for _, f := range fates {
			if !f.Go {
				stay++
			}
		}
		if stay != len(days) || stay < 6 || fates[list[6].Run].Go {
			t.Errorf("from %s: %d of 7 nights stay, on %d days", first, stay, len(days))
		}
	}
	// In the afternoon no two exports share a day.
	var list []als.Archive
	for i := range 400 {
		list = append(list, taken(time.Date(2026, 1, 1, 15, 0, 0, 0, berlin).AddDate(0, 0, i)))
	}
	stay := 0
	for _, f := range als.Retain(als.Keep{Daily: 400}, list, list[399].At) {
		if !f.Go {
			stay++
		}
	}
	if stay != 400 {
		t.Errorf("%d of 400 afternoons stay", stay)
	}
}

// anyArchives returns archives with random times, names and states.
func anyArchives(r *rand.Rand, now time.Time) []als.Archive {
	pick := func(some ...string) string { return some[r.IntN(len(some))] }
	var list []als.Archive
	for i := range r.IntN(60) {
		a := taken(now.Add(-time.Duration(r.Int64N(int64(500*24*time.Hour))) + time.Duration(r.IntN(3))*24*time.Hour).Truncate(time.Minute))
		a.Run = fmt.Sprintf("run%d", i)
		a.Verdict = pick("verified", "verified", "verified", "suspect")
		a.Seen = pick("", "", "", als.Sound, als.Damaged, als.Altered)
		a.Operation = pick("export cluster", "export cluster", "export node")
		a.Contents = pick("", "", "", "--redis", "--exclude-redis")
		if r.IntN(10) == 0 {
			a.Path = "/mnt/nas/mine.tgz"
		}
		list = append(list, a)
	}
	return list
}

// Of any archives, retention keeps the newest good one of each series and
// those that people named. After its removals, it decides the same again.
func FuzzRetain(f *testing.F) {
	for seed := range uint64(200) {
		f.Add(seed, uint8(seed%8), uint8(seed%5), uint8(seed%13))
	}
	f.Fuzz(func(t *testing.T, seed uint64, daily, weekly, monthly uint8) {
		now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
		keep := als.Keep{Daily: int(daily % 40), Weekly: int(weekly % 20), Monthly: int(monthly % 20)}
		list := anyArchives(rand.New(rand.NewPCG(seed, 1)), now)
		fates := als.Retain(keep, list, now)
		left := slices.DeleteFunc(slices.Clone(list), func(a als.Archive) bool { return fates[a.Run].Go })
		standsFor := func(a als.Archive) string { return a.Operation + a.Node + a.Contents }
		newest := map[string]als.Archive{}
		for _, a := range list {
			if own := path.Base(a.Path) != "mine.tgz"; a.Good() && own && !a.Begun.After(now) && !a.Begun.Before(newest[standsFor(a)].Begun) {
				newest[standsFor(a)] = a
			}
		}
		for _, a := range list {
			fate, ok := fates[a.Run]
			last := newest[standsFor(a)]
			switch {
			case !ok || fate.Go == (fate.Why != ""):
				t.Fatalf("%s: the fate of %+v is %+v", keep, a, fate)
			case fate.Go && (a.Path == "/mnt/nas/mine.tgz" || a.Begun.After(now) || a.Seen != "" && a.Seen != als.Sound || keep == als.Keep{}):
				t.Fatalf("%s: %+v goes", keep, a)
			case fate.Go && !last.Begun.After(a.Begun) && last.Begun != a.Begun:
				t.Fatalf("%s: %+v goes, and no later one is verified", keep, a)
			}
		}
		for of, last := range newest {
			if !slices.ContainsFunc(left, func(a als.Archive) bool { return standsFor(a) == of && a.Good() && a.Begun.Equal(last.Begun) }) {
				t.Fatalf("%s: the last verified one of %s goes: %+v", keep, of, last)
			}
		}
		for run, fate := range als.Retain(keep, left, now) {
			if fate.Go {
				t.Fatalf("%s: %s goes only the second time", keep, run)
			}
		}
	})
}
