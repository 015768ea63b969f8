package bot

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// maskText replaces a secret.
const maskText = "••••••"

// secrets masks values that must not be shown: those in the config, in the
// forms in which programs print them, and whatever looks like a secret.
type secrets struct {
	known []string // every form, longest first
}

// minSecret is the length from which a known value is masked; masking shorter
// ones would hide ordinary words.
const minSecret = 6

func newSecrets(values []string) secrets {
	var s secrets
	for _, v := range values {
		if len(v) < minSecret {
			continue
		}
		s.known = append(s.known, v, url.QueryEscape(v), url.PathEscape(v), hex.EncodeToString([]byte(v)))
		if quoted, err := json.Marshal(v); err == nil {
			s.known = append(s.known, strings.Trim(string(quoted), `"`))
		}
		s.known = append(s.known, base64Forms(v)...)
	}
	slices.SortFunc(s.known, func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	s.known = slices.Compact(s.known)
	return s
}

// base64Forms returns what a value looks like inside longer base64, at each of
// the three positions where it can start in a group.
func base64Forms(v string) []string {
	var forms []string
	for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for shift := range 3 {
			e := enc.EncodeToString([]byte(strings.Repeat("x", shift) + v))
			head := 0
			if shift > 0 {
				head = shift + 1 // characters that depend on what stands before, too
			}
			tail := len(e)
			if (shift+len(v))%3 != 0 {
				tail-- // and the one that depends on what follows
			}
			if tail-head >= minSecret {
				forms = append(forms, e[head:tail])
			}
		}
	}
	return forms
}

// pattern is one form that secrets have. The expression is tried only on lines
// that have a marker, in any case, with a fitting text after it: that keeps
// long output cheap.
type pattern struct {
	markers []string // lower case
	after   func(rest string) bool
	re      *regexp.Regexp
	to      string
}

var patterns = []pattern{
	{[]string{"xox", "xapp-"}, nil, regexp.MustCompile(`\bx(?:ox[a-z]|app|oxe\.xox[a-z])-[0-9A-Za-z-]{6,}`), maskText},
	{[]string{"password", "passwd", "passphrase", "pass", "pwd", "secret", "token", "key"}, looksAssigned, regexp.MustCompile(
		`(?i)((?:pass(?:word|wd|phrase)?|pwd|secret|token|(?:api|access|secret)[_-]?key)["']?\s{0,4}[=:]\s{0,4})("[^"\n]*"|'[^'\n]*'|[^\s,;&"'<>{}]+)`), "${1}" + maskText},
	{[]string{"bearer"}, nil, regexp.MustCompile(`(?i)\b(bearer\s{1,4})[A-Za-z0-9._~+/-]{8,}=*`), "${1}" + maskText},
	{[]string{"://"}, hasAt, regexp.MustCompile(`(://[^\s/:@]{1,256}:)[^\s/@]{1,256}@`), "${1}" + maskText + "@"},
	{[]string{"akia"}, nil, regexp.MustCompile(`\bAKIA[0-9A-Z]{16}\b`), maskText},
}

// looksAssigned reports whether a value follows a name.
func looksAssigned(rest string) bool {
	rest = strings.TrimLeft(rest[:min(len(rest), 8)], "\"'")
	rest = strings.TrimLeft(rest, " \t")
	return rest != "" && (rest[0] == '=' || rest[0] == ':')
}

func hasAt(rest string) bool { return strings.IndexByte(rest[:min(len(rest), 600)], '@') >= 0 }

// in reports whether a line, in lower case, may match the pattern.
func (p pattern) in(lower string) bool {
	for _, m := range p.markers {
		for rest := lower; ; {
			at := strings.Index(rest, m)
			if at < 0 {
				break
			}
			rest = rest[at+len(m):]
			if p.after == nil || p.after(rest) {
				return true
			}
		}
	}
	return false
}

// mask masks a complete text, which starts and ends at the end of a line.
func (s secrets) mask(text string) string {
	var k keyBlock
	return s.maskPart(&k, text)
}

// maskPart masks a part of a longer text. The part starts and ends at the end
// of a line; k carries what the next part needs to know.
func (s secrets) maskPart(k *keyBlock, text string) string {
	text = k.mask(text)
	for _, v := range s.known {
		if strings.Contains(text, v) {
			text = strings.ReplaceAll(text, v, maskText)
		}
	}
	for _, p := range patterns {
		text = p.mask(text)
	}
	return text
}

// mask masks what matches the pattern, line by line.
func (p pattern) mask(text string) string {
	lower := strings.ToLower(text)
	if !p.in(lower) {
		return text
	}
	if len(lower) != len(text) { // some letters change their length in lower case
		return p.re.ReplaceAllString(text, p.to)
	}
	var b strings.Builder
	b.Grow(len(text))
	for text != "" {
		end := strings.IndexByte(text, '\n') + 1
		if end == 0 {
			end = len(text)
		}
		line := text[:end]
		if p.in(lower[:end]) {
			line = p.re.ReplaceAllString(line, p.to)
		}
		b.WriteString(line)
		text, lower = text[end:], lower[end:]
	}
	return b.String()
}

// keyBlock masks private keys, which span many lines.
type keyBlock struct{ inside bool }

var (
	keyBegin = regexp.MustCompile(`-----BEGIN [A-Z0-9 ]*PRIVATE KEY[A-Z ]*-----`)
	keyEnd   = regexp.MustCompile(`-----END [A-Z0-9 ]*PRIVATE KEY[A-Z ]*-----`)
	keyLine  = regexp.MustCompile(`^\s*(?:[A-Za-z0-9+/=]*|[A-Za-z0-9-]+: .*)\s*$`)
)

func (k *keyBlock) mask(text string) string {
	if !k.inside && !strings.Contains(text, "PRIVATE KEY") {
		return text
	}
	var out []string
	for line := range strings.SplitSeq(text, "\n") {
		line, keep := k.line(line)
		if keep {
			out = append(out, line)
		}
	}
	return strings.Join(out, "\n")
}

// line returns what is left of one line, and whether anything is.
func (k *keyBlock) line(line string) (string, bool) {
	if k.inside {
		if end := keyEnd.FindStringIndex(line); end != nil {
			k.inside = false
			rest, _ := k.line(line[end[1]:])
			return rest, strings.TrimSpace(rest) != ""
		}
		if keyLine.MatchString(line) {
			return "", false
		}
		k.inside = false // no key any more: the block was cut short
	}
	begin := keyBegin.FindStringIndex(line)
	if begin == nil {
		return line, true
	}
	head, tail := line[:begin[0]]+"[private key: "+maskText+"]", line[begin[1]:]
	if end := keyEnd.FindStringIndex(tail); end != nil {
		rest, _ := k.line(tail[end[1]:])
		return head + rest, true
	}
	k.inside = true
	return head, true
}
