package als

import (
	"slices"
	"strings"
)

// Patches that kato installs, or lists, beyond those that were shown: one that
// was published after the last probe is fetched by kato itself.

// installedLine is a line of kato's output that names a patch it installs.
var installedLine = mustCompile(`(?i)^(?:-+> *)?(?:re)?install(?:ing|ed) patch '?([A-Za-z0-9][A-Za-z0-9._-]{0,63})'?[.:]*$`)

// patchesBeyond names the patches that kato's output says it installed, and
// those that the new list still has, that were not shown.
func patchesBeyond(p Plan, rs Results) []string {
	var beyond []string
	add := func(name string) {
		if !slices.Contains(p.Hints.Patches, name) && !slices.Contains(beyond, name) {
			beyond = append(beyond, name)
		}
	}
	if r, ok := rs.find(stepPatch, ""); ok {
		for _, line := range clean(r.Output) {
			if m := installedLine.FindStringSubmatch(strings.TrimSpace(line)); m != nil {
				add(m[1])
			}
		}
	}
	if after, err := readStep(rs, probePatchesAfter, ReadPatches); err == nil && p.Hints.Unnamed {
		for _, pt := range after.Pending() {
			if p.Hints.Target == "" || pt.PendingOn(p.Hints.Target) {
				add(pt.Name)
			}
		}
	}
	return beyond
}
