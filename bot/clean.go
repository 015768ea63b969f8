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
	return visible(c.secrets.mask(newlines(stripANSI(s))))
}

// line cleans text and puts it on one line.
func (c cleaner) line(s string) string {
	return strings.Join(strings.Fields(c.text(s)), " ")
}

// stripANSI drops complete control sequences (CSI, OSC and the short ones) that
// end on the same line. It shows incomplete ones, so that none can swallow the
// text after it.
func stripANSI(s string) string {
	at := strings.IndexByte(s, esc)
	if at < 0 {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for at >= 0 {
		b.WriteString(s[:at])
		n := escapeLen(s[at:])
		if n == 0 {
			b.WriteByte(esc) // visible shows it as its code
			n = 1
		}
		s = s[at+n:]
		at = strings.IndexByte(s, esc)
	}
	b.WriteString(s)
	return b.String()
}

const esc = '\x1b'

// escapeLen returns the length of the control sequence at the beginning of s,
// or 0 if s does not begin with a complete one.
func escapeLen(s string) int {
	if len(s) < 2 {
		return 0
	}
	switch c := s[1]; {
	case c == '[':
		return csiLen(s)
	case c == ']':
		return oscLen(s)
	case c == '(' || c == ')':
		return charsetLen(s)
	case strings.IndexByte("=>78cDEHMZ", c) >= 0:
		return 2
	}
	return 0
}

// csiLen is escapeLen for "ESC [": parameters, then a final byte.
func csiLen(s string) int {
	const maxLen = 64
	for i := 2; i < len(s) && i < maxLen; i++ {
		switch c := s[i]; {
		case '@' <= c && c <= '~':
			return i + 1
		case c < ' ' || c > '?':
			return 0
		}
	}
	return 0
}

// oscLen is escapeLen for "ESC ]": text on one line, then BEL or "ESC \".
func oscLen(s string) int {
	for i := 2; i < len(s) && s[i] != '\n'; i++ {
		switch {
		case s[i] == '\a':
			return i + 1
		case s[i] == esc && strings.HasPrefix(s[i+1:], "\\"):
			return i + 2
		case s[i] == esc:
			return 0
		}
	}
	return 0
}

// charsetLen is escapeLen for "ESC (" and "ESC )": the name of a character set.
func charsetLen(s string) int {
	if len(s) > 2 && ('0' <= s[2] && s[2] <= '9' || 'A' <= s[2] && s[2] <= 'Z') {
		return 3
	}
	return 0
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
