package bot

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/slack-go/slack"
)

// escaper replaces the three control characters of Slack's markup. Every `text`
// field passes through it last; blocks use rich text, which is literal and
// needs no escaping.

var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// escape makes cleaned text literal in mrkdwn.
func escape(s string) string { return escaper.Replace(s) }

// escapeTo is escape with at most max code points in the result: Slack counts
// what it receives.
func escapeTo(s string, max int) string {
	for n := max; ; n -= max / 8 {
		if e := escape(shorten(s, n)); utf8.RuneCountInString(e) <= max || n <= max/8 {
			return e
		}
	}
}

// mentionStart matches what a parser of markup would read as the start of a
// mention or a link.
var mentionStart = regexp.MustCompile(`<[!@#A-Za-z]`)

// richText returns cleaned text as rich text. It puts an opening bracket and
// what would make it a mention into different elements: they look the same side
// by side, and no reader of the payload can take them for a mention.
func richText(s string, style *slack.RichTextSectionTextStyle) []slack.RichTextSectionElement {
	var els []slack.RichTextSectionElement
	add := func(s string) {
		if s != "" {
			els = append(els, slack.NewRichTextSectionTextElement(s, style))
		}
	}
	const most = 40 // such splits; after that, brackets are shown as another character
	for range most {
		at := mentionStart.FindStringIndex(s)
		if at == nil {
			break
		}
		add(s[:at[0]+1])
		s = s[at[0]+1:]
	}
	add(mentionStart.ReplaceAllStringFunc(s, func(m string) string { return "‹" + m[1:] }))
	return els
}

// reference matches how Slack writes mentions, channels and links in the text
// that it delivers: <@U1|ann>, <#C1|ops>, <https://…|…>, <!subteam^S1|@ops>.
var reference = regexp.MustCompile(`<([@#!]?)([^<>|]*)(?:\|([^<>]*))?>`)

var unescaper = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&")

// unescape turns text that Slack delivers back into what the person typed. The
// mention of a person stays: its label is the user name, while people see and
// type the display name, which anyone can choose. A cluster must not be taken
// from it.
func unescape(s string) string {
	s = reference.ReplaceAllStringFunc(s, func(m string) string {
		part := reference.FindStringSubmatch(m)
		sign, id, label := part[1], part[2], part[3]
		switch sign {
		case "@":
			return m
		case "#":
			if label != "" {
				return sign + label
			}
			return sign + id
		case "!":
			if label != "" {
				return label
			}
			return "@" + id
		}
		if label != "" {
			return label
		}
		return strings.TrimPrefix(id, "mailto:")
	})
	return strings.TrimSpace(unescaper.Replace(s))
}

// cut shortens a text to at most max code points, at the end of a line if
// possible, and says how much it left out.
func cut(s string, max int) string {
	if utf8.RuneCountInString(s) <= max {
		return s
	}
	const room = 40 // for the note about what was left out
	keep := firstRunes(s, max-room)
	if i := strings.LastIndexByte(keep, '\n'); i > len(keep)/2 {
		keep = keep[:i]
	}
	return keep + "\n" + leftOut(s[len(keep):])
}

// cutStart is cut for text whose end matters most.
func cutStart(s string, max int) string {
	n := utf8.RuneCountInString(s)
	if n <= max {
		return s
	}
	const room = 40
	keep := s[len(firstRunes(s, n-max+room)):]
	if i := strings.IndexByte(keep, '\n'); i >= 0 && i < len(keep)/2 {
		keep = keep[i+1:]
	}
	return leftOut(s[:len(s)-len(keep)]) + "\n" + keep
}

// shorten shortens text on one line.
func shorten(s string, max int) string {
	if utf8.RuneCountInString(s) <= max {
		return s
	}
	return firstRunes(s, max-1) + "…"
}

// firstRunes returns the first n code points of s.
func firstRunes(s string, n int) string {
	if n <= 0 {
		return ""
	}
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}
