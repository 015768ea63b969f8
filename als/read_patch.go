package als

import (
	"errors"
	"fmt"
	"slices"
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

// ReadPatches reads the output of `kato patch status` in all known forms: the
// two of Stackato 3.0 and ALS 1.0, that of Stackato 3.4 with IDs and nodes,
// and JSON. It returns an error unless it could read all of it; the list then
// has what it could read. Any other output is an error, never "no patches".
func ReadPatches(out []byte) (PatchList, error) {
	g := &gaps{}
	list := PatchList{Count: -1}
	var listed bool
	if tree, found := findJSON(out, g); found {
		listed = list.walk(tree, g)
	} else {
		list.text(out, g)
		listed = list.Count == 0 || len(list.Patches) > 0
	}
	if len(list.Patches) > patchesMost {
		list.Patches = list.Patches[:patchesMost]
		g.tooMany(patchesMost, "patch")
	}
	for i, p := range list.Patches {
		if slices.ContainsFunc(list.Patches[:i], func(other Patch) bool { return other.Name == p.Name }) {
			g.say("%s is there twice", p.Name)
		}
	}
	err, said := g.err("the list of patches"), complaint(out)
	switch {
	case listed && err != nil && len(list.Patches) == 0 && said != "":
		return list, fmt.Errorf("kato lists no patches, but it also says: %s", said)
	case listed:
		return list, err
	case said != "":
		return list, fmt.Errorf("kato could not list the patches: %s", said)
	}
	return list, errors.New("the list of patches cannot be read: it has none of the shapes that kato is known to print")
}

// walk reads JSON: an array of patches, or an object with nothing but one. It
// returns false if that is no list of patches.
func (l *PatchList) walk(v any, g *gaps) bool {
	about := "patches"
	if wrap, ok := v.(object); ok && len(wrap) == 1 {
		about, v = wrap[0].key, wrap[0].value
	}
	items, ok := v.([]any)
	for _, item := range items {
		o, isObject := item.(object)
		name, _ := o.get("name").(string)
		if !isObject || !namePattern.MatchString(name) {
			g.line(field{"a patch", item}.String())
			continue
		}
		l.Patches = append(l.Patches, patchFromJSON(o, g))
	}
	none := len(items) == 0 && (about == "patches" || about == "updates") // and not no errors, for example
	return ok && (none || len(l.Patches) > 0)
}

// patchFromJSON reads one patch. A field that kato does not tell stays empty.
func patchFromJSON(o object, g *gaps) Patch {
	o.only(g, "id", "name", "description", "severity", "roles", "roles_affected", "installed_on", "to_be_installed_on")
	var p Patch
	told := 0
	for _, f := range o {
		s, isText := f.value.(string)
		switch f.key {
		case "name":
			p.Name = s
		case "description":
			p.Description = printable(s, 300)
		case "severity":
			p.Severity = printable(s, 40)
		case "id":
			isText = p.number(fmt.Sprint(f.value))
		case "roles", "roles_affected":
			p.Roles, isText = jsonWords(f, rolePattern.MatchString, g), true
		case "installed_on":
			p.InstalledOn, isText = jsonWords(f, isIP, g), true
			told++
		case "to_be_installed_on":
			p.MissingOn, isText = jsonWords(f, isIP, g), true
			told++
		}
		if !isText && f.value != nil {
			g.line(f.String())
		}
	}
	if p.Nodes = told > 0; told == 1 {
		g.say("of %s it does not say both where it is installed and where it is missing", p.Name)
	}
	return p
}
