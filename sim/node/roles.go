package node

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

func roleCommands() []command {
	older, newer := []string{ALS10}, []string{ALS11, ALS13}
	return []command{
		{words: "start", options: "-n --node=IP, -e --ephemeral, -v --verbose", args: "[<role>...]", max: -1, admin: true, run: (*kato).start},
		{words: "stop", options: "-n --node=IP, -v --verbose", args: "[<role>...]", max: -1, admin: true, run: (*kato).stop},
		{words: "restart", only: older, options: "-n --node=IP, -a --all, -v --verbose", args: "[<role>...]", max: -1, admin: true, run: (*kato).restart},
		{words: "restart", only: newer, options: "-n --node=IP, -v --verbose", args: "[<role>...]", max: -1, admin: true, run: (*kato).restart},
		{words: "role info", args: "[<role>...]", max: -1, run: (*kato).roleInfo},
		{words: "role add", options: "-n --node=IP, -s --no-start, -v --verbose, -a --all, -b --all-but, -o --only", args: "[<role>...]", max: -1, admin: true, run: (*kato).roleAdd},
		{words: "role remove", options: "-n --node=IP, -v --verbose, -a --all, -b --all-but", args: "[<role>...]", max: -1, admin: true, run: (*kato).roleRemove},
	}
}

// chosen resolves the role arguments on the target node; without any, it
// returns all roles of the node. The text says what is wrong with them.
func (k *kato) chosen() ([]string, string) {
	assigned := k.s.Nodes[k.target()].Roles
	if len(k.args) == 0 {
		return inStartOrder(assigned), ""
	}
	want := map[string]*Role{}
	for _, arg := range k.args {
		roles := members(arg)
		if roles == nil {
			return nil, fmt.Sprintf("Role '%s' not found.", arg)
		}
		found := false
		for _, name := range roles {
			if assigned[name] != nil {
				want[name] = assigned[name]
				found = true
			}
		}
		if !found {
			return nil, fmt.Sprintf("Role '%s' is not assigned to node %s.", arg, k.target())
		}
	}
	return inStartOrder(want), ""
}

func inStartOrder(roles map[string]*Role) []string {
	var names []string
	for _, r := range allRoles() {
		if roles[r.name] != nil {
			names = append(names, r.name)
		}
	}
	return names
}

func (k *kato) start() int { return k.each(k.startRoles) }

func (k *kato) stop() int { return k.each(k.stopRoles) }

func (k *kato) restart() int {
	return k.each(func(ip string, roles []string) bool {
		stopped := k.stopRoles(ip, roles)
		return k.startRoles(ip, roles) && stopped
	})
}

func (k *kato) each(do func(ip string, roles []string) bool) int {
	roles, wrong := k.chosen()
	if wrong != "" {
		return k.fail("%s", wrong)
	}
	if !do(k.target(), roles) {
		return 1
	}
	return 0
}

func (k *kato) startRoles(ip string, roles []string) bool {
	k.out.heading("Starting roles")
	return k.roleTasks(ip, roles, "role %s starting...", func(name string, r *Role) { k.run(ip, name, r) })
}

func (k *kato) stopRoles(ip string, roles []string) bool {
	k.out.heading("Stopping roles")
	return k.roleTasks(ip, roles, "role %s stopping...", func(_ string, r *Role) {
		r.State, r.Then, r.At = "STOPPED", "", time.Time{}
	})
}

// roleTasks prints one task for each role and changes the role when its task
// ends.
func (k *kato) roleTasks(ip string, roles []string, label string, change func(string, *Role)) bool {
	all := true
	for _, name := range roles {
		text := fmt.Sprintf(label, name)
		if ip != k.node {
			text = ip + ": " + text
		}
		all = k.out.task(k.s.Pace/2, text, func() bool {
			if k.faults.down(ip) {
				return false
			}
			k.update(func(s *State) {
				if r := s.Nodes[ip].Roles[name]; r != nil {
					change(name, r)
				}
			})
			return true
		}) && all
	}
	return all
}

// run starts a role, or applies the fault for it.
func (k *kato) run(ip, name string, r *Role) {
	r.Restarts++
	r.Stale = false
	r.State, r.Then, r.At = "RUNNING", "", time.Time{}
	if _, ok := k.faults.lists("fatal", ip, name); ok {
		r.State = "FATAL"
	}
	if how, ok := k.faults.lists("starting", ip, name); ok {
		r.State = "STARTING"
		if d, err := time.ParseDuration(how); err == nil {
			r.Then, r.At = "RUNNING", time.Now().Add(d)
		}
	}
}

func (k *kato) roleInfo() int {
	wanted := k.args
	for _, r := range allRoles() {
		if len(wanted) > 0 && !slices.Contains(wanted, r.name) {
			continue
		}
		k.out.line("%s:", r.name)
		for _, p := range r.processes {
			k.out.line("  %s", p)
		}
	}
	return 0
}

// named resolves the roles of role add and role remove: by name or group, all,
// or all except the named ones.
func (k *kato) named() ([]string, string) {
	var names []string
	for _, arg := range k.args {
		roles := members(arg)
		if roles == nil {
			return nil, fmt.Sprintf("Role '%s' not found.", arg)
		}
		names = append(names, roles...)
	}
	if !k.has("all") && !k.has("all-but") {
		if len(names) == 0 {
			return nil, k.cmd.usage()
		}
		return names, ""
	}
	var rest []string
	for _, r := range allRoles() {
		if r.name != "base" && r.name != "load_balancer" && !slices.Contains(names, r.name) {
			rest = append(rest, r.name)
		}
	}
	return rest, ""
}

func (k *kato) roleAdd() int {
	names, wrong := k.named()
	if wrong != "" {
		return k.fail("%s", strings.TrimSpace(wrong))
	}
	ip := k.target()
	if k.has("only") {
		k.removeRoles(ip, func(name string) bool { return name != "base" && !slices.Contains(names, name) })
	}
	k.out.heading("Adding roles")
	for _, name := range names {
		k.out.task(k.s.Pace/2, fmt.Sprintf("adding role %q...", name), func() bool {
			k.update(func(s *State) {
				if s.Nodes[ip].Roles[name] == nil {
					s.Nodes[ip].Roles[name] = &Role{State: "STOPPED"}
				}
			})
			return true
		})
	}
	if k.has("no-start") || k.startRoles(ip, names) {
		return 0
	}
	return 1
}

func (k *kato) roleRemove() int {
	names, wrong := k.named()
	if wrong != "" {
		return k.fail("%s", strings.TrimSpace(wrong))
	}
	if slices.Contains(names, "base") {
		return k.fail("Role 'base' cannot be removed.")
	}
	k.removeRoles(k.target(), func(name string) bool { return slices.Contains(names, name) })
	return 0
}

func (k *kato) removeRoles(ip string, which func(string) bool) {
	var names []string
	for _, name := range inStartOrder(k.s.Nodes[ip].Roles) {
		if which(name) {
			names = append(names, name)
		}
	}
	k.stopRoles(ip, names)
	k.out.heading("Removing roles")
	for _, name := range names {
		k.out.task(k.s.Pace/2, fmt.Sprintf("removing role %q...", name), func() bool {
			k.update(func(s *State) { delete(s.Nodes[ip].Roles, name) })
			return true
		})
	}
}
