package bot

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/slack-go/slack"
)

// These limits are Slack's, in code points (slack.md has the sources). A card
// counts what it takes and cuts the rest, so no message can break them.
const (
	maxMessage  = 11500 // all blocks of a message; Slack refuses at about 13,200
	reserve     = 500   // kept for the small print
	maxFallback = 3000  // the text beside the blocks
	maxHeader   = 150
	maxContext  = 1500
	maxLine     = 800 // one line of a card: a command, a reason
	maxButton   = 75
	maxValue    = 2000
	maxElement  = 3000 // one text element of rich text
	maxCodes    = 100  // code-styled pieces in one line
	maxBlocks   = 48
)

// content is what Slack shows of a message. It always has blocks to look at,
// and text for the notification, for screen readers, and for a workspace that
// refuses the blocks.
type content struct {
	text   string // escaped
	blocks []slack.Block
	typed  string // what people can do if the buttons are refused
}

// card builds the content of a message from cleaned text.
type card struct {
	cleaner cleaner
	blocks  []slack.Block
	left    int  // code points that still fit
	cut     bool // something was left out
	typed   string
}

func newCard(c cleaner) *card { return &card{cleaner: c, left: maxMessage} }

// part is a piece of a line.
type part []slack.RichTextSectionElement

// spend returns as much of s as fits, at most max code points, and takes it off
// what is left.
func (c *card) spend(s string, max int) string {
	if c.left <= 0 {
		c.cut = c.cut || s != ""
		return ""
	}
	short := shorten(s, min(max, c.left))
	c.cut = c.cut || short != s
	c.left -= utf8.RuneCountInString(short)
	return short
}

// within draws a part of the message that takes at most max code points, and
// reports whether all of it fits.
func (c *card) within(max int, draw func()) (whole bool) {
	rest, was := c.left-min(max, c.left), c.cut
	c.left, c.cut = c.left-rest, false
	draw()
	whole = !c.cut
	c.left, c.cut = c.left+rest, was || c.cut
	return whole
}

func (c *card) styled(s string, style *slack.RichTextSectionTextStyle) part {
	return richText(c.spend(c.cleaner.line(s), maxLine), style)
}

// quote returns what a person wrote, on one line, as it is.
func (c *card) quote(s string) part { return c.styled(s, nil) }

func (c *card) bold(s string) part {
	return c.styled(s, &slack.RichTextSectionTextStyle{Bold: true})
}

func (c *card) code(s string) part {
	if s == "" {
		return nil
	}
	return c.styled(s, &slack.RichTextSectionTextStyle{Code: true})
}

// say returns s on one line, with what stands between back-ticks as code. It
// keeps the blanks at both ends.
func (c *card) say(s string) part { return c.phrase(s, nil) }

// sayBold is say in bold.
func (c *card) sayBold(s string) part {
	return c.phrase(s, &slack.RichTextSectionTextStyle{Bold: true})
}

func (c *card) phrase(s string, words *slack.RichTextSectionTextStyle) part {
	lead, trail := "", ""
	if strings.HasPrefix(s, " ") || strings.HasPrefix(s, "\n") {
		lead = s[:1]
	}
	if strings.HasSuffix(s, " ") && len(s) > 1 {
		trail = " "
	}
	s = lead + c.spend(c.cleaner.line(s), maxLine*2) + trail
	var p part
	for i, piece := range strings.SplitN(s, "`", maxCodes) {
		style := words
		if i%2 == 1 && piece != "" {
			style = &slack.RichTextSectionTextStyle{Code: true}
		}
		p = append(p, richText(piece, style)...)
	}
	return p
}

// user shows a person under their Slack name.
func user(id string) part { return part{slack.NewRichTextSectionUserElement(id, nil)} }

// channel shows a channel as a link with its name.
func channel(id string) part { return part{slack.NewRichTextSectionChannelElement(id, nil)} }

// date shows a time in the reader's time zone.
func date(t time.Time) part {
	fallback := t.UTC().Format("2006-01-02 15:04 UTC")
	return part{slack.NewRichTextSectionDateElement(t.Unix(), "{date_short_pretty} {time}", nil, &fallback)}
}

// add appends a block unless the message is full.
func (c *card) add(b slack.Block) {
	if len(c.blocks) == maxBlocks {
		c.cut = true
		return
	}
	c.blocks = append(c.blocks, b)
}

// lines appends paragraphs as one block, so that many of them are one block of
// the few that Slack takes.
func (c *card) lines(lines ...[]part) {
	var all []part
	for i, line := range lines {
		if i > 0 {
			all = append(all, richText("\n", nil))
		}
		all = append(all, line...)
	}
	c.line(all...)
}

// line appends a paragraph.
func (c *card) line(parts ...part) {
	var els []slack.RichTextSectionElement
	for _, p := range parts {
		els = append(els, p...)
	}
	if len(els) > 0 {
		c.add(slack.NewRichTextBlock("", slack.NewRichTextSection(els...)))
	}
}

// pre appends monospaced lines, at most max code points.
func (c *card) pre(s string, max int) { c.monospaced(s, max, cut) }

