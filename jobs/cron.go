package jobs

import (
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"alsbot/config"
)

// slots are the times of a cron line in a time zone. They are alsbot's own
// reading of daylight saving: a line with given hours has each of its times
// once on every local day (in the gap, at the first instant after it; in the
// repeated hour, the first time); a line for every hour goes by real hours.
type slots struct {
	spec   cron.SpecSchedule
	loc    *time.Location
	hourly bool
}

// parseSlots reads a cron line of five fields, six with seconds in front, or
// a descriptor such as @daily.
func parseSlots(line, zone string) (slots, error) {
	loc, err := time.LoadLocation(zone)
	if err != nil {
		return slots{}, fmt.Errorf("time zone %q is not known: use a name such as Europe/Berlin or UTC: %w", zone, err)
	}
	if strings.Contains(line, "=") {
		return slots{}, fmt.Errorf("cron line %q carries a time zone: put it into `timezone`", line)
	}
	parsed, err := config.ParseCron(line)
	if err != nil {
		return slots{}, fmt.Errorf("cron line %q cannot be read: %w", line, err)
	}
	spec, ok := parsed.(*cron.SpecSchedule)
	if !ok {
		return slots{}, fmt.Errorf("cron line %q names no times of the clock: write five fields, such as \"0 3 * * *\"", line)
	}
	const allDay = 1<<24 - 1
	s := slots{spec: *spec, loc: loc, hourly: spec.Hour&allDay == allDay}
	if s.Next(time.Date(2024, 1, 1, 0, 0, 0, 0, loc)).IsZero() {
		return slots{}, fmt.Errorf("cron line %q never comes: no such date exists", line)
	}
	return s, nil
}

// Next is the first slot after t, or the zero time if there is none within
// five years.
func (s slots) Next(t time.Time) time.Time {
	if s.hourly {
		return s.nextReal(t)
	}
	return s.nextWall(t)
}

// IsValid makes slots a gocron.Cron; they were checked when they were parsed.
func (s slots) IsValid(string, *time.Location, time.Time) error { return nil }

// nextReal goes by real time: within one offset the zone is a fixed one.
func (s slots) nextReal(t time.Time) time.Time {
	for {
		_, end := t.In(s.loc).ZoneBounds()
		name, offset := t.In(s.loc).Zone()
		spec := s.spec
		spec.Location = time.FixedZone(name, offset)
		next := spec.Next(t)
		if next.IsZero() || end.IsZero() || next.Before(end) {
			return inZone(next, s.loc)
		}
		// Beyond the change of offset the wall clock reads otherwise.
		t = end.Add(-time.Second)
		name, offset = end.In(s.loc).Zone()
		spec.Location = time.FixedZone(name, offset)
		next = spec.Next(t)
		if _, after := end.In(s.loc).ZoneBounds(); next.IsZero() || after.IsZero() || next.Before(after) {
			return inZone(next, s.loc)
		}
		t = end
	}
}

func inZone(t time.Time, loc *time.Location) time.Time {
	if t.IsZero() {
		return t
	}
	return t.In(loc)
}

// widest is more than any zone's clock has ever been put forward or back at once.
const widest = 3 * time.Hour

// nextWall goes by the wall clock: slots are found on a clock without
// changes, and each is then placed in the zone.
func (s slots) nextWall(t time.Time) time.Time {
	spec := s.spec
	spec.Location = time.UTC
	for wall := spec.Next(naive(t.In(s.loc)).Add(-widest)); !wall.IsZero(); wall = spec.Next(wall) {
		if real := s.place(wall); real.After(t) {
			return real
		}
	}
	return time.Time{}
}

// naive is what the clock on the wall shows, as if it were UTC.
func naive(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
}

// place finds the instant at which the wall clock first shows, or jumps over,
// a time.
func (s slots) place(wall time.Time) time.Time {
	t := time.Date(wall.Year(), wall.Month(), wall.Day(), wall.Hour(), wall.Minute(), wall.Second(), 0, s.loc)
	start, end := t.ZoneBounds()
	switch shown := naive(t); {
	case shown.After(wall):
		return start
	case shown.Before(wall):
		return end
	case start.IsZero():
		return t
	}
	_, now := t.Zone()
	_, before := start.Add(-time.Second).Zone()
	if earlier := t.Add(time.Duration(now-before) * time.Second); earlier.Before(start) && naive(earlier).Equal(wall) {
		return earlier
	}
	return t
}
