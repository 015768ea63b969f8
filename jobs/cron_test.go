package jobs

import (
	"testing"
	"time"
)

// zones are chosen for their changes: a whole hour, half an hour, one at
// midnight, and none.
var zones = []string{"America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "America/Sao_Paulo", "UTC"}

// window is two years in each zone; for Sao Paulo, which has given daylight
// saving up, two in which midnight did not exist once a year.
func window(loc *time.Location) (from, to time.Time) {
	year := 2026
	if loc.String() == "America/Sao_Paulo" {
		year = 2016
	}
	return time.Date(year, 1, 1, 0, 0, 0, 0, loc), time.Date(year+2, 1, 1, 0, 0, 0, 0, loc)
}

func TestEveryLocalDayHasItsRun(t *testing.T) {
	t.Parallel()
	for _, zone := range zones {
		for _, line := range []string{"0 0 * * *", "30 0 * * *", "15 1 * * *", "0 2 * * *", "30 2 * * *", "0 3 * * *", "30 1 2 * * *"} {
			s, err := parseSlots(line, zone)
			if err != nil {
				t.Fatal(err)
			}
			from, to := window(s.loc)
			days := map[string]int{}
			for at := s.Next(from.Add(-time.Second)); at.Before(to); at = s.Next(at) {
				days[at.Format(time.DateOnly)]++
			}
			for noon := from.Add(12 * time.Hour); noon.Before(to); noon = noon.AddDate(0, 0, 1) {
				if n := days[noon.Format(time.DateOnly)]; n != 1 {
					t.Errorf("%s in %s: %d runs on %s", line, zone, n, noon.Format(time.DateOnly))
				}
			}
		}
	}
}

func TestHourlyGoesByRealHours(t *testing.T) {
	t.Parallel()
	for _, zone := range zones {
		s, err := parseSlots("0 * * * *", zone)
		if err != nil {
			t.Fatal(err)
		}
		from, to := window(s.loc)
		last := s.Next(from)
		for at := s.Next(last); at.Before(to); last, at = at, s.Next(at) {
			// Lord Howe's change of half an hour moves the full hour.
			if gap := at.Sub(last); gap < 30*time.Minute || gap > 90*time.Minute || (gap != time.Hour && zone != "Australia/Lord_Howe") {
				t.Errorf("%s: %s after %s", zone, at, last)
			}
			if at.Minute() != 0 {
				t.Errorf("%s: a run at %s", zone, at)
			}
		}
	}
}

func TestGapAndRepeatedHour(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ line, after, want string }{
		{"30 2 * * *", "2026-03-29T00:00:00+01:00", "2026-03-29T03:00:00+02:00"}, // the gap: the first instant after it
		{"30 2 * * *", "2026-10-25T00:00:00+02:00", "2026-10-25T02:30:00+02:00"}, // twice on the clock: the first
		{"30 2 * * *", "2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"},
		{"30 2 * * 1", "2026-03-28T12:00:00+01:00", "2026-03-30T02:30:00+02:00"}, // not on the Sunday of the change
		{"30 2 1 * *", "2026-03-28T12:00:00+01:00", "2026-04-01T02:30:00+02:00"},
		{"0 * * * *", "2026-10-25T02:00:00+02:00", "2026-10-25T02:00:00+01:00"},
		{"@daily", "2026-11-23T10:00:00+01:00", "2026-11-24T00:00:00+01:00"},
		{"0 3 29 2 *", "2026-11-23T10:00:00+01:00", "2028-02-29T03:00:00+01:00"},
	} {
		s, err := parseSlots(c.line, "Europe/Berlin")
		if err != nil {
			t.Fatal(err)
		}
		after, err := time.Parse(time.RFC3339, c.after)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Next(after).Format(time.RFC3339); got != c.want {
			t.Errorf("%s after %s: got %s, want %s", c.line, c.after, got, c.want)
		}
	}
}