// tail is pre for text whose end matters most.
func (c *card) tail(s string, max int) { c.monospaced(s, max, cutStart) }

func (c *card) monospaced(s string, max int, cut func(string, int) string) {
	s = strings.Trim(c.cleaner.text(s), "\n")
	max = min(max, c.left)
	if strings.TrimSpace(s) == "" {
		return
	}
	if max < 100 {
		c.cut = true
		return
	}
	short := cut(s, max)
	c.cut = c.cut || short != s
	c.left -= utf8.RuneCountInString(short)
	c.add(preformatted(short))
}

// preformatted shows cleaned text literally: nothing in it is markup.
func preformatted(s string) slack.Block {
	var els []slack.RichTextSectionElement
	for s != "" {
		piece := firstRunes(s, maxElement)
		els = append(els, richText(piece, nil)...)
		s = s[len(piece):]
	}
	return slack.NewRichTextBlock("", &slack.RichTextPreformatted{Type: slack.RTEPreformatted, Elements: els})
}

// header appends a headline.
func (c *card) header(s string) {
	if s = c.spend(c.cleaner.line(s), maxHeader); s == "" {
		return
	}
	c.add(slack.NewHeaderBlock(slack.NewTextBlockObject(slack.PlainTextType, defuse(s), true, false)))
}

// context appends a line of small print. Two blanks within a piece stay: they
// stand between a command and its state.
func (c *card) context(pieces ...string) {
	const between = "  "
	var some []string
	for _, p := range pieces {
		halves := strings.Split(p, between)
		for i, h := range halves {
			halves[i] = c.cleaner.line(h)
		}
		if p = strings.Join(halves, between); p != "" {
			some = append(some, p)
		}
	}
	if len(some) == 0 {
		return
	}
	c.left = max(c.left, reserve) // the small print has the run's ID
	s := c.spend(strings.Join(some, "  ·  "), maxContext)
	c.add(slack.NewContextBlock("", slack.NewTextBlockObject(slack.PlainTextType, defuse(s), true, false)))
}

// defuse makes cleaned text safe in a field that is literal and cannot be
// split.
func defuse(s string) string {
	return mentionStart.ReplaceAllStringFunc(s, func(m string) string { return "‹" + m[1:] })
}

// message finishes the card. Notifications show the fallback.
func (c *card) message(fallback string) content {
	return content{text: escapeTo(c.cleaner.line(fallback), maxFallback), blocks: c.blocks, typed: c.typed}
}

// bare returns the same content in the simplest blocks that have its buttons,
// for a workspace that refuses the others. All of the text is there: people press
// what they have read. It reports false if there are no buttons.
func (m content) bare() (content, bool) {
	var buttons []slack.Block
	for _, block := range m.blocks {
		if b, ok := block.(*slack.ActionBlock); ok {
			buttons = append(buttons, b)
		}
	}
	if len(buttons) == 0 {
		return m, false
	}
	var blocks []slack.Block
	for text := m.words(); text != ""; {
		piece := firstRunes(text, maxElement)
		text = strings.TrimSpace(text[len(piece):])
		blocks = append(blocks, slack.NewSectionBlock(slack.NewTextBlockObject(slack.PlainTextType, defuse(piece), false, false), nil, nil))
	}
	m.blocks = append(blocks, buttons...)
	return m, true
}

// plain returns the same content without blocks, for a workspace that refuses
// them all. It ends with what people can type, as they have no button.
func (m content) plain() content {
	text := m.words()
	if text == "" {
		return content{text: m.text}
	}
	typed := ""
	if m.typed != "" {
		typed = escape("\n" + m.typed)
	}
	most := maxFallback - utf8.RuneCountInString(typed)
	return content{text: escapeTo(cut(text, most), most) + typed}
}

// words returns all that the blocks say.
func (m content) words() string {
	var b strings.Builder
	for _, block := range m.blocks {
		switch block := block.(type) {
		case *slack.HeaderBlock:
			b.WriteString(block.Text.Text + "\n")
		case *slack.ContextBlock:
			for _, el := range block.ContextElements.Elements {
				if t, ok := el.(*slack.TextBlockObject); ok {
					b.WriteString(t.Text + "\n")
				}
			}
		case *slack.RichTextBlock:
			for _, el := range block.Elements {
				switch el := el.(type) {
				case *slack.RichTextSection:
					writePlain(&b, el.Elements)
				case *slack.RichTextPreformatted:
					writePlain(&b, el.Elements)
				}
			}
		}
	}
	return strings.TrimSpace(b.String())
}

func writePlain(b *strings.Builder, els []slack.RichTextSectionElement) {
	for _, el := range els {
		switch el := el.(type) {
		case *slack.RichTextSectionTextElement:
			b.WriteString(el.Text)
		case *slack.RichTextSectionUserElement:
			b.WriteString(el.UserID)
		case *slack.RichTextSectionChannelElement:
			b.WriteString(el.ChannelID)
		case *slack.RichTextSectionDateElement:
			if el.Fallback != nil {
				b.WriteString(*el.Fallback)
			}
		}
	}
	b.WriteString("\n")
}
