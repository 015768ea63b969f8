package config

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// parseYAML reads the file in the shape of Config; ok is false when it is no
// YAML at all.
func (r *report) parseYAML(file string, raw []byte) (tree map[string]any, ok bool) {
	dec := yaml.NewDecoder(bytes.NewReader(raw))
	var doc, more yaml.Node
	err := dec.Decode(&doc)
	if errors.Is(err, io.EOF) { // nothing but comments
		return map[string]any{}, true
	}
	if err == nil && !errors.Is(dec.Decode(&more), io.EOF) {
		err = errors.New("yaml: line " + strconv.Itoa(max(more.Line, 1)) + ": a second document begins; there may be one")
	}
	if err != nil {
		r.syntax(file, err)
		return map[string]any{}, false
	}
	tree, _ = r.node(file, "", doc.Content[0], reflect.TypeFor[Config]()).(map[string]any)
	r.places[""] = file
	if tree == nil {
		tree = map[string]any{}
	}
	return tree, true
}

var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)

// syntax reports what the YAML parser says, with its line as the place.
func (r *report) syntax(file string, err error) {
	text := err.Error()
	place := file
	if m := yamlLine.FindStringSubmatch(text); m != nil {
		text = strings.TrimPrefix(text, m[0])
		if m[1] != "" {
			place += ":" + m[1]
		}
	}
	if strings.Contains(text, "xox") || strings.Contains(text, "xapp-") {
		text = "this is no YAML"
	}
	r.problems = append(r.problems, Problem{Place: place, Text: text})
}
