package als

import (
	_ "embed" // the script that runs on a node
	"fmt"
	"slices"
	"strings"
)

// Filesystem quotas: without them the limits of the filesystem service and of
// containers are not enforced.

//go:embed node/quota_enable.sh
var quotaEnable string

var (
	probeQuota      = stepID{"quota", "look at the filesystem"}
	stepQuota       = stepID{"quota-enable", "turn quotas on"}
	stepNoHalf      = stepID{"boot-script-copy", "see that no half of a boot script is left"}
	probeQuotaAfter = stepID{"quota-after", "look at the filesystem again"}
)

var quotaParam = []Param{{Name: "PATH", Kind: KindPath, Help: "a directory on the node; its filesystem is meant"}}

var opQuotaStatus = Operation{
	Name: "quota status", Family: familyStorage, Effect: always(Read), Survey: true,
	Summary: "say whether a filesystem has quotas on, and keeps them after a reboot",
	Example: "quota status /mnt/containers --node 10.0.0.12 @prod",
	Params:  quotaParam,
	Flags:   nodeFlag("this node; needed where there are several"),
	Plan: func(r Request, c Cluster, _ Results) (Plan, error) {
		ip, err := quotaNode(r, c)
		if err != nil {
			return Plan{}, err
		}
		return readPlan(r, quotaProbe(probeQuota, c.at(ip), r.Arg(0))), nil
	},
	Judge: func(r Request, c Cluster, _ Plan, rs Results) Verdict {
		probe, _ := rs.find(probeQuota, "")
		seen, f, bad := quotaSeen(probe, r.Arg(0))
		if bad {
			return nothingRead(f)
		}
		v := Verdict{Outcome: Succeeded, Whole: true, Report: quotaReport(seen)}
		missing := quotaMissing(seen)
		v.Concern = len(missing) > 0
		if len(missing) == 0 {
			v.Summary = "Quotas are on for " + seen["mount"] + ", and stay on after a reboot."
			return v
		}
		v.Summary = fmt.Sprintf("Quotas of %s are not whole: %s.", seen["mount"], list(missing))
		words := []string{"quota", "enable", r.Arg(0)}
		if ip, err := quotaNode(r, c); err == nil && isIP(ip) {
			words = append(words, "--node", ip)
		}
		v.Next = offer("Turn them on with %s.", c.command(words...))
		return v
	},
}

// opQuotaEnable is proven by reading the filesystem and the boot script again.
var opQuotaEnable = Operation{
	Name: "quota enable", Family: familyStorage, Effect: always(Change), Survey: true,
	Summary: "turn a filesystem's quotas on, now and after every reboot",
	Detail: "The filesystem is mounted again with quota options, checked, and its quotas are turned on; a block in the boot script repeats it.\n" +
		"The boot script's previous version is kept beside it. Needs sudo without a password, or root.",
	Proof:   "the mount options, `quotaon -p` and the boot script are read again and have the quotas.",
	Example: "quota enable /mnt/containers --node 10.0.0.12 @prod",
	Params:  quotaParam,
	Flags:   nodeFlag("this node; needed where there are several"),
	Checks: func(r Request, c Cluster) ([]Step, error) {
		ip, err := quotaNode(r, c)
		if err != nil {
			return nil, err
		}
		return append(sudoOn(c, ip).Probes(c), quotaProbe(probeQuota, c.at(ip), r.Arg(0))), nil
	},
	Plan:  planQuota,
	Judge: judgeQuota,
	Shows: func(r Request) []string {
		words := "quota status " + quote(r.Arg(0))
		if r.Has(flagNode) {
			words += " --node " + r.Flag(flagNode)
		}
		return []string{words}
	},
}

// bootScripts are the scripts with which ALS and Stackato set up containers at
// boot.
var bootScripts = []string{"/etc/init.d/setup_helion_lxc", "/etc/init.d/setup_stackato_lxc"}

func quotaNode(r Request, c Cluster) (string, error) {
	if err := c.hasNode(r.Flag(flagNode)); err != nil {
		return "", err
	}
	switch {
	case r.Has(flagNode):
		return r.Flag(flagNode), nil
	case len(c.Nodes) > 1:
		return "", refuse(Advise("Say which with --node: %s.", list(c.ips())), "the cluster has %d nodes", len(c.Nodes))
	}
	return c.CoreIP(), nil
}

func quotaProbe(id stepID, node, dir string) Step {
	return id.probe(node, script(placeProbe, "alsbot-place", dir))
}

// quotaSeen reads the probe of a filesystem.
func quotaSeen(probe Result, dir string) (map[string]string, Finding, bool) {
	seen := keyValues(probe.Output)
	switch {
	case seen["state"] == "missing":
		return seen, Finding{Level: Stop, Text: "there is no directory " + dir + " on " + nodeWords(probe.Node), Fix: Advise("Mount the filesystem first.")}, true
	case seen["mount"] == "" || checkPath("the mount", KindPath, seen["mount"]) != nil:
		if f, bad := trouble(probe); bad {
			return seen, f, true
		}
		return seen, Finding{Level: Stop, Text: "the filesystem of " + dir + " on " + nodeWords(probe.Node) + " cannot be made out", Fix: Advise("Look with %s on the node.", Typed("df"))}, true
	}
	return seen, Finding{}, false
}

