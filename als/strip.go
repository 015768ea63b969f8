package als

import "strings"

// Control sequences of terminals. Readers skip what people are not shown, and
// no more.

// StripANSI drops complete control sequences (CSI, OSC and the short ones) that
// end on the same line. It leaves the escape character of incomplete ones, so
// that none can swallow the text after it.
func StripANSI(s string) string {
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
			b.WriteByte(esc)
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

// overwritten returns a line as a terminal shows it: what follows a carriage
// return overwrites as much as it has itself.
func overwritten(line string) string {
	line = strings.TrimRight(line, "\r")
	if !strings.Contains(line, "\r") {
		return StripANSI(line)
	}
	var shown []rune
	for part := range strings.SplitSeq(line, "\r") {
		for _, clear := range []string{"\x1b[K", "\x1b[0K", "\x1b[2K"} {
			if strings.HasPrefix(part, clear) {
				shown = nil
			}
		}
		now := []rune(StripANSI(part))
		n := copy(shown, now)
		shown = append(shown, now[n:]...)
	}
	return string(shown)
}
