package als

import (
	_ "embed" // the scripts that run on a node
	"fmt"
	"strings"
	"time"
)

// The ALS handbook installs New Relic's server agent on every node. The vendor
// has retired it, so the config names package, source and steps.

//go:embed node/newrelic_install.sh
var newrelicInstall string

//go:embed node/newrelic_probe.sh
var newrelicProbe string

const (
	secretNewRelic = "monitoring.newrelic.license_key"
)

var (
	stepNewRelic       = stepID{"agent-install", "install the agent"}
	stepNoCopy         = stepID{"agent-key-copy", "see that no copy of the key is left"}
	probeNewRelic      = stepID{"agent", "look for the agent"}
	probeNewRelicAfter = stepID{"agent-after", "look for the agent again"}
)

// Agent is the monitoring agent that the config describes.
type Agent struct {
	Key     bool     `json:"key"` // whether the config has a licence key; the key itself is never here
	Package string   `json:"package,omitempty"`
	Source  string   `json:"source,omitempty"`
	Install []string `json:"install,omitempty"` // commands, run as root
	Config  string   `json:"config,omitempty"`  // the file on the node that gets the key
	Start   string   `json:"start,omitempty"`
	Process string   `json:"process,omitempty"`
}

// opNewRelicInstall is proven by the agent's process and config on every node.
var opNewRelicInstall = Operation{
	Name: "monitor newrelic install", Family: familyMonitor, Effect: always(Change), Survey: true, Agent: true,
	Summary: "install New Relic's server agent on every node and start it",
	Detail: "The licence key is monitoring.newrelic.license_key of alsbot's config, and so are package, source and steps: the vendor has retired the agent.\n" +
		"The key reaches each node on the stdin of a command: it is in no argument, no output and no record. Needs sudo without a password, or root.\n" +
		"Where the agent runs already with this key, nothing is done.",
	Proof:   "on every node the agent runs when it is looked for again, and its config holds the key and is closed to others.",
	Example: "monitor newrelic install @prod",
	Checks: func(_ Request, c Cluster) ([]Step, error) {
		if !c.Agent.Key {
			return nil, refuse(Advise("Set %s in alsbot's config, or ALSBOT_MONITORING__NEWRELIC__LICENSE_KEY, and start alsbot again.", secretNewRelic), "there is no licence key for New Relic")
		}
		var steps []Step
		for _, ip := range c.ips() {
			steps = append(append(steps, sudoOn(c, ip).Probes(c)...), c.probeAgent(probeNewRelic, ip))
		}
		return steps, nil
	},
	Plan:  planNewRelic,
	Judge: judgeNewRelic,
	Shows: shows("monitor status"),
}

func (c Cluster) probeAgent(id stepID, ip string) Step {
	return Step{Key: id.key, Name: id.label, Node: c.at(ip), Argv: script(newrelicProbe, "alsbot-agent", c.Agent.Process, c.Agent.Config), Repeatable: true, Tolerate: true, Limit: probeLimit}
}

func planNewRelic(r Request, c Cluster, rs Results) (Plan, error) {
	p := newPlan(r, Change)
	p.Patience = 10 * time.Second
	args := []string{c.Agent.Process, c.Agent.Config, c.Agent.Source, c.Agent.Start}
	for _, line := range c.Agent.Install {
		args = append(args, strings.ReplaceAll(line, "{package}", c.Agent.Package))
	}
	var have []string
	for _, ip := range c.ips() {
		node := c.at(ip)
		if f, bad := sudoOn(c, ip).Finding(c, rs); bad {
			p.Findings = append(p.Findings, f)
			continue
		}
		if probe, _ := rs.find(probeNewRelic, node); agentTrouble(probe) == "" {
			have = append(have, ip)
		}
		p.Steps = append(p.Steps,
			// If one node fails, the others still get the agent.
			Step{Key: stepNewRelic.key, Name: stepNewRelic.label, Node: node, Argv: script(newrelicInstall, "alsbot-newrelic", args...), Secret: secretNewRelic, Tolerate: true, Limit: 30 * time.Minute},
			Step{Key: stepNoCopy.key, Name: stepNoCopy.label, Node: node, Argv: []string{"sudo", "-n", "rm", "-f", c.Agent.Config + ".alsbot"}, Always: true, Tolerate: true, Repeatable: true, Limit: probeLimit})
		p.Verify = append(p.Verify, c.probeAgent(probeNewRelicAfter, ip))
	}
	if _, stop := p.Stopped(); stop {
		p.Steps, p.Verify = nil, nil
		return p, nil
	}
	p.Facts = []Fact{{"nodes", "nodes", allOf(c.ips())}, {"package", "package", c.Agent.Package}}
	if c.Agent.Source != "" {
		p.Facts = append(p.Facts, Fact{"source", "source", c.Agent.Source})
	}
	if len(have) > 0 {
		p.Notes = append(p.Notes, "An agent with a key runs already on "+list(have)+"; it is left alone if the key is this one.")
	}
	p.Notes = append(p.Notes, lastTime(c)...)
	return p, nil
}

