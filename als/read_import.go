package als

import (
	"strings"
)

// Imported is what `kato data import` reports.
type Imported struct {
	Done       []string // tasks that ended ok: "10.0.0.11: importing mysql"
	Failed     []string // tasks that failed
	Redeployed []string // applications that were deployed again
	Lost       []string // applications that could not be deployed again
	// Complaint is the line outside the tasks that reports an error, or "".
	Complaint string
	// Unread says which lines cannot be read, or is "".
	Unread string
}

var (
	taskLine     = mustCompile(`(?i)^(\S.{0,200}?)\s*\.\.\.\s*(ok|done|failed|failure|error)$`)
	redeployTask = mustCompile(`(?i)^(?:\S+: )?redeploying (?:app(?:lication)? )?(\S+)$`)
)

// importEnds matches the other lines of an import.
var importEnds = mustCompile(`(?i)^import (complete|finished|done)\b[^:]{0,40}(: \S.{0,200})?$`)

// ReadImport reads the output of `kato data import`: its tasks, and the
// applications that could not be deployed again. It returns only what kato
// names, so an empty result is no success.
func ReadImport(out []byte) Imported {
	var in Imported
	var rest []string
	g := &gaps{}
	listed := false
	lines := clean(out)
	for _, l := range lines {
		name := strings.TrimSpace(l)
		m := taskLine.FindStringSubmatch(name)
		switch {
		case m != nil:
			listed = false
			in.task(printable(m[1], 100), strings.ToLower(m[2]))
		case strings.Contains(strings.ToLower(l), "could not be redeployed"):
			listed = true
		case listed && name != "" && l != name:
			in.lose(printable(name, 100))
		case isNoise(l):
		default:
			listed = false
			rest = append(rest, l)
			if !importEnds.MatchString(name) {
				g.line(l)
			}
		}
	}
	g.textEnd(lines)
	in.Lost = unique(in.Lost)
	in.Complaint = complaint([]byte(strings.Join(rest, "\n")))
	if err := g.err("what kato says of the import"); err != nil {
		in.Unread = err.Error()
	}
	return in
}

func (in *Imported) task(text, state string) {
	good := state == "ok" || state == "done"
	app := redeployTask.FindStringSubmatch(text)
	switch {
	case app != nil && good:
		in.Redeployed = append(in.Redeployed, app[1])
	case app != nil:
		in.lose(app[1])
	case good:
		in.Done = append(in.Done, text)
	default:
		in.Failed = append(in.Failed, text)
	}
}

func (in *Imported) lose(app string) { in.Lost = append(in.Lost, app) }
