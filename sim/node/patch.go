package node

import (
	"fmt"
	"slices"
)

func patchCommands() []command {
	older, newer := []string{ALS10}, []string{ALS11, ALS13}
	const oldNode, newNode = "-n --only-this-node", "-n --node=IP, -l --local"
	const changes = ", -a --all, -r --no-restart, -q --quiet, -m --manifest=FILE, -u --force-update, -s --single"
	patch := func(words string, only []string, options, args string, min, max int, run func(*kato) int) command {
		return command{words: "patch " + words, only: only, options: options, args: args, min: min, max: max, job: "patch", admin: true, run: run}
	}
	return []command{
		{words: "patch status", only: older, options: "-a --all", run: (*kato).patchStatus},
		patch("install", older, oldNode+", -r --no-restart", "[<name>]", 0, 1, (*kato).patchInstall),
		patch("reinstall", older, oldNode+", -r --no-restart", "<name>", 1, 1, (*kato).patchReinstall),
		patch("update", older, "", "", 0, 0, (*kato).patchUpdate),
		patch("reset", older, "", "", 0, 0, (*kato).patchReset),

		{words: "patch status", only: newer, options: "-a --all, -j --json, -q --quiet", run: (*kato).patchStatus},
		patch("install", newer, newNode+changes+", --to-patch-id=ID", "[<patchname>]", 0, 1, (*kato).patchInstall),
		patch("reinstall", newer, "-n --node=IP"+changes, "<patchname>", 1, 1, (*kato).patchReinstall),
		patch("update", newer, newNode, "", 0, 0, (*kato).patchUpdate),
		patch("reset", newer, "-n --node=IP"+changes, "", 0, 0, (*kato).patchReset),
		patch("revert", newer, "-n --node=IP"+changes, "[<patchname>]", 0, 1, (*kato).patchRevert),
		patch("mark", newer, "-n --node=IP, -i --installed, -d --notinstalled", "<patchname>", 1, 1, (*kato).patchMark),
	}
}

// scope returns the nodes that a patch command applies to.
func (k *kato) scope() []string {
	switch {
	case k.has("only-this-node"), k.has("local"):
		return []string{k.node}
	case k.flags["node"] != "":
		return []string{k.flags["node"]}
	}
	return k.s.ips()
}

// missing returns the nodes in scope that need a patch and lack it.
func (k *kato) missing(p *Patch, scope []string) []string {
	return slices.DeleteFunc(k.s.with(p.Roles...), func(ip string) bool {
		return slices.Contains(p.Installed, ip) || !slices.Contains(scope, ip)
	})
}

// patch returns the patch with this name, or nil.
func (s *State) patch(name string) *Patch {
	for _, p := range s.Patches {
		if p.Name == name {
			return p
		}
	}
	return nil
}

// pick returns the patches that a command applies to; without a name, all. If
// end is true, kato must end now with that status.
func (k *kato) pick() (patches []*Patch, status int, end bool) {
	name := k.arg(0)
	if name == "" {
		return k.s.Patches, 0, false
	}
	if p := k.s.patch(name); p != nil {
		return []*Patch{p}, 0, false
	}
	if !k.gen.honest || k.faults.is("unknown-ok") {
		return nil, 0, true // before 3.4.2 kato had no proper error
	}
	return nil, k.fail("Patch '%s' not found.", name), true
}

// manifest refreshes the manifest, as kato does before every change.
func (k *kato) manifest() bool {
	k.out.heading("Updating patch manifest")
	if k.faults.is("manifest") {
		k.out.line("Could not fetch the patch manifest: getaddrinfo: Temporary failure in name resolution")
		return false
	}
	return true
}

func (k *kato) patchInstall() int {
	patches, status, end := k.pick()
	if end {
		return status
	}
	if !k.manifest() {
		return 1
	}
	touched, ok, any := map[string][]string{}, true, false
	for _, p := range patches {
		nodes := k.missing(p, k.scope())
		if len(nodes) == 0 {
			continue
		}
		any = true
		ok = k.install(p, nodes, "installing...", touched) && ok
	}
	switch {
	case !any && k.arg(0) != "":
		k.out.line("Patch '%s' is already installed.", k.arg(0))
	case !any:
		k.out.line("No updates available to be installed.")
	}
	return k.activate(touched, ok)
}

