package als

import (
	"fmt"
	"slices"
	"strings"
)

// The patches that a request is about, and the roles and nodes that they
// touch.

// patchLists are the two lists that decide which patches a request is about.
type patchLists struct {
	now PatchList // as a rule those that are missing
	all PatchList // with those that are installed; empty if it could not be read
}

// choosePatches returns the patches that a request is about. If there is
// nothing to do, or it cannot be done (stop), the plan says why.
func choosePatches(r Request, c Cluster, rs Results, p *Plan) (patches []Patch, stop bool) {
	lists, ok := readPatchLists(r, c, rs, p)
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
			p.noPatches(r, c, rs, lists)
		}
		return candidates, false
	}
	if i := slices.IndexFunc(candidates, func(pt Patch) bool { return pt.Name == name }); i >= 0 {
		return candidates[i : i+1], false
	}
	p.notACandidate(name, lists, r, c, rs)
	return nil, true
}

// readPatchLists reads the lists that the request needs. If one of them cannot
// be read, ok is false and the plan has a finding.
func readPatchLists(r Request, c Cluster, rs Results, p *Plan) (lists patchLists, ok bool) {
	now, err := readLocated(rs, probePatches, probePatchNodes)
	if err != nil {
		p.Findings = append(p.Findings, findingOf(Stop, err))
		return lists, false
	}
	if m := now.Mismatch(); m != "" {
		p.Hints.Miscounts = true
		p.Findings = append(p.Findings, Finding{Level: Warn, Text: m + "; the list is believed"})
	}
	all, err := readLocated(rs, probeAllPatches, probePatchNodes)
	_, waiting := now.Find(r.Arg(0))
	if err != nil && (r.Operation != opInstallName || r.Arg(0) != "" && !waiting) {
		p.Findings = append(p.Findings, findingOf(Stop, err))
		return lists, false
	}
	if f, bad := c.contradicted(now, rs); bad && r.Operation == opInstallName {
		p.Findings = append(p.Findings, f)
		return lists, false
	}
	return patchLists{now: now, all: all}, true
}

// contradicted returns a finding if the list by node has a patch as missing
// that the list of what is missing lacks.
func (c Cluster) contradicted(now PatchList, rs Results) (f Finding, bad bool) {
	where, err := readStep(rs, probePatchNodes, ReadPatches)
	if err != nil {
		return f, false // not every kato tells it
	}
	for _, pt := range where.Pending() {
		if _, listed := now.Find(pt.Name); pt.Nodes && !listed {
			return c.contradiction(pt), true
		}
	}
	return f, false
}

func (c Cluster) contradiction(p Patch) Finding {
	return Finding{Level: Stop, Text: fmt.Sprintf("kato contradicts itself: one list has %s as missing on %s, and the other does not", p.Name, list(p.MissingOn)),
		Fix: Advise("Look with %s.", c.command("patch", "status", "--all"))}
}

// noPatches notes in the plan that there is no patch to install, or to take
// out, and where else there is one.
func (p *Plan) noPatches(r Request, c Cluster, rs Results, lists patchLists) {
	target := c.patchTarget(r)
	state, elsewhere := "missing", lists.now.Pending()
	if r.Operation != opInstallName {
		state, elsewhere = "installed", installedOn(lists.all, lists.now, "")
	}
	p.Nothing = "no patch is " + state
	if target != "" {
		p.Nothing += " on " + nodeWords(target)
		if len(elsewhere) > 0 {
			p.Nothing += "; on other nodes " + isAre(len(elsewhere), "patch") + ": " + list(patchNames(elsewhere))
		}
	}
	if r.Operation == opInstallName {
		p.noteOldCode(c, rs, target)
	}
}

// notACandidate notes in the plan why the named patch cannot be installed, or
// taken out.
func (p *Plan) notACandidate(name string, lists patchLists, r Request, c Cluster, rs Results) {
	_, waiting := lists.now.Find(name)
	known, listed := lists.find(name)
	switch {
	case !listed:
		p.Findings = append(p.Findings, unknownPatch(name, append(patchNames(lists.now.Patches), patchNames(lists.all.Patches)...)))
	case r.Operation == opInstallName && !waiting && known.Nodes && known.Pending():
		p.Findings = append(p.Findings, c.contradiction(known))
	case r.Operation == opInstallName:
		target := c.patchTarget(r)
		p.Nothing = c.notMissing(known, target, waiting)
		p.noteOldCode(c, rs, target)
	case r.Operation == opRevertName:
		p.Nothing = c.notInstalledWords(known, c.patchTarget(r))
	default:
		p.Findings = append(p.Findings, Finding{Level: Stop, Text: c.notInstalledWords(known, c.patchTarget(r)) + ", so it cannot be installed again", Fix: Advise("Type %s.", c.command("patch", "install", name)).rewording()})
	}
}

