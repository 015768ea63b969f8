package bot

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/slack-go/slack"
)

// Slack's markup has three control characters. Everything that goes into a
// `text` is escaped here, last; blocks are built of rich text, where text is
// literal and nothing has to be escaped.

var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// escape makes cleaned text inert in mrkdwn.
func escape(s string) string { return escaper.Replace(s) }

// escapeTo is escape for at most max code points of the result: Slack counts
// what it is sent.
func escapeTo(s string, max int) string {
	for n := max; ; n -= max / 8 {
		if e := escape(shorten(s, n)); utf8.RuneCountInString(e) <= max || n <= max/8 {
			return e
		}
	}
}

// opening is what would begin a mention or a link if it met a parser.
var mentionStart = regexp.MustCompile(`<[!@#A-Za-z]`)

// literal returns cleaned text as rich text. An opening bracket never stands
// in one element with what would make it a mention: rich text shows the
// elements side by side, and no reader of the payload can take it for one.
func richText(s string, style *slack.RichTextSectionTextStyle) []slack.RichTextSectionElement {
	var els []slack.RichTextSectionElement
	add := func(s string) {
		if s != "" {
			els = append(els, slack.NewRichTextSectionTextElement(s, style))
		}
	}
	const most = 40 // of such pieces; a flood of brackets is shown with another bracket
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

// reference is how Slack writes mentions, channels and links in text that it
// delivers: <@U1|ann>, <#C1|ops>, <https://…|…>, <!subteam^S1|@ops>.
var reference = regexp.MustCompile(`<([@#!]?)([^<>|]*)(?:\|([^<>]*))?>`)

var unescaper = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&")

// typed turns the text that Slack delivers back into what the person typed.
func unescape(s string) string {
	s = reference.ReplaceAllStringFunc(s, func(m string) string {
		part := reference.FindStringSubmatch(m)
		sign, id, label := part[1], part[2], part[3]
		switch sign {
		case "@", "#":
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
// there is one, and says how much was left out.
func cut(s string, max int) string {
	if utf8.RuneCountInString(s) <= max {
		return s
	}
	const room = 40 // for the sentence that says so
	keep := firstRunes(s, max-room)
	if i := strings.LastIndexByte(keep, '\n'); i > len(keep)/2 {
		keep = keep[:i]
	}
	return keep + "\n" + leftOut(s[len(keep):])
}

// cutHead is cut for texts whose end matters most.
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

// short shortens what stands on one line.
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
