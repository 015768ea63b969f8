package als

import (
	"slices"
	"strings"
)

// Which patches a request is about, and which roles on which nodes they touch.

// patchLists are the two lists on which a choice of patches rests.
type patchLists struct {
	now PatchList // those that kato lists as missing, as a rule
	all PatchList // those that are installed too; empty where it could not be read
}

// choosePatches finds the patches that a request is about. It writes down in
// the plan why there is nothing to do or why it cannot be done (stop).
func choosePatches(r Request, c Cluster, rs Results, p *Plan) (patches []Patch, stop bool) {
	lists, ok := readPatchLists(r, rs, p)
	if !ok {
		return nil, true
	}
	target := c.patchTarget(r)
	candidates := pendingOn(c, lists.now, target)
	if r.Operation != opInstallName {
		candidates = installedOn(lists.all, lists.now, target)
	}
	name := r.Arg(0)
	if name == "" {
		if len(candidates) == 0 {
			p.noPatches(r, c, rs, target)
		}
		return candidates, false
	}
	if i := slices.IndexFunc(candidates, func(pt Patch) bool { return pt.Name == name }); i >= 0 {
		return candidates[i : i+1], false
	}
	p.notACandidate(name, lists, r, c, rs)
	return nil, true
}

// readPatchLists reads the lists that the request needs. ok is false if one of
// them cannot be read, which is then a finding of the plan.
func readPatchLists(r Request, rs Results, p *Plan) (lists patchLists, ok bool) {
	now, err := readLocated(rs, probePatches, probePatchNodes)
	if err != nil {
		p.Findings = append(p.Findings, findingOf(Stop, err))
		return lists, false
	}
	if m := now.Mismatch(); m != "" {
		p.Findings = append(p.Findings, Finding{Level: Warn, Text: m + "; the list is believed"})
	}
	all, err := readLocated(rs, probeAllPatches, probePatchNodes)
	if r.Operation != opInstallName && err != nil {
		p.Findings = append(p.Findings, findingOf(Stop, err))
		return lists, false
	}
	return patchLists{now: now, all: all}, true
}

// noPatches writes down that there is no patch to install, or to take out.
func (p *Plan) noPatches(r Request, c Cluster, rs Results, target string) {
	p.Nothing = "no patch is missing"
	if r.Operation != opInstallName {
		p.Nothing = "no patch is installed"
	}
	if target != "" {
		p.Nothing += " on " + nodeWords(target)
	}
	if r.Operation == opInstallName {
		p.noteOldCode(c, rs, target)
	}
}

// notACandidate writes down why the patch that the request names is not one
// that can be installed, or taken out.
func (p *Plan) notACandidate(name string, lists patchLists, r Request, c Cluster, rs Results) {
	_, listed := lists.now.Find(name)
	_, known := lists.all.Find(name)
	switch {
	case !listed && !known:
		p.Findings = append(p.Findings, unknownPatch(name, append(patchNames(lists.now.Patches), patchNames(lists.all.Patches)...)))
	case r.Operation == opInstallName:
		p.Nothing = name + " is installed already"
		p.noteOldCode(c, rs, c.patchTarget(r))
	case r.Operation == opRevertName:
		p.Nothing = name + " is not installed"
	default:
		p.Findings = append(p.Findings, Finding{Level: Stop, Text: name + " is not installed, so it cannot be installed again", Fix: "Type " + c.typed("patch", "install", name) + ".", Reword: true})
	}
}

func unknownPatch(name string, have []string) Finding {
	slices.Sort(have)
	have = slices.Compact(have)
	fix := strings.TrimSpace(DidYouMean(name, have) + " kato lists: " + orNone(have) + ".")
	return Finding{Level: Stop, Text: "there is no patch " + name, Fix: fix, Reword: true}
}

