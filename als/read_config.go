package als

import (
	"errors"
	"fmt"
	"strings"
)

var rubyQuoted = mustCompile(`^(?:--- )?(?:! )?(?:'((?:[^']|'')*)'|"((?:[^"\\]|\\.)*)")$`)

// scalar removes the quoting that old Ruby versions write in YAML (! '…').
func scalar(l string) string {
	if m := rubyQuoted.FindStringSubmatch(l); m != nil {
		if m[2] != "" {
			return strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(m[2])
		}
		return strings.ReplaceAll(m[1], "''", "'")
	}
	return strings.TrimPrefix(l, "--- ")
}

// yamlMark reports whether a line only marks where a YAML document begins or
// ends.
func yamlMark(l string) bool { return l == "---" || l == "..." }

// ReadBool reads true or false. Anything else, or more than one of them, is an
// error.
func ReadBool(out []byte) (bool, error) {
	var values []string
	g := &gaps{}
	for _, line := range clean(out) {
		l := strings.TrimSpace(line)
		switch v := strings.ToLower(scalar(l)); {
		case v == "true", v == "false":
			values = append(values, v)
		case isNoise(line), yamlMark(l):
		default:
			g.line(line)
		}
	}
	err := g.err("the configuration")
	switch {
	case len(values) > 1:
		return false, errors.New("kato printed more than one of true and false")
	case len(values) == 0 && complaint(out) != "":
		return false, fmt.Errorf("kato could not read the configuration: %s", complaint(out))
	case len(values) == 0:
		return false, errors.New("kato printed neither true nor false" + lastLine(out))
	}
	return values[0] == "true", err
}

// ReadList reads a list that `kato config get` printed as YAML, one item a
// line. An output without a list is an error; an empty list is not.
func ReadList(out []byte) ([]string, error) {
	var items []string
	empty := false
	g := &gaps{}
	lines := clean(out)
	for _, line := range lines {
		l := strings.TrimSpace(line)
		item, isItem := strings.CutPrefix(l, "- ")
		switch {
		case isItem:
			items = append(items, scalar(strings.TrimSpace(item)))
		case l == "[]", l == "--- []":
			empty = true
		case isNoise(line), yamlMark(l):
		default:
			g.line(line)
		}
	}
	g.textEnd(lines)
	if empty && len(items) > 0 {
		g.say("it is empty, and it has items")
	}
	switch {
	case len(items) == 0 && complaint(out) != "":
		return nil, fmt.Errorf("kato could not read the configuration: %s", complaint(out))
	case len(items) == 0 && !empty:
		return nil, errors.New("kato printed no list")
	}
	return items, g.err("the list")
}
