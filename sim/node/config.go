package node

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
)

func configCommands() []command {
	const formats = "-j --json, -y --yaml, -f --flat"
	return []command{
		{words: "config get", options: formats, args: "[<component> [<key-path>]]", max: 2, run: (*kato).configGet},
		{words: "config set", options: formats + ", --force", args: "<component> <key-path> [<value>]", min: 2, max: 3, admin: true, run: (*kato).configSet},
		{words: "config del", options: formats, args: "<component> <key-path>", min: 2, max: 2, admin: true, run: (*kato).configDel},
		{words: "config push", options: formats, args: "<component> <key-path> <value>", min: 3, max: 3, admin: true, run: (*kato).configPush},
		{words: "config pop", options: formats, args: "<component> <key-path> <value>", min: 3, max: 3, admin: true, run: (*kato).configPop},
	}
}

// tree returns the whole configuration, including the map of the nodes.
func (s *State) tree() map[string]any {
	all := map[string]any{}
	for component, v := range s.Config {
		all[component] = v
	}
	nodes := map[string]any{}
	for ip, m := range s.Nodes {
		roles := map[string]any{}
		for name, r := range m.Roles {
			roles[name] = "START"
			if r.State == "STOPPED" {
				roles[name] = "STOP"
			}
		}
		nodes[ip] = map[string]any{"roles": roles}
	}
	all["node"] = nodes
	return all
}

// find returns the value at a key path such as mysql/host.
func find(tree any, path string) (any, bool) {
	if path == "" {
		return tree, true
	}
	for key := range strings.SplitSeq(path, "/") {
		m, ok := tree.(map[string]any)
		if !ok {
			return nil, false
		}
		if tree, ok = m[key]; !ok {
			return nil, false
		}
	}
	return tree, true
}

func (k *kato) configGet() int {
	tree := any(k.s.tree())
	path := strings.Trim(k.arg(0)+"/"+strings.Trim(k.arg(1), "/"), "/")
	value, ok := find(tree, path)
	if !ok {
		return k.fail("Key '%s' not found in component '%s'.", k.arg(1), k.arg(0))
	}
	k.show(path, value)
	return 0
}

func (k *kato) show(path string, value any) {
	switch {
	case k.has("json"):
		k.out.json(value)
	case k.has("flat"):
		k.flat(path, value)
	default:
		k.out.raw(yamlOf(value, ""))
	}
}

func (k *kato) flat(path string, value any) {
	m, ok := value.(map[string]any)
	if !ok {
		b, err := json.Marshal(value)
		if err != nil {
			return
		}
		k.out.line("%s %s", path, b)
		return
	}
	for _, key := range sortedKeys(m) {
		k.flat(path+"/"+key, m[key])
	}
}

// change replaces the value at the key path; nil removes it.
func (k *kato) change(value any) {
	k.update(func(s *State) {
		m, ok := s.Config[k.arg(0)].(map[string]any)
		if !ok {
			m = map[string]any{}
			s.Config[k.arg(0)] = m
		}
		keys := strings.Split(strings.Trim(k.arg(1), "/"), "/")
		for _, key := range keys[:len(keys)-1] {
			below, ok := m[key].(map[string]any)
			if !ok {
				below = map[string]any{}
				m[key] = below
			}
			m = below
		}
		last := keys[len(keys)-1]
		if value == nil {
			delete(m, last)
		} else {
			m[last] = value
		}
	})
}

func (k *kato) current() (any, bool) {
	return find(any(k.s.Config), k.arg(0)+"/"+strings.Trim(k.arg(1), "/"))
}

func (k *kato) configSet() int {
	text := k.arg(2)
	if len(k.args) < 3 {
		b, err := io.ReadAll(os.Stdin)
		if err != nil {
			return k.fail("%s", err)
		}
		text = strings.TrimSpace(string(b))
	}
	value := scalar(text)
	if old, ok := k.current(); ok && !k.has("force") && fmt.Sprintf("%T", old) != fmt.Sprintf("%T", value) {
		return k.fail("Type mismatch for key '%s': use --force to override.", k.arg(1))
	}
	k.change(value)
	return 0
}

// scalar parses a value as YAML or JSON does.
func scalar(text string) any {
	var v any
	if json.Unmarshal([]byte(text), &v) == nil && v != nil {
		return v
	}
	return text
}

func (k *kato) configDel() int {
	if _, ok := k.current(); !ok {
		return k.fail("Key '%s' not found in component '%s'.", k.arg(1), k.arg(0))
	}
	k.change(nil)
	return 0
}

func (k *kato) configPush() int {
	old, ok := k.current()
	list, isList := old.([]any)
	if ok && !isList {
		return k.fail("Key '%s' is not a list.", k.arg(1))
	}
	list = append(list, scalar(k.arg(2)))
	k.change(list)
	k.show("", list)
	return 0
}

func (k *kato) configPop() int {
	old, _ := k.current()
	list, ok := old.([]any)
	if !ok {
		return k.fail("Key '%s' is not a list.", k.arg(1))
	}
	value := fmt.Sprint(scalar(k.arg(2)))
	list = slices.DeleteFunc(list, func(v any) bool { return fmt.Sprint(v) == value })
	k.change(list)
	k.show("", list)
	return 0
}

func sortedKeys(m map[string]any) []string {
	var keys []string
	for key := range m {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, compareIP)
	return keys
}

// yamlOf formats a value as Ruby 1.9's Psych does: scalars bare, strings with
// special characters as ! '…'.
func yamlOf(value any, indent string) string {
	switch v := value.(type) {
	case map[string]any:
		if len(v) == 0 {
			return "{}"
		}
		var b strings.Builder
		for _, key := range sortedKeys(v) {
			below, isMap := v[key].(map[string]any)
			list, isList := v[key].([]any)
			switch {
			case isMap && len(below) > 0:
				fmt.Fprintf(&b, "%s%s:\n%s", indent, yamlString(key), yamlOf(below, indent+"  "))
			case isList && len(list) > 0:
				fmt.Fprintf(&b, "%s%s:\n%s", indent, yamlString(key), yamlOf(list, indent))
			default:
				fmt.Fprintf(&b, "%s%s: %s\n", indent, yamlString(key), yamlOf(v[key], ""))
			}
		}
		return b.String()
	case []any:
		if len(v) == 0 {
			return "[]"
		}
		var b strings.Builder
		for _, item := range v {
			fmt.Fprintf(&b, "%s- %s\n", indent, yamlOf(item, ""))
		}
		return b.String()
	case string:
		return yamlString(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	default:
		return fmt.Sprint(v)
	}
}

// yamlString quotes a string that YAML would read as something else.
func yamlString(s string) string {
	plain := s != "" && !strings.ContainsAny(s[:1], "{}[]&*#?|<>=!%@`'\"-,") && !strings.ContainsAny(s, "{}\\\n") &&
		!strings.Contains(s, ": ") && !strings.Contains(s, " #") && scalar(s) == any(s)
	if plain {
		return s
	}
	return "! '" + strings.ReplaceAll(s, "'", "''") + "'"
}
