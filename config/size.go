package config

import (
	"errors"
	"math"

	"github.com/dustin/go-humanize"
)

// Size is a number of bytes. It is written with a unit, such as 1TiB.
type Size int64

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Size) UnmarshalText(text []byte) error {
	n, err := humanize.ParseBytes(string(text))
	if err != nil || n > math.MaxInt64 {
		return errors.New("is no size: write a number and a unit, such as 500GiB or 1TiB")
	}
	*s = Size(n)
	return nil
}
