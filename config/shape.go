package config

import (
	"encoding"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// The struct tags of Config are the schema. The functions below read values as
// a given type and report those that don't fit.

var (
	durationType = reflect.TypeFor[time.Duration]()
	secretType   = reflect.TypeFor[Secret]()
	textType     = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// keys returns the keys of a struct, in its order, and their types.
func keys(t reflect.Type) (names []string, types map[string]reflect.Type) {
	types = map[string]reflect.Type{}
	for f := range t.Fields() {
		if name := f.Tag.Get("koanf"); name != "-" {
			names = append(names, name)
			types[name] = f.Type
		}
	}
	return names, types
}

// below returns the type of the value at a key.
func below(t reflect.Type, key string) (_ reflect.Type, known bool) {
	if t.Kind() == reflect.Map {
		return t.Elem(), true
	}
	_, types := keys(t)
	sub, known := types[key]
	return sub, known
}

// isScalar reports whether a type is written as one value.
func isScalar(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Slice, reflect.Map:
		return false
	case reflect.Struct:
		return reflect.PointerTo(t).Implements(textType)
	}
	return true
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func at(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }

// node reads a piece of YAML as type t; it returns nil for an empty or wrong
// one. The depth is that of the schema, whatever anchors the file uses.
func (r *report) node(file, path string, n *yaml.Node, t reflect.Type) any {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if _, known := r.places[path]; !known { // keep the line of the key if it has one
		r.set(path, fmt.Sprintf("%s:%d", file, n.Line), n.Line)
	}
	switch {
	case n.Kind == yaml.ScalarNode && n.Tag == "!!null":
		return nil
	case isScalar(t):
		if n.Kind != yaml.ScalarNode {
			r.add(path, "should be one value, not a list or a map")
			return nil
		}
		return r.scalar(path, n.Value, t)
	case t.Kind() == reflect.Slice:
		return r.list(file, path, n, t)
	}
	if n.Kind != yaml.MappingNode {
		r.add(path, "should be a map of keys and values")
		return nil
	}
	return r.mapping(file, path, n, t)
}

func (r *report) list(file, path string, n *yaml.Node, t reflect.Type) any {
	if n.Kind != yaml.SequenceNode {
		r.add(path, "should be a list; write [one, two], or a line with a dash for each")
		return nil
	}
	list := make([]any, 0, len(n.Content))
	for i, e := range n.Content {
		v := r.node(file, at(path, i), e, t.Elem())
		if v == nil && !isScalar(t.Elem()) {
			v = map[string]any{} // keeps the indexes of the elements after it
		}
		if v != nil {
			list = append(list, v)
		}
	}
	return list
}

func (r *report) mapping(file, path string, n *yaml.Node, t reflect.Type) any {
	out := map[string]any{}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		sub := join(path, key.Value)
		r.set(sub, fmt.Sprintf("%s:%d", file, key.Line), key.Line)
		valueType, known := below(t, key.Value)
		if !known {
			names, _ := keys(t)
			r.unknown(path, key.Value, fmt.Sprintf("%s:%d", file, key.Line), names)
			continue
		}
		if seen[key.Value] {
			r.add(sub, "is set twice")
			continue
		}
		seen[key.Value] = true
		if v := r.node(file, sub, value, valueType); v != nil {
			out[key.Value] = v
		}
	}
	return out
}

// unknown reports a key that doesn't exist. It doesn't show the value, which
// may be a token under a misspelt name.
func (r *report) unknown(path, key, place string, names []string) {
	r.problems = append(r.problems, Problem{Place: place, Text: fmt.Sprintf("%s is no key%s; there are %s",
		strings.Trim(shown(join(path, key)), `"`), suggest(key, names), strings.Join(names, ", "))})
}

// scalar reads one value as type t.
func (r *report) scalar(path, text string, t reflect.Type) any {
	wrong := func(what string) any {
		r.add(path, "%s %s", shown(text), what)
		return nil
	}
	switch {
	case t == durationType:
		if _, err := parseDuration(text); err != nil {
			return wrong(err.Error())
		}
	case reflect.PointerTo(t).Implements(textType):
		if err := reflect.New(t).Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(text)); err != nil {
			r.add(path, "%s: %v", shown(text), err)
			return nil
		}
	case t.Kind() == reflect.Int:
		n, err := strconv.Atoi(text)
		if err != nil {
			return wrong("is no whole number")
		}
		return n
	case t.Kind() == reflect.Bool:
		if text != "true" && text != "false" {
			return wrong("should be true or false")
		}
		return text == "true"
	case t == secretType:
		if strings.TrimSpace(text) != text || strings.ContainsAny(text, " \t\r\n") {
			r.add(path, "has a space or a line break in it (the value is not shown)")
			return nil
		}
	}
	return text
}

// durationHook turns text that scalar has accepted into a duration.
func durationHook(_, to reflect.Type, v any) (any, error) {
	if text, ok := v.(string); ok && to == durationType {
		return parseDuration(text)
	}
	return v, nil
}
