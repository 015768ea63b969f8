package config

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Window is a weekly period: hours on some days, in one time zone, such as
// "Sat 02:00-05:00 Europe/Berlin". If its end isn't after its start, it ends
// on the next day. The zero value is never open.
type Window struct {
	text       string
	days       [7]bool // days on which it opens
	start, end int     // minutes after midnight; end may exceed 24 hours
	zone       *time.Location
}

var dayNames = [7]string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// ParseWindow reads [DAYS] HH:MM-HH:MM [ZONE]. DAYS is a list of days and
// ranges such as Mon-Fri or Sat,Sun; without it, the window opens every day.
// Without ZONE, times are UTC.
func ParseWindow(text string) (Window, error) {
	w := Window{text: text, zone: time.UTC, days: [7]bool{true, true, true, true, true, true, true}}
	fields := strings.Fields(text)
	if len(fields) > 0 && !strings.Contains(fields[0], ":") {
		var err error
		if w.days, err = parseDays(fields[0]); err != nil {
			return Window{}, err
		}
		fields = fields[1:]
	}
	if len(fields) < 1 || len(fields) > 2 {
		return Window{}, errors.New(`is no window: write it like "Sat 02:00-05:00 Europe/Berlin"`)
	}
	from, to, _ := strings.Cut(fields[0], "-")
	var ok1, ok2 bool
	w.start, ok1 = parseClock(from)
	w.end, ok2 = parseClock(to)
	if !ok1 || !ok2 || w.start == 24*60 {
		return Window{}, fmt.Errorf("%q is no span of hours: write it like 02:00-05:00", fields[0])
	}
	if w.start == w.end {
		return Window{}, fmt.Errorf("%q is empty: for the whole day write 00:00-24:00", fields[0])
	}
	if w.end < w.start {
		w.end += 24 * 60
	}
	if len(fields) == 2 {
		zone, err := parseZone(fields[1])
		if err != nil {
			return Window{}, err
		}
		w.zone = zone
	}
	return w, nil
}

func parseZone(name string) (*time.Location, error) {
	if name == "Local" { // "Local" differs between machines
		return nil, errors.New(`"Local" is no time zone here: name one, such as UTC or Europe/Berlin`)
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("%s is no time zone: write it like UTC or Europe/Berlin", shown(name))
	}
	return zone, nil
}

func parseDays(text string) (days [7]bool, err error) {
	for part := range strings.SplitSeq(strings.ToLower(text), ",") {
		from, to, isRange := strings.Cut(part, "-")
		if !isRange {
			to = from
		}
		first, last := dayIndex(from), dayIndex(to)
		if first < 0 || last < 0 {
			return days, fmt.Errorf("%q are no days: write them like Sat, Mon-Fri or Sat,Sun", text)
		}
		for d := first; ; d = (d + 1) % 7 {
			days[d] = true
			if d == last {
				break
			}
		}
	}
	return days, nil
}

func dayIndex(name string) int {
	for i, d := range dayNames {
		if name == d {
			return i
		}
	}
	return -1
}

// parseClock reads HH:MM, up to 24:00, as minutes.
func parseClock(text string) (minutes int, ok bool) {
	if text == "24:00" {
		return 24 * 60, true
	}
	t, err := time.Parse("15:04", text)
	return t.Hour()*60 + t.Minute(), err == nil && len(text) == len("15:04")
}

// Contains reports whether the window is open at t.
func (w Window) Contains(t time.Time) bool {
	return !w.Next(t).After(t)
}

// Next returns the first moment at or after t when the window is open: t
// itself while it is open, otherwise its next start. For the zero Window,
// which never opens, it returns a time in the far future.
func (w Window) Next(t time.Time) time.Time {
	if w.zone == nil {
		return never(t)
	}
	local := t.In(w.zone)
	// The search starts yesterday, whose window may still be open. It goes
	// past a week, because a window may not happen on the day of a clock
	// change.
	y, m, today := local.Date()
	for d := today - 1; d <= today+15; d++ { // by date: a midnight may not exist
		if !w.days[time.Date(y, m, d, 12, 0, 0, 0, time.UTC).Weekday()] {
			continue
		}
		start := time.Date(y, m, d, 0, w.start, 0, 0, w.zone)
		end := time.Date(y, m, d, 0, w.end, 0, 0, w.zone)
		switch {
		case !start.Before(end) || !t.Before(end):
			continue
		case t.Before(start):
			return start
		}
		return t
	}
	return never(t)
}

func never(t time.Time) time.Time { return t.AddDate(200, 0, 0) }

// String returns the window as it was written.
func (w Window) String() string { return w.text }

// MarshalText returns the window as it was written.
func (w Window) MarshalText() ([]byte, error) { return []byte(w.text), nil }

// UnmarshalText parses the window like ParseWindow.
func (w *Window) UnmarshalText(text []byte) error {
	var err error
	*w, err = ParseWindow(string(text))
	return err
}
