package node

import (
	"fmt"
	"slices"
	"strings"
)

func upgradeCommands() []command {
	const common = "--cluster, -n --node=IP, -v --version=V, --force, --role-order=LIST, -u --update-kato, --skip-confirmation, --resume, --status, -j --json"
	const sentinel = ", --prepare, --cache-ip=IP, --download-only, --development, --offline"
	return []command{
		{words: "node upgrade", only: []string{ALS10}, options: common + ", --rollback, --ignore-inspect-failures", job: "upgrade", admin: true, run: (*kato).upgrade},
		{words: "node upgrade", only: []string{ALS11, ALS13}, options: common + sentinel, job: "upgrade", admin: true, run: (*kato).upgrade},
	}
}

func (k *kato) upgrade() int {
	switch {
	case k.has("status"):
		return k.upgradeStatus()
	case k.has("update-kato"):
		k.out.task(k.s.Pace, k.node+": updating kato...", func() bool { return true })
		return 0
	case k.has("rollback"):
		return k.rollback()
	case k.has("resume") && len(k.s.Upgrade) == 0:
		return k.fail("No upgrade to resume.")
	case k.has("download-only") && k.flags["cache-ip"] == "":
		return k.fail("--download-only requires --cache-ip.")
	case k.has("download-only"), k.has("prepare"):
		k.out.heading("Downloading")
		k.out.task(k.s.Pace*2, k.node+": downloading packages...", func() bool { return true })
		return 0
	}
	nodes, to := k.upgradeNodes(), k.flags["version"]
	if to == "" {
		to = k.gen.next
	}
	for _, ip := range nodes {
		if free := k.s.Nodes[ip].DiskFree; free < 4<<30 {
			return k.fail("Not enough free disk space on %s: %d MB, 4096 MB needed.", ip, free>>20)
		}
	}
	if k.flags["version"] == "" && !k.has("resume") && !k.has("force") && k.newest(nodes) {
		k.out.line("No newer version is available: nothing to upgrade.")
		return 0
	}
	what := "cluster"
	if len(nodes) == 1 {
		what = "node"
	}
	if !k.has("skip-confirmation") && !k.confirm("Are you sure you want to upgrade this "+what+"? [y/N] ") {
		return 1
	}
	return k.upgradeAll(nodes, to)
}

// newest reports whether the nodes already have the version of an upgrade. No
// source tells what kato prints then.
func (k *kato) newest(nodes []string) bool {
	return !slices.ContainsFunc(nodes, func(ip string) bool { return lastWord(k.s.Nodes[ip].Version) != k.gen.next })
}

// upgradeNodes returns the nodes that an upgrade applies to. Without options,
// an upgrade on the core means this node in ALS 1.0 to 1.2, and the whole
// cluster in ALS 1.3.
func (k *kato) upgradeNodes() []string {
	var nodes []string
	switch {
	case k.flags["node"] != "":
		nodes = []string{k.flags["node"]}
	case k.has("cluster") || (k.s.Profile == ALS13 && k.bareVersion() != "1.2" && k.node == k.s.Core):
		nodes = k.inUpgradeOrder()
	default:
		nodes = []string{k.node}
	}
	if k.has("resume") {
		nodes = slices.DeleteFunc(k.inUpgradeOrder(), func(ip string) bool {
			p := k.s.Upgrade[ip]
			return p == nil || p.State == "complete"
		})
	}
	return nodes
}

// inUpgradeOrder sorts the nodes by their roles: DEAs first, the core late,
// all others last.
func (k *kato) inUpgradeOrder() []string {
	order := []string{"dea", "controller", "router", "primary"}
	late := func(ip string) bool { return ip == k.s.Core && k.s.Profile != ALS10 } // 3.0 upgrades data services last
	if list := k.flags["role-order"]; list != "" {
		order = strings.Split(list, ",")
	}
	var nodes []string
	for _, role := range order {
		for _, ip := range k.s.with(role) {
			if !slices.Contains(nodes, ip) && !late(ip) && (ip != k.s.Core || role == "primary") {
				nodes = append(nodes, ip)
			}
		}
	}
	for _, ip := range k.s.ips() {
		if !slices.Contains(nodes, ip) && ip != k.s.Core {
			nodes = append(nodes, ip)
		}
	}
	if !slices.Contains(nodes, k.s.Core) {
		nodes = append(nodes, k.s.Core)
	}
	return nodes
}

