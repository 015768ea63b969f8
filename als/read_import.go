package als

import (
	"regexp"
	"slices"
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
}

var (
	taskLine     = regexp.MustCompile(`(?i)^(\S.{0,200}?)\s*\.\.\.\s*(ok|done|failed|failure|error)\b`)
	redeployTask = regexp.MustCompile(`(?i)^(?:\S+: )?redeploying (?:app(?:lication)? )?(\S+)$`)
)

// ReadImport reads the output of `kato data import`: its tasks, and the
// applications that could not be deployed again. It returns only what kato
// names, so an empty result is no success.
func ReadImport(out []byte) Imported {
	var in Imported
	var rest []string
	listed := false
	for _, l := range clean(out) {
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
		default:
			listed = listed && (name == "" || noiseText.MatchString(name))
			rest = append(rest, l)
		}
	}
	in.Complaint = complaint([]byte(strings.Join(rest, "\n")))
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

func (in *Imported) lose(app string) {
	if !slices.Contains(in.Lost, app) {
		in.Lost = append(in.Lost, app)
	}
}
