package als

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Patch is one patch as `kato patch status` lists it.
type Patch struct {
	Name        string
	Description string
	ID          int    // 0 if kato does not tell
	Severity    string // "" if kato does not tell
	Roles       []string
	// Nodes is true if kato tells on which nodes the patch is. InstalledOn and
	// MissingOn are set only then.
	Nodes       bool
	InstalledOn []string
	MissingOn   []string
}

// Pending reports whether any node still needs the patch. If kato does not
// tell nodes, a listed patch is pending.
func (p Patch) Pending() bool { return !p.Nodes || len(p.MissingOn) > 0 }

// PendingOn reports whether one node still needs the patch.
func (p Patch) PendingOn(ip string) bool { return !p.Nodes || slices.Contains(p.MissingOn, ip) }

// PatchList is the answer of `kato patch status`.
type PatchList struct {
	Patches []Patch
	Count   int // kato's own count; -1 if it prints none
}

// Pending returns the patches that some node still needs.
func (l PatchList) Pending() []Patch {
	var out []Patch
	for _, p := range l.Patches {
		if p.Pending() {
			out = append(out, p)
		}
	}
	return out
}

// Find returns the patch with this name.
func (l PatchList) Find(name string) (Patch, bool) {
	for _, p := range l.Patches {
		if p.Name == name {
			return p, true
		}
	}
	return Patch{}, false
}

// Mismatch says that kato's count differs from its list, or returns "". Some
// versions count wrongly, so alsbot relies on the list.
func (l PatchList) Mismatch() string {
	if n := len(l.Pending()); l.Count >= 0 && l.Count != n && l.Count != len(l.Patches) {
		return fmt.Sprintf("kato counts %d updates and lists %d", l.Count, n)
	}
	return ""
}

var (
	patchHead  = regexp.MustCompile(`^([A-Za-z0-9][A-Za-z0-9._-]{0,63}):(?:\s+(.*))?$`)
	patchCount = regexp.MustCompile(`(?i)^(\d{1,6}|no) updates? (?:are |is )?available(?: to be installed)?(?: for .*)?\.?$`)
)

// ReadPatches reads the output of `kato patch status` in all known forms: the
// two of Stackato 3.0 and ALS 1.0, that of Stackato 3.4 with IDs and nodes,
// and JSON. Any other output is an error, never "no patches".
func ReadPatches(out []byte) (PatchList, error) {
	list, err := patchesFromJSON(out)
	if err == nil {
		return list, nil
	}
	if !errors.Is(err, errNoJSON) && !errors.Is(err, errNotPatches) {
		return PatchList{}, fmt.Errorf("reading the list of patches: %w", err)
	}
	list, said := patchesFromText(out), complaint(out)
	switch {
	case len(list.Patches) > 0:
		return list, nil
	case list.Count != 0 && said != "":
		return PatchList{}, fmt.Errorf("kato could not list the patches: %s", said)
	case list.Count != 0:
		return PatchList{}, errors.New("the list of patches cannot be read: it has none of the shapes that kato is known to print")
	case said != "":
		return PatchList{}, fmt.Errorf("kato says that there are no updates, but also: %s", said)
	}
	return list, nil
}

// patchesFromText reads records: an indented line with a patch's name, then
// `key: value` lines. A record needs at least one known key.
func patchesFromText(out []byte) PatchList {
	list := PatchList{Count: -1}
	var cur *Patch
	known := false // cur has at least one key that we know
	flush := func() {
		if cur != nil && known {
			list.Patches = append(list.Patches, *cur)
		}
		cur, known = nil, false
	}
	for _, line := range clean(out) {
		l := strings.TrimSpace(line)
		if m := patchCount.FindStringSubmatch(l); m != nil {
			list.Count, _ = strconv.Atoi(m[1]) // "no" is 0
			continue
		}
		key, value, ok := strings.Cut(l, ":")
		if ok && cur != nil && patchKey(cur, strings.ToLower(strings.TrimSpace(key)), strings.TrimSpace(value)) {
			known = true
			continue
		}
		if m := patchHead.FindStringSubmatch(l); m != nil && line != l {
			flush()
			cur = &Patch{Name: m[1], Description: printable(m[2], 300)}
		}
	}
	flush()
	return list
}

// patchKey reads a `key: value` line of a record.
func patchKey(p *Patch, key, value string) bool {
	switch key {
	case "severity":
		p.Severity = printable(value, 40)
	case "roles affected", "role affected":
		p.Roles = names(value, rolePattern.MatchString)
	case "patch id":
		p.ID, _ = strconv.Atoi(value)
	case "installed on":
		p.InstalledOn, p.Nodes = names(value, isIP), true
	case "to be installed on":
		p.MissingOn, p.Nodes = names(value, isIP), true
	default:
		return false
	}
	return true
}

var errNotPatches = errors.New("the JSON is not a list of patches")

// patchesFromJSON reads an array of patches, or an object that wraps one.
func patchesFromJSON(out []byte) (PatchList, error) {
	var raw json.RawMessage
	if err := fromJSON(out, &raw); err != nil {
		return PatchList{}, err
	}
	items, ok := onlyArray(raw)
	if !ok {
		return PatchList{}, errNotPatches
	}
	list := PatchList{Count: -1}
	for _, item := range items {
		p := patchFromJSON(item)
		if !namePattern.MatchString(p.Name) {
			return PatchList{}, errNotPatches
		}
		list.Patches = append(list.Patches, p)
	}
	return list, nil
}

// onlyArray returns the array of objects that raw is, or the only one that
// the fields of the object raw hold.
func onlyArray(raw json.RawMessage) (items []map[string]any, ok bool) {
	if json.Unmarshal(raw, &items) == nil {
		return items, true
	}
	var wrap map[string]json.RawMessage
	if json.Unmarshal(raw, &wrap) != nil {
		return nil, false
	}
	found := 0
	for _, v := range wrap {
		var in []map[string]any
		if json.Unmarshal(v, &in) == nil {
			items = in
			found++
		}
	}
	return items, found == 1
}

// patchFromJSON reads one patch; a field that kato does not tell stays empty.
func patchFromJSON(item map[string]any) Patch {
	p := Patch{
		Name:        text(item["name"]),
		Description: printable(text(item["description"]), 300),
		Severity:    printable(text(item["severity"]), 40),
	}
	if id, ok := item["id"].(float64); ok && id >= 0 && id < 1e9 {
		p.ID = int(id)
	}
	for _, key := range []string{"roles", "roles_affected"} {
		if v, ok := item[key]; ok {
			p.Roles = names(text(v), rolePattern.MatchString)
		}
	}
	if v, ok := item["installed_on"]; ok {
		p.InstalledOn, p.Nodes = names(text(v), isIP), true
	}
	if v, ok := item["to_be_installed_on"]; ok {
		p.MissingOn, p.Nodes = names(text(v), isIP), true
	}
	return p
}