func TestBadCronLines(t *testing.T) {
	t.Parallel()
	for _, line := range []string{"", "* * * *", "61 * * * *", "0 0 31 2 *", "@every 5m", "CRON_TZ=UTC 0 3 * * *", "a b c d e"} {
		if _, err := parseSlots(line, "UTC"); err == nil {
			t.Errorf("%q was taken", line)
		}
	}
	if _, err := parseSlots("0 3 * * *", "Mars/Olympus"); err == nil {
		t.Error("a zone on Mars was taken")
	}
}

func FuzzSlots(f *testing.F) {
	for _, line := range []string{"0 3 * * *", "*/20 2 * * *", "30 1 2 * * *", "0 0 31 2 *", "@weekly", "1-59/2 * * 1-6/2 *"} {
		f.Add(line, int64(1774746000))
	}
	f.Fuzz(func(t *testing.T, line string, unix int64) {
		s, err := parseSlots(line, "Europe/Berlin")
		if err != nil {
			return
		}
		after := time.Unix(unix%(1<<32), 0)
		next := s.Next(after)
		if !next.IsZero() && !next.After(after) {
			t.Errorf("%q after %s: %s", line, after, next)
		}
	})
}

// What crontab(5) takes: 7 is Sunday too; a day field that begins with * restricts
// no day by itself, so the other day field decides together with it (*/2 with a
// weekday: that weekday on odd days), and two others are either or.
func TestCronAsCron(t *testing.T) {
	t.Parallel()
	from := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC) // a Tuesday
	for line, want := range map[string][]string{
		"0 3 * * 7":        {"Sun 06", "Sun 13"},
		"0 3 * * 6-7":      {"Sat 05", "Sun 06", "Sat 12"},
		"0 3 * * 5-7/2":    {"Fri 04", "Sun 06", "Fri 11"},
		"0 3 * * fri-7":    {"Fri 04", "Sat 05", "Sun 06", "Fri 11"},
		"0 3 * * 2,7":      {"Tue 01", "Sun 06", "Tue 08"},
		"0 3 * * 0-7":      {"Tue 01", "Wed 02", "Thu 03"},
		"30 0 3 * * 7":     {"Sun 06", "Sun 13"},
		"0 4 */2 * 3":      {"Wed 09", "Wed 23"},
		"0 4 3 * */2":      {"Thu 03"}, // */2 is Sun, Tue, Thu, Sat
		"0 4 1-31/2 * 3":   {"Tue 01", "Wed 02", "Thu 03", "Sat 05", "Mon 07", "Wed 09"},
		"0 4 13 * 5":       {"Fri 04", "Fri 11", "Sun 13"},
		"0 4 ? * 3":        {"Wed 02", "Wed 09"},
		"0 4 5,*/10 * 3":   {"Tue 01", "Wed 02", "Sat 05", "Wed 09"},
		"0 4 */10,5 * 6":   {"Sat 05"},
		"0 0 3 * * */7":    {"Sun 06", "Sun 13"},
		"0 3 */2 * 7":      {"Sun 13", "Sun 27"},
		"0 3 1 * sun":      {"Tue 01", "Sun 06"},
		"0 3 * * sat,7":    {"Sat 05", "Sun 06"},
		"0 3 1 1-12/11 07": {"Tue 01", "Sun 06"},
	} {
		s, err := parseSlots(line, "UTC")
		if err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		at := from
		for _, day := range want {
			if at = s.Next(at); at.Format("Mon 02") != day {
				t.Errorf("%s: %s, not %s", line, at.Format("Mon 02 Jan 15:04"), day)
				break
			}
		}
	}
	for _, line := range []string{"0 3 * * 8", "0 3 * * 7-8", "0 3 * * 7-1", "0 3 * * 5-7/0", "0 3 * * 5-7/x", "0 3 7-7-7 * 7-7-7", "0 3 * * 5-7/2/2", "0 3 * * -7"} {
		if _, err := parseSlots(line, "UTC"); err == nil {
			t.Errorf("%q was taken", line)
		}
	}
}
