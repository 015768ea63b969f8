package workspace_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/slack-go/slack"

	"alsbot/sim/workspace"
)

func long(n int) string { return strings.Repeat("é", n) }

func times(n int, item string) string {
	return strings.TrimSuffix(strings.Repeat(item+",", n), ",")
}

// numbered repeats a format with a running number, for values that must
// differ.
func numbered(n int, format string) string {
	var items []string
	for i := range n {
		items = append(items, fmt.Sprintf(format, i))
	}
	return strings.Join(items, ",")
}

func button(text string, more string) string {
	return `{"type":"button","text":{"type":"plain_text","text":"` + text + `"}` + more + `}`
}

func section(text string) string {
	return `{"type":"section","text":{"type":"mrkdwn","text":"` + text + `"}}`
}

// Each row is at a limit: good is the last value that Slack accepts, bad the
// first one that it refuses, at the place of the pointer.
func TestValidateLimits(t *testing.T) {
	header := `{"type":"header","text":{"type":"plain_text","text":"%s"}}`
	actions := `{"type":"actions","elements":[%s]}`
	fields := `{"type":"section","fields":[%s]}`
	field := `{"type":"mrkdwn","text":"%s"}`
	selects := `{"type":"actions","elements":[{"type":"static_select","action_id":"s","options":[%s]}]}`
	option := `{"text":{"type":"plain_text","text":"x"},"value":"%s"}`
	row := `[{"type":"raw_text","text":"x"}]`
	confirm := `,"confirm":{"title":{"type":"plain_text","text":"%s"},"text":{"type":"mrkdwn","text":"x"},"confirm":{"type":"plain_text","text":"y"},"deny":{"type":"plain_text","text":"n"}}`
	container := `{"type":"container","title":{"type":"plain_text","text":"x"},"child_blocks":[%s]}`
	divider := `{"type":"divider"}`
	for _, c := range []struct{ what, good, bad, pointer string }{
		{"section text", section(long(3000)), section(long(3001)), "/blocks/0/text/text"},
		{"empty text", section("x"), section(""), "/blocks/0/text/text"},
		{"field", fmt.Sprintf(fields, fmt.Sprintf(field, long(2000))), fmt.Sprintf(fields, fmt.Sprintf(field, long(2001))), "/blocks/0/fields/0/text"},
		{"fields", fmt.Sprintf(fields, times(10, fmt.Sprintf(field, "x"))), fmt.Sprintf(fields, times(11, fmt.Sprintf(field, "x"))), "/blocks/0/fields"},
		{"header", fmt.Sprintf(header, long(150)), fmt.Sprintf(header, long(151)), "/blocks/0/text/text"},
		{"header mrkdwn", fmt.Sprintf(header, "x"), `{"type":"header","text":{"type":"mrkdwn","text":"x"}}`, "/blocks/0/text/type"},
		{"blocks", times(50, divider), times(51, divider), "/blocks"},
		{"context", `{"type":"context","elements":[` + times(10, fmt.Sprintf(field, "x")) + `]}`, `{"type":"context","elements":[` + times(11, fmt.Sprintf(field, "x")) + `]}`, "/blocks/0/elements"},
		{"actions", fmt.Sprintf(actions, times(25, button("x", ""))), fmt.Sprintf(actions, times(26, button("x", ""))), "/blocks/0/elements"},
		{"button text", fmt.Sprintf(actions, button(long(75), "")), fmt.Sprintf(actions, button(long(76), "")), "/blocks/0/elements/0/text/text"},
		{"button value", fmt.Sprintf(actions, button("x", `,"value":"`+long(2000)+`"`)), fmt.Sprintf(actions, button("x", `,"value":"`+long(2001)+`"`)), "/blocks/0/elements/0/value"},
		{"button style", fmt.Sprintf(actions, button("x", `,"style":"danger"`)), fmt.Sprintf(actions, button("x", `,"style":"red"`)), "/blocks/0/elements/0/style"},
		{"button confirm", fmt.Sprintf(actions, button("x", fmt.Sprintf(confirm, long(100)))), fmt.Sprintf(actions, button("x", fmt.Sprintf(confirm, long(101)))), "/blocks/0/elements/0/confirm/title/text"},
		{"action_id", fmt.Sprintf(actions, button("x", `,"action_id":"`+long(255)+`"`)), fmt.Sprintf(actions, button("x", `,"action_id":"`+long(256)+`"`)), "/blocks/0/elements/0/action_id"},
		{"same action_id", fmt.Sprintf(actions, button("x", `,"action_id":"a"`)), fmt.Sprintf(actions, times(2, button("x", `,"action_id":"a"`))), "/blocks/0/elements/1/action_id"},
		{"block_id", `{"type":"divider","block_id":"` + long(255) + `"}`, `{"type":"divider","block_id":"` + long(256) + `"}`, "/blocks/0/block_id"},
		{"same block_id", numbered(2, `{"type":"divider","block_id":"%d"}`), times(2, `{"type":"divider","block_id":"x"}`), "/blocks/1/block_id"},
		{"options", fmt.Sprintf(selects, numbered(100, `{"text":{"type":"plain_text","text":"x"},"value":"%d"}`)), fmt.Sprintf(selects, numbered(101, `{"text":{"type":"plain_text","text":"x"},"value":"%d"}`)), "/blocks/0/elements/0/options"},
		{"option value", fmt.Sprintf(selects, fmt.Sprintf(option, long(150))), fmt.Sprintf(selects, fmt.Sprintf(option, long(151))), "/blocks/0/elements/0/options/0/value"},
		{"table rows", `{"type":"table","rows":[` + times(100, row) + `]}`, `{"type":"table","rows":[` + times(101, row) + `]}`, "/blocks/0/rows"},
		{"table columns", `{"type":"table","rows":[[` + times(20, `{"type":"raw_text","text":"x"}`) + `]]}`, `{"type":"table","rows":[[` + times(21, `{"type":"raw_text","text":"x"}`) + `]]}`, "/blocks/0/rows/0"},
		{"tables", `{"type":"table","rows":[` + row + `]}`, times(2, `{"type":"table","rows":[`+row+`]}`), "/blocks"},
		{"markdown", `{"type":"markdown","text":"` + long(12000) + `"}`, `{"type":"markdown","text":"` + long(12001) + `"}`, "/blocks/0/text"},
		{"container", fmt.Sprintf(container, times(10, divider)), fmt.Sprintf(container, times(11, divider)), "/blocks/0/child_blocks"},
		{"markdown in a container", fmt.Sprintf(container, divider), fmt.Sprintf(container, `{"type":"markdown","text":"x"}`), "/blocks/0/child_blocks/0/type"},
		{"rich text", `{"type":"rich_text","elements":[{"type":"rich_text_section","elements":[{"type":"text","text":"x"}]}]}`, `{"type":"rich_text","elements":[{"type":"rich_text_section","elements":[{"type":"text","text":""}]}]}`, "/blocks/0/elements/0/elements/0/text"},
		{"input in a message", divider, `{"type":"input","label":{"type":"plain_text","text":"x"},"element":{"type":"plain_text_input"}}`, "/blocks/0/type"},
		{"alert in a message", divider, `{"type":"alert","text":{"type":"mrkdwn","text":"x"}}`, "/blocks/0/type"},
		{"unknown type", divider, `{"type":"banner"}`, "/blocks/0/type"},
		{"unknown field", divider, `{"type":"divider","txt":"x"}`, "/blocks/0"},
		{"nothing to show", section("x"), `{"type":"section"}`, "/blocks/0"},
	} {
		if errs := workspace.Validate("[" + c.good + "]"); len(errs) > 0 {
			t.Errorf("%s: what Slack takes is refused: %v", c.what, errs)
		}
		errs := workspace.Validate("[" + c.bad + "]")
		var at *workspace.BlockError
		if len(errs) != 1 || !errors.As(errs[0], &at) || at.Pointer != c.pointer {
			t.Errorf("%s: got %v, want one error at %s", c.what, errs, c.pointer)
		}
	}
}

