package faults

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// claim is the line that names the process in charge of a run on its node.
type claim struct{ kind, pid, start, session, boot string }

func readClaim(dir string) (c claim, err error) {
	b, err := os.ReadFile(filepath.Join(dir, "claim"))
	if err != nil {
		return c, err
	}
	f := strings.Fields(string(b))
	if len(f) != 6 {
		return c, fmt.Errorf("the claim is %q", b)
	}
	return claim{f[0], f[1], f[2], f[3], f[4]}, nil
}

// write replaces the claim in one step: no one ever sees half of it.
func (c claim) write(dir string) error {
	line := fmt.Sprintf("%s %s %s %s %s end\n", c.kind, c.pid, c.start, c.session, c.boot)
	next := filepath.Join(dir, ".changed")
	if err := os.WriteFile(next, []byte(line), 0o600); err != nil {
		return err
	}
	return os.Rename(next, filepath.Join(dir, "claim"))
}

func (c claim) kill() error {
	pid, err := strconv.Atoi(c.pid)
	if err != nil || pid < 2 {
		return fmt.Errorf("the claim names process %q", c.pid)
	}
	return syscall.Kill(pid, syscall.SIGKILL)
}

// commands returns the processes that print into a run's output.
func commands(dir string) (pids []int) {
	links, _ := filepath.Glob("/proc/[0-9]*/fd/1")
	for _, l := range links {
		if to, err := os.Readlink(l); err == nil && to == filepath.Join(dir, "out") {
			pid, _ := strconv.Atoi(strings.Split(l, "/")[2])
			pids = append(pids, pid)
		}
	}
	return pids
}

// killAll kills the runner and everything that prints into the run's output, as
// a power cut does.
func killAll(dir string) error {
	c, err := readClaim(dir)
	if err != nil {
		return err
	}
	err = c.kill()
	for _, pid := range commands(dir) {
		_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended
	}
	return err
}

// runDir returns where the core keeps a run's step.
func (h *testbed) runDir(step string) string {
	return filepath.Join(h.nodes.Home(h.nodes.Core), ".alsbot/runs", step)
}
