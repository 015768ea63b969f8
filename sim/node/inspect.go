package node

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

func (k *kato) inspect() int {
	var names []string
	for _, group := range testGroups() {
		for _, test := range tests()[group] {
			name := group + "/" + test
			switch k.arg(0) {
			case "group":
				if group != k.arg(1) {
					continue
				}
			case "tests":
				if !slices.Contains(k.args[1:], test) && !slices.Contains(k.args[1:], name) {
					continue
				}
			}
			names = append(names, name)
		}
	}
	if k.arg(0) == "list" {
		k.out.raw(strings.Join(names, "\n"))
		return 0
	}
	failed := 0
	for _, name := range names {
		trouble := k.trouble(name)
		if trouble == "" {
			k.out.line("%-43s %s", name, k.out.noise.paint("ok"))
			continue
		}
		failed++
		k.out.line("%-43s %s", name, k.out.noise.paint("FAILED"))
		k.out.line("    %s", trouble)
	}
	k.out.line("%d tests run, %d failed", len(names), failed)
	if failed > 0 {
		return 1
	}
	return 0
}

// trouble returns what is wrong with the subject of a test, or "".
func (k *kato) trouble(test string) string {
	m := k.s.Nodes[k.node]
	switch test {
	case "system/disk_space":
		if m.DiskFree < 1<<30 {
			return fmt.Sprintf("only %d MB free", m.DiskFree>>20)
		}
	case "system/memory":
		if m.MemFree < 512<<20 {
			return fmt.Sprintf("only %d MB free", m.MemFree>>20)
		}
	case "roles/processes":
		for _, name := range m.roles() {
			if state := m.Roles[name].Now(time.Now()); state != "RUNNING" {
				return fmt.Sprintf("role %s is %s", name, state)
			}
		}
	}
	return ""
}

// tests returns the tests of kato inspect, by group.
func tests() map[string][]string {
	return map[string][]string{
		"system":  {"disk_space", "memory", "ntp"},
		"network": {"hostname", "mbus"},
		"roles":   {"processes", "config"},
	}
}

func testGroups() []string {
	var groups []string
	for group := range tests() {
		groups = append(groups, group)
	}
	slices.Sort(groups)
	return groups
}
