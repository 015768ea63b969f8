package als

import (
	"cmp"
	_ "embed" // the scripts that run on a node
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
)

// Backups are the archives that exports made. These operations list them, read
// them again, copy them to the alsbot host, and remove those that later ones
// replace. None of them needs kato.

const (
	readLimit = 6 * time.Hour
)

var (
	probeArchives      = stepID{"archives", "look for the archives"}
	probeArchivesAfter = stepID{"archives-after", "look for the archives again"}
	stepReadAgain      = stepID{"archive-again", "read the archive again"}
)

//go:embed node/backups_probe.sh
var backupsProbe string

var archiveParam = []Param{{Name: "ID", Kind: KindName, Help: "the ID of an archive, as `backups` shows it: that of the run that exported it"}}

var opBackups = Operation{
	Name: "backups", Family: familyData, Effect: always(Read), Archives: true,
	Summary: "list the archives that alsbot knows of, and whether they are still there",
	Detail: "KEPT says what retention keeps each one for: its day, week or month, as the last verified one, or because a person named it.\n" +
		"Archives that `backups prune` has removed are not shown.",
	Example: "backups @prod",
	Plan: func(r Request, c Cluster, _ Results) (Plan, error) {
		return readPlan(r, c.probeArchives(probeArchives, listed(c))...), nil
	},
	Judge: judgeBackups,
}

// listed returns the archives that `backups` lists, the newest first.
func listed(c Cluster) []Archive {
	all := slices.DeleteFunc(slices.Clone(c.History.Archives), func(a Archive) bool { return a.Path == "" || a.Gone != "" })
	slices.SortFunc(all, func(a, b Archive) int { return older(b, a) })
	return all
}

// batch is a group of archives on one node, small enough for one command.
type batch struct {
	node string
	id   stepID
	some []Archive
}

const batchMost = 200

// batches groups archives by node. The same archives always give the same
// batches, since Judge finds the results by their IDs.
func batches(id stepID, all []Archive) []batch {
	var out []batch
	for _, a := range all {
		if a.Node == "" {
			continue
		}
		n := 0
		i := -1
		for j, b := range out {
			if b.node == a.Node {
				i, n = j, n+1
			}
		}
		if i < 0 || len(out[i].some) == batchMost {
			part := id
			if n > 0 {
				part = id.of(strconv.Itoa(n+1), fmt.Sprintf(", part %d", n+1))
			}
			out, i = append(out, batch{node: a.Node, id: part}), len(out)
		}
		out[i].some = append(out[i].some, a)
	}
	return out
}

func (c Cluster) probeArchives(id stepID, all []Archive) []Step {
	var steps []Step
	for _, b := range batches(id, all) {
		args := []string{c.BackupDir}
		for _, a := range b.some {
			args = append(args, a.Path)
		}
		steps = append(steps, Step{Key: b.id.key, Name: b.id.label, Node: b.node, Argv: script(backupsProbe, "alsbot-backups", args...), Repeatable: true, Tolerate: true, Limit: probeLimit})
	}
	return steps
}

const (
	stateUnknown = "no answer" // its node did not answer
	stateOutside = "outside"   // present with the recorded size, but not in the backup directory
)

// archiveStates returns the state of each archive by run ID, from the results
// of probeArchives: Sound (present, with the recorded size), Missing, Altered,
// stateUnknown or stateOutside.
func archiveStates(rs Results, id stepID, all []Archive) map[string]string {
	states := map[string]string{}
	for _, a := range all {
		states[a.Run] = stateUnknown
	}
	for _, b := range batches(id, all) {
		r, ok := rs.find(b.id, b.node)
		if !ok || !r.OK() || r.Cut {
			continue
		}
		seen := keyValues(r.Output)
		for i, a := range b.some {
			switch found := seen["f"+strconv.Itoa(i)]; found {
			case "", "unreadable":
			case Missing:
				states[a.Run] = Missing
			case strconv.FormatInt(a.Size, 10):
				states[a.Run] = Sound
				if path.Dir(a.Path) != seen["dir"] {
					states[a.Run] = stateOutside
				}
			default:
				states[a.Run] = Altered
			}
		}
	}
	return states
}

// present returns the archives that retention decides on: those in the backup
// directory with the recorded size.
func present(all []Archive, states map[string]string) []Archive {
	return slices.DeleteFunc(slices.Clone(all), func(a Archive) bool { return states[a.Run] != Sound })
}

// listedMost limits the archives in a list, since a message is limited too.
const listedMost = 30

