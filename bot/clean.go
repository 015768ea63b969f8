package bot

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// What nodes print and what people type is hostile until it has been through
// here. A cleaner turns it into text that cannot steer a terminal, turn its
// own direction, hide characters or show a secret. What is left are letters,
// blanks and newlines. Escaping for Slack's markup comes after it (escape.go).
type cleaner struct {
	secrets secrets
}

// newCleaner returns a cleaner that knows these values as secrets.
func newCleaner(known ...string) cleaner { return cleaner{secrets: newSecrets(known)} }

// text cleans several lines.
func (c cleaner) text(s string) string {
	return visible(c.secrets.mask(newlines(stripANSI(s))))
}

// line cleans what has to stand on one line.
func (c cleaner) line(s string) string {
	return strings.Join(strings.Fields(c.text(s)), " ")
}

// ansi finds the control sequences that programs print to colour and move:
// CSI, OSC and the short ones. Only whole ones on one line are dropped; what
// is left of a broken one is shown, so that nothing can swallow the rest.
var ansi = regexp.MustCompile("\x1b\\[[0-?]*[ -/]*[@-~]|\x1b\\][^\x07\x1b\n]*(?:\x07|\x1b\\\\)|\x1b[()][0-9A-Z]|\x1b[=>78cDEHMZ]")

func stripANSI(s string) string {
	if !strings.Contains(s, "\x1b") {
		return s
	}
	return ansi.ReplaceAllString(s, "")
}

// newlines makes one kind of them. A lone carriage return, with which
// progress bars write over themselves, becomes a line of its own.
func newlines(s string) string {
	if !strings.Contains(s, "\r") {
		return s
	}
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
}

const tabWidth = 8

// visible writes every character that a reader would not see as its code.
func visible(s string) string {
	if !hidden(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + len(s)/8)
	col := 0
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		switch {
		case r == '\n':
			b.WriteByte('\n')
			col = -1
		case r == '\t':
			fill := tabWidth - col%tabWidth
			b.WriteString("        "[:fill])
			col += fill - 1
		case r == utf8.RuneError && n == 1, r < 0x100 && unicode.IsControl(r):
			fmt.Fprintf(&b, `\x%02x`, s[n-1])
		case isHidden(r):
			fmt.Fprintf(&b, `\u{%x}`, r)
		default:
			b.WriteString(s[:n])
		}
		s = s[n:]
		col++
	}
	return b.String()
}

func hidden(s string) bool {
	for i, r := range s {
		if r == utf8.RuneError {
			if _, n := utf8.DecodeRuneInString(s[i:]); n == 1 {
				return true
			}
		}
		if r != '\n' && (unicode.IsControl(r) || isHidden(r)) {
			return true
		}
	}
	return false
}

// isHidden reports whether a character has no look of its own: direction
// marks, zero widths, tags, separators that are not a blank.
func isHidden(r rune) bool {
	return unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co) || r == '\u115f' || r == '\u3164' || r == '\u2800'
}