func (k *kato) patchReinstall() int {
	patches, status, end := k.pick()
	if end {
		return status
	}
	if !k.manifest() {
		return 1
	}
	p, touched := patches[0], map[string][]string{}
	nodes := slices.DeleteFunc(k.s.with(p.Roles...), func(ip string) bool { return !slices.Contains(k.scope(), ip) })
	ok := k.install(p, nodes, "reinstalling...", touched)
	return k.activate(touched, ok)
}

// install installs a patch on nodes and adds the changed roles of each node to
// touched.
func (k *kato) install(p *Patch, nodes []string, doing string, touched map[string][]string) bool {
	k.out.heading("Installing patch %s", p.Name)
	all := true
	for _, ip := range nodes {
		all = k.out.task(k.s.Pace, fmt.Sprintf("%s: %s", ip, doing), func() bool {
			if k.faults.down(ip) || (k.faults.is("core-only") && ip != k.s.Core) {
				return false
			}
			k.markPatch(p.Name, ip, !k.forgets(p.Name))
			for _, role := range p.Roles {
				if k.s.Nodes[ip].Roles[role] != nil && !slices.Contains(touched[ip], role) {
					touched[ip] = append(touched[ip], role)
				}
			}
			return true
		}) && all
	}
	return all
}

func (k *kato) forgets(patch string) bool {
	_, one := k.faults.lists("forget", k.node, patch)
	_, all := k.faults.lists("forget", k.node, "all")
	return one || all
}

// markPatch edits the record of whether this node has the patch.
func (k *kato) markPatch(name, ip string, installed bool) {
	k.update(func(s *State) {
		p := s.patch(name)
		p.Installed = slices.DeleteFunc(p.Installed, func(other string) bool { return other == ip })
		if installed {
			p.Installed = append(p.Installed, ip)
			slices.SortFunc(p.Installed, compareIP)
		}
	})
}

// activate restarts the patched roles, or leaves them running the old code.
func (k *kato) activate(touched map[string][]string, ok bool) int {
	if len(touched) > 0 && !k.has("no-restart") {
		k.out.heading("Restarting roles")
	}
	for _, ip := range k.s.ips() {
		for _, name := range touched[ip] {
			if k.has("no-restart") {
				k.update(func(s *State) { s.Nodes[ip].Roles[name].Stale = true })
				continue
			}
			k.out.task(k.s.Pace, fmt.Sprintf("%s: role %s restarting...", ip, name), func() bool {
				k.update(func(s *State) { k.run(ip, name, s.Nodes[ip].Roles[name]) })
				return true
			})
		}
	}
	if !ok {
		return 1
	}
	return 0
}

func (k *kato) patchUpdate() int {
	if !k.manifest() {
		return 1
	}
	for _, ip := range k.scope() {
		k.out.task(k.s.Pace/2, ip+": updating...", func() bool { return !k.faults.down(ip) })
	}
	return 0
}

func (k *kato) patchReset() int {
	k.out.heading("Resetting patch state")
	scope := k.scope()
	k.update(func(s *State) {
		for _, p := range s.Patches {
			p.Installed = slices.DeleteFunc(p.Installed, func(ip string) bool { return slices.Contains(scope, ip) })
		}
	})
	return 0
}

func (k *kato) patchRevert() int {
	patches, status, end := k.pick()
	if end {
		return status
	}
	touched, scope := map[string][]string{}, k.scope()
	for _, p := range slices.Backward(patches) {
		nodes := slices.DeleteFunc(slices.Clone(p.Installed), func(ip string) bool { return !slices.Contains(scope, ip) })
		if len(nodes) == 0 {
			continue
		}
		k.out.heading("Reverting patch %s", p.Name)
		for _, ip := range nodes {
			k.out.task(k.s.Pace, ip+": reverting...", func() bool {
				k.markPatch(p.Name, ip, false)
				for _, role := range p.Roles {
					if k.s.Nodes[ip].Roles[role] != nil && !slices.Contains(touched[ip], role) {
						touched[ip] = append(touched[ip], role)
					}
				}
				return true
			})
		}
	}
	return k.activate(touched, true)
}

func (k *kato) patchMark() int {
	patches, status, end := k.pick()
	if end {
		return status
	}
	if k.has("installed") == k.has("notinstalled") {
		return k.fail("%s", k.cmd.usage())
	}
	for _, ip := range k.scope() {
		if slices.Contains(k.s.with(patches[0].Roles...), ip) {
			k.markPatch(patches[0].Name, ip, k.has("installed"))
		}
	}
	return 0
}