func (k *kato) upgradeAll(nodes []string, to string) int {
	if k.s.Profile != ALS10 {
		k.appendLog("sentinel-cli.log", fmt.Sprintf("INFO  Sentinel::CLI : Running with command: bin/sentinel upgrade %s %s --skip-download", to, strings.Join(nodes, " ")))
	}
	k.update(func(s *State) {
		if s.Upgrade == nil || !k.has("resume") {
			s.Upgrade = map[string]*Progress{}
		}
		for _, ip := range nodes {
			s.Upgrade[ip] = &Progress{State: "pending", From: s.Nodes[ip].Version, To: to}
		}
	})
	for _, ip := range nodes {
		if k.upgradeNode(ip, to) {
			continue
		}
		k.progress(ip, "failed", "")
		if k.s.Profile == ALS10 && k.confirm("Upgrade failed. Roll back? [y/N] ") {
			k.rollback()
		}
		return k.fail("Upgrade halted at %s. Run 'kato node upgrade --resume' to continue.", ip)
	}
	k.out.line("Upgrade complete.")
	return 0
}

// upgradeNode runs the upgrade stages of one node.
func (k *kato) upgradeNode(ip, to string) bool {
	stages := []string{"self-update", "version check", "pre-upgrade validation", "download", "retire", "backup state", "upgrade", "post-upgrade validation", "restart"}
	for _, stage := range stages {
		if stage == "retire" && k.s.Nodes[ip].Roles["dea"] == nil {
			continue
		}
		k.progress(ip, "in progress", stage)
		k.out.heading("%s: %s", ip, stage)
		if stage == "upgrade" && k.faults.value("vanish") == ip {
			k.out.line("-bash: /home/%s/bin/kato: No such file or directory", k.s.User)
			return hideKato(k.root, true) != nil
		}
		halted := stage == "download" && k.faults.value("upgrade") == ip
		ok := k.out.task(k.s.Pace/2, ip+": "+stage+"...", func() bool { return !halted && !k.faults.down(ip) })
		if !ok {
			k.out.line("%s: Connection timed out - connect(2) (Errno::ETIMEDOUT)", ip)
			return false
		}
	}
	k.update(func(s *State) {
		m := s.Nodes[ip]
		m.Version = strings.Replace(m.Version, lastWord(m.Version), to, 1)
		for name, r := range m.Roles {
			k.run(ip, name, r)
		}
	})
	k.progress(ip, "complete", "")
	return true
}

func lastWord(s string) string {
	words := strings.Fields(s)
	return words[len(words)-1]
}

func (k *kato) progress(ip, state, stage string) {
	k.update(func(s *State) {
		if p := s.Upgrade[ip]; p != nil {
			p.State, p.Stage = state, stage
		}
	})
}

func (k *kato) upgradeStatus() int {
	if k.has("json") {
		all := map[string]any{}
		for ip, p := range k.s.Upgrade {
			all[ip] = map[string]string{"state": p.State, "stage": p.Stage, "from": lastWord(p.From), "to": p.To}
		}
		k.out.json(all)
		return 0
	}
	if len(k.s.Upgrade) == 0 {
		k.out.line("No upgrade in progress.")
	}
	for _, ip := range k.s.ips() {
		p := k.s.Upgrade[ip]
		switch {
		case p == nil:
		case p.State == "complete":
			k.out.line("%s  complete  %s -> %s", ip, lastWord(p.From), p.To)
		case p.Stage != "":
			k.out.line("%s  %s (%s)", ip, p.State, p.Stage)
		default:
			k.out.line("%s  %s", ip, p.State)
		}
	}
	return 0
}

func (k *kato) rollback() int {
	if len(k.s.Upgrade) == 0 {
		return k.fail("Nothing to roll back.")
	}
	k.out.heading("Rolling back")
	for _, ip := range k.s.ips() {
		p := k.s.Upgrade[ip]
		if p == nil {
			continue
		}
		k.out.task(k.s.Pace, ip+": rolling back...", func() bool {
			k.update(func(s *State) {
				s.Nodes[ip].Version = p.From
				for name, r := range s.Nodes[ip].Roles {
					k.run(ip, name, r)
				}
				delete(s.Upgrade, ip)
			})
			return true
		})
	}
	return 0
}
