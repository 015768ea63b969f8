package node

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// State is the whole state of a cluster. It lives in one JSON file, which the
// test or demo process and every kato process share under a lock. A killed
// kato therefore leaves exactly what it had done so far.
type State struct {
	Profile string              `json:"profile"`
	Core    string              `json:"core"`
	User    string              `json:"user"`
	Pace    time.Duration       `json:"pace,omitempty"`  // how long one task of kato takes
	Shape   string              `json:"shape,omitempty"` // of patch status: A, B or C
	Seed    int64               `json:"seed,omitempty"`
	Nodes   map[string]*Machine `json:"nodes"`
	Config  map[string]any      `json:"config"` // component, then nested keys
	Patches []*Patch            `json:"patches"`
	Data    Data                `json:"data"`
	// Peers are hosts outside the cluster, by the name that its nodes use.
	Peers   map[string]*Peer     `json:"peers,omitempty"`
	Upgrade map[string]*Progress `json:"upgrade,omitempty"`
	History []Event              `json:"history,omitempty"` // oldest first
	Faults  map[string]string    `json:"faults"`
	// ExportSize is the approximate size of an exported archive, in bytes.
	ExportSize int64 `json:"export_size"`
	Exports    int   `json:"exports,omitempty"` // number of exports started
}

// Machine is one node.
type Machine struct {
	Addr      string            `json:"addr,omitempty"` // address of its SSH server
	Version   string            `json:"version"`
	Roles     map[string]*Role  `json:"roles"`
	Locations map[string]string `json:"locations"` // services, droplets, containers
	DiskFree  int64             `json:"disk_free"` // bytes
	MemFree   int64             `json:"mem_free"`  // bytes
	Sudo      bool              `json:"sudo"`      // the user has passwordless sudo
	Trust     bool              `json:"trust"`     // ssh to the other nodes works without a password
	Mounts    map[string]*Mount `json:"mounts"`
	Agents    []string          `json:"agents,omitempty"` // running monitoring agents, by process name
}

// Mount is one mounted filesystem of a node, at its path as the node's
// commands see it.
type Mount struct {
	Device  string `json:"device"`
	Type    string `json:"type"`
	Options string `json:"options"`
	Checked bool   `json:"checked,omitempty"` // quotacheck has run
	Quota   bool   `json:"quota,omitempty"`   // quotas are on
}

// Role is the state of one role of a node.
type Role struct {
	State    string    `json:"state"` // RUNNING, STARTING, STOPPED, FATAL, …
	Then     string    `json:"then,omitempty"`
	At       time.Time `json:"at,omitzero"` // when State becomes Then
	Restarts int       `json:"restarts,omitempty"`
	// Stale is true after a patch with --no-restart: the old code still runs.
	Stale bool `json:"stale,omitempty"`
}

// Now returns the role's state at t.
func (r *Role) Now(t time.Time) string {
	if r.Then != "" && !t.Before(r.At) {
		return r.Then
	}
	return r.State
}

// Patch is one published patch.
type Patch struct {
	ID          int      `json:"id"`
	Name        string   `json:"name"`
	Description string   `json:"description"`
	Severity    string   `json:"severity"`
	Roles       []string `json:"roles"`
	Installed   []string `json:"installed,omitempty"` // node IPs
}

// Data is what an export contains and an import replaces.
type Data struct {
	Users     []string `json:"users,omitempty"`
	Apps      []string `json:"apps,omitempty"`
	FirstUser bool     `json:"first_user"`       // the first-user setup is done
	Imports   int      `json:"imports"`          // number of imports
	Source    string   `json:"source,omitempty"` // of the last import
	Parts     []string `json:"parts,omitempty"`  // contents of the last import
}

// Progress is the progress of a node's upgrade.
type Progress struct {
	State string `json:"state"` // pending, in progress, complete, failed
	Stage string `json:"stage,omitempty"`
	From  string `json:"from"`
	To    string `json:"to"`
}

// Event is one line of kato history.
type Event struct {
	Time    time.Time `json:"time"`
	Node    string    `json:"node"`
	Command string    `json:"command"`
	Status  string    `json:"status"`
}

// ips returns the nodes sorted by address.
func (s *State) ips() []string {
	var ips []string
	for ip := range s.Nodes {
		ips = append(ips, ip)
	}
	slices.SortFunc(ips, compareIP)
	return ips
}

// compareIP orders addresses by number, so that 10.0.0.9 precedes 10.0.0.10.
func compareIP(a, b string) int {
	x, errX := netip.ParseAddr(a)
	y, errY := netip.ParseAddr(b)
	if errX != nil || errY != nil {
		return strings.Compare(a, b)
	}
	return x.Compare(y)
}

// with returns the nodes that have any of the roles, in order.
func (s *State) with(roles ...string) []string {
	var ips []string
	for _, ip := range s.ips() {
		if slices.ContainsFunc(roles, func(r string) bool { return s.Nodes[ip].Roles[r] != nil }) {
			ips = append(ips, ip)
		}
	}
	return ips
}

// roles returns the roles of a node in kato's order: base first, then by name.
func (m *Machine) roles() []string {
	var names []string
	for name := range m.Roles {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		if (a == "base") != (b == "base") {
			if a == "base" {
				return -1
			}
			return 1
		}
		return strings.Compare(a, b)
	})
	return names
}

// maintenance reports whether maintenance mode is on.
func (s *State) maintenance() bool {
	cc, ok := s.Config["cloud_controller_ng"].(map[string]any)
	on, isBool := cc["maintenance_mode"].(bool)
	return ok && isBool && on
}

// disk is the state file of a cluster.
type disk struct{ dir string }

func (d disk) path(name string) string { return filepath.Join(d.dir, name) }

// read returns the present state. The caller owns it.
func (d disk) read() (*State, error) {
	unlock, err := d.lock(syscall.LOCK_SH)
	if err != nil {
		return nil, err
	}
	defer unlock()
	return d.load()
}

// update changes the state in one step; no other process sees a partial
// change.
func (d disk) update(change func(*State)) error {
	unlock, err := d.lock(syscall.LOCK_EX)
	if err != nil {
		return err
	}
	defer unlock()
	s, err := d.load()
	if err != nil {
		return err
	}
	change(s)
	return d.save(s)
}

func (d disk) load() (*State, error) {
	b, err := os.ReadFile(d.path("state.json"))
	if err != nil {
		return nil, fmt.Errorf("reading the simulated cluster's state: %w", err)
	}
	s := new(State)
	if err := json.Unmarshal(b, s); err != nil {
		return nil, fmt.Errorf("reading the simulated cluster's state: %w", err)
	}
	return s, nil
}

func (d disk) save(s *State) error {
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("writing the simulated cluster's state: %w", err)
	}
	tmp := d.path("state.json.new")
	if err := os.WriteFile(tmp, b, 0o600); err != nil {
		return fmt.Errorf("writing the simulated cluster's state: %w", err)
	}
	return os.Rename(tmp, d.path("state.json"))
}

func (d disk) exists() bool {
	_, err := os.Stat(d.path("state.json"))
	return !errors.Is(err, fs.ErrNotExist)
}

// lock takes the lock of the state file. The kernel releases it when the
// process dies.
func (d disk) lock(how int) (func(), error) {
	f, err := os.OpenFile(d.path("state.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking the simulated cluster's state: %w", err)
	}
	for {
		err = syscall.Flock(int(f.Fd()), how)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("locking the simulated cluster's state: %w", err), f.Close())
	}
	return func() { _ = f.Close() }, nil // closing unlocks
}
