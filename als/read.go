package als

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

// Readers turn what kato printed into values. They strip colours, take any
// run of blanks, ignore lines that they do not know, and never read silence
// or an unknown text as good news: what cannot be read is an error.

// clean returns the lines of an output as a terminal would leave them:
// without escape sequences, without what a carriage return has overwritten,
// without control characters. Indentation stays; tabs become blanks.
func clean(out []byte) []string {
	text := ansi.Strip(strings.ToValidUTF8(string(out), "\uFFFD"))
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		l = strings.TrimRight(l, "\r")
		if cr := strings.LastIndexByte(l, '\r'); cr >= 0 {
			l = l[cr+1:]
		}
		l = strings.Map(func(r rune) rune {
			switch {
			case r == '\t':
				return ' '
			case hidden(r):
				return -1
			}
			return r
		}, l)
		lines[i] = strings.TrimRight(l, " ")
	}
	return lines
}

// printable is s on one line, cut to at most n characters, for use inside a
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

// fromJSON decodes the first JSON array or object that begins a line, after
// whatever was printed before it.
func fromJSON(out []byte, into any) error {
	lines := slices.DeleteFunc(clean(out), noiseText.MatchString) // it comes every ten seconds, in the middle too
	text := []byte(strings.Join(lines, "\n"))
	var last error
	for tries, at := 0, 0; at < len(text) && tries < 64; {
		end := bytes.IndexByte(text[at:], '\n')
		line := text[at:]
		if end >= 0 {
			line = text[at : at+end]
		}
		trimmed := bytes.TrimSpace(line)
		if len(trimmed) > 0 && (trimmed[0] == '[' || trimmed[0] == '{') {
			tries++
			if last = json.NewDecoder(bytes.NewReader(text[at:])).Decode(into); last == nil {
				return nil
			}
		}
		if end < 0 {
			break
		}
		at += end + 1
	}
	if last != nil {
		return fmt.Errorf("reading JSON: %w", last)
	}
	return errNoJSON
}

// errNoJSON says that an output holds nothing that looks like JSON.
var errNoJSON = fmt.Errorf("the output is not JSON")

// prompts are the texts by which a command on a node asks a person. Commands
// get no terminal and an empty stdin, so most end at once; some hang.
var prompts = []*regexp.Regexp{
	regexp.MustCompile(`(?i)^\[sudo\] password for [^:]{1,64}:$`),
	regexp.MustCompile(`(?i)^sudo: no tty present and no askpass program specified$`),
	regexp.MustCompile(`(?i)^sudo: a (terminal|password) is required.*$`),
	regexp.MustCompile(`(?i)^[^ ]{0,128}'s password:$`),
	regexp.MustCompile(`(?i)^(old |new |current |retype |enter )?(unix )?(new )?password:$`),
	regexp.MustCompile(`(?i)^.{0,200}\(yes/no(/\[fingerprint\])?\)\?$`),
	regexp.MustCompile(`(?i)^Enter passphrase for key.*:$`),
	regexp.MustCompile(`(?i)^.{0,200}\[(y/n|yes/no)\]\s*[:?]?$`),
	regexp.MustCompile(`(?i)^.{0,200}(type "proceed"|press enter).{0,40}:?$`),
}

// Prompt reports whether the end of an output is a question that waits for an
// answer, and its text. The tail may begin in the middle of a line.
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
	notFound   = regexp.MustCompile(`(?i)(^|[:/ ])kato:? (command )?not found$|/kato: No such file or directory$|^env: .*kato.*No such file`)
	usageText  = regexp.MustCompile(`(?i)^usage:`)
	errorTexts = []*regexp.Regexp{
		regexp.MustCompile(`(?i)^(error|fatal|failed|abort(ed)?|exception)\b[ :!]`),
		regexp.MustCompile(`(?i)^[^ ]{1,80}\.rb:\d+:in `),
		regexp.MustCompile(`^[A-Z][A-Za-z:]{2,60}(Error|Exception|Refused)\b`),
		regexp.MustCompile(`(?i)\(([A-Za-z:]{1,60}(Error|Exception)|Errno::[A-Z]+)\)$`),
		regexp.MustCompile(`(?i)^(could not|couldn't|cannot|can't|unable to|failed to|could determine proceses status) `),
		regexp.MustCompile(`(?i)(connection refused|connection timed out|no route to host|no space left on device|permission denied|host key verification failed|could not resolve host.*|network is unreachable|device or resource busy)\b.{0,200}$`),
		regexp.MustCompile(`(?i)^([a-z]{1,20} ){1,4}(failed|halted|finished with errors)\b`),
		regexp.MustCompile(`(?i)^(an?|another) ([a-z]{1,20} ){1,3}is (already )?in progress\b`),
		regexp.MustCompile(`(?i)^(no such file or directory|not a directory|not enough free |first user setup has not )`),
		regexp.MustCompile(`(?i)^cluster [a-z]{1,20} must be run on the core`),
		regexp.MustCompile(`(?i)^patch '[^']{1,80}' not found`),
		regexp.MustCompile(`(?i) \.*failed$`),
	}
	noiseText = regexp.MustCompile(`(?i)error getting sizes`)
)

