package workspace

import (
	"fmt"
	"slices"
	"strings"
)

// element is something that a person can press, choose or fill in, with the ID
// of its block.
type element struct {
	object
	block object
}

func (e element) kind() string    { return e.str("type") }
func (e element) label() string   { return e.obj("text").str("text") }
func (e element) blockID() string { return e.block.str("block_id") }

// eachBlock visits blocks and the blocks inside them.
func eachBlock(blocks []object, visit func(object)) {
	for _, b := range blocks {
		visit(b)
		eachBlock(b.objects("child_blocks"), visit)
		for _, row := range b.objects("rows") {
			for _, item := range row.objects("items") {
				eachBlock([]object{item.obj("block")}, visit)
			}
		}
	}
}

// parts returns the elements directly in a block.
func parts(b object) []object {
	out := append(b.objects("elements"), b.objects("actions")...)
	for _, key := range []string{"accessory", "element"} {
		if e := b.obj(key); e != nil {
			out = append(out, e)
		}
	}
	rows, _ := b["rows"].([]any)
	for _, r := range rows {
		cells, _ := r.([]any)
		for _, c := range cells {
			if e := asObject(c).obj("element"); e != nil {
				out = append(out, e)
			}
		}
	}
	return out
}

func interactive(kind string) bool {
	return slices.Contains([]string{
		"button", "static_select", "external_select", "users_select", "conversations_select", "channels_select",
		"multi_static_select", "multi_external_select", "multi_users_select", "multi_conversations_select", "multi_channels_select",
		"overflow", "datepicker", "timepicker", "datetimepicker", "radio_buttons", "checkboxes", "plain_text_input", "email_text_input",
		"url_text_input", "number_input", "rich_text_input", "file_input", "icon_button", "feedback_buttons", "workflow_button",
	}, kind)
}

// elements returns the elements of blocks on which people can act, in reading
// order.
func elements(raw []byte) []element {
	var out []element
	eachBlock(decodeBlocks(raw), func(b object) {
		for _, e := range parts(b) {
			if interactive(e.str("type")) {
				out = append(out, element{e, b})
			}
		}
	})
	return out
}

// lookup returns the only element with this name: its label, its action_id, or
// its block_id and action_id joined by a slash.
func lookup(raw []byte, name string) (element, error) {
	var found []element
	var offered []string
	for _, e := range elements(raw) {
		if name == e.label() || name == e.str("action_id") || name == e.blockID()+"/"+e.str("action_id") {
			found = append(found, e)
		}
		offered = append(offered, joined(" ", e.label(), "("+e.str("action_id")+")"))
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return element{}, fmt.Errorf("%q means %d elements: name block_id/action_id", name, len(found))
	case len(offered) == 0:
		return element{}, fmt.Errorf("nothing to press: looked for %q", name)
	}
	return element{}, fmt.Errorf("no %q to press: there are %s", name, strings.Join(offered, ", "))
}

// chosen returns the part of a payload that holds the choice, in the form of
// the element's kind. values are option values, dates or text.
func (e element) chosen(values []string) (object, error) {
	first := ""
	if len(values) > 0 {
		first = values[0]
	}
	switch kind := e.kind(); kind {
	case "button", "icon_button", "workflow_button":
		return object{"text": e.object["text"], "value": e.str("value")}, nil
	case "plain_text_input", "email_text_input", "url_text_input", "number_input":
		if first == "" {
			return object{"value": nil}, nil
		}
		return object{"value": first}, nil
	case "datepicker":
		return object{"selected_date": first}, nil
	case "timepicker":
		return object{"selected_time": first}, nil
	case "users_select", "channels_select", "conversations_select":
		return object{"selected_" + strings.TrimSuffix(kind, "s_select"): first}, nil
	case "multi_users_select", "multi_channels_select", "multi_conversations_select":
		return object{"selected_" + strings.TrimSuffix(strings.TrimPrefix(kind, "multi_"), "_select"): values}, nil
	case "checkboxes", "multi_static_select", "multi_external_select":
		options := []object{}
		for _, v := range values {
			o, err := e.option(v)
			if err != nil {
				return nil, err
			}
			options = append(options, o)
		}
		return object{"selected_options": options}, nil
	case "static_select", "external_select", "radio_buttons", "overflow":
		if len(values) == 0 {
			return object{"selected_option": nil}, nil
		}
		o, err := e.option(first)
		return object{"selected_option": o}, err
	default:
		return nil, fmt.Errorf("the simulated workspace cannot fill in a %s", kind)
	}
}

// option returns an option by its value or its text. The options of an
// external select came from the app, so option accepts any value there.
func (e element) option(value string) (object, error) {
	options := e.objects("options")
	for _, g := range e.objects("option_groups") {
		options = append(options, g.objects("options")...)
	}
	var offered []string
	for _, o := range options {
		if o.str("value") == value || o.obj("text").str("text") == value {
			return o, nil
		}
		offered = append(offered, o.str("value"))
	}
	if strings.HasSuffix(e.kind(), "external_select") {
		return object{"text": object{"type": "plain_text", "text": value}, "value": value}, nil
	}
	return nil, fmt.Errorf("%s has no option %q: there are %s", e.str("action_id"), value, strings.Join(offered, ", "))
}

// initial returns the initial values of an element.
func (e element) initial() []string {
	for _, key := range []string{"initial_value", "initial_date", "initial_time", "initial_user", "initial_channel", "initial_conversation"} {
		if v := e.str(key); v != "" {
			return []string{v}
		}
	}
	if o := e.obj("initial_option"); o != nil {
		return []string{o.str("value")}
	}
	var values []string
	for _, o := range e.objects("initial_options") {
		values = append(values, o.str("value"))
	}
	return values
}
