package node

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// content is one part of an export and the role that holds it.
type content struct {
	name, role string
	off        bool // excluded unless requested
}

func contents() []content {
	list := []content{
		{name: "main-db", role: "controller"}, {name: "aok-db", role: "controller"}, {name: "aok-config", role: "controller", off: true},
		{name: "license", role: "primary"}, {name: "db-encryption-key", role: "controller"}, {name: "helion-rest-db", role: "controller"},
		{name: "droplets", role: "controller"}, {name: "packages", role: "controller"}, {name: "resources", role: "controller", off: true},
	}
	for _, service := range services() {
		list = append(list, content{name: service, role: service})
	}
	return list
}

func services() []string {
	return []string{"filesystem", "harbor", "mysql", "postgresql", "mongodb", "memcached", "redis", "rabbit", "rabbit3"}
}

// dataOptions returns the options that export and import share.
func dataOptions() string {
	opts := []string{"--cluster", "--only-this-node", "--manual", "--force", "--base-dir=DIR", "--remote",
		"--exclude-filesystem-data", "--exclude-filesystem-user-creation"}
	for _, c := range contents() {
		opts = append(opts, "--"+c.name, "--exclude-"+c.name)
		if c.name == c.role && c.name != "filesystem" && c.name != "license" {
			opts = append(opts, "--exclude-"+c.name+"-data", "--exclude-"+c.name+"-metadata")
		}
	}
	return strings.Join(opts, ", ")
}

func dataCommands() []command {
	older, newer := []string{ALS10}, []string{ALS11, ALS13}
	return []command{
		{words: "data export", only: older, options: dataOptions(), args: "(--only-this-node|--cluster|--manual) [<filename>]", max: 1, job: "export", admin: true, run: (*kato).export},
		{words: "data export", only: newer, options: dataOptions() + ", --only-users-orgs", args: "(--only-this-node|--cluster|--manual) <filename>", min: 1, max: 1, job: "export", admin: true, run: (*kato).export},
		{words: "data import", options: dataOptions() + ", --fix-app-paths, --timeout=SEC, --legacy", args: "(--only-this-node|--cluster|--manual) <filename|source>", min: 1, max: 1, job: "import", admin: true, run: (*kato).importData},
		{words: "data repair routes", only: newer, options: "-n --dry-run, -y --no-prompt, -v --verbose, -q --quiet", admin: true, run: (*kato).repairRoutes},
	}
}

// mode reports whether exactly one of the modes is given.
func (k *kato) mode() bool {
	n := 0
	for _, mode := range []string{"cluster", "only-this-node", "manual"} {
		if k.has(mode) {
			n++
		}
	}
	return n == 1
}

// selected returns the contents that the options select, and the node of each.
func (k *kato) selected() (names []string, nodes map[string]string) {
	nodes = map[string]string{}
	explicit := slices.ContainsFunc(contents(), func(c content) bool { return k.has(c.name) })
	small := []string{"main-db", "aok-db", "aok-config", "db-encryption-key", "license"}
	for _, c := range contents() {
		take := !c.off
		switch {
		case k.has("only-users-orgs"):
			take = slices.Contains(small, c.name)
		case explicit || k.has("manual"):
			take = k.has(c.name)
		}
		holders := k.s.with(c.role)
		if !k.has("cluster") {
			holders = slices.DeleteFunc(holders, func(ip string) bool { return ip != k.node })
		}
		if k.has("force") && take && len(holders) == 0 {
			holders = []string{k.node}
		}
		if take && !k.has("exclude-"+c.name) && len(holders) > 0 {
			names = append(names, c.name)
			nodes[c.name] = holders[0]
		}
	}
	return names, nodes
}

func (k *kato) export() int {
	if !k.mode() {
		return k.fail("%s", k.cmd.usage())
	}
	name := k.arg(0)
	if name == "" {
		name = fmt.Sprintf("helion-export-%010d.tgz", time.Now().Unix())
	}
	file, wrong := k.place(name)
	if wrong != "" {
		return k.fail("%s", wrong)
	}
	what := "cluster"
	if !k.has("cluster") {
		what = "node " + k.node
	}
	k.out.heading("Exporting %s", what)
	k.update(func(s *State) { s.Exports++ })
	names, nodes := k.selected()
	for _, name := range names {
		ok := k.out.task(k.s.Pace*2/5, fmt.Sprintf("%s: exporting %s...", nodes[name], name), func() bool { return k.canExport(name, nodes[name]) })
		if !ok {
			return k.fail("Export failed.")
		}
	}
	shown := name
	if !filepath.IsAbs(name) {
		shown = file
	}
	k.out.heading("Creating %s", shown)
	if k.dry {
		k.out.line("Export complete: %s", shown)
		return 0
	}
	if wrong := k.createArchive(file, names); wrong != "" {
		return k.fail("%s - %s", wrong, shown)
	}
	k.out.line("Export complete: %s", shown)
	return 0
}

// canExport reports whether a part can be read: its node answers and its role
// runs. The filesystem must be on this node, because its steps run in a local
// shell.
func (k *kato) canExport(name, node string) bool {
	for _, c := range contents() {
		if c.name == name {
			r := k.s.Nodes[node].Roles[c.role]
			running := r == nil || r.Now(time.Now()) == "RUNNING"
			return running && !k.faults.down(node) && (name != "filesystem" || node == k.node)
		}
	}
	return false
}

func (k *kato) createArchive(file string, names []string) string {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o644)
	if err != nil {
		return strings.TrimPrefix(err.Error(), "open ")
	}
	wrong, err := writeArchive(f, archive{
		data: k.s.Data, names: names, size: k.s.ExportSize, seed: k.s.Seed + int64(k.s.Exports), version: k.bareVersion(),
		fault: k.faults.value("export"),
	})
	if err := errors.Join(err, f.Close()); err != nil {
		return err.Error()
	}
	return wrong
}

func (k *kato) repairRoutes() int {
	if !k.has("dry-run") && !k.has("no-prompt") && !k.confirm("Repair routes in the controller database? [y/N] ") {
		return 1
	}
	k.out.line("No bad routes found.")
	return 0
}
