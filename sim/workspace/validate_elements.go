package workspace

import (
	"fmt"
	"slices"
	"strings"
)

// maxTableText limits the characters of a table.
const maxTableText = 10000

func (c *checker) element(at string, e object) {
	kind := e.str("type")
	if kind == "image" {
		c.image(at, e)
		return
	}
	if !interactive(kind) {
		c.fail(at+"/type", "unsupported type: %s", kind)
		return
	}
	if id := e.str("action_id"); id != "" {
		c.length(at+"/action_id", id, 1, 255)
	}
	c.confirm(at+"/confirm", e)
	c.text(at+"/placeholder", e["placeholder"], plainText, 150, false)
	switch {
	case kind == "button":
		c.button(at, e)
	case kind == "overflow":
		c.options(at, e, 1, 5)
	case kind == "checkboxes", kind == "radio_buttons":
		c.options(at, e, 1, 10)
	case strings.HasSuffix(kind, "static_select"):
		c.options(at, e, 1, 100)
	case kind == "plain_text_input":
		c.length(at+"/initial_value", e.str("initial_value"), 0, 3000)
	}
}

func (c *checker) button(at string, e object) {
	for key := range e {
		known := []string{"type", "text", "action_id", "url", "value", "confirm", "style", "accessibility_label", "visible_to_user_ids"}
		if !slices.Contains(known, key) {
			c.fail(at, "invalid additional property: %s", key)
		}
	}
	c.text(at+"/text", e["text"], plainText, 75, true)
	c.length(at+"/value", e.str("value"), 0, 2000)
	c.length(at+"/url", e.str("url"), 0, 3000)
	c.length(at+"/accessibility_label", e.str("accessibility_label"), 0, 75)
	c.oneOf(at+"/style", e.str("style"), "primary", "danger")
}

func (c *checker) confirm(at string, e object) {
	if !e.has("confirm") {
		return
	}
	d := e.obj("confirm")
	c.text(at+"/title", d["title"], plainText, 100, true)
	c.text(at+"/text", d["text"], anyText, 300, true)
	c.text(at+"/confirm", d["confirm"], plainText, 30, true)
	c.text(at+"/deny", d["deny"], plainText, 30, true)
	c.oneOf(at+"/style", d.str("style"), "primary", "danger")
}

func (c *checker) options(at string, e object, least, most int) {
	if e.has("option_groups") {
		for i, g := range c.some(at+"/option_groups", e["option_groups"], 1, 100) {
			here := fmt.Sprintf("%s/option_groups/%d", at, i)
			c.text(here+"/label", g["label"], plainText, 75, true)
			c.options(here, g, least, most)
		}
		return
	}
	kinds := anyText
	if strings.Contains(e.str("type"), "select") {
		kinds = plainText
	}
	for i, o := range c.some(at+"/options", e["options"], least, most) {
		here := fmt.Sprintf("%s/options/%d", at, i)
		c.text(here+"/text", o["text"], kinds, 75, true)
		c.text(here+"/description", o["description"], kinds, 75, false)
		c.length(here+"/value", o.str("value"), 1, 150)
	}
}

func (c *checker) rich(at string, b object) {
	for i, e := range c.some(at+"/elements", b["elements"], 0, 500) {
		here := fmt.Sprintf("%s/elements/%d", at, i)
		switch kind := e.str("type"); kind {
		case "rich_text_section", "rich_text_preformatted", "rich_text_quote":
			c.inline(here, e)
		case "rich_text_list":
			c.oneOf(here+"/style", e.str("style"), "bullet", "ordered")
			for j, item := range e.objects("elements") {
				c.inline(fmt.Sprintf("%s/elements/%d", here, j), item)
			}
		default:
			c.fail(here+"/type", "unsupported type: %s", kind)
		}
	}
}

func (c *checker) inline(at string, section object) {
	known := []string{"text", "link", "user", "usergroup", "channel", "broadcast", "emoji", "date", "color", "team"}
	for i, e := range section.objects("elements") {
		here := fmt.Sprintf("%s/elements/%d", at, i)
		kind := e.str("type")
		if !slices.Contains(known, kind) {
			c.fail(here+"/type", "unsupported type: %s", kind)
		}
		if kind == "text" && e.str("text") == "" {
			c.fail(here+"/text", "must be more than 0 characters")
		}
		if kind == "date" && !e.has("timestamp") {
			c.fail(here, "missing required field: timestamp")
		}
		c.count(joined("", e.str("text"), e.str("url")))
	}
}

func (c *checker) table(at string, b object) {
	kind, most := b.str("type"), 100
	c.tables++
	if kind == "data_table" {
		c.fields(at, b, "caption", "rows", "page_size", "row_header_column_index")
		c.length(at+"/caption", b.str("caption"), 1, 3000)
		most = 101
	} else {
		c.fields(at, b, "rows", "column_settings")
		c.some(at+"/column_settings", b["column_settings"], 0, 20)
	}
	rows, _ := b["rows"].([]any)
	if len(rows) == 0 || len(rows) > most {
		c.fail(at+"/rows", "must have 1 to %d rows", most)
	}
	before := c.chars
	for i, r := range rows {
		here := fmt.Sprintf("%s/rows/%d", at, i)
		for j, cell := range c.some(here, r, 1, 20) {
			c.cell(fmt.Sprintf("%s/%d", here, j), cell, kind)
		}
	}
	if n := c.chars - before; n > maxTableText {
		c.fail(at+"/rows", "must hold no more than %d characters, not %d", maxTableText, n)
	}
}

func (c *checker) cell(at string, cell object, table string) {
	switch kind := cell.str("type"); {
	case kind == "raw_text":
		c.length(at+"/text", cell.str("text"), 1, maxTableText)
		c.count(cell.str("text"))
	case kind == "rich_text":
		c.rich(at, cell)
	case kind == "raw_number" && table == "data_table":
	case kind == "action_cell" && table == "data_table":
		c.element(at+"/element", cell.obj("element"))
	default:
		c.fail(at+"/type", "unsupported type: %s", kind)
	}
}
