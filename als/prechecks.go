package als

import (
	_ "embed" // the scripts that run on a node
	"fmt"
	"strconv"
	"strings"
	"time"
)

//go:embed node/check_room.sh
var checkRoom string

//go:embed node/check_ssh.sh
var checkSSH string

// No finding ends in "password": the bot masks the word after "password:".

var (
	probeSSH  = stepID{"ssh", "see that every node is reached by SSH"}
	probeSudo = stepID{"sudo", "see that sudo asks nothing"}
	probeRoom = stepID{"room", "measure free disk and memory"}
	probeJobs = stepID{"jobs", "see what kato is doing"}
)

var coreReaches = Check{
	Key:  "ssh",
	Name: "every node is reached by SSH without a password",
	Why:  "kato goes there by SSH in the middle of its work, and nobody would answer",
	Fix:  Advise("Copy its key there: %s for each of them, as the system user, on NODE.", Typed("ssh-copy-id IP")),
	probes: func(c Cluster, node string) []Step {
		var others []string
		for _, ip := range c.ips() {
			if c.at(ip) != node && isIP(ip) {
				others = append(others, ip)
			}
		}
		return []Step{{Key: probeSSH.key, Name: probeSSH.label, Node: node, Argv: script(checkSSH, "alsbot-ssh", others...), Repeatable: true, Tolerate: true,
			Limit: time.Minute + time.Duration(len(others))*12*time.Second}}
	},
	read: func(_ Cluster, node string, rs Results) observation {
		r, ok := rs.find(probeSSH, node)
		bad, said := keyValues(r.Output)["bad"]
		switch {
		case !ok || !r.OK() || !said:
			return unseen(Warn, "it cannot be seen whether "+nodeWords(node)+" reaches the other nodes by SSH", Advise("Try %s on %s by hand.", Typed("ssh IP true"), nodeWords(node)))
		case strings.TrimSpace(bad) != "":
			return problem(Stop, nodeWords(node)+" does not reach "+list(strings.Fields(printable(bad, 1000)))+" by SSH without a password yet")
		}
		return observation{}
	},
}

var sudoAsksNothing = Check{
	Key:  "sudo",
	Name: "sudo asks for no password",
	Why:  "what needs root would ask in the middle, and nobody would answer",
	Fix:  Advise("Put a file into /etc/sudoers.d on NODE, owned by root with mode 0440, that lets the system user (helion, as a rule) run ALL as root with the tag NOPASSWD. Take it away afterwards."),
	probes: func(_ Cluster, node string) []Step {
		return []Step{{Key: probeSudo.key, Name: probeSudo.label, Node: node, Argv: []string{"sudo", "-n", "true"}, Repeatable: true, Tolerate: true}}
	},
	read: func(_ Cluster, node string, rs Results) observation {
		r, ok := rs.find(probeSudo, node)
		if ok && r.OK() {
			return observation{}
		}
		if f, bad := trouble(r); bad && r.Trouble != "" {
			return observation{level: f.Level, asIs: &f}
		}
		return problem(Stop, "sudo on "+nodeWords(node)+" asks for a password first")
	},
}

// freeDisk checks that so many bytes of disk are free.
func freeDisk(need int64) Check {
	return room("disk", "free", need, Stop, "archives and versions are unpacked there, and a full disk breaks that off in the middle", Advise("Make room on NODE."))
}

// freeMemory checks that so many bytes of memory are free.
func freeMemory(need int64) Check {
	return room("memory", "memory", need, Warn, "processes that restart may be killed for want of it", Advise("Stop roles on NODE that are not needed for the time being."))
}

func room(what, key string, need int64, level Level, why string, fix Advice) Check {
	return Check{
		Name: "enough " + what + " is free", Key: "free-" + what, Why: why, Fix: fix,
		probes: func(_ Cluster, node string) []Step { return []Step{roomProbe(node)} },
		read: func(_ Cluster, node string, rs Results) observation {
			r, ok := rs.find(probeRoom, node)
			if !ok || r.Trouble != "" {
				return unseen(Stop, nodeWords(node)+" could not be asked for its free "+what+": "+orNoneText(printable(r.Trouble, 160)), r.Fix.sentence())
			}
			free, err := strconv.ParseInt(keyValues(r.Output)[key], 10, 64)
			switch {
			case err != nil:
				return unseen(Warn, "the free "+what+" of "+nodeWords(node)+" could not be read", Advise("Look with %s and %s on the node.", Typed("df"), Typed("free")))
			case free < need:
				return problem(level, fmt.Sprintf("%s has %s of free %s, and %s is needed", nodeWords(node), size(free), what, size(need))).passing()
			}
			return observation{}
		},
	}
}

// roomProbe returns the probe of a node's free disk and memory.
func roomProbe(node string) Step {
	return Step{Key: probeRoom.key, Name: probeRoom.label, Node: node, Argv: script(checkRoom, "alsbot-room"), Repeatable: true, Tolerate: true}
}

var filesystemNode = Check{
	Key:  "filesystem-role",
	Name: "a node has the filesystem role",
	Why:  "exports run on that node; without it they run on the core",
	Fix:  Advise("If files of the filesystem service are missing from exports, name the node's role right: %s there.", Typed("kato role add filesystem")),
	read: func(c Cluster, _ string, _ Results) observation {
		if _, ok := c.NodeWith("filesystem"); ok || c.Micro() {
			return observation{}
		}
		return problem(Warn, "no node is known to have the filesystem role")
	},
}