func judgeBackups(_ Request, c Cluster, _ Plan, rs Results) Verdict {
	all := listed(c)
	if len(all) == 0 {
		v := Verdict{Outcome: Succeeded, Whole: true, Concern: true, Summary: "No archive of @" + c.Name + " is known yet."}
		v.Next = offer("Take one with %s.", c.command("export", "cluster"))
		return v
	}
	states := archiveStates(rs, probeArchives, all)
	fates := Retain(c.Keep, present(all, states), c.Asked)
	rows := [][]string{{"ID", "TAKEN", "AGE", "SIZE", "VERDICT", "THERE", "SHA-256", "KEPT", "FILE"}}
	absent, unknown := 0, 0
	for _, a := range all {
		there := map[string]string{Sound: "yes", stateOutside: "yes", stateUnknown: stateUnknown}[states[a.Run]]
		if there == stateUnknown {
			unknown++
		}
		if there == "" {
			absent, there = absent+1, strings.ToUpper(states[a.Run])
		}
		kept := orNoneText(fates[a.Run].Why)
		if fates[a.Run].Go {
			kept = "goes next"
		}
		switch states[a.Run] {
		case Sound:
		case stateOutside:
			kept = "not in the backup directory"
		default:
			kept = "-"
		}
		rows = append(rows, []string{a.Run, clock(a.begunAt()), age(c.Asked, a.begunAt()), size(a.Size), a.Word(), there, short(a.SHA256), kept, nodeWords(a.Node) + ":" + a.Path})
	}
	v := Verdict{Outcome: Succeeded, Whole: true, Summary: count(len(all)+c.History.Older, "archive") + " of @" + c.Name + ". " + lastBackup(c), Report: table(rows[:min(len(rows), listedMost+1)])}
	if n := len(rows) - 1 - listedMost + c.History.Older; n > 0 {
		v.Report += fmt.Sprintf("and %d older\n", n)
	}
	v.Report += remarks(all)
	v.Concern = absent+unknown > 0 || c.History.Backup == nil || c.MaxAge > 0 && c.Asked.Sub(c.History.Backup.At) > c.MaxAge
	if absent > 0 {
		v.Next = Advise("Look where the archives have gone that are not there as they were: %s reads one again.", c.command("backups verify ID"))
	}
	return v
}

// remarks lists the archives that were read again, and those with a copy on
// the alsbot host.
func remarks(all []Archive) string {
	var b strings.Builder
	for _, a := range all[:min(len(all), listedMost)] {
		if a.Seen != "" {
			fmt.Fprintf(&b, "%s was read again at %s: %s\n", a.Run, clock(a.SeenAt), a.Seen)
		}
		if a.Fetched != "" {
			fmt.Fprintf(&b, "%s is also on alsbot's host: %s\n", a.Run, a.Fetched)
		}
	}
	return b.String()
}

// lastBackup says how old the last verified backup is.
func lastBackup(c Cluster) string {
	last := c.History.Backup
	if last == nil {
		return "There is no verified backup of the whole cluster."
	}
	said := fmt.Sprintf("The last verified backup of the whole cluster is %s old (%s)", age(c.Asked, last.begunAt()), last.origin())
	if c.MaxAge > 0 && c.Asked.Sub(last.At) > c.MaxAge {
		said += fmt.Sprintf(", more than the %s that are allowed", duration(c.MaxAge))
	}
	return said + "."
}

func short(sum string) string { return sum[:min(len(sum), 12)] }

var opBackupsVerify = Operation{
	Name: "backups verify", Family: familyData, Effect: always(Read), Archives: true,
	Summary: "read an archive on its node again, to its end, and compare it with what is on record",
	Detail:  "It has to be there, gzip and tar have to read it to its end, and its SHA-256 has to be the one of when it was made. What is found is on record.",
	Example: "backups verify k3v9t2 @prod",
	Params:  archiveParam,
	Plan: func(r Request, c Cluster, _ Results) (Plan, error) {
		a, err := c.archive(r.Arg(0))
		if err != nil {
			return Plan{}, err
		}
		return readPlan(r, Step{Key: stepReadAgain.key, Name: stepReadAgain.label, Node: a.Node, Argv: script(archiveRead+importProbe, "alsbot-read", a.Path), Tolerate: true, Limit: readLimit}), nil
	},
	Judge: judgeBackupsVerify,
}

func judgeBackupsVerify(r Request, c Cluster, _ Plan, rs Results) Verdict {
	a, err := c.archive(r.Arg(0))
	if err != nil {
		return nothingRead(findingOf(Stop, err))
	}
	res, _ := rs.find(stepReadAgain, "")
	seen := keyValues(res.Output)
	bad := func(state, format string, args ...any) Verdict {
		return Verdict{Outcome: Failed, Whole: true, Summary: fmt.Sprintf(format, args...),
			Next:     copyWords(a).And(Advise("Take a new one with %s.", c.command("export", strings.TrimPrefix(a.Operation, "export ")))),
			Archives: []Archive{{Run: a.Run, Seen: state}}}
	}
	switch {
	case !res.OK():
		f, _ := trouble(res)
		return nothingRead(f)
	case seen["state"] == "missing":
		return bad(Missing, "Gone: there is no %s any more.", a.place())
	case seen["state"] == "other":
		return bad(Altered, "Altered: what stands at %s is not a regular file.", a.place())
	case seen["state"] == "damaged" || seen["state"] == "read" && seen["tar"] != "0":
		return bad(Damaged, "Damaged: %s cannot be used any more: %s.", a.place(), printable(cmp.Or(seen["why"], "it cannot be read to its end"), 200))
	case seen["state"] == "read" && seen["sha256"] != a.SHA256:
		return bad(Altered, "Altered: %s can be read to its end, but it is not what run %s has made: its SHA-256 is %s and was %s.", a.place(), a.Run, printable(seen["sha256"], 64), a.SHA256)
	case seen["state"] != "read":
		return nothingRead(Finding{Level: Stop, Text: a.place() + " could not be read", Fix: Advise("Look whether the login user may read it.")})
	}
	return Verdict{Outcome: Succeeded, Whole: true, Archives: []Archive{{Run: a.Run, Seen: Sound}},
		Summary: fmt.Sprintf("Sound: %s was read to its end and is what run %s has made, %s.", a.place(), a.Run, a.Verdict),
		Report: table([][]string{
			{"verdict", a.Verdict}, {"archive", a.Path}, {"node", nodeWords(a.Node)}, {"taken", clock(a.begunAt())},
			{"size", fmt.Sprintf("%s (%s bytes)", size(a.Size), humanize.Comma(a.Size))}, {"files", printable(seen["files"], 20)}, {"sha256", a.SHA256}})}
}
