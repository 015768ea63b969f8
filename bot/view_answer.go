package bot

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"alsbot/jobs"
)

// maxParagraphs is how many lines of prose an answer has; more belongs into
// Pre.
const maxParagraphs = 60

// answerMessage renders the answer to a command. It keeps paragraphs.
func answerMessage(c cleaner, a jobs.Answer, max int) content {
	card := newCard(c)
	card.left = min(card.left, max)
	icon := ""
	if a.Bad {
		icon = "⚠️ "
	}
	var lines []part
	if a.Bad {
		a.Text = sentence(a.Text)
	}
	paragraphs := strings.Split(strings.TrimSpace(a.Text), "\n")
	for i, p := range paragraphs {
		if i == maxParagraphs || card.left <= 0 {
			lines = append(lines, richText("\n"+leftOut(strings.Join(paragraphs[i:], "\n")), nil))
			break
		}
		if i == 0 {
			p = icon + p
		} else {
			lines = append(lines, richText("\n", nil))
			card.left--
		}
		lines = append(lines, card.say(p))
	}
	for _, id := range a.Channels {
		lines = append(lines, richText(" ", nil), channel(id))
	}
	card.line(lines...)
	card.pre(a.Pre, max)
	text := a.Text
	if text == "" {
		text = a.Pre
	}
	return card.message(icon + shorten(text, maxLine))
}

// textMessage renders plain text.
func textMessage(c cleaner, s string) content {
	return answerMessage(c, jobs.Answer{Text: s}, maxMessage)
}

// sentence gives an error's text a capital letter and a full stop. It keeps
// names as they are written.
func sentence(s string) string {
	s = strings.TrimSpace(s)
	if s == "" {
		return ""
	}
	s = sentenceCase(s)
	if strings.ContainsAny(s[len(s)-1:], ".!?:") {
		return s
	}
	return s + "."
}

// sentenceCase gives a text a capital letter. It keeps names as they are
// written.
func sentenceCase(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	if n == 0 || strings.HasPrefix(s, "kato") || strings.HasPrefix(s, "alsbot") {
		return s
	}
	return string(unicode.ToUpper(r)) + s[n:]
}

// lastLines returns the last n lines of s.
func lastLines(s string, n int) string {
	s = strings.TrimRight(s, "\r\n")
	at := len(s)
	for range n {
		at = strings.LastIndexByte(s[:at], '\n')
		if at < 0 {
			return s
		}
	}
	return s[at+1:]
}
