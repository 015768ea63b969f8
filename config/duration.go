package config

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

var errDuration = errors.New("is no duration: write a number and a unit, such as 90s, 15m, 26h or 30d")

// parseDuration reads what time.ParseDuration reads, with optional days of 24
// hours in front: 30d, 1d12h. It refuses negative durations.
func parseDuration(text string) (time.Duration, error) {
	rest := text
	var days time.Duration
	if d, after, found := strings.Cut(text, "d"); found {
		n, err := strconv.ParseUint(d, 10, 16) // up to 65535 days can't overflow
		if err != nil {
			return 0, errDuration
		}
		days, rest = time.Duration(n)*24*time.Hour, after
		if rest == "" {
			return days, nil
		}
	}
	d, err := time.ParseDuration(rest)
	if err != nil || d < 0 || days+d < 0 || strings.ContainsAny(rest, "+-") {
		return 0, errDuration
	}
	return days + d, nil
}