// agentTrouble says what is wrong with the agent on a node, or "" if nothing
// is.
func agentTrouble(probe Result) string {
	seen := keyValues(probe.Output)
	mode := seen["mode"]
	switch {
	case probe.Trouble != "":
		return "it could not be asked: " + printable(probe.Trouble, 120)
	case seen["agent"] == "":
		return "it could not be seen whether the agent runs"
	case seen["agent"] != "yes":
		return "no agent runs"
	case seen["key"] != "yes":
		return "the agent runs, and its config holds no licence key"
	case mode == "" || strings.Trim(mode[len(mode)-1:], "0") != "":
		return "everybody on the node may read the agent's config (mode " + orNoneText(printable(mode, 10)) + ")"
	case seen["left"] != "":
		return "a second copy of the key is left beside the agent's config"
	}
	return ""
}

func judgeNewRelic(_ Request, c Cluster, _ Plan, rs Results) Verdict {
	var rows [][]string
	var bad []string
	waiting, had, fix := false, 0, Advice{}
	for _, ip := range c.ips() {
		node := c.at(ip)
		step, ran := rs.find(stepNewRelic, node)
		probe, _ := rs.find(probeNewRelicAfter, node)
		wrong, said := agentTrouble(probe), keyValues(step.Output)
		f, _ := trouble(step)
		fix = fix.Or(f.Fix)
		state := "runs"
		switch {
		case wrong != "":
			// It may have just started, and need a moment.
			waiting = waiting || ran && step.OK() && wrong == "no agent runs"
			state = wrong + "; " + stopped(step, said["why"])
			bad = append(bad, ip+": "+state)
		case !ran || !step.OK():
			state = "runs, and yet the installation did not come to its end: " + stopped(step, said["why"])
			bad = append(bad, ip+": "+state)
		case said["done"] == "had-it":
			had++
			state = "ran already with this key"
		}
		rows = append(rows, []string{ip, state})
	}
	v := Verdict{Outcome: Succeeded, Report: table(rows), Summary: fmt.Sprintf("The agent runs on all %s.", count(len(rows), "node"))}
	if had > 0 {
		v.Summary = fmt.Sprintf("The agent runs on all %s; on %d of them it did already.", count(len(rows), "node"), had)
	}
	if len(bad) > 0 {
		v.Outcome = Failed
		v.Summary = fmt.Sprintf("%d of %s without: %s.", len(bad), count(len(rows), "node"), strings.Join(bad, "; "))
		v.Next = fix.And(Advise("When that is mended, try %s again: where the agent runs, nothing is done twice.", c.command("monitor", "newrelic", "install")))
		if waiting {
			v.Outcome = Waiting
		}
	}
	return v
}

// stopped says how far the installation on a node got.
func stopped(step Result, why string) string {
	asked, asks := Prompt(step.Output)
	switch {
	case step.Key == "":
		return "nothing was done there"
	case step.Trouble != "":
		return printable(step.Trouble, 200)
	case asks:
		return "something asked a person and got no answer: " + asked
	case why != "":
		return "it stopped at: " + printable(why, 200)
	case step.Exit != 0:
		return fmt.Sprintf("it ended with status %d%s", step.Exit, lastWords(step.Output))
	}
	return "the installer said that all is well"
}
