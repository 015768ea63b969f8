package als

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Progress is how far one node's upgrade has come.
type Progress struct {
	Node  string
	State string // kato's word, lower case: complete, in progress, pending, failed
	Stage string // "" if kato does not tell
	From  string // versions, "" if kato does not tell
	To    string
}

// Complete reports whether kato calls the node's upgrade complete. Only the
// node's own version proves it.
func (p Progress) Complete() bool { return p.State == "complete" || p.State == "completed" }

// upgradeStates are kato's words for how far a node is.
var upgradeStates = []string{"complete", "completed", "in progress", "pending", "failed"}

var (
	upgradeLine = mustCompile(`^([0-9A-Fa-f.:]{2,45}?):?\s+([a-zA-Z][a-zA-Z -]{0,30}?)(?:\s+\(([^)]{0,60})\))?(?:\s+(\d[\d.]*)\s*->\s*(\d[\d.]*))?$`)
	upgradeNone = mustCompile(`(?i)^no upgrade (is )?(in progress|running|pending)\.?$`)
)

// ReadUpgrade reads the output of `kato node upgrade --status`, as text or
// JSON: one entry for each node, sorted. It returns none if kato says that no
// upgrade is in progress. It returns an error unless it could read all of it.
func ReadUpgrade(out []byte) ([]Progress, error) {
	list, g := progressList{}, &gaps{}
	if tree, found := findJSON(out, g); found {
		list.walk(tree, g)
	} else {
		list.text(out, g)
	}
	nodes := list.nodes
	slices.SortStableFunc(nodes, func(a, b Progress) int { return byIP(a.Node, b.Node) })
	if list.none && len(nodes) > 0 {
		g.say("kato says that no upgrade is in progress, and lists nodes")
	}
	if len(nodes) > 0 || list.none {
		return nodes, g.err("how far the upgrade is")
	}
	if said := complaint(out); said != "" {
		return nil, fmt.Errorf("kato did not tell how far the upgrade is: %s", said)
	}
	return nil, errors.New("how far the upgrade is cannot be read: it has none of the shapes that kato is known to print")
}

type progressList struct {
	nodes []Progress
	none  bool
}

func (l *progressList) add(p Progress, g *gaps) {
	if len(l.nodes) == nodesMost {
		g.tooMany(nodesMost, "node")
		return
	}
	p.State = strings.ToLower(p.State)
	if !slices.Contains(upgradeStates, p.State) || p.Complete() && alarming.MatchString(p.Stage) {
		g.line(strings.TrimSpace(p.Node + ": " + p.State + " " + p.Stage))
	}
	if slices.ContainsFunc(l.nodes, func(other Progress) bool { return other.Node == p.Node }) {
		g.say("%s is there twice", p.Node)
	}
	l.nodes = append(l.nodes, p)
}

func (l *progressList) text(out []byte, g *gaps) {
	lines := clean(out)
	for _, line := range lines {
		text := strings.TrimSpace(line)
		m := upgradeLine.FindStringSubmatch(text)
		switch {
		case isNoise(line):
		case upgradeNone.MatchString(text):
			l.none = true
		case m != nil && isIP(m[1]):
			l.add(Progress{m[1], m[2], m[3], m[4], m[5]}, g)
		default:
			g.line(line)
		}
	}
	g.textEnd(lines)
}

func (l *progressList) walk(tree any, g *gaps) {
	nodes, isObject := tree.(object)
	l.none = isObject && len(nodes) == 0
	for _, f := range nodes {
		o, _ := f.value.(object)
		if !isIP(f.key) || o.get("state") == nil {
			g.line(f.String())
			continue
		}
		o.only(g, "state", "stage", "from", "to")
		said := func(key string, most int) string { s, _ := o.get(key).(string); return printable(s, most) }
		l.add(Progress{f.key, said("state", 30), said("stage", 60), said("from", 30), said("to", 30)}, g)
	}
}
