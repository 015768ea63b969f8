package node

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// importData replaces the cluster's data with an archive's, or with an old
// core's. Like the real command, it wipes first and then reads.
func (k *kato) importData() int {
	if !k.mode() {
		return k.fail("%s", k.cmd.usage())
	}
	if k.has("cluster") && k.node != k.s.Core {
		return k.fail("Cluster imports must be run on the Core node.")
	}
	if !k.s.Data.FirstUser {
		return k.fail("First user setup has not been completed.")
	}
	source := k.arg(0)
	names, data, err, wrong := k.open(source)
	if wrong != "" {
		return k.fail("%s", wrong)
	}
	k.out.heading("Importing from %s", source)
	selected, _ := k.selected()
	apps := slices.Contains(selected, "main-db")
	k.update(func(s *State) {
		if apps {
			s.Data.Users, s.Data.Apps = nil, nil
		}
		s.Data.Imports++
		s.Data.Source, s.Data.Parts = source, nil
	})
	ok := k.importParts(names)
	if err != nil {
		return k.fail("Import failed: %s", err)
	}
	if k.faults.value("import") == "half" {
		return k.fail("Import failed: undefined method `guid' for nil:NilClass (NoMethodError)")
	}
	if apps {
		k.redeploy(data)
	}
	if !ok {
		return k.fail("Import finished with errors.")
	}
	k.out.line("Import complete.")
	return 0
}

// open reads what is imported as far as it can be read.
func (k *kato) open(source string) (names []string, data Data, err error, wrong string) { //nolint:staticcheck // the error is part of what was read
	if !strings.HasSuffix(source, ".tgz") {
		names, data, wrong = k.fetch(source)
		return names, data, nil, wrong
	}
	file, wrong := k.place(source)
	if wrong != "" {
		return nil, data, nil, wrong
	}
	names, data, err = readArchive(file)
	if names == nil && err != nil {
		return nil, data, nil, fmt.Sprintf("Could not read %s: %s", source, err)
	}
	return names, data, err, ""
}

// importParts imports what is both in the source and selected.
func (k *kato) importParts(names []string) bool {
	selected, nodes := k.selected()
	all := true
	for i, name := range selected {
		if !slices.Contains(names, name) {
			continue
		}
		if k.faults.value("import") == "half" && i > len(selected)/2 {
			return false
		}
		ok := k.out.task(k.s.Pace/2, fmt.Sprintf("%s: importing %s...", nodes[name], name), func() bool {
			r := k.s.Nodes[nodes[name]].Roles[name]
			_, bad := k.faults.lists("import", k.node, name)
			return !bad && !k.faults.down(nodes[name]) && (r == nil || r.Now(time.Now()) == "RUNNING")
		})
		if ok {
			k.update(func(s *State) { s.Data.Parts = append(s.Data.Parts, name) })
		}
		all = ok && all
	}
	return all
}

func (k *kato) redeploy(data Data) {
	k.out.heading("Redeploying apps")
	var lost []string
	for _, app := range data.Apps {
		ok := k.out.task(k.s.Pace/2, fmt.Sprintf("redeploying %s...", app), func() bool {
			_, bad := k.faults.lists("redeploy", k.node, app)
			return !bad
		})
		if !ok {
			lost = append(lost, app)
		}
	}
	k.update(func(s *State) { s.Data.Users, s.Data.Apps = data.Users, data.Apps })
	if len(lost) > 0 {
		k.out.line("The following apps could not be redeployed:")
		for _, app := range lost {
			k.out.line("  %s", app)
		}
	}
}