// find returns a patch as the list tells it that says more: with its nodes, if
// any does.
func (l patchLists) find(name string) (Patch, bool) {
	now, ok := l.now.Find(name)
	if all, listed := l.all.Find(name); listed && (!ok || !now.Nodes) {
		return all, true
	}
	return now, ok
}

// notMissing says why a patch that kato lists is not missing on a node ("":
// anywhere).
func (c Cluster) notMissing(p Patch, target string, waiting bool) string {
	switch {
	case target == "" || !waiting && !p.Nodes && c.appliesTo(p, target):
		return p.Name + " is installed already"
	case slices.Contains(p.InstalledOn, target):
		return p.Name + " is installed on " + nodeWords(target) + " already" + missingWords(p, target)
	}
	said := p.Name + " is not meant for " + nodeWords(target)
	if len(p.Roles) > 0 && !c.appliesTo(p, target) {
		said += ", which has none of its roles (" + list(p.Roles) + ")"
	}
	return said + missingWords(p, target)
}

// missingWords says where a patch is missing, as the end of a sentence.
func missingWords(p Patch, target string) string {
	switch {
	case !p.Nodes:
		return "; kato does not tell on which nodes it is missing"
	case len(p.MissingOn) > 0:
		return "; it is missing on " + list(p.MissingOn)
	case slices.Contains(p.InstalledOn, target):
		return ""
	}
	return "; it is missing nowhere"
}

// notInstalledWords says that a patch is not installed on a node ("":
// anywhere), and where it is.
func (c Cluster) notInstalledWords(p Patch, target string) string {
	said := p.Name + " is not installed"
	if target == "" {
		return said
	}
	said += " on " + nodeWords(target)
	if len(p.InstalledOn) > 0 {
		said += "; it is installed on " + list(p.InstalledOn)
	}
	return said
}

func unknownPatch(name string, have []string) Finding {
	slices.Sort(have)
	have = slices.Compact(have)
	fix := Advice{Text: DidYouMean(name, have)}.And(Advise("kato lists: %s.", orNone(have)))
	return Finding{Level: Stop, Text: "there is no patch " + name, Fix: fix.rewording()}
}

// readLocated reads a list of patches. If the list does not tell the nodes,
// they are taken from the JSON, as long as it can be read and does not
// contradict the list.
func readLocated(rs Results, list, where stepID) (PatchList, error) {
	l, err := readStep(rs, list, ReadPatches)
	if err != nil {
		return l, err
	}
	nodes, err := readStep(rs, where, ReadPatches)
	if err != nil {
		return l, nil //nolint:nilerr // only the list is required
	}
	for i, p := range l.Patches {
		if known, ok := nodes.Find(p.Name); ok && !p.Nodes && known.Nodes && known.Pending() {
			l.Patches[i].Nodes, l.Patches[i].InstalledOn, l.Patches[i].MissingOn = true, known.InstalledOn, known.MissingOn
		}
	}
	return l, nil
}

// pendingOn returns the patches that a node ("": any) still needs. If kato
// does not tell nodes, the patch's roles decide.
func pendingOn(c Cluster, l PatchList, target string) []Patch {
	var out []Patch
	for _, p := range l.Pending() {
		if target == "" || p.PendingOn(target) && (p.Nodes || c.appliesTo(p, target)) {
			out = append(out, p)
		}
	}
	return out
}

// appliesTo reports whether a patch is for a role of the node. It returns true
// if that is not known.
func (c Cluster) appliesTo(p Patch, ip string) bool {
	n, ok := c.Node(ip)
	return !ok || len(n.Roles) == 0 || len(p.Roles) == 0 ||
		slices.ContainsFunc(p.Roles, func(role string) bool { return slices.Contains(n.Roles, role) })
}

// onlyFor reports whether a patch is for no other node than this one.
func (c Cluster) onlyFor(p Patch, ip string) bool {
	return !slices.ContainsFunc(c.Nodes, func(n Node) bool { return n.IP != ip && c.appliesTo(p, n.IP) })
}

// installedOn returns the patches that a node ("": any) has. If kato does not
// tell nodes, these are the patches that only the whole list has.
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

// affectedRoles returns the roles that the patches restart, node by node.
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