var rolesRun = Check{
	Key:    "roles-down",
	Name:   "all roles run",
	Why:    "kato passes over what does not run, or breaks off at it",
	Fix:    Advise("Start what is to run: %s.", Typed("start ROLE --node IP @CLUSTER")),
	probes: func(c Cluster, _ string) []Step { return []Step{c.probeRoles()} },
	read: func(c Cluster, _ string, rs Results) observation {
		status, err := c.status(rs, probeRoles)
		if err != nil {
			f := findingOf(Stop, err)
			return observation{level: Stop, asIs: &f}
		}
		bad, _ := unhealthy(status)
		if len(bad) > 0 {
			o := problem(Stop, "not all roles run, "+list(bad)).of(bad)
			o.volatile = onlyMoving(status)
			return o
		}
		if more := strangers(c.Nodes, status); len(more) > 0 {
			return problem(Stop, "kato's list of nodes lacks nodes of its status, "+list(more))
		}
		if c.CoreIP() == Core { // no list of nodes to hold it against
			return observation{}
		}
		absent, missing := status.lacks(c.Nodes)
		if unseen := append(absent, missing...); len(unseen) > 0 {
			return problem(Stop, "kato's status tells nothing of "+list(unseen)).of(unseen)
		}
		return observation{}
	},
}

var notInMaintenance = Check{
	Key:  "maintenance",
	Name: "maintenance mode is off",
	Why:  "the controller refuses changes, an import's among them",
	Fix:  Advise("Turn it off: %s.", Typed("maintenance off @CLUSTER")),
	probes: func(c Cluster, _ string) []Step {
		s := c.probeMaintenance(probeMaintenance)
		s.Tolerate = true
		return []Step{s}
	},
	read: func(c Cluster, _ string, rs Results) observation {
		on, err := readStep(rs, probeMaintenance, ReadBool)
		switch {
		case err != nil:
			return unseen(Warn, "it cannot be seen whether maintenance mode is on: "+err.Error(), Advise("Look with %s.", c.command("maintenance", "status")))
		case on:
			return problem(Warn, "maintenance mode is on")
		}
		return observation{}
	},
}

// noOtherJob checks the processes of a node, since kato has no lock. A run of
// alsbot itself is no conflict: runs of one cluster wait for each other.
var noOtherJob = Check{
	Key:  "kato-busy",
	Name: "kato is doing nothing else there",
	Why:  "kato has no lock, and two of its jobs at once spoil each other's work",
	Fix:  Advise("Wait until it has ended; see who started it with %s on NODE.", Typed("ps -ef")),
	probes: func(_ Cluster, node string) []Step {
		return []Step{{Key: probeJobs.key, Name: probeJobs.label, Node: node, Argv: []string{"ps", "-e", "-ww", "-o", "pid=", "-o", "args="}, Repeatable: true, Tolerate: true}}
	},
	read: func(c Cluster, node string, rs Results) observation {
		r, _ := rs.find(probeJobs, node)
		jobs, err := ReadJobs(r.Output)
		if !r.OK() || r.Cut {
			err = errNoProcesses
		}
		switch {
		case c.Busy != "":
			return observation{}
		case err != nil && len(jobs) == 0:
			return unseen(Warn, "it cannot be seen whether kato is doing something else on "+nodeWords(node), Advise("Look with %s there.", Typed("ps -ef")))
		case len(jobs) > 0:
			return problem(Stop, fmt.Sprintf("`kato %s` runs on %s already, as process %d", jobs[0].Command, nodeWords(node), jobs[0].PID)).passing()
		}
		return observation{}
	},
}

// noOtherJobs returns the need on the node where kato will run and on the
// core: from there kato works on all nodes.
func noOtherJobs(node string) []Need {
	needs := []Need{{Check: noOtherJob, Node: node}}
	if node != Core {
		needs = append(needs, Need{Check: noOtherJob, Node: Core})
	}
	return needs
}

// backupFinding warns before something that only a backup can undo. It says
// how old the last verified backup is.
func backupFinding(c Cluster, why string) Finding {
	last, fix := c.History.Backup, Advise("Take one first: %s.", c.command("export", "cluster"))
	switch {
	case last == nil:
		return Finding{Level: Warn, Key: "backup-none", Text: why + ", and no verified one of the whole cluster is known", Fix: fix}
	case c.MaxAge > 0 && c.Asked.Sub(last.At) > c.MaxAge:
		return Finding{Level: Warn, Key: "backup-age", Volatile: true, Text: fmt.Sprintf("%s, and the last verified one is %s old, more than the %s that are allowed (%s)", why, age(c.Asked, last.At), duration(c.MaxAge), last.origin()), Fix: fix}
	}
	return Finding{Level: Warn, Key: "backup-age", Volatile: true, Text: fmt.Sprintf("%s: the last verified one is %s old (%s)", why, age(c.Asked, last.At), last.origin()), Fix: Advise("Read it again if in doubt: %s.", c.command("backups", "verify", last.Run))}
}

func sudoOn(c Cluster, ip string) Need { return Need{Check: sudoAsksNothing, Node: c.at(ip)} }
