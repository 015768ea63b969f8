package als

import (
	_ "embed" // the scripts that run on a node
	"fmt"
	"path"
	"strconv"
	"strings"
	"time"
)

// Support: kato's own report, and the end of the logs.

const (
	familySupport = "support"
	// reportMost limits the size of a report that is posted, in bytes.
	reportMost = 50 << 20
)

var (
	stepReport = stepID{"report", "make the report"}
	stepLogs   = stepID{"logs", "read the end of the logs"}
)

//go:embed node/report_make.sh
var reportMake string

//go:embed node/logs_end.sh
var logsEnd string

var opReport = Operation{
	Name: "report", Family: familySupport, Effect: always(Read), Private: true, Survey: true,
	Summary: "make kato's report of the cluster, or of one node, for support",
	Detail: "It is a .tgz of logs and configuration. alsbot sends it to the person who asks, an operator, by direct message, and then removes it from the core; one of more than 50 MiB stays there.\n" +
		"It can hold passwords: pass it on with care.",
	Example: "report --node 10.0.0.12 @prod",
	Flags:   nodeFlag("of this node only"),
	Plan: func(r Request, c Cluster, _ Results) (Plan, error) {
		if err := c.hasNode(r.Flag(flagNode)); err != nil {
			return Plan{}, err
		}
		argv := c.kato("report", "--cluster")
		if r.Has(flagNode) {
			argv = c.kato("report", "--node", r.Flag(flagNode))
		}
		return readPlan(r, Step{Key: stepReport.key, Name: stepReport.label, Node: Core, Argv: script(reportMake, "alsbot-report", argv...), Limit: time.Hour}), nil
	},
	Judge: judgeReport,
}

func judgeReport(_ Request, c Cluster, _ Plan, rs Results) Verdict {
	r, _ := rs.find(stepReport, "")
	seen := keyValues(r.Output)
	bytes, err := strconv.ParseInt(seen["size"], 10, 64)
	if err != nil || bytes <= 0 || checkPath("the report", KindPath, seen["file"]) != nil || !sumPattern.MatchString(seen["sha256"]) {
		if f, bad := trouble(r); bad {
			return nothingRead(f)
		}
		return Verdict{Outcome: Failed, Summary: "kato ended, but no new report is to be found.", Next: ReadOutput}
	}
	v := Verdict{Outcome: Succeeded, Summary: fmt.Sprintf("The report is %s on the core, %s.", seen["file"], size(bytes)),
		Report: table([][]string{{"file", seen["file"]}, {"size", size(bytes)}, {"sha256", seen["sha256"]}})}
	if r.Exit != 0 {
		v.Concern = true
		v.Summary += fmt.Sprintf(" Yet kato ended with status %d: it may not be whole.", r.Exit)
	}
	switch {
	case seen["sound"] != "yes":
		v.Outcome, v.Summary, v.Next = Failed, "The report "+seen["file"]+" is damaged: gzip cannot read it.", Advise("Try again.")
	case bytes > reportMost:
		v.Next = Advise("It stays there, since it is larger than %s: copy it with scp, then remove it.", size(reportMost))
	default:
		v.Summary += " alsbot sends it to the person who asked, by direct message, and then removes it from there."
		v.File = reportFile(c, seen, bytes)
	}
	return v
}

func reportFile(c Cluster, seen map[string]string, bytes int64) *File {
	file := seen["file"]
	return &File{
		Name: "report-" + c.Name + "-" + c.Run + ".tgz", Place: file + " on the core", Node: Core, Size: bytes, SHA256: seen["sha256"],
		Send:   script(backupsSend, "alsbot-send", file, seen["size"], "1"),
		Remove: script(backupsPrune, "alsbot-remove", path.Dir(file), "0", file, seen["size"], seen["sha256"]),
	}
}

var opLogs = Operation{
	Name: "logs", Family: familySupport, Effect: always(Read), Survey: true,
	Summary: "show the end of a node's logs, without the passwords in them",
	Example: "logs dea_ng --node 10.0.0.12 @prod",
	Params:  []Param{{Name: "NAME", Kind: KindName, Optional: true, Help: "one log, by its process; without it, the end of the latest eight"}},
	Flags:   nodeFlag("this node; without it, the core"),
	Plan: func(r Request, c Cluster, _ Results) (Plan, error) {
		if err := c.hasNode(r.Flag(flagNode)); err != nil {
			return Plan{}, err
		}
		node := Core
		if r.Has(flagNode) {
			node = c.at(r.Flag(flagNode))
		}
		return readPlan(r, Step{Key: stepLogs.key, Name: stepLogs.label, Node: node, Argv: script(logsEnd, "alsbot-logs", r.Arg(0), "200"), Repeatable: true}), nil
	},
	Judge: func(r Request, c Cluster, _ Plan, rs Results) Verdict {
		res, ok := rs.find(stepLogs, "")
		switch {
		case !ok || res.Trouble != "":
			f, _ := trouble(res)
			return nothingRead(f)
		case res.Exit != 0:
			return noLog(r, c, res)
		case res.Cut:
			f, _ := unread(res)
			return nothingRead(f)
		case shownLines(res.Output) == 0:
			return Verdict{Outcome: Succeeded, Whole: true, Summary: "The logs are empty."}
		}
		return Verdict{Outcome: Succeeded, Summary: fmt.Sprintf("The last lines of %s on %s.", orAll(r.Arg(0)), nodeWords(res.Node))}
	},
}

// logsNamed is how many logs logs_end.sh lists.
const logsNamed = 40

// noLog says which logs there are. logs_end.sh lists them one name a line,
// after a line that ends in a colon.
func noLog(r Request, c Cluster, res Result) Verdict {
	first, list, _ := strings.Cut(strings.Join(clean(res.Output), "\n"), ":\n")
	var names []string
	for _, name := range strings.Fields(list) {
		if checkValue("NAME", KindName, name) == nil && len(names) < logsNamed {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		why, _, _ := strings.Cut(first, "; there are")
		return Verdict{Outcome: Failed, Summary: "No log was read on " + nodeWords(res.Node) + ": " + printable(why, 160) + ".", Next: Advise("Look with %s whether that node is set up.", c.command("status"))}
	}
	again := []string{"logs", append(nearest(r.Arg(0), names), names...)[0]}
	if r.Has(flagNode) {
		again = append(again, "--node", r.Flag(flagNode))
	}
	return Verdict{Outcome: Failed, Summary: fmt.Sprintf("There is no log %s on %s. There are: %s.", r.Arg(0), nodeWords(res.Node), strings.Join(names, ", ")), Next: Advise("Type for example %s.", c.command(again...))}
}

func orAll(name string) string {
	if name == "" {
		return "the latest logs"
	}
	return name
}