func TestValidateTotal(t *testing.T) {
	if errs := workspace.Validate("[" + times(4, section(long(3000))) + "," + section(long(1200)) + "]"); len(errs) > 0 {
		t.Errorf("13,200 characters are refused: %v", errs)
	}
	errs := workspace.Validate("[" + times(4, section(long(3000))) + "," + section(long(1201)) + "]")
	if len(errs) != 1 || !errors.Is(errs[0], workspace.ErrBlocksTooLong) {
		t.Errorf("13,201 characters: %v", errs)
	}
}

func TestValidateTakesBlocksOfSlackGo(t *testing.T) {
	blocks := []slack.Block{slack.NewDividerBlock(), approveButton()}
	if errs := workspace.Validate(blocks); len(errs) > 0 {
		t.Error(errs)
	}
	for _, bad := range []any{"no JSON", []byte(`{"type":"divider"}`), json.RawMessage(`[1]`), func() {}} {
		if errs := workspace.Validate(bad); len(errs) == 0 {
			t.Errorf("%v is taken for blocks", bad)
		}
	}
}

func TestValidateView(t *testing.T) {
	view := func(change func(*slack.ModalViewRequest)) slack.ModalViewRequest {
		v := modal()
		change(&v)
		return v
	}
	for _, c := range []struct {
		what    string
		view    any
		pointer string
	}{
		{"a good modal", modal(), ""},
		{"a long title", view(func(v *slack.ModalViewRequest) { v.Title.Text = long(25) }), "/view/title/text"},
		{"no title", view(func(v *slack.ModalViewRequest) { v.Title = nil }), "/view/title"},
		{"inputs without submit", view(func(v *slack.ModalViewRequest) { v.Submit = nil }), "/view/submit"},
		{"much private metadata", view(func(v *slack.ModalViewRequest) { v.PrivateMetadata = long(3001) }), "/view/private_metadata"},
		{"a home tab with a title", json.RawMessage(`{"type":"home","title":{"type":"plain_text","text":"x"},"blocks":[]}`), "/view"},
		{"100 blocks", json.RawMessage(`{"type":"home","blocks":[` + times(100, `{"type":"divider"}`) + `]}`), ""},
		{"101 blocks", json.RawMessage(`{"type":"home","blocks":[` + times(101, `{"type":"divider"}`) + `]}`), "/view/blocks"},
	} {
		var got []string
		for _, err := range workspace.ValidateView(c.view) {
			var at *workspace.BlockError
			if errors.As(err, &at) {
				got = append(got, at.Pointer)
			}
		}
		if strings.Join(got, " ") != c.pointer {
			t.Errorf("%s: refused at %v, want %q", c.what, got, c.pointer)
		}
	}
}

// Any input as blocks is either refused, or can be stored, shown and used.
func FuzzBlocks(f *testing.F) {
	for _, seed := range []string{
		"[" + section("x") + "]", `[{"type":"table","rows":[[{"type":"raw_text","text":"x"}],[null]]}]`, `[null]`, `[[]]`, `[{"type":"container","child_blocks":[{}]}]`,
		`[{"type":"actions","elements":[` + button("x", `,"action_id":"a"`) + `]}]`, `[{"type":"rich_text","elements":[{"type":"rich_text_list","elements":[{}]}]}]`,
		`[{"type":"section","text":{"type":"mrkdwn","text":"<@U|<#C|<!date^^>"},"accessory":{"type":"static_select","options":[null]}}]`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		errs := workspace.Validate(raw)
		w := workspace.New(options())
		m := w.Draft(raw)
		_, _ = m.Text(), m.Buttons()
		if len(errs) == 0 && !json.Valid([]byte(raw)) {
			t.Errorf("%q is taken for blocks", raw)
		}
	})
}
