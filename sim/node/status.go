package node

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

func statusCommands() []command {
	const formats = ", -j --json, -y --yaml"
	return []command{
		{words: "status", options: "-a --all" + formats, run: (*kato).status},
		{words: "process list", options: "-c --cluster, -n --node=IP" + formats, args: "[<process>...]", max: -1, run: (*kato).processList},
		{words: "process ready", options: "-b --block=SECONDS, -n --node=IP", args: "(<process>|all)", min: 1, max: 1, run: (*kato).processReady},
	}
}

// states returns the state of every role of every node: node, role, state.
func (k *kato) states() map[string]map[string]string {
	now := time.Now()
	all := map[string]map[string]string{}
	for ip, m := range k.s.Nodes {
		all[ip] = map[string]string{}
		for name, r := range m.Roles {
			all[ip][name] = r.Now(now)
			if ip != k.node && k.faults.down(ip) {
				all[ip][name] = "UNREACHABLE"
			}
		}
	}
	return all
}

func (k *kato) status() int {
	if !k.gen.honest && k.aDeadNode() {
		fmt.Fprint(os.Stderr, "/home/helion/helion/kato/lib/kato/process_manager.rb:44:in `connect': Connection refused - connect(2) (Errno::ECONNREFUSED)\n")
		return 1
	}
	all := k.states()
	if k.has("json") {
		k.out.json(all)
		return 0
	}
	for _, ip := range k.s.ips() {
		if k.faults.value("variant") == "table" {
			for _, name := range k.s.Nodes[ip].roles() {
				k.out.line("%s  %s  %s", ip, name, all[ip][name])
			}
			continue
		}
		k.nodeStatus(ip, all[ip])
	}
	return 0
}

func (k *kato) aDeadNode() bool {
	for ip := range k.s.Nodes {
		if k.faults.down(ip) {
			return true
		}
	}
	return false
}

func (k *kato) nodeStatus(ip string, states map[string]string) {
	k.out.line("Node %s", ip)
	for _, name := range k.s.Nodes[ip].roles() {
		k.out.line("  %-19s %s", name, k.out.noise.paint(states[name]))
		if states[name] == "FATAL" {
			for _, p := range processesOf(name) {
				k.out.line("    %s: FATAL", p)
			}
		}
	}
	if !k.has("all") {
		return
	}
	for _, r := range allRoles() {
		if k.s.Nodes[ip].Roles[r.name] == nil {
			k.out.line("  %-19s %s", r.name, "not configured")
		}
	}
}

func processesOf(name string) []string {
	for _, r := range allRoles() {
		if r.name == name {
			return r.processes
		}
	}
	return nil
}

// processes returns the state of each process of a node. A process that
// several roles share runs as long as one of them does.
func (k *kato) processes(ip string, states map[string]string) (order []string, all map[string]string) {
	all = map[string]string{}
	for _, name := range inStartOrder(k.s.Nodes[ip].Roles) {
		for _, p := range processesOf(name) {
			was, known := all[p]
			if !known {
				order = append(order, p)
			}
			if !known || was != "RUNNING" {
				all[p] = states[name]
			}
		}
	}
	return order, all
}

func (k *kato) processList() int {
	nodes := []string{k.target()}
	if k.has("cluster") {
		nodes = k.s.ips()
	}
	states := k.states()
	wanted := func(p string) bool {
		return len(k.args) == 0 || strings.Contains(" "+strings.Join(k.args, " ")+" ", " "+p+" ")
	}
	result := map[string]map[string]string{}
	for _, ip := range nodes {
		order, all := k.processes(ip, states[ip])
		result[ip] = map[string]string{}
		if k.has("cluster") && !k.has("json") {
			k.out.line("%s", ip)
		}
		for _, p := range order {
			if !wanted(p) {
				continue
			}
			result[ip][p] = all[p]
			if !k.has("json") {
				k.out.line("%-30s %s", p, k.out.noise.paint(all[p]))
			}
		}
	}
	if k.has("json") {
		k.out.json(result)
	}
	return 0
}

// processReady waits for --block seconds at most, 0 for ever.
func (k *kato) processReady() int {
	var deadline time.Time
	if text, ok := k.flags["block"]; ok {
		seconds, err := strconv.Atoi(text)
		if err != nil || seconds < 0 {
			return k.fail("Invalid number of seconds: '%s'.", text)
		}
		if deadline = time.Now().Add(time.Duration(seconds) * time.Second); seconds == 0 {
			deadline = deadline.AddDate(1, 0, 0)
		}
	}
	for {
		missing := k.notReady()
		if len(missing) == 0 {
			k.out.line("READY")
			return 0
		}
		if !time.Now().Before(deadline) {
			return k.fail("NOT READY: %s", strings.Join(missing, ", "))
		}
		time.Sleep(50 * time.Millisecond)
		k.update(func(*State) {})
	}
}

func (k *kato) notReady() []string {
	order, all := k.processes(k.target(), k.states()[k.target()])
	var missing []string
	for _, p := range order {
		if (k.arg(0) == "all" || k.arg(0) == p) && all[p] != "RUNNING" {
			missing = append(missing, p)
		}
	}
	if k.arg(0) != "all" && all[k.arg(0)] == "" {
		missing = append(missing, k.arg(0))
	}
	return missing
}
