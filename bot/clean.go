package bot

import (
	"strings"
	"unicode/utf8"

	"alsbot/als"
)

// cleaner makes text from nodes and people safe to show: the result cannot
// steer a terminal, change its direction, hide characters or show a secret. It
// has printable characters, blanks and newlines only. Escaping for Slack's
// markup comes after it (escape.go).
type cleaner struct {
	secrets secrets
}

// newCleaner returns a cleaner that masks these values as secrets.
func newCleaner(known ...string) cleaner { return cleaner{secrets: newSecrets(known)} }

// text cleans text of several lines.
func (c cleaner) text(s string) string {
	return visible(c.secrets.mask(newlines(als.StripANSI(s))))
}

// line cleans text and puts it on one line.
func (c cleaner) line(s string) string {
	return strings.Join(strings.Fields(c.text(s)), " ")
}

// newlines turns all line ends into "\n". A lone carriage return, with which
// progress bars overwrite themselves, starts a new line.
func newlines(s string) string {
	if !strings.Contains(s, "\r") {
		return s
	}
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
}

const tabWidth = 8

// visible replaces every character that a reader would not see with its code,
// and tabs with blanks.
func visible(s string) string { return als.Visible(expandTabs(s)) }

// expandTabs replaces tabs with the blanks that a terminal shows for them.
func expandTabs(s string) string {
	if strings.IndexByte(s, '\t') < 0 {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + len(s)/8)
	col := 0
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		switch r {
		case '\n':
			b.WriteByte('\n')
			col = -1
		case '\t':
			fill := tabWidth - col%tabWidth
			b.WriteString("        "[:fill])
			col += fill - 1
		default:
			b.WriteString(s[:n])
		}
		s = s[n:]
		col++
	}
	return b.String()
}
