package workspace

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxBlockText limits the characters of all blocks of a message together.
// Slack doesn't document it.
const maxBlockText = 13200

// ErrBlocksTooLong means that all blocks together hold too much text. Slack
// calls it msg_blocks_too_long.
var ErrBlocksTooLong = errors.New("the blocks hold too many characters together")

// BlockError is one thing that Slack refuses in blocks.
type BlockError struct {
	Pointer string // JSON pointer to the refused place
	Reason  string // in Slack's words
}

func (e *BlockError) Error() string { return e.Reason + " [json-pointer:" + e.Pointer + "]" }

// Validate checks the blocks of a message as Slack does and returns everything
// that Slack would refuse. blocks is JSON text ([]byte, json.RawMessage or
// string) or anything that encodes to it, such as a []slack.Block. It counts
// characters as code points.
func Validate(blocks any) []error {
	raw, err := encoded(blocks)
	if err != nil {
		return []error{&BlockError{Pointer: "/blocks", Reason: err.Error()}}
	}
	c := &checker{where: "message", most: 50, ids: map[string]bool{}}
	c.all("/blocks", raw)
	if c.chars > maxBlockText {
		c.errs = append(c.errs, fmt.Errorf("%w: %d, and Slack takes %d", ErrBlocksTooLong, c.chars, maxBlockText))
	}
	return c.errs
}

// ValidateView checks a modal or a Home tab in the same way.
func ValidateView(v any) []error {
	raw, err := encoded(v)
	var body object
	if err == nil {
		err = json.Unmarshal(raw, &body)
	}
	if err != nil {
		return []error{&BlockError{Pointer: "/view", Reason: err.Error()}}
	}
	kind := body.str("type")
	c := &checker{where: kind, most: 100, ids: map[string]bool{}}
	switch kind {
	case "modal":
		c.text("/view/title", body["title"], plainText, 24, true)
		c.text("/view/submit", body["submit"], plainText, 24, false)
		c.text("/view/close", body["close"], plainText, 24, false)
		c.fields("/view", body, "title", "submit", "close", "clear_on_close", "notify_on_close", "submit_disabled")
	case "home":
		c.fields("/view", body)
	default:
		c.fail("/view/type", "must be modal or home")
	}
	c.length("/view/private_metadata", body.str("private_metadata"), 0, 3000)
	c.length("/view/callback_id", body.str("callback_id"), 0, 255)
	blocks, _ := json.Marshal(body["blocks"])
	c.all("/view/blocks", blocks)
	if kind == "modal" && c.inputs && !body.has("submit") {
		c.fail("/view/submit", "must be present when there are input blocks")
	}
	return c.errs
}

func encoded(v any) ([]byte, error) {
	switch v := v.(type) {
	case []byte:
		return v, nil
	case json.RawMessage:
		return v, nil
	case string:
		return []byte(v), nil
	}
	return json.Marshal(v)
}

// checker collects the errors of one set of blocks.
type checker struct {
	where  string // message, modal or home
	most   int    // maximum number of blocks
	errs   []error
	ids    map[string]bool // block_ids seen
	chars  int             // of all text
	tables int
	inputs bool
}

func (c *checker) fail(at, format string, args ...any) {
	c.errs = append(c.errs, &BlockError{Pointer: at, Reason: fmt.Sprintf(format, args...)})
}

func (c *checker) all(at string, raw []byte) {
	var blocks []any
	if json.Unmarshal(raw, &blocks) != nil {
		c.fail(at, "must be a valid JSON array of blocks")
		return
	}
	if len(blocks) > c.most {
		c.fail(at, "no more than %d items allowed", c.most)
	}
	for i, b := range blocks {
		c.block(fmt.Sprintf("%s/%d", at, i), asObject(b))
	}
	if c.tables > 1 && c.where == "message" {
		c.fail(at, "only one table allowed")
	}
}

// fields refuses fields that the type doesn't have. Slack refuses them too,
// and a misspelt field is a bug that no one would see. Every object may have a
// type, and a block_id or action_id according to its kind.
func (c *checker) fields(at string, o object, known ...string) {
	common := []string{"type", "block_id"}
	if strings.HasPrefix(at, "/view") && strings.Count(at, "/") == 1 {
		common = []string{"type", "blocks", "private_metadata", "callback_id", "external_id"}
	}
	for key := range o {
		if !slices.Contains(known, key) && !slices.Contains(common, key) {
			c.fail(at, "invalid additional property: %s", key)
		}
	}
}

// length checks the length of a present string, in code points.
func (c *checker) length(at, s string, least, most int) {
	switch n := utf8.RuneCountInString(s); {
	case n < least:
		c.fail(at, "must be more than %d characters", least-1)
	case n > most:
		c.fail(at, "must be less than %d characters", most+1)
	}
}

// These are the text objects that a place accepts.
const (
	plainText = "plain_text"
	anyText   = "plain_text or mrkdwn"
)

// text checks a text object and counts its characters.
func (c *checker) text(at string, v any, kinds string, most int, required bool) {
	if v == nil {
		if required {
			c.fail(at, "missing required field: %s", at[strings.LastIndex(at, "/")+1:])
		}
		return
	}
	t := asObject(v)
	kind := t.str("type")
	if kind == "" || !slices.Contains(strings.Split(kinds, " or "), kind) {
		c.fail(at+"/type", "must be %s", kinds)
		return
	}
	for key := range t {
		if !slices.Contains([]string{"type", "text", "emoji", "verbatim"}, key) {
			c.fail(at, "invalid additional property: %s", key)
		}
	}
	if kind == "mrkdwn" && t.has("emoji") {
		c.fail(at+"/emoji", "emoji is for plain_text only")
	}
	c.length(at+"/text", t.str("text"), 1, most)
	c.count(t.str("text"))
}

func (c *checker) count(s string) { c.chars += utf8.RuneCountInString(s) }

// some checks the number of items in a list and returns them.
func (c *checker) some(at string, v any, least, most int) []object {
	list, ok := v.([]any)
	if !ok && v != nil {
		c.fail(at, "must be an array")
		return nil
	}
	if len(list) < least {
		c.fail(at, "must have at least %d items", least)
	}
	if len(list) > most {
		c.fail(at, "no more than %d items allowed", most)
	}
	out := make([]object, len(list))
	for i, item := range list {
		out[i] = asObject(item)
	}
	return out
}

func (c *checker) oneOf(at, s string, allowed ...string) {
	if s != "" && !slices.Contains(allowed, s) {
		c.fail(at, "must be one of: %s", strings.Join(allowed, ", "))
	}
}
