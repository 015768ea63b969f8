package als

import (
	"fmt"
	"slices"
	"strings"
)

// What --no-restart leaves behind: roles that run the code they ran before. No
// list of kato's shows them, but its history has the commands.

// katoCommand is an entry of the history, read as far as it concerns roles.
type katoCommand struct {
	words     []string // without kato itself and the options
	node      string   // the one node that it touches; "" is any
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
	// Without --node, kato turns the roles of the node on which it runs.
	if !all && k.node == "" && k.is("restart", "stop") && isIP(a.Node) {
		k.node = a.Node
	}
	return k
}

// is reports whether the command begins with one of the words.
func (k katoCommand) is(words ...string) bool {
	return len(k.words) > 0 && slices.Contains(words, k.words[0])
}

// oldCodeLeft is what of a patch command without a restart is still to be
// done on a node ("": any), by kato's history: the roles that were not
// restarted since, and the last such command.
func oldCodeLeft(c Cluster, rs Results, target string) (left []roleOn, last Action) {
	probe, ok := rs.Find(probeHistory, "")
	if !ok || !probe.OK() {
		return nil, last
	}
	patches, err := readLocated(rs, probeAllPatches, probePatchNodes)
	if err != nil {
		patches, err = readStep(rs, probePatchNodes, ReadPatches)
	}
	status, unread := readStep(rs, probeRoles, ReadStatus)
	if err != nil || unread != nil {
		return nil, last
	}
	for _, a := range ReadHistory(probe.Output) {
		k := readCommand(a)
		switch {
		case !strings.EqualFold(a.Status, "succeeded"):
		case k.noRestart && k.is("patch") && len(k.words) > 1:
			last = a
			for _, p := range patches.Patches {
				if len(k.words) > 2 && k.words[2] != p.Name {
					continue
				}
				for _, role := range p.Roles {
					for _, ip := range nodesWithRole(c, status, role) {
						if pair := (roleOn{role, ip}); (k.node == "" || k.node == ip) && !slices.Contains(left, pair) {
							left = append(left, pair)
						}
					}
				}
			}
		case k.is("restart", "stop"):
			left = slices.DeleteFunc(left, func(p roleOn) bool {
				return (k.node == "" || k.node == p.Node) && (len(k.words) == 1 || slices.Contains(expandGroups(k.words[1:]), p.Role))
			})
		case k.is("node", "data"): // an upgrade, an import: everything restarts
			left = nil
		}
	}
	return slices.DeleteFunc(left, func(p roleOn) bool { return target != "" && p.Node != target }), last
}

// noteOldCode adds to a plan without anything to do which roles still run the
// old code, and the commands that restart them.
func (p *Plan) noteOldCode(c Cluster, rs Results, target string) {
	left, last := oldCodeLeft(c, rs, target)
	if len(left) == 0 {
		return
	}
	p.Nothing += fmt.Sprintf(". But kato's history has `%s` (%s) and no restart since of %s: unless the node was, they run the old code", last.Command, toSecond(last.When), pairWords(left))
	v := Verdict{}.offering("Bring the patches to work with %s.", c.turnCommands(opRestartName, left)...)
	p.Next, p.Offers = v.Next, v.Offers
}
