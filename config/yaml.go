package config

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// parseYAML reads the file into the shape of Config. ok is false if it isn't
// YAML, or isn't made of keys and values, such as a file cut off in its first
// word.
func (r *report) parseYAML(file string, raw []byte) (tree map[string]any, ok bool) {
	dec := yaml.NewDecoder(bytes.NewReader(raw))
	var doc, more yaml.Node
	err := dec.Decode(&doc)
	if errors.Is(err, io.EOF) { // only comments
		return map[string]any{}, true
	}
	if err == nil && !errors.Is(dec.Decode(&more), io.EOF) {
		err = errors.New("yaml: line " + strconv.Itoa(max(more.Line, 1)) + ": a second document begins; there may be one")
	}
	if err != nil {
		r.syntax(file, raw, err)
		return map[string]any{}, false
	}
	root := doc.Content[0]
	r.places[""] = file + ":" + strconv.Itoa(root.Line)
	tree, ok = r.node(file, "", root, reflect.TypeFor[Config]()).(map[string]any)
	r.places[""] = file
	if tree == nil {
		tree = map[string]any{}
	}
	return tree, ok || len(r.problems) == 0
}

var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)

// syntax reports a parser error, with its line as the place. The parser gives
// no line for characters that YAML doesn't allow, and never gives the first
// line.
func (r *report) syntax(file string, raw []byte, err error) {
	text := err.Error()
	line := notText(raw)
	if m := yamlLine.FindStringSubmatch(text); m != nil {
		text = strings.TrimPrefix(text, m[0])
		if m[1] != "" {
			line = m[1]
		}
	}
	if line == "" {
		line = "1"
	}
	place := file + ":" + line
	if strings.Contains(text, "xox") || strings.Contains(text, "xapp-") {
		text = "this is no YAML"
	}
	switch text { // the parser's texts for most indentation mistakes
	case "did not find expected key", "mapping values are not allowed in this context":
		text += ": look at how far this line and those above it are indented"
	}
	r.problems = append(r.problems, Problem{Place: place, Text: text})
}

// notText returns the first line with a control character or invalid UTF-8, or
// "".
func notText(raw []byte) string {
	for i, line := range bytes.Split(raw, []byte("\n")) {
		bad := func(c rune) bool { return c < ' ' && c != '\t' && c != '\r' || c == 0x7f }
		if !utf8.Valid(line) || bytes.ContainsFunc(line, bad) {
			return strconv.Itoa(i + 1)
		}
	}
	return ""
}
