package node

import (
	"strings"
)

// listed is one patch in the form of patch status.
type listed struct {
	*Patch
	missing []string
}

// patchStatus prints the list in the shape of the profile. Without --all it
// lists only patches that some node lacks.
func (k *kato) patchStatus() int {
	var list []listed
	open := 0
	for _, p := range k.s.Patches {
		missing := k.missing(p, k.s.ips())
		if len(missing) > 0 {
			open++
		}
		if len(missing) > 0 || k.has("all") {
			list = append(list, listed{p, missing})
		}
	}
	if k.has("json") {
		k.patchJSON(list)
		return 0
	}
	shape := k.s.Shape
	if shape == "" {
		shape = k.gen.shape
	}
	switch {
	case open == 0 && k.faults.value("variant") == "zero":
		k.out.line("  0 updates are available for %s.", k.bareVersion())
	case open == 0:
		k.out.line("No updates available to be installed.")
	}
	switch {
	case len(list) == 0:
	case shape == "A":
		k.shapeA(open, list)
	case shape == "C":
		k.shapeC(open, list)
	default:
		k.shapeB(open, list)
	}
	return 0
}

// patchJSON prints the array that the console reads. Without --quiet, kato
// prints other lines before it.
func (k *kato) patchJSON(list []listed) {
	type object struct {
		ID          int      `json:"id"`
		Name        string   `json:"name"`
		Description string   `json:"description"`
		Severity    string   `json:"severity"`
		Roles       []string `json:"roles"`
		InstalledOn []string `json:"installed_on"`
		ToInstallOn []string `json:"to_be_installed_on"`
	}
	if !k.has("quiet") {
		k.out.heading("Updating patch manifest")
	}
	objects := []object{}
	for _, p := range list {
		objects = append(objects, object{p.ID, p.Name, p.Description, p.Severity, p.Roles, orEmpty(p.Installed), orEmpty(p.missing)})
	}
	k.out.json(objects)
}

func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// bareVersion returns the product's own version number.
func (k *kato) bareVersion() string {
	words := strings.Fields(k.s.Nodes[k.node].Version)
	return words[len(words)-1]
}

func (k *kato) shapeA(open int, list []listed) {
	if open > 0 {
		k.out.line("  %d %s available to be installed.", open, updates(open))
	}
	k.out.line("")
	k.out.line("  Known updates for Stackato %s:", k.bareVersion())
	k.records("    ", list)
}

func (k *kato) shapeB(open int, list []listed) {
	if open > 0 {
		k.out.line("%d %s available to be installed.", open, updates(open))
	}
	k.out.line("")
	k.out.line("Known updates:")
	k.records("  ", list)
}

func updates(n int) string {
	if n == 1 {
		return "update"
	}
	return "updates"
}

func (k *kato) records(indent string, list []listed) {
	for i, p := range list {
		if i > 0 {
			k.out.line("")
		}
		k.out.line("%s%s: %s", indent, p.Name, p.Description)
		k.out.line("%s  severity: %s", indent, p.Severity)
		k.out.line("%s  roles affected: %s", indent, strings.Join(p.Roles, ", "))
		if k.has("all") && len(p.missing) == 0 {
			k.out.line("%s  installed on: %s", indent, orNone(p.Installed))
		}
	}
}

func (k *kato) shapeC(open int, list []listed) {
	if open > 0 {
		k.out.line("  %d %s available for %s.", open, updates(open)+map[bool]string{true: " is", false: " are"}[open == 1], k.bareVersion())
	}
	for _, p := range list {
		k.out.line("")
		k.out.line("      %s: %s", p.Name, p.Description)
		k.out.line("          patch id:           %d", p.ID)
		k.out.line("          roles affected:     %s", strings.Join(p.Roles, ", "))
		k.out.line("          installed on:       %s", orNone(p.Installed))
		k.out.line("          to be installed on: %s", orNone(p.missing))
	}
}

func orNone(list []string) string {
	if len(list) == 0 {
		return "none"
	}
	return strings.Join(list, ", ")
}
