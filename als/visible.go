package als

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Invisible reports whether people can't see a character, or see something
// else because of it: controls, zero widths, fillers that look like a blank,
// marks that change the direction of writing, separators, tags, private
// characters. Blanks, tabs and newlines are controls or blanks of their own;
// the caller decides about them.
func Invisible(r rune) bool {
	if r < utf8.RuneSelf {
		return r < ' ' || r == 0x7f
	}
	return unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co,
		unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector) || slightlyThere(r)
}

// slightlyThere reports characters that Unicode calls visible and that no font
// shows.
func slightlyThere(r rune) bool {
	const brailleBlank, nullNotehead = '\u2800', '\U0001D159'
	return r == brailleBlank || r == nullNotehead
}

// picks reports whether a variation selector picks the look of the symbol
// before it, as in emoji.
func picks(before, r rune) bool {
	return (r == '\ufe0e' || r == '\ufe0f') && unicode.In(before, unicode.So, unicode.Sm)
}

// marksMost is how many marks may stand over and under one letter, one on the
// other: more of them cover the lines around it.
const marksMost = 4

// isMark reports a character that is drawn over or under the one before it.
func isMark(r rune) bool { return r >= '\u0300' && unicode.In(r, unicode.Mn, unicode.Me) }

// Visible replaces every invisible character, and every byte that is no text,
// with its code, so that what people read is all that there is. It does so with
// marks that cover other lines, too. Newlines and tabs stay, and so do other kinds
// of blanks.
func Visible(s string) string {
	if !hasInvisible(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + len(s)/8)
	before, marks := rune(0), 0
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		if marks++; !isMark(r) {
			marks = 0
		}
		switch {
		case r == '\n' || r == '\t':
			b.WriteByte(s[0])
		case r == utf8.RuneError && n == 1, r < 0x100 && unicode.IsControl(r):
			fmt.Fprintf(&b, `\x%02x`, s[n-1])
		case Invisible(r) && !picks(before, r), marks > marksMost:
			fmt.Fprintf(&b, `\u{%x}`, r)
		default:
			b.WriteString(s[:n])
		}
		before, s = r, s[n:]
	}
	return b.String()
}

// hasInvisible is quick on what most output is: printable ASCII.
func hasInvisible(s string) bool {
	for i := 0; i < len(s); {
		if c := s[i]; c < utf8.RuneSelf {
			if Invisible(rune(c)) && c != '\n' && c != '\t' {
				return true
			}
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 || Invisible(r) || isMark(r) {
			return true
		}
		i += n
	}
	return false
}
