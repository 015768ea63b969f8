package bot

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"alsbot/jobs"
)

// answerMessage shows the answer to a command. Paragraphs stay paragraphs.
func answerMessage(c cleaner, a jobs.Answer, max int) message {
	card := newCard(c)
	card.left = min(card.left, max)
	icon := ""
	if a.Bad {
		icon = "⚠️ "
	}
	var lines []part
	for i, p := range strings.Split(strings.TrimSpace(a.Text), "\n") {
		if i == 0 {
			p = icon + p
		} else {
			lines = append(lines, literal("\n", nil))
		}
		lines = append(lines, card.say(p))
	}
	card.line(lines...)
	card.pre(a.Pre, max)
	text := a.Text
	if text == "" {
		text = a.Pre
	}
	return card.message(icon + short(text, maxLine))
}

// textMessage says something plain.
func textMessage(c cleaner, s string) message {
	return answerMessage(c, jobs.Answer{Text: s}, maxMessage)
}

// sentence makes an error's text one: a capital letter and a full stop.
func sentence(s string) string {
	s = strings.TrimSpace(s)
	r, n := utf8.DecodeRuneInString(s)
	if n == 0 {
		return ""
	}
	s = string(unicode.ToUpper(r)) + s[n:]
	if strings.ContainsAny(s[len(s)-1:], ".!?:") {
		return s
	}
	return s + "."
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
