package als

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// kato's JSON, read so that nothing in it is passed over: a key that appears
// twice counts as two, and other lines around the JSON are gaps.

// object is a JSON object with its fields in order.
type object []field

type field struct {
	key   string
	value any // string, json.Number, bool, nil, []any or object
}

// get returns the value of a key, or nil.
func (o object) get(key string) any {
	for _, f := range o {
		if f.key == key {
			return f.value
		}
	}
	return nil
}

// only notes the fields whose keys are not among these, and those that are
// there twice.
func (o object) only(g *gaps, keys ...string) {
	for _, f := range o {
		if !slices.Contains(keys, f.key) {
			g.line(f.String())
		}
	}
	o.twice(g)
}

// twice notes the fields that are there twice.
func (o object) twice(g *gaps) {
	seen := map[string]bool{}
	for _, f := range o {
		if seen[f.key] {
			g.say("%q is there twice", printable(f.key, 60))
		}
		seen[f.key] = true
	}
}

// String shows a field to people.
func (f field) String() string {
	if v := f.value; v == nil {
		return f.key + ": null"
	}
	switch v := f.value.(type) {
	case object:
		return f.key + ": {…}"
	case []any:
		return f.key + ": […]"
	default:
		return fmt.Sprintf("%s: %v", f.key, v)
	}
}

// jsonDepth limits how deep JSON may be nested.
const jsonDepth = 20

// findJSON decodes the first JSON array or object that begins a line. All
// other lines but noise are gaps. found is false if there is no JSON, or it
// cannot be decoded to its end.
func findJSON(out []byte, g *gaps) (v any, found bool) {
	lines := slices.DeleteFunc(clean(out), isNoise) // noise may be in the middle of the JSON
	for tries, i := 0, 0; i < len(lines) && tries < 64; i++ {
		if l := strings.TrimSpace(lines[i]); l[0] != '[' && l[0] != '{' {
			continue
		}
		tries++
		text := strings.Join(lines[i:], "\n")
		d := json.NewDecoder(strings.NewReader(text))
		d.UseNumber()
		v, err := decode(d, 0)
		if err != nil {
			continue
		}
		for _, l := range lines[:i] {
			g.line(l)
		}
		for _, l := range strings.Split(text[d.InputOffset():], "\n") {
			if strings.TrimSpace(l) != "" {
				g.line(l)
			}
		}
		return v, true
	}
	return nil, false
}

var errDeep = errors.New("the JSON is nested too deep")

// decode reads the next value.
func decode(d *json.Decoder, depth int) (any, error) {
	t, err := d.Token()
	if err != nil || depth > jsonDepth {
		return nil, errors.Join(errDeep, err)
	}
	switch t {
	case json.Delim('['):
		list := []any{}
		for d.More() {
			v, err := decode(d, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err := d.Token()
		return list, err //nolint:wrapcheck // only its presence matters
	case json.Delim('{'):
		o := object{}
		for d.More() {
			key, err := d.Token()
			if err != nil {
				return nil, err //nolint:wrapcheck // only its presence matters
			}
			name, _ := key.(string)
			v, err := decode(d, depth+1)
			if err != nil {
				return nil, err
			}
			o = append(o, field{name, v})
		}
		_, err := d.Token()
		return o, err //nolint:wrapcheck // only its presence matters
	}
	return t, nil
}

// jsonWords reads a JSON list of strings, or a string of words between commas,
// and notes the words that do not fit.
func jsonWords(f field, fits func(string) bool, g *gaps) []string {
	var out []string
	whole := true
	bad := func(v any) {
		whole = false
		g.line(field{f.key, v}.String())
	}
	add := func(w string) {
		if len(out) == wordsMost || !fits(w) || slices.Contains(out, w) {
			bad(w)
			return
		}
		out = append(out, w)
	}
	switch v := f.value.(type) {
	case string:
		for _, w := range strings.FieldsFunc(v, func(r rune) bool { return r == ',' || r == ' ' }) {
			add(w)
		}
	case []any:
		for _, e := range v {
			s, ok := e.(string)
			if !ok {
				bad(e)
				continue
			}
			add(s)
		}
	default:
		bad(v)
	}
	if !whole {
		out = append(out, notAllRead)
	}
	return out
}
