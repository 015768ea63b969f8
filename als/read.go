package als

import (
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Readers turn kato's output into values. They strip colours, accept any
// number of blanks and skip noise (noise.go). Silence, an unknown line or an
// output that breaks off is never good news: a reader returns everything or an
// error (gaps.go).

// clean returns the lines of an output as a terminal would show them: without
// escape sequences, text that a carriage return overwrote, and control
// characters. Indentation stays; tabs become blanks. An invisible character
// becomes one that fits no name.
func clean(out []byte) []string {
	lines := strings.Split(strings.ToValidUTF8(string(out), "\uFFFD"), "\n")
	for i, l := range lines {
		l = strings.Map(func(r rune) rune {
			switch {
			case r == '\t':
				return ' '
			case r == esc:
				return unicode.ReplacementChar // a sequence that does not end
			case unicode.IsControl(r):
				return -1
			case invisible(r):
				return unicode.ReplacementChar // a disguised name is not the name
			}
			return r
		}, overwritten(l))
		lines[i] = strings.TrimRight(l, " ")
	}
	return lines
}

// printable returns s on one line, cut to at most n characters, for use in a
// sentence.
func printable(s string, n int) string {
	s = strings.Join(strings.Fields(strings.Join(clean([]byte(s)), " ")), " ")
	if utf8.RuneCountInString(s) > n {
		s = string([]rune(s)[:n-1]) + "…"
	}
	return s
}

// isIP reports whether a word is an IP address, as kato names nodes.
func isIP(s string) bool {
	a, err := netip.ParseAddr(s)
	return err == nil && a.Zone() == ""
}

// prompts match questions of a command to a person. Commands have no terminal
// and an empty stdin: most end at a question, some hang.
var prompts = []*pattern{
	mustCompile(`(?i)^\[sudo\] password for [^:]{1,64}:$`),
	mustCompile(`(?i)^sudo: no tty present and no askpass program specified$`),
	mustCompile(`(?i)^sudo: a (terminal|password) is required.*$`),
	mustCompile(`(?i)^[^ ]{0,128}'s password:$`),
	mustCompile(`(?i)^(old |new |current |retype |enter )?(unix )?(new )?password:$`),
	mustCompile(`(?i)\(yes/no(/\[fingerprint\])?\)\?$`),
	mustCompile(`(?i)^Enter passphrase for key.*:$`),
	mustCompile(`(?i)\[(y/n|yes/no)\]\s*[:?]?$`),
	mustCompile(`(?i)(type "proceed"|press enter).{0,40}$`),
}

// Prompt reports whether an output ends with a question that waits for an
// answer, and returns its text. tail may begin in the middle of a line.
func Prompt(tail []byte) (text string, ok bool) {
	if len(tail) > 4096 {
		tail = tail[len(tail)-4096:]
	}
	lines := clean(tail)
	for n, i := 0, len(lines)-1; i >= 0 && n < 3; i-- {
		l := strings.TrimSpace(lines[i])
		if l == "" {
			continue
		}
		n++
		for _, p := range prompts {
			if p.MatchString(l) {
				return printable(l, 200), true
			}
		}
	}
	return "", false
}

var (
	notFound   = mustCompile(`(?i)(^|[:/ ])kato:? (command )?not found$|/kato: No such file or directory$|^env: .*kato.*No such file`)
	usageText  = mustCompile(`(?i)^usage:`)
	errorTexts = []*pattern{
		mustCompile(`(?i)^(error|fatal|failed|abort(ed)?|exception)\b[ :!]`),
		mustCompile(`(?i)^[^ ]{1,80}\.rb:\d+:in `),
		mustCompile(`^[A-Z][A-Za-z:]{2,60}(Error|Exception|Refused)\b`),
		mustCompile(`(?i)\(([A-Za-z:]{1,60}(Error|Exception)|Errno::[A-Z]+)\)$`),
		mustCompile(`(?i)^(could not|couldn't|cannot|can't|unable to|failed to|could determine proceses status) `),
		mustCompile(`(?i)(connection refused|connection timed out|no route to host|no space left on device|permission denied|host key verification failed|could not resolve host|network is unreachable|device or resource busy)\b`),
		mustCompile(`(?i)^([a-z]{1,20} ){1,4}(failed|halted|finished with errors)\b`),
		mustCompile(`(?i)^(an?|another) ([a-z]{1,20} ){1,3}is (already )?in progress\b`),
		mustCompile(`(?i)^(no such file or directory|not a directory|not enough free |first user setup has not )`),
		mustCompile(`(?i)^cluster [a-z]{1,20} must be run on the core`),
		mustCompile(`(?i)^patch '[^']{1,80}' not found`),
		mustCompile(`(?i) \.*failed$`),
	}
)

// complaint returns the line with which an output reports an error, or "". It
// explains failures and casts doubt on an exit status of 0. It never proves
// success.
func complaint(out []byte) string {
	for _, l := range clean(out) {
		l = strings.TrimSpace(l)
		if isNoise(l) {
			continue
		}
		if notFound.MatchString(l) || usageText.MatchString(l) {
			return printable(l, 200)
		}
		for _, e := range errorTexts {
			if e.MatchString(l) {
				return printable(l, 200)
			}
		}
	}
	return ""
}

// missingKato reports whether a command ended because the node has no kato.
func missingKato(r Result) bool {
	if r.Exit == 127 {
		return true
	}
	for _, l := range clean(r.Output) {
		if notFound.MatchString(strings.TrimSpace(l)) {
			return true
		}
	}
	return false
}

func nodeWords(node string) string {
	if node == Core || node == "" {
		return "the core"
	}
	return node
}

// byIP orders addresses by number. What is no address comes last.
func byIP(a, b string) int {
	x, errX := netip.ParseAddr(a)
	y, errY := netip.ParseAddr(b)
	switch {
	case errX == nil && errY == nil:
		return x.Compare(y)
	case errX == nil:
		return -1
	case errY == nil:
		return 1
	}
	return strings.Compare(a, b)
}
