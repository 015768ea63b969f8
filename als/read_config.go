package als

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

var rubyQuoted = regexp.MustCompile(`^(?:--- )?(?:! )?(?:'((?:[^']|'')*)'|"((?:[^"\\]|\\.)*)")$`)

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

// ReadBool reads true or false in an output that may have more in it. Both, or
// neither, are an error.
func ReadBool(out []byte) (bool, error) {
	yes, no := false, false
	for _, l := range clean(out) {
		switch strings.ToLower(scalar(strings.TrimSpace(l))) {
		case "true":
			yes = true
		case "false":
			no = true
		}
	}
	switch {
	case yes && no:
		return false, errors.New("kato printed both true and false")
	case !yes && !no && complaint(out) != "":
		return false, fmt.Errorf("kato could not read the configuration: %s", complaint(out))
	case !yes && !no:
		return false, errors.New("kato printed neither true nor false" + lastLine(out))
	}
	return yes, nil
}

// ReadList reads a list that `kato config get` printed as YAML, one item a
// line. An output without a list is an error; an empty list is not. An item on
// a last line without a newline may be cut off, and does not count.
func ReadList(out []byte) ([]string, error) {
	var items []string
	empty := false
	lines := clean(out)
	for i, l := range lines {
		l = strings.TrimSpace(l)
		if item, ok := strings.CutPrefix(l, "- "); ok && i < len(lines)-1 {
			items = append(items, scalar(strings.TrimSpace(item)))
		}
		empty = empty || l == "[]" || l == "--- []"
	}
	switch {
	case len(items) == 0 && complaint(out) != "":
		return nil, fmt.Errorf("kato could not read the configuration: %s", complaint(out))
	case len(items) == 0 && !empty:
		return nil, errors.New("kato printed no list")
	}
	return items, nil
}
