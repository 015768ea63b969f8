package workspace

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
)

// object is a decoded JSON object. Blocks keep all their fields.
type object map[string]any

func (o object) str(key string) string { s, _ := o[key].(string); return s }
func (o object) obj(key string) object { return asObject(o[key]) }
func (o object) flag(key string) bool  { b, _ := o[key].(bool); return b }

// has reports whether a field is present and not null.
func (o object) has(key string) bool { return o[key] != nil }

func (o object) objects(key string) []object {
	list, _ := o[key].([]any)
	out := make([]object, 0, len(list))
	for _, v := range list {
		out = append(out, asObject(v))
	}
	return out
}

func asObject(v any) object {
	switch v := v.(type) {
	case map[string]any:
		return v
	case object:
		return v
	}
	return nil
}

func decodeBlocks(raw []byte) []object {
	var out []object
	if json.Unmarshal(raw, &out) != nil {
		return nil
	}
	return out
}

func (d *directory) user(id string) string {
	if u, ok := d.users[id]; ok {
		return u.Name
	}
	return id
}

// renderBlocks returns what a person reads, at least one line for each block.
func (d *directory) renderBlocks(raw []byte) string {
	var parts []string
	for _, b := range decodeBlocks(raw) {
		if text := d.block(b); text != "" {
			parts = append(parts, text)
		}
	}
	return strings.Join(parts, "\n")
}

func (d *directory) block(b object) string {
	switch b.str("type") {
	case "header", "alert":
		return d.text(b.obj("text"))
	case "section":
		lines := []string{d.text(b.obj("text"))}
		for _, f := range b.objects("fields") {
			lines = append(lines, d.text(f))
		}
		return joined("\n", append(lines, d.element(b.obj("accessory")))...)
	case "context", "actions", "context_actions":
		var items []string
		for _, e := range b.objects("elements") {
			items = append(items, d.element(e))
		}
		return joined(" ", items...)
	case "input":
		return joined(" ", d.text(b.obj("label")), d.element(b.obj("element")))
	case "divider":
		return "---"
	case "markdown":
		return b.str("text")
	case "image":
		return "(image: " + b.str("alt_text") + ")"
	case "rich_text":
		return strings.TrimRight(d.rich(b.objects("elements"), ""), "\n")
	case "table", "data_table":
		return joined("\n", b.str("caption"), d.table(b))
	case "container":
		return joined("\n", d.text(b.obj("title")), d.text(b.obj("subtitle")), d.children(b.objects("child_blocks")))
	case "card":
		return joined("\n", d.text(b.obj("title")), d.text(b.obj("subtitle")), d.text(b.obj("body")), d.block(object{"type": "actions", "elements": b["actions"]}))
	case "data_visualization":
		return "(chart: " + b.str("title") + ")"
	}
	return "(" + b.str("type") + ")"
}

func (d *directory) children(blocks []object) string {
	var parts []string
	for _, b := range blocks {
		parts = append(parts, d.block(b))
	}
	return joined("\n", parts...)
}

func (d *directory) table(b object) string {
	rows, _ := b["rows"].([]any)
	var lines []string
	for _, r := range rows {
		cells, _ := r.([]any)
		var texts []string
		for _, c := range cells {
			texts = append(texts, d.cell(asObject(c)))
		}
		lines = append(lines, strings.Join(texts, " | "))
	}
	return strings.Join(lines, "\n")
}

func (d *directory) cell(c object) string {
	switch c.str("type") {
	case "rich_text":
		return strings.TrimRight(d.rich(c.objects("elements"), ""), "\n")
	case "action_cell":
		return d.element(c.obj("element"))
	case "raw_number":
		if !c.has("text") {
			n, _ := c["value"].(float64)
			return strconv.FormatFloat(n, 'f', -1, 64)
		}
	}
	return c.str("text")
}

func (d *directory) element(e object) string {
	switch kind := e.str("type"); {
	case kind == "":
		return ""
	case kind == "mrkdwn" || kind == "plain_text":
		return d.text(e)
	case kind == "button" || kind == "workflow_button":
		return "[" + d.text(e.obj("text")) + "]"
	case kind == "image":
		return "(image: " + e.str("alt_text") + ")"
	case e.has("placeholder"):
		return "[" + d.text(e.obj("placeholder")) + "]"
	default:
		return "[" + kind + "]"
	}
}

func (d *directory) text(t object) string {
	if t.str("type") == "mrkdwn" {
		return d.plain(t.str("text"))
	}
	return t.str("text")
}

func (d *directory) rich(elements []object, indent string) string {
	var b strings.Builder
	for i, e := range elements {
		switch kind := e.str("type"); kind {
		case "rich_text_list":
			for n, item := range e.objects("elements") {
				mark := "• "
				if e.str("style") == "ordered" {
					mark = strconv.Itoa(n+1) + ". "
				}
				b.WriteString(indent + mark + strings.TrimRight(d.rich([]object{item}, ""), "\n") + "\n")
			}
		case "rich_text_section", "rich_text_preformatted", "rich_text_quote":
			b.WriteString(d.rich(e.objects("elements"), indent))
			if i < len(elements)-1 {
				b.WriteString("\n")
			}
		default:
			b.WriteString(d.inline(e))
		}
	}
	return b.String()
}

func (d *directory) inline(e object) string {
	switch e.str("type") {
	case "user":
		return "@" + d.user(e.str("user_id"))
	case "usergroup":
		return "@" + d.groups[e.str("usergroup_id")]
	case "channel":
		return "#" + d.channels[e.str("channel_id")]
	case "broadcast":
		return "@" + e.str("range")
	case "emoji":
		return ":" + e.str("name") + ":"
	case "link":
		if e.str("text") == "" {
			return e.str("url")
		}
	case "date":
		return e.str("fallback")
	}
	return e.str("text")
}

var angle = regexp.MustCompile(`<([^<>]*)>`)

// plain turns Slack's markup into what a person reads. It decodes entities
// last, so escaped text never becomes a mention.
func (d *directory) plain(text string) string {
	text = angle.ReplaceAllStringFunc(text, func(s string) string {
		target, label, labelled := strings.Cut(s[1:len(s)-1], "|")
		id := strings.TrimLeft(target, "@#!")
		switch {
		case strings.HasPrefix(target, "@"):
			return "@" + d.user(id)
		case strings.HasPrefix(target, "#"):
			return "#" + d.channels[id]
		case strings.HasPrefix(target, "!subteam^"):
			return "@" + d.groups[strings.TrimPrefix(target, "!subteam^")]
		case strings.HasPrefix(target, "!") && !labelled:
			return "@" + id
		case labelled:
			return label
		}
		return target
	})
	return unescape(text)
}

func unescape(text string) string {
	return strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(text)
}

func escape(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
}

func joined(sep string, parts ...string) string {
	var kept []string
	for _, p := range parts {
		if p != "" {
			kept = append(kept, p)
		}
	}
	return strings.Join(kept, sep)
}
