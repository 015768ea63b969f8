package als

import (
	"slices"
	"strconv"
	"strings"
)

var (
	patchHead  = mustCompile(`^([A-Za-z0-9][A-Za-z0-9._-]{0,63}):(?:\s+(.*))?$`) // a patch may have no description
	patchTitle = mustCompile(`^Known updates(?: for [^:]{1,60})?:$`)
	patchCount = mustCompile(`(?i)^(\d{1,6}|no) updates? (?:are |is )?available(?: to be installed)?(?: for [^:]{1,60})?\.?$`)
)

// patchKeys are the keys of a record.
var patchKeys = []string{"severity", "roles affected", "role affected", "patch id", "installed on", "to be installed on"}

// text reads records: an indented line with a patch's name, then `key: value`
// lines that are indented further.
func (l *PatchList) text(out []byte, g *gaps) {
	var cur *patchRecord
	flush := func() {
		if cur != nil && cur.whole(g) {
			l.Patches = append(l.Patches, cur.Patch)
		}
		cur = nil
	}
	lines := clean(out)
	for _, line := range lines {
		text := strings.TrimSpace(line)
		in := len(line) - len(strings.TrimLeft(line, " "))
		head := patchHead.FindStringSubmatch(text)
		switch {
		case isNoise(line), patchTitle.MatchString(text):
		case patchCount.MatchString(text):
			l.count(text, g)
		case cur != nil && in > cur.indent && cur.key(text, g):
		case head != nil && in > 0 && (cur == nil || in <= cur.indent) && !slices.Contains(patchKeys, strings.ToLower(head[1])):
			flush()
			cur = &patchRecord{Patch: Patch{Name: head[1], Description: printable(head[2], 300)}, indent: in}
		default:
			g.line(line)
		}
	}
	flush()
	if l.Count < 0 && len(l.Patches) > 0 {
		g.say("the line with the number of updates is missing")
	}
	g.textEnd(lines)
}

func (l *PatchList) count(text string, g *gaps) {
	if l.Count >= 0 {
		g.say("the number of updates is there twice")
	}
	l.Count, _ = strconv.Atoi(patchCount.FindStringSubmatch(text)[1]) // "no" is 0
}

// patchRecord is a patch that is being read.
type patchRecord struct {
	Patch
	indent int
	keys   []string
}

// key reads a `key: value` line. It returns false if the key is none of a
// record's.
func (p *patchRecord) key(line string, g *gaps) bool {
	key, value, ok := strings.Cut(line, ":")
	key, value = strings.ToLower(strings.Join(strings.Fields(key), " ")), strings.TrimSpace(value)
	if !ok || !slices.Contains(patchKeys, key) {
		return false
	}
	if slices.Contains(p.keys, key) {
		g.say("%q of %s is there twice", key, p.Name)
	}
	p.keys = append(p.keys, key)
	read := value != ""
	switch key {
	case "severity":
		p.Severity = printable(value, 40)
	case "roles affected", "role affected":
		p.Roles, read = textWords(value, rolePattern.MatchString)
	case "patch id":
		read = p.number(value)
	case "installed on":
		p.InstalledOn, read = textWords(value, isIP)
		p.Nodes = true
	case "to be installed on":
		p.MissingOn, read = textWords(value, isIP)
		p.Nodes = true
	}
	if !read {
		g.line(line)
	}
	return true
}

// number sets the patch's ID.
func (p *Patch) number(value string) bool {
	n, err := strconv.Atoi(value)
	if err != nil || n < 0 || n > 1e9 {
		return false
	}
	p.ID = n
	return true
}

// whole reports whether the record has any of its keys, and notes those that
// are missing. With an ID kato tells the nodes; without one it tells the
// severity, and where the patch is installed only if it is missing nowhere.
func (p *patchRecord) whole(g *gaps) bool {
	has := func(key string) bool { return slices.Contains(p.keys, key) }
	ok := has("roles affected") || has("role affected")
	if has("patch id") || has("to be installed on") {
		ok = ok && has("patch id") && has("installed on") && has("to be installed on")
	} else {
		ok = ok && has("severity")
	}
	if !ok {
		g.say("what is told of %s is not complete", p.Name)
	}
	return len(p.keys) > 0
}

// textWords reads words between commas. "none" is an empty list; no word at
// all, or one that does not fit, is not.
func textWords(value string, fits func(string) bool) (out []string, ok bool) {
	if strings.EqualFold(value, "none") {
		return nil, true
	}
	ok = true
	for _, w := range strings.Split(value, ",") {
		w = strings.TrimSpace(w)
		if len(out) == wordsMost || !fits(w) || slices.Contains(out, w) {
			ok = false
			continue
		}
		out = append(out, w)
	}
	if !ok {
		out = append(out, notAllRead)
	}
	return out, ok
}
