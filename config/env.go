package config

import (
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const envPrefix = "ALSBOT_"

// applyEnv overrides the tree with variables. ALSBOT_STORE__PATH is
// store.path, ALSBOT_CLUSTERS__0__CORE is clusters[0].core. Commas separate a
// list of words; a map is written KEY=VALUE,KEY=VALUE. A variable may add one
// element after the last.
func (r *report) applyEnv(tree map[string]any, environ []string) map[string]any {
	vars := slices.Clone(environ)
	slices.SortFunc(vars, inOrder)
	for _, v := range vars {
		name, value, _ := strings.Cut(v, "=")
		rest, ours := strings.CutPrefix(name, envPrefix)
		if !ours {
			continue
		}
		if linkName.MatchString(rest) || linkValue.MatchString(v) {
			r.foreign = append(r.foreign, name)
			continue
		}
		words := strings.Split(strings.ToLower(rest), "__")
		set := r.variable("", name, value, words, tree, reflect.TypeFor[Config]())
		if m, ok := set.(map[string]any); ok {
			tree = m
		}
	}
	return tree
}

// Kubernetes, and links of containers, describe each service in variables of
// every process. Those of a service called alsbot, or alsbot-http, begin with
// ALSBOT_. Their names and values can't be those of a key: a key has two
// underscores between its words, and no key is an address of this form.
var (
	linkName  = regexp.MustCompile(`^([A-Z0-9]+_)*(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9]+)*|PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?|ENV_[^=]+)$`)
	linkValue = regexp.MustCompile(`^ALSBOT_([A-Z0-9]+_)*(PORT=(tcp|udp|sctp)://|NAME=/)`)
)

// inOrder sorts variables so that element 10 comes after element 9.
func inOrder(a, b string) int {
	nameA, _, _ := strings.Cut(a, "=")
	nameB, _, _ := strings.Cut(b, "=")
	x, y := strings.Split(nameA, "__"), strings.Split(nameB, "__")
	return slices.CompareFunc(x, y, func(x, y string) int {
		i, errX := strconv.Atoi(x)
		j, errY := strconv.Atoi(y)
		if errX == nil && errY == nil {
			return i - j
		}
		return strings.Compare(x, y)
	})
}

// variable returns old, the value at path, changed by the variable. After a
// mistake it returns nil.
func (r *report) variable(path, name, value string, words []string, old any, t reflect.Type) any {
	if len(words) == 0 {
		r.set(path, name, 0)
		return r.whole(path, value, t)
	}
	word := words[0]
	switch {
	case isScalar(t) || t.Kind() == reflect.Map:
		r.set(path, name, 0)
		r.add(path, "has nothing below it: the variable is %s", strings.ToUpper(envName(path)))
		return nil
	case t.Kind() == reflect.Slice:
		list, _ := old.([]any)
		i, err := strconv.Atoi(word)
		if err != nil || i < 0 || i > len(list) {
			element := path + "[" + word + "]"
			r.set(element, name, 0)
			r.add(element, "there is no such element: the list has %d, and the next to add is %d", len(list), len(list))
			return nil
		}
		if i == len(list) {
			list = append(list, nil)
		}
		v := r.variable(at(path, i), name, value, words[1:], list[i], t.Elem())
		if v == nil {
			return list[:len(list):len(list)]
		}
		list[i] = v
		return list
	}
	names, types := keys(t)
	sub, known := types[word]
	if !known {
		r.unknown(path, word, name, names)
		return nil
	}
	m, _ := old.(map[string]any)
	if m == nil {
		m = map[string]any{}
	}
	if v := r.variable(join(path, word), name, value, words[1:], m[word], sub); v != nil {
		m[word] = v
	}
	return m
}

// envName returns the name of the variable for a path.
func envName(path string) string {
	path = strings.NewReplacer("[", ".", "]", "").Replace(path)
	return envPrefix + strings.ReplaceAll(path, ".", "__")
}

// whole reads a variable's value as type t.
func (r *report) whole(path, value string, t reflect.Type) any {
	switch {
	case isScalar(t):
		return r.scalar(path, value, t)
	case t.Kind() == reflect.Slice && isScalar(t.Elem()):
		list := []any{}
		for i, part := range split(value) {
			if v := r.scalar(at(path, i), part, t.Elem()); v != nil {
				list = append(list, v)
			}
		}
		return list
	case t.Kind() == reflect.Map:
		m := map[string]any{}
		for _, part := range split(value) {
			k, v, ok := strings.Cut(part, "=")
			if !ok {
				r.add(path, "%s should be KEY=VALUE", shown(part))
			}
			m[k] = v
		}
		return m
	}
	r.add(path, "is not one value: set what is below it, such as %s", r.below(path, t))
	return nil
}

// below returns the name of a variable for a key under path.
func (r *report) below(path string, t reflect.Type) string {
	if t.Kind() == reflect.Slice {
		path, t = at(path, 0), t.Elem()
	}
	names, _ := keys(t)
	return strings.ToUpper(envName(join(path, names[0])))
}

// split splits at commas and trims spaces around the parts.
func split(value string) []string {
	var parts []string
	for p := range strings.SplitSeq(value, ",") {
		if p = strings.TrimSpace(p); p != "" {
			parts = append(parts, p)
		}
	}
	return parts
}
