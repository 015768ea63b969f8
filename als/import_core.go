package als

import (
	_ "embed" // the script that runs on a node
	"slices"
	"strconv"
	"strings"
	"time"
)

// An import from a running old core: kato logs in there from the new core by
// SSH. A question from ssh or sudo on the way would have no answer, after the
// new cluster is wiped. So the plan probes the whole way first.

//go:embed node/import_core.sh
var importCore string

var (
	probeOldCore    = stepID{"old-core", "reach the old core"}
	probeOldVersion = stepID{"old-version", "read the old core's version"}
	probeOldNodes   = stepID{"old-nodes", "list the old cluster's nodes"}
	probeOldRoles   = stepID{"old-roles", "list the old cluster's roles"}
	probeOldData    = stepID{"old-data", "measure what the old core holds"}
)

// oldCoreProbes returns the probes of the old core, made from a node of the
// new cluster.
func oldCoreProbes(host, node string) []Step {
	probes := []Step{{Key: probeOldCore.key, Name: probeOldCore.label, Node: node, Repeatable: true, Tolerate: true, Limit: 2 * time.Minute,
		Argv: script(importCore, "alsbot-old-core", host)}}
	for _, l := range []struct {
		id   stepID
		kato string
	}{{probeOldVersion, "version"}, {probeOldNodes, "node list"}, {probeOldRoles, "status"}} {
		probes = append(probes, onOldCore(l.id, host, node, `exec bash -lc 'PATH="$HOME/bin:$PATH"; kato `+l.kato+`'`))
	}
	measure := onOldCore(probeOldData, host, node, "exec sh -c '"+oldDataWords()+"'")
	measure.Limit = 10 * time.Minute
	return append(probes, measure)
}

