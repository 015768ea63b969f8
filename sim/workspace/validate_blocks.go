package workspace

import (
	"fmt"
	"slices"
)

func (c *checker) block(at string, b object) {
	if b == nil {
		c.fail(at, "must be an object")
		return
	}
	if id := b.str("block_id"); id != "" {
		c.length(at+"/block_id", id, 1, 255)
		if c.ids[id] {
			c.fail(at+"/block_id", "`block_id` %q already exists", id)
		}
		c.ids[id] = true
	}
	kind := b.str("type")
	if c.surface(kind) == "" {
		c.fail(at+"/type", "unsupported type: %s", kind)
		return
	}
	if s := c.surface(kind); s != "any" && s != c.where {
		c.fail(at+"/type", "block type %s is not allowed in a %s", kind, c.where)
	}
	switch kind {
	case "section":
		c.section(at, b)
	case "header":
		c.fields(at, b, "text", "level")
		c.text(at+"/text", b["text"], plainText, 150, true)
		if level, ok := b["level"].(float64); ok && (level < 1 || level > 4) {
			c.fail(at+"/level", "must be from 1 to 4")
		}
	case "divider":
		c.fields(at, b)
	case "context":
		c.context(at, b)
	case "actions":
		c.fields(at, b, "elements")
		c.elements(at, c.some(at+"/elements", b["elements"], 1, 25))
	case "context_actions":
		c.fields(at, b, "elements")
		c.elements(at, c.some(at+"/elements", b["elements"], 1, 5))
	case "input":
		c.input(at, b)
	case "image":
		c.fields(at, b, "image_url", "alt_text", "title", "slack_file")
		c.image(at, b)
		c.text(at+"/title", b["title"], plainText, 2000, false)
	case "rich_text":
		c.fields(at, b, "elements")
		c.rich(at, b)
	case "markdown":
		c.fields(at, b, "text")
		c.length(at+"/text", b.str("text"), 1, 12000)
		c.count(b.str("text"))
	case "table", "data_table":
		c.table(at, b)
	case "container":
		c.container(at, b)
	case "alert":
		c.fields(at, b, "text", "level")
		c.text(at+"/text", b["text"], anyText, 200, true)
		c.oneOf(at+"/level", b.str("level"), "default", "info", "warning", "error", "success")
	case "card":
		c.card(at, b)
	case "carousel":
		c.fields(at, b, "elements")
		for i, card := range c.some(at+"/elements", b["elements"], 1, 10) {
			c.block(fmt.Sprintf("%s/elements/%d", at, i), card)
		}
	case "data_visualization":
		c.chart(at, b)
	}
}

// surface returns where a type of block may appear, or "" for an unknown type.
// It doesn't know types that alsbot never uses (video, layout, task cards), so
// they are refused.
func (c *checker) surface(kind string) string {
	switch kind {
	case "section", "header", "divider", "context", "actions", "image", "rich_text":
		return "any"
	case "input":
		if c.where == "home" {
			return "home"
		}
		return "modal"
	case "alert":
		return "modal"
	case "markdown", "table", "data_table", "container", "card", "carousel", "data_visualization", "context_actions":
		return "message"
	}
	return ""
}

func (c *checker) section(at string, b object) {
	c.fields(at, b, "text", "fields", "accessory", "expand")
	if !b.has("text") && !b.has("fields") {
		c.fail(at, "missing required field: text or fields")
	}
	c.text(at+"/text", b["text"], anyText, 3000, false)
	if b.has("fields") {
		for i, f := range c.some(at+"/fields", b["fields"], 1, 10) {
			c.text(fmt.Sprintf("%s/fields/%d", at, i), f, anyText, 2000, true)
		}
	}
	if b.has("accessory") {
		c.element(at+"/accessory", b.obj("accessory"))
	}
}

func (c *checker) context(at string, b object) {
	c.fields(at, b, "elements")
	for i, e := range c.some(at+"/elements", b["elements"], 1, 10) {
		here := fmt.Sprintf("%s/elements/%d", at, i)
		if e.str("type") == "image" {
			c.image(here, e)
		} else {
			c.text(here, e, anyText, 2000, true)
		}
	}
}