// quotaMissing lists what is not as it should be.
func quotaMissing(seen map[string]string) []string {
	var out []string
	if !strings.Contains(seen["options"], "usrjquota=") && !strings.Contains(seen["options"], "usrquota") {
		out = append(out, "it is mounted without user quotas")
	}
	if !strings.Contains(seen["options"], "grpjquota=") && !strings.Contains(seen["options"], "grpquota") {
		out = append(out, "it is mounted without group quotas")
	}
	switch seen["quotas"] {
	case "on":
	case "partly":
		out = append(out, "only those of users or those of groups are turned on")
	default:
		out = append(out, "they are not turned on")
	}
	if seen["block"] != "yes" {
		out = append(out, "the boot script does not turn them on")
	}
	return out
}

func quotaReport(seen map[string]string) string {
	yes := func(key string) string {
		if seen[key] == "yes" {
			return "yes"
		}
		return "no"
	}
	return table([][]string{
		{"filesystem", printable(seen["mount"], 100)}, {"device", printable(seen["device"], 100)}, {"type", printable(seen["type"], 20)},
		{"mount options", printable(seen["options"], 160)}, {"aquota.user", yes("userfile")}, {"aquota.group", yes("groupfile")},
		{"quotas", printable(seen["quotas"], 5)}, {"boot script", orNoneText(printable(seen["boot"], 100))}, {"block in it", yes("block")},
	})
}

func planQuota(r Request, c Cluster, rs Results) (Plan, error) {
	p := newPlan(r, Change)
	ip, err := quotaNode(r, c)
	if err != nil {
		return p, err
	}
	probe, _ := rs.find(probeQuota, "")
	seen, f, bad := quotaSeen(probe, r.Arg(0))
	if bad {
		p.Findings = append(p.Findings, f)
		return p, nil
	}
	missing := quotaMissing(seen)
	if len(missing) == 0 {
		p.Nothing = "quotas of " + seen["mount"] + " are on, and stay on after a reboot"
		return p, nil
	}
	if fs := seen["type"]; !strings.HasPrefix(fs, "ext") && fs != "" {
		p.Findings = append(p.Findings, Finding{Level: Stop, Text: fmt.Sprintf("%s is a %s filesystem, and these quotas are for ext3 and ext4", seen["mount"], printable(fs, 20)), Fix: Advise("Use an ext4 filesystem.").rewording()})
		return p, nil
	}
	if seen["mount"] == "/" && r.Arg(0) != "/" {
		p.Findings = append(p.Findings, Finding{Level: Stop, Text: r.Arg(0) + " has no filesystem of its own: it lies on the node's root", Fix: Advise("Mount one there first; or name / if that is meant.")})
		return p, nil
	}
	if f, bad := sudoOn(c, ip).Finding(c, rs); bad {
		p.Findings = append(p.Findings, f)
		return p, nil
	}
	boot := seen["boot"]
	found := slices.Contains(bootScripts, boot) // never write as root to a path that only the node named
	if !found {
		p.Findings = append(p.Findings, Finding{Level: Warn, Text: "there is no boot script on " + nodeWords(ip), Fix: Advise("After a reboot the quotas will be off: put them into /etc/fstab by hand.")})
		boot = bootScripts[0]
	}
	p.Facts = []Fact{{"node", "node", nodeWords(ip)}, {"filesystem", "filesystem", seen["mount"]}, {"missing", "missing", allOf(missing)}}
	p.Steps = []Step{{Key: stepQuota.key, Name: stepQuota.label, Node: c.at(ip), Argv: script(quotaEnable, "alsbot-quota", seen["mount"], boot, boot+".before-"+c.Run)}}
	if found {
		p.Notes = append(p.Notes, "The boot script's present version is kept as "+boot+".before-"+c.Run+".")
		// This also runs if the script was killed in the middle.
		p.Steps = append(p.Steps, Step{Key: stepNoHalf.key, Name: stepNoHalf.label, Node: c.at(ip), Argv: []string{"sudo", "-n", "rm", "-f", boot + ".alsbot"}, Always: true, Tolerate: true, Repeatable: true})
	}
	p.Verify = []Step{quotaProbe(probeQuotaAfter, c.at(ip), r.Arg(0))}
	p.Notes = append(append(p.Notes, lastTime(c)...), "The filesystem is read once to count; on a big one that takes a while, and writing to it is slow meanwhile.")
	return p, nil
}

func judgeQuota(r Request, c Cluster, p Plan, rs Results) Verdict {
	again, _ := rs.find(probeQuotaAfter, "")
	seen, f, bad := quotaSeen(again, r.Arg(0))
	if bad {
		v := nothingRead(f)
		v.Outcome = unseenOutcome(p, rs)
		v.Summary = "It cannot be confirmed that the quotas are on. " + v.Summary
		return v
	}
	step, _ := rs.find(stepQuota, "")
	said := keyValues(step.Output)
	missing := quotaMissing(seen)
	v := Verdict{Outcome: Succeeded, Report: quotaReport(seen), Summary: "Quotas are on for " + seen["mount"] + ", and stay on after a reboot."}
	if len(missing) == 0 {
		return v
	}
	v.Outcome = Failed
	v.Summary = fmt.Sprintf("Not whole: %s.", list(missing))
	if why := printable(said["why"], 200); why != "" {
		v.Summary = fmt.Sprintf("It stopped at: %s. Now %s.", why, list(missing))
	}
	if _, asks := Prompt(step.Output); asks || step.Trouble != "" {
		v.Summary += " " + fullSentence(describeEnd(rs, stepQuota))
	}
	v.Next = fixFirst(rs, stepQuota, Advise("When that is mended, run it again: what is done already is not done twice."))
	return v
}