// onOldCore returns a probe that runs words in the old core's shell. The words
// contain nothing that a person typed.
func onOldCore(id stepID, host, node, words string) Step {
	return Step{Key: id.key, Name: id.label, Node: node, Repeatable: true, Tolerate: true,
		Argv: []string{"ssh", "-n", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", "-o", "ConnectTimeout=10", "--", host, words}}
}

// oldDataWords returns the shell words that measure, for services and for
// droplets, the first directory that exists. They contain no single quote.
func oldDataWords() string {
	words := `s=; sudo -n true 2>/dev/null && s="sudo -n"; `
	for _, what := range []string{"services", "droplets"} {
		words += "for d in " + strings.Join(oldPlaces(what), "/ ") + `/; do [ -d "$d" ] || continue; $s du -s -k "$d" 2>/dev/null || echo partly; break; done; `
	}
	return words + "exit 0"
}

// oldCoreHolds returns how much data the old core has for an import.
func oldCoreHolds(rs Results) importSize {
	probe, _ := rs.find(probeOldData, "")
	var bytes int64
	partly, sizes := false, 0
	for _, l := range clean(probe.Output) {
		words := strings.Fields(l)
		switch {
		case len(words) == 1 && words[0] == "partly":
			partly = true
		case len(words) == 2 && strings.HasPrefix(words[1], "/"):
			if kb, err := strconv.ParseInt(words[0], 10, 64); err == nil && kb >= 0 && kb < 1<<40 {
				bytes, sizes = bytes+kb<<10, sizes+1
			}
			if sizes > 2 { // one of services, one of droplets; a sum of many could overflow
				return importSize{0, "How much the old core holds is not known: it tells more sizes than were asked for."}
			}
		}
	}
	nodes, err := readStep(rs, probeOldNodes, ReadNodes)
	held := size(bytes) + " of services and droplets"
	switch {
	case !probe.OK() || bytes == 0:
		return importSize{0, "How much the old core holds is not known: see there with `du`."}
	case err != nil || len(nodes) > 1:
		return importSize{bytes, "The old core alone holds " + held + "; what the old cluster's other nodes hold is not known."}
	case partly:
		return importSize{bytes, "The old core holds at least " + held + ": not all of it can be read."}
	}
	return importSize{bytes, "The old cluster holds " + held + "."}
}

// oldCoreFindings checks the old core against what an import needs, and
// returns how much data it has.
func oldCoreFindings(r Request, c Cluster, rs Results, p *Plan) importSize {
	host := r.Arg(0)
	if f, bad := oldCoreReach(rs, host, nodeWords(importNode(r, c))); bad {
		p.Findings = append(p.Findings, f)
		return importSize{}
	}
	warn := func(text string, fix Advice) {
		p.Findings = append(p.Findings, Finding{Level: Warn, Text: text, Fix: fix})
	}
	probe, _ := rs.find(probeOldCore, "")
	if keyValues(probe.Output)["sudo"] != "ok" {
		warn("sudo on "+host+" asks for a password, and some steps of kato's need it there", Advise("Let the system user there call sudo without a password for the time of the import: a file in /etc/sudoers.d, mode 0440."))
	}
	version, err := readStep(rs, probeOldVersion, ReadVersion)
	if err != nil {
		warn("the version of the old core cannot be read: "+err.Error(), Advise("See that kato answers there: %s.", Typed("kato version")))
		version = "unknown"
	}
	p.Facts = append(p.Facts, Fact{"old-version", "old core's version", version})
	nodes, err := readStep(rs, probeOldNodes, ReadNodes)
	if err != nil {
		warn("the old cluster's nodes cannot be listed: "+err.Error(), Advise("See that kato answers there: %s.", Typed("kato node list")))
	}
	var held []string
	var pairs []roleOn
	for _, n := range nodes {
		for _, role := range n.Roles {
			pairs = append(pairs, roleOn{role, n.IP})
			if slices.Contains(services, role) && !slices.Contains(held, role) {
				held = append(held, role)
			}
		}
	}
	heldFindings(r, c, held, "the old cluster", p)
	status, err := readStep(rs, probeOldRoles, ReadStatus)
	if err != nil {
		warn("the old cluster's roles cannot be looked at: "+err.Error(), Advise("See that they run: %s there.", Typed("kato status")))
	} else if down, moving := notRunning(status, pairs); len(down)+len(moving) > 0 {
		warn("on the old cluster "+list(append(down, moving...))+": what does not run cannot be read", Advise("Start it there first."))
	}
	p.Notes = append(p.Notes, "People can go on changing things on the old core meanwhile: turn its maintenance mode on first if that matters.")
	return oldCoreHolds(rs)
}

// oldCoreReach returns the finding that stops the import if ssh does not reach
// the old core without a question.
func oldCoreReach(rs Results, host, from string) (Finding, bool) {
	probe, ok := rs.find(probeOldCore, "")
	seen := keyValues(probe.Output)
	said := printable(seen["said"], 160)
	stop := func(text string, fix Advice) (Finding, bool) { return Finding{Level: Stop, Text: text, Fix: fix}, true }
	switch seen["ssh"] {
	case "ok":
		if seen["same"] == "yes" {
			return Finding{Level: Stop, Text: host + " is " + from + " itself: an import would wipe what it is to read", Fix: Advise("Name the core of the old cluster.").rewording()}, true
		}
		return Finding{}, false
	case "none":
		return stop("there is no ssh on "+from, Advise("Export on the old core, copy the archive, and import that."))
	case "changed":
		return stop("the host key of "+host+" is not the one that "+from+" knows", Advise("Find out why before anything else: the machine was reinstalled, or somebody stands between. Then mend ~/.ssh/known_hosts there."))
	case "strange":
		return stop("the host key of "+host+" is not known on "+from+", and nobody would answer the question",
			Advise("As the system user on %s, type %s, and answer yes only if the fingerprint is the one that %s shows on the old core.", from, Typed("ssh "+host), Typed("ssh-keygen -lf /etc/ssh/ssh_host_ecdsa_key.pub")))
	case "denied":
		return stop(host+" asks "+from+" for a password, and nobody would answer", Advise("Copy the key there as the system user on %s: %s.", from, Typed("ssh-copy-id "+host)))
	case "unknown":
		return stop("the name "+host+" is not known on "+from, Advise("Type the name or address under which %s finds it, or put it into /etc/hosts there.", from))
	case "away":
		return stop("the old core "+host+" cannot be reached by SSH from "+from+": "+orNoneText(said), Advise("See that it is up and that its firewall lets %s in on port 22.", from))
	}
	if f, bad := trouble(probe); ok && bad {
		return f, true
	}
	return stop("whether "+from+" reaches the old core "+host+" could not be seen", Advise("Try again."))
}

// heldFindings warns of services whose data no role of the cluster can take.
func heldFindings(r Request, c Cluster, held []string, who string, p *Plan) {
	for _, service := range held {
		nodes := c.NodesWith(service)
		if r.Operation == "import node" {
			nodes = slices.DeleteFunc(nodes, func(n Node) bool { return c.at(n.IP) != importNode(r, c) })
		}
		if len(nodes) > 0 || !slices.Contains(services, service) {
			continue
		}
		p.Findings = append(p.Findings, Finding{Level: Warn, Text: who + " seems to hold " + service + " data, and no node here has that role: it is not imported", Fix: Advise("Add the role on a node with %s first.", Typed("kato role add "+service))})
		p.Hints.Without = append(p.Hints.Without, service)
	}
}