func (c *checker) image(at string, o object) {
	c.length(at+"/alt_text", o.str("alt_text"), 1, 2000)
	c.length(at+"/image_url", o.str("image_url"), 0, 3000)
	if o.has("image_url") == o.has("slack_file") {
		c.fail(at, "exactly one of image_url and slack_file is required")
	}
}

func (c *checker) input(at string, b object) {
	c.inputs = true
	c.fields(at, b, "label", "element", "hint", "optional", "dispatch_action")
	c.text(at+"/label", b["label"], plainText, 2000, true)
	c.text(at+"/hint", b["hint"], plainText, 2000, false)
	e := b.obj("element")
	if e == nil {
		c.fail(at, "missing required field: element")
		return
	}
	if e.str("type") == "button" {
		c.fail(at+"/element/type", "unsupported type: button")
	}
	c.element(at+"/element", e)
}

// elements checks the elements of one block, whose action_ids must differ.
func (c *checker) elements(at string, list []object) {
	seen := map[string]bool{}
	for i, e := range list {
		here := fmt.Sprintf("%s/elements/%d", at, i)
		if id := e.str("action_id"); id != "" && seen[id] {
			c.fail(here+"/action_id", "`action_id` %q already exists in this block", id)
		}
		seen[e.str("action_id")] = true
		c.element(here, e)
	}
}

func (c *checker) container(at string, b object) {
	c.fields(at, b, "title", "rich_text_title", "subtitle", "icon", "width", "is_collapsible", "default_collapsed", "has_header_divider", "child_blocks")
	c.text(at+"/title", b["title"], plainText, 150, !b.has("rich_text_title"))
	c.text(at+"/subtitle", b["subtitle"], anyText, 150, false)
	c.oneOf(at+"/width", b.str("width"), "narrow", "standard", "wide", "full")
	if b.flag("has_header_divider") && b.flag("is_collapsible") {
		c.fail(at+"/has_header_divider", "only allowed where is_collapsible is false")
	}
	if b.flag("default_collapsed") && !b.flag("is_collapsible") {
		c.fail(at+"/default_collapsed", "only allowed where is_collapsible is true")
	}
	allowed := []string{"actions", "context", "divider", "header", "image", "input", "rich_text", "section", "table"}
	for i, child := range c.some(at+"/child_blocks", b["child_blocks"], 1, 10) {
		here := fmt.Sprintf("%s/child_blocks/%d", at, i)
		if !slices.Contains(allowed, child.str("type")) {
			c.fail(here+"/type", "unsupported type: %s", child.str("type"))
			continue
		}
		c.block(here, child)
	}
}

func (c *checker) card(at string, b object) {
	c.fields(at, b, "hero_image", "icon", "slack_icon", "title", "subtitle", "body", "subtext", "actions")
	c.text(at+"/title", b["title"], anyText, 150, false)
	c.text(at+"/subtitle", b["subtitle"], anyText, 150, false)
	c.text(at+"/body", b["body"], anyText, 200, false)
	c.text(at+"/subtext", b["subtext"], anyText, 200, false)
	if b.has("actions") {
		c.elements(at, c.some(at+"/actions", b["actions"], 1, 3))
	}
}

func (c *checker) chart(at string, b object) {
	c.fields(at, b, "title", "chart")
	c.length(at+"/title", b.str("title"), 1, 50)
	chart := b.obj("chart")
	c.oneOf(at+"/chart/type", chart.str("type"), "pie", "line", "bar", "area")
	key := "series"
	if chart.str("type") == "pie" {
		key = "segments"
	}
	for i, s := range c.some(at+"/chart/"+key, chart[key], 1, 6) {
		here := fmt.Sprintf("%s/chart/%s/%d", at, key, i)
		c.length(here, joined("", s.str("name"), s.str("label")), 1, 20)
		if key == "series" {
			c.some(here+"/data", s["data"], 1, 20)
		}
	}
}
