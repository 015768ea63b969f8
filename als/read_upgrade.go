package als

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
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

var (
	upgradeLine = regexp.MustCompile(`^([0-9A-Fa-f.:]{2,45}?):?\s+([a-zA-Z][a-zA-Z -]{0,30}?)(?:\s+\(([^)]{0,60})\))?(?:\s+(\d[\d.]*)\s*->\s*(\d[\d.]*))?$`)
	upgradeNone = regexp.MustCompile(`(?i)^no upgrade (is )?(in progress|running|pending)`)
)

// ReadUpgrade reads the output of `kato node upgrade --status`, as text or
// JSON: one entry for each node, sorted. It returns none if kato says that no
// upgrade is in progress. Any other output is an error.
func ReadUpgrade(out []byte) ([]Progress, error) {
	var nodes []Progress
	var m map[string]json.RawMessage
	none := false
	if fromJSON(out, &m) == nil {
		none = len(m) == 0
		for ip, raw := range m {
			var p struct{ State, Stage, From, To string }
			if isIP(ip) && json.Unmarshal(raw, &p) == nil && p.State != "" {
				nodes = append(nodes, Progress{ip, strings.ToLower(printable(p.State, 30)), printable(p.Stage, 60), printable(p.From, 30), printable(p.To, 30)})
			}
		}
	} else {
		for _, l := range clean(out) {
			l = strings.TrimSpace(l)
			none = none || upgradeNone.MatchString(l)
			if g := upgradeLine.FindStringSubmatch(l); g != nil && isIP(g[1]) {
				nodes = append(nodes, Progress{g[1], strings.ToLower(g[2]), g[3], g[4], g[5]})
			}
		}
	}
	if len(nodes) == 0 && !none {
		if said := complaint(out); said != "" {
			return nil, fmt.Errorf("kato did not tell how far the upgrade is: %s", said)
		}
		return nil, errors.New("how far the upgrade is cannot be read: it has none of the shapes that kato is known to print")
	}
	slices.SortStableFunc(nodes, func(a, b Progress) int { return byIP(a.Node, b.Node) })
	return nodes, nil
}
