package als

import (
	"fmt"
	"slices"
	"strings"
)

// After --no-restart the roles still run the code from before the patch. None
// of kato's lists tells which roles these are; its history does.

// katoCommand is an entry of the history, as far as it matters to roles.
type katoCommand struct {
	words     []string // without kato and the options
	node      string   // the one node that it works on; "" is all
	noRestart bool
}

func readCommand(a Action) katoCommand {
	var k katoCommand
	fields := strings.Fields(a.Command)
	all := false
	for i := 1; i < len(fields); i++ {
		next := ""
		if i+1 < len(fields) {
			next = fields[i+1]
		}
		switch w := fields[i]; {
		case (w == "--node" || w == "-n") && isIP(next):
			k.node = next
			i++
		case w == "--local", w == "--only-this-node":
			k.node = a.Node
		case w == "--no-restart", w == "-n": // in ALS 1.0 the latter means the former
			k.noRestart = true
		case w == "--all", w == "-a", w == "--cluster":
			all = true
		case !strings.HasPrefix(w, "-"):
			k.words = append(k.words, w)
		}
	}
	// Without --node, kato restarts or stops the roles of the node on which it
	// runs.
	if !all && k.node == "" && k.is("restart", "stop") && isIP(a.Node) {
		k.node = a.Node
	}
	return k
}

// is reports whether the command's first word is one of the words.
func (k katoCommand) is(words ...string) bool {
	return len(k.words) > 0 && slices.Contains(words, k.words[0])
}

// oldCode follows kato's history and keeps the roles that still run the code
// from before a patch.
type oldCode struct {
	cluster Cluster
	status  Status
	patches []Patch
	roles   []roleOn // patched, and not restarted since
	last    Action   // the last patch command without a restart
}

// oldCodeLeft returns the roles of a node ("": any) that were patched without
// a restart and not restarted since, according to kato's history. It also
// returns the last patch command of that kind. It returns none if the history,
// the patches or the roles could not be read.
func oldCodeLeft(c Cluster, rs Results, target string) ([]roleOn, Action) {
	history, err := readStep(rs, probeHistory, ReadHistory)
	if err != nil {
		return nil, Action{}
	}
	patches, err := readLocated(rs, probeAllPatches, probePatchNodes)
	if err != nil {
		patches, err = readStep(rs, probePatchNodes, ReadPatches)
	}
	status, unread := c.status(rs, probeRoles)
	if err != nil || unread != nil {
		return nil, Action{}
	}
	old := oldCode{cluster: c, status: status, patches: patches.Patches}
	for _, a := range history {
		old.follow(a)
	}
	elsewhere := func(p roleOn) bool { return target != "" && p.Node != target }
	return slices.DeleteFunc(old.roles, elsewhere), old.last
}

// follow takes the next entry of the history into account.
func (o *oldCode) follow(a Action) {
	k := readCommand(a)
	switch {
	case !strings.EqualFold(a.Status, "succeeded"):
	case k.noRestart && k.is("patch") && len(k.words) > 1:
		o.last = a
		o.addPatched(k)
	case k.is("restart", "stop"):
		o.roles = slices.DeleteFunc(o.roles, k.turns)
	case k.is("node", "data"): // an upgrade or an import restarts everything
		o.roles = nil
	}
}

// addPatched adds the roles that a patch command has changed.
func (o *oldCode) addPatched(k katoCommand) {
	for _, p := range o.patches {
		if len(k.words) > 2 && k.words[2] != p.Name {
			continue
		}
		for _, role := range p.Roles {
			for _, ip := range nodesWithRole(o.cluster, o.status, role) {
				if pair := (roleOn{role, ip}); k.touches(ip) && !slices.Contains(o.roles, pair) {
					o.roles = append(o.roles, pair)
				}
			}
		}
	}
}

// touches reports whether the command works on a node.
func (k katoCommand) touches(node string) bool { return k.node == "" || k.node == node }

// turns reports whether a restart or a stop includes a role on a node.
func (k katoCommand) turns(p roleOn) bool {
	return k.touches(p.Node) && (len(k.words) == 1 || slices.Contains(expandGroups(k.words[1:]), p.Role))
}

// noteOldCode adds to a plan that has nothing to do which roles still run the
// old code, and the commands that restart them.
func (p *Plan) noteOldCode(c Cluster, rs Results, target string) {
	left, last := oldCodeLeft(c, rs, target)
	if len(left) == 0 {
		return
	}
	p.Nothing += fmt.Sprintf(". But kato's history has `%s` (%s) and no restart since of %s: unless the node was, they run the old code", last.Command, toSecond(last.When), pairWords(left))
	p.Next = offer("Bring the patches to work with %s.", c.turnCommands(opRestartName, left)...)
}