// complaint returns the line by which an output says that something went
// wrong, or "". It is used to explain, and to doubt an exit status of 0,
// never to find that all is well.
func complaint(out []byte) string {
	for _, l := range clean(out) {
		l = strings.TrimSpace(l)
		if l == "" || noiseText.MatchString(l) {
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

// missingKato reports whether a command ended because there is no kato.
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

// trouble explains why the result of a kato command is not usable. ok is
// false when nothing speaks against it; that alone is no proof of success.
func trouble(r Result) (f Finding, ok bool) {
	stop := func(mend, format string, args ...any) (Finding, bool) {
		return Finding{Level: Stop, Text: fmt.Sprintf(format, args...), Mend: mend}, true
	}
	who := nodeWords(r.Node)
	if p, asks := Prompt(r.Output); asks && r.Trouble != "" { // it was ended because it waited
		return stop(mendPrompt(p), "%s on %s: something asked a person and got no answer: %s", r.Step, who, p)
	}
	if r.Trouble != "" {
		return stop(whole(r.Mend), "%s on %s: %s", r.Step, who, printable(r.Trouble, 200))
	}
	if missingKato(r) {
		return stop("Set clusters[].kato in the configuration to kato's path on the nodes, e.g. /home/helion/bin/kato. If an upgrade was under way, it may have been interrupted.",
			"kato not found on %s", who)
	}
	if p, asks := Prompt(r.Output); asks {
		return stop(mendPrompt(p), "%s on %s: something asked a person and got no answer: %s", r.Step, who, p)
	}
	said := complaint(r.Output)
	switch {
	case r.Exit != 0 && said != "":
		return stop("", "%s on %s ended with status %d: %s", r.Step, who, r.Exit, said)
	case r.Exit != 0:
		return stop("", "%s on %s ended with status %d%s", r.Step, who, r.Exit, lastWords(r.Output))
	case said != "":
		return stop("", "%s on %s: %s", r.Step, who, said)
	}
	return Finding{}, false
}

// mendFirst is what to do next after a step, and before that what mends the
// step's own trouble, if something is known to.
func mendFirst(rs Results, step, next string) string {
	r, _ := rs.Find(step, "")
	f, _ := trouble(r)
	return strings.TrimSpace(f.Mend + " " + next)
}

// mendPrompt says how to get rid of a question.
func mendPrompt(p string) string {
	l := strings.ToLower(p)
	switch {
	case strings.Contains(l, "sudo"):
		return "Let the system user call sudo without a password, or set clusters[].run_as so that kato is run from root."
	case strings.Contains(l, "password:"), strings.Contains(l, "passphrase"):
		return "Set up passwordless SSH from the core to every node of the cluster."
	case strings.Contains(l, "continue connecting"):
		return "Log in once from that node to the other to accept its host key, or add it to the node's known_hosts."
	}
	return "Run the command once by hand on the node, and see what it asks."
}

// lastWords is the last line of an output as the end of a sentence.
func lastWords(out []byte) string {
	return cmp.Or(lastLine(out), " and printed nothing")
}

func lastLine(out []byte) string {
	lines := clean(out)
	for i := len(lines) - 1; i >= 0; i-- {
		if l := strings.TrimRight(printable(lines[i], 160), "."); l != "" {
			return "; its last line was: " + l
		}
	}
	return ""
}

func nodeWords(node string) string {
	if node == Core || node == "" {
		return "the core"
	}
	return node
}
