package config

import (
	"fmt"
	"log/slog"
	"strings"
)

// Secret is a string that always prints masked. Reveal returns its value.
type Secret string

const masked = "••••••"

// Reveal returns the value.
func (s Secret) Reveal() string { return string(s) }

// String masks the secret; an empty one stays empty.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return masked
}

// Format masks the secret for every verb, even one that doesn't fit a string.
func (s Secret) Format(f fmt.State, verb rune) {
	if verb == 'q' || verb == 'v' && f.Flag('#') {
		_, _ = fmt.Fprintf(f, "%q", s.String())
		return
	}
	_, _ = f.Write([]byte(s.String()))
}

// LogValue masks the secret in logs.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText masks the secret in JSON and YAML.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// shown returns a value as a problem may quote it: short, on one line, and
// masked if it looks like a misplaced token.
func shown(value string) string {
	if strings.Contains(value, "xox") || strings.Contains(value, "xapp-") {
		return masked
	}
	if r := []rune(value); len(r) > 80 {
		value = string(r[:80]) + "…"
	}
	return fmt.Sprintf("%q", value)
}