// readLocated reads a list of patches. Where the list itself does not tell on
// which nodes they are, it is taken from the JSON, if that can be read and
// does not contradict the list.
func readLocated(rs Results, list, where stepID) (PatchList, error) {
	l, err := readStep(rs, list, ReadPatches)
	if err != nil {
		return l, err
	}
	nodes, err := readStep(rs, where, ReadPatches)
	if err != nil {
		return l, nil //nolint:nilerr // the list is what counts; where they are is extra
	}
	for i, p := range l.Patches {
		if known, ok := nodes.Find(p.Name); ok && !p.Nodes && known.Nodes && known.Pending() {
			l.Patches[i].Nodes, l.Patches[i].InstalledOn, l.Patches[i].MissingOn = true, known.InstalledOn, known.MissingOn
		}
	}
	return l, nil
}

// pendingOn lists the patches that a node ("": any) still needs: by its name
// where kato tells nodes, else by its roles.
func pendingOn(c Cluster, l PatchList, target string) []Patch {
	var out []Patch
	for _, p := range l.Pending() {
		if target == "" || p.PendingOn(target) && (p.Nodes || c.appliesTo(p, target)) {
			out = append(out, p)
		}
	}
	return out
}

// appliesTo reports whether a patch is for a role of the node. What is not
// known is taken to be so.
func (c Cluster) appliesTo(p Patch, ip string) bool {
	n, ok := c.Node(ip)
	return !ok || len(n.Roles) == 0 || len(p.Roles) == 0 ||
		slices.ContainsFunc(p.Roles, func(role string) bool { return slices.Contains(n.Roles, role) })
}

// onlyFor reports whether a patch is for no other node than this one.
func (c Cluster) onlyFor(p Patch, ip string) bool {
	return !slices.ContainsFunc(c.Nodes, func(n Node) bool { return n.IP != ip && c.appliesTo(p, n.IP) })
}

// installedOn lists the patches that a node ("": any) has: where kato tells
// nodes, by them; else those that the whole list has and the short one not.
func installedOn(all, now PatchList, target string) []Patch {
	var out []Patch
	for _, p := range all.Patches {
		_, waiting := now.Find(p.Name)
		switch {
		case p.Nodes && target != "" && slices.Contains(p.InstalledOn, target),
			p.Nodes && target == "" && len(p.InstalledOn) > 0,
			!p.Nodes && !waiting:
			out = append(out, p)
		}
	}
	return out
}

// affectedRoles lists the roles that the patches restart, node by node.
func affectedRoles(r Request, c Cluster, s Status, patches []Patch) []roleOn {
	target := c.patchTarget(r)
	var out []roleOn
	for _, p := range patches {
		nodes := p.MissingOn
		if r.Operation != opInstallName {
			nodes = p.InstalledOn
		}
		for _, role := range p.Roles {
			for _, ip := range nodesWithRole(c, s, role) {
				pair := roleOn{role, ip}
				if (target == "" || target == ip) && (!p.Nodes || slices.Contains(nodes, ip)) && !slices.Contains(out, pair) {
					out = append(out, pair)
				}
			}
		}
	}
	slices.SortFunc(out, func(a, b roleOn) int {
		if n := strings.Compare(a.Role, b.Role); n != 0 {
			return n
		}
		return byIP(a.Node, b.Node)
	})
	return out
}

// patchedNodes names the nodes that change.
func patchedNodes(c Cluster, patches []Patch, target string, installed bool) string {
	if target != "" {
		return nodeWords(target)
	}
	var out []string
	for _, p := range patches {
		nodes := p.MissingOn
		if installed {
			nodes = p.InstalledOn
		}
		if !p.Nodes {
			nodes = nil
			for _, role := range p.Roles {
				for _, n := range c.NodesWith(role) {
					nodes = append(nodes, n.IP)
				}
			}
		}
		out = append(out, nodes...)
	}
	slices.SortFunc(out, byIP)
	if out = slices.Compact(out); len(out) == 0 {
		return "as kato decides"
	}
	return strings.Join(out, ", ")
}
