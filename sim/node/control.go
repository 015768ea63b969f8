package node

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"
)

// State returns a copy of the cluster's state.
func (c *Cluster) State() (*State, error) { return c.disk.read() }

// Update changes the cluster's state in one step.
func (c *Cluster) Update(change func(*State)) error { return c.disk.update(change) }

// Patches returns the published patches and the nodes that have them.
func (c *Cluster) Patches() ([]*Patch, error) {
	s, err := c.disk.read()
	if err != nil {
		return nil, err
	}
	return s.Patches, nil
}

// Publish adds a patch to the manifest. A zero ID gets the next number.
func (c *Cluster) Publish(p Patch) error {
	return c.disk.update(func(s *State) {
		if p.ID == 0 {
			p.ID = len(s.Patches) + 1
		}
		s.Patches = append(s.Patches, &p)
	})
}

// SetRole sets the state of a node's role, such as STOPPED or FATAL.
func (c *Cluster) SetRole(ip, role, state string) error {
	return c.disk.update(func(s *State) {
		if m := s.Nodes[ip]; m != nil && m.Roles[role] != nil {
			m.Roles[role].State, m.Roles[role].Then = state, ""
		}
	})
}

// Calls returns every call of kato so far, oldest first, whatever its outcome.
func (c *Cluster) Calls() ([]Call, error) { return calls(c.disk, "calls.jsonl") }

// Called returns the calls that begin with these words.
func (c *Cluster) Called(words ...string) ([]Call, error) {
	all, err := c.Calls()
	return beginning(all, words), err
}

// Did returns the calls of the nodes' other simulated commands, such as
// quotaon and apt-get, that begin with these words.
func (c *Cluster) Did(words ...string) ([]Call, error) {
	all, err := calls(c.disk, "tools.jsonl")
	return beginning(all, words), err
}

func beginning(all []Call, words []string) []Call {
	return slices.DeleteFunc(all, func(call Call) bool {
		return len(call.Argv) < len(words) || !slices.Equal(call.Argv[:len(words)], words)
	})
}

// Fault switches a fault on, or off with the value "". faults.go lists them.
func (c *Cluster) Fault(name, value string) error {
	if err := checkFault(name); err != nil {
		return err
	}
	err := c.disk.update(func(s *State) {
		if value == "" {
			delete(s.Faults, name)
		} else {
			s.Faults[name] = value
		}
	})
	if err != nil {
		return err
	}
	return c.applyFault(name, value)
}

// applyFault does the part of a fault that is outside kato.
func (c *Cluster) applyFault(name, value string) error {
	name, ip, one := strings.Cut(name, "@")
	for node, s := range c.servers {
		if one && node != ip {
			continue
		}
		switch name {
		case "down":
			if err := s.setDown(value != ""); err != nil {
				return err
			}
		case "hang":
			s.setHang(value)
		case "missing":
			if err := hideKato(s.root, value != ""); err != nil {
				return err
			}
		}
	}
	return nil
}

// Die cuts the power of a node: its processes end at once, and no one reaches
// it until the fault down@IP is switched off.
func (c *Cluster) Die(ip string) error {
	return errors.Join(c.Fault("down@"+ip, "yes"), reap(c.disk.path(ip)))
}

// Hold stops a kato process where it is; Free continues it. Hold waits while
// the process holds the cluster's state.
func (c *Cluster) Hold(pid int) error {
	unlock, err := c.disk.lock(syscall.LOCK_EX)
	if err != nil {
		return err
	}
	defer unlock()
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		return fmt.Errorf("holding process %d: %w", pid, err)
	}
	for until := time.Now().Add(reapTime); time.Now().Before(until); time.Sleep(time.Millisecond) {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			return fmt.Errorf("holding process %d: %w", pid, err)
		}
		if _, rest, _ := strings.Cut(string(stat), ") "); strings.HasPrefix(rest, "T") {
			return nil
		}
	}
	return fmt.Errorf("process %d does not stop", pid)
}

// Free continues a process that Hold stopped.
func (c *Cluster) Free(pid int) error { return syscall.Kill(pid, syscall.SIGCONT) }

// Cut breaks a node's open connections, as a network failure does. Commands on
// the node go on.
func (c *Cluster) Cut(ip string) { c.servers[ip].cut() }
