package als

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits of one command. A longer one is refused, not cut.
const (
	MaxText   = 4000 // bytes of a whole command
	MaxWords  = 64   // words of a command
	MaxReason = 500  // bytes of a reason
)

// word is one word of a command.
type word struct {
	text string
	// quoted is true if the word began in quotes. It is neither a flag nor a
	// cluster then.
	quoted bool
}

// link matches what Slack makes of a host name or an address:
// <http://a.b|a.b>.
var link = regexp.MustCompile(`<(?:https?|ftp|mailto|tel|ssh):[^<>|]*(?:\|([^<>]*))?>`)

var entities = strings.NewReplacer("&amp;", "&", "&lt;", "<", "&gt;", ">")

// unslack restores what Slack changed in a command: entities, and names that
// it made links. Mentions stay, so that they can be refused.
func unslack(text string) string {
	for {
		plain := link.ReplaceAllStringFunc(entities.Replace(text), func(l string) string {
			inner := l[1 : len(l)-1]
			if _, label, ok := strings.Cut(inner, "|"); ok && label != "" {
				return label
			}
			url, _, _ := strings.Cut(inner, "|")
			return strings.TrimPrefix(url, "mailto:")
		})
		if plain == text { // every change makes it shorter
			return text
		}
		text = plain
	}
}

// mention matches what Slack makes of @name where a person has that name.
var mention = regexp.MustCompile(`<@([A-Z0-9]+)(?:\|([^<>|]*))?>`)

// named writes the mentions of people in a sentence as names.
func named(text string) string {
	return mention.ReplaceAllStringFunc(text, func(m string) string {
		if part := mention.FindStringSubmatch(m); part[2] != "" {
			return "@" + part[2]
		}
		return "@" + mention.FindStringSubmatch(m)[1]
	})
}

// Quotes that open or close. Chat clients replace straight quotes with curved
// ones.
const (
	doubleQuotes = "\"“”„‟"
	singleQuotes = "'‘’‚‛"
)

// split cuts a command into words as a shell would, but expands nothing.
func split(text string) ([]word, error) {
	if len(text) > MaxText {
		return nil, refuse(Advise("Type a shorter command."), "the command has %d bytes; %d are allowed", len(text), MaxText)
	}
	if !utf8.ValidString(text) {
		return nil, refuse(Advise("Type it again instead of pasting it."), "the command is not valid UTF-8 text")
	}
	var s splitter
	for _, r := range strings.TrimSpace(unslack(text)) {
		r = plainBlank(r)
		if invisible(r) {
			return nil, refuse(Advise("Type the command on one line, without it."), "%s cannot be part of a command", describeRune(r))
		}
		s.take(r)
	}
	if s.quotes != "" {
		return nil, refuse(Advise("Close it, or leave it out."), "a quote %c is opened and not closed", []rune(s.quotes)[0])
	}
	s.end()
	if len(s.words) > MaxWords {
		return nil, refuse(Advise("Ask for less at once."), "the command has %d words; %d are allowed", len(s.words), MaxWords)
	}
	for i, w := range s.words {
		if !w.quoted {
			s.words[i].text = restoreDashes(w.text)
		}
	}
	return s.words, nil
}

// splitter collects words, character by character.
type splitter struct {
	words  []word
	text   strings.Builder // of the present word
	inWord bool
	quoted bool   // the present word began in quotes
	quotes string // the kind of quotes that are open, or ""
}

func (s *splitter) take(r rune) {
	kind := quotesOf(r)
	switch {
	case s.quotes != "" && kind == s.quotes:
		s.quotes = ""
	case s.quotes == "" && kind != "":
		s.quoted = s.quoted || !s.inWord
		s.inWord, s.quotes = true, kind
	case s.quotes == "" && (r == ' ' || r == '\t'):
		s.end()
	default:
		s.inWord = true
		s.text.WriteRune(straightQuote(r))
	}
}

// end completes the present word, if there is one.
func (s *splitter) end() {
	if s.inWord {
		s.words = append(s.words, word{text: s.text.String(), quoted: s.quoted})
	}
	s.text.Reset()
	s.inWord, s.quoted = false, false
}

// quotesOf returns the kind of quotes that a character belongs to, or "".
func quotesOf(r rune) string {
	for _, kind := range []string{doubleQuotes, singleQuotes} {
		if strings.ContainsRune(kind, r) {
			return kind
		}
	}
	return ""
}

// straightQuote returns the straight quote for a curved one.
func straightQuote(r rune) rune {
	switch {
	case strings.ContainsRune(doubleQuotes, r):
		return '"'
	case strings.ContainsRune(singleQuotes, r):
		return '\''
	}
	return r
}

// restoreDashes turns the en and em dashes that chat clients write at the
// beginning of a word back into two hyphens.
func restoreDashes(s string) string {
	rest, n, typographic := s, 0, false
	for n < 2 {
		r, size := utf8.DecodeRuneInString(rest)
		if r != '-' && r != '–' && r != '—' {
			break
		}
		typographic = typographic || r != '-'
		rest = rest[size:]
		n++
	}
	if !typographic {
		return s
	}
	return "--" + rest
}

// invisible reports characters that can't be part of a command: those that
// people cannot see, and the one that stands for lost text.
func invisible(r rune) bool { return r != '\t' && (Invisible(r) || r == unicode.ReplacementChar) }

// plainBlank returns a blank for every kind of blank: chat clients and keyboards
// put others where people see one.
func plainBlank(r rune) rune {
	if unicode.Is(unicode.Zs, r) {
		return ' '
	}
	return r
}

// describeRune names a character so that a person can find it.
func describeRune(r rune) string {
	if invisible(r) || !unicode.IsPrint(r) {
		return fmt.Sprintf("the invisible character U+%04X", r)
	}
	return fmt.Sprintf("the character %c (U+%04X)", r, r)
}

// quote writes a word so that split reads it back unchanged.
func quote(s string) string {
	if s != "" && !strings.ContainsAny(s, " \t"+doubleQuotes+singleQuotes) && !strings.ContainsAny(s[:1], "-@") && restoreDashes(s) == s {
		return s
	}
	if !strings.Contains(s, `"`) {
		return `"` + s + `"`
	}
	if !strings.Contains(s, `'`) {
		return `'` + s + `'`
	}
	// It has both kinds of quotes: quote the pieces between double quotes, and
	// each double quote in single ones.
	return `"` + strings.ReplaceAll(s, `"`, `"'"'"`) + `"`
}

// refuse returns a Refusal: next is what to do instead, the format says what
// is wrong.
func refuse(next Advice, format string, args ...any) *Refusal {
	return &Refusal{Text: fmt.Sprintf(format, args...), Next: next}
}
