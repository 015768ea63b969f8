package node

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// The tools in this file stand for a package server and a monitoring agent,
// and show what a node's users can see of each other's commands.

// agentTools returns the commands that install an agent and show it.
func agentTools() map[string]func(*tool) int {
	return map[string]func(*tool) int{
		"apt-get": (*tool).aptGet, "apt-key": (*tool).aptKey, "wget": (*tool).wget, "pgrep": (*tool).pgrep,
	}
}

// packaged returns what packages install: scripts below /etc/init.d.
func packaged() map[string]func(*tool) int {
	return map[string]func(*tool) int{"newrelic-sysmond": (*tool).sysmond}
}

func (t *tool) own(path string) string { return filepath.Join(t.root, path) }

// aptGet knows one package, after someone has added a source.
func (t *tool) aptGet() int {
	t.witness()
	_, _, rest := t.words()
	switch {
	case !t.mayMount():
		return t.fail(100, "E: Could not open lock file /var/lib/dpkg/lock - open (13: Permission denied)")
	case len(rest) == 1 && rest[0] == "update":
		fmt.Println("Hit http://archive.ubuntu.com precise Release\nReading package lists...")
		return 0
	case len(rest) != 2 || rest[0] != "install":
		return t.fail(100, "E: Invalid operation %s", strings.Join(rest, " "))
	}
	sources, _ := filepath.Glob(t.own("etc/apt/sources.list.d/*.list"))
	if rest[1] != "newrelic-sysmond" || len(sources) == 0 {
		return t.fail(100, "E: Unable to locate package %s", rest[1])
	}
	if !slices.Contains(t.args, "--yes") && !slices.Contains(t.args, "-y") {
		fmt.Println("Do you want to continue [Y/n]? Abort.")
		return 1
	}
	if _, err := os.Stat(t.own("etc/newrelic/nrsysmond.cfg")); err != nil {
		if err := t.unpack(); err != nil {
			return t.fail(100, "dpkg: error processing %s: %s", rest[1], err)
		}
	}
	fmt.Printf("Setting up %s (2.3.0.132) ...\n", rest[1])
	return 0
}

func (t *tool) unpack() error {
	if err := os.MkdirAll(t.own("etc/newrelic"), 0o755); err != nil {
		return err
	}
	text := "# the daemon's configuration\nlicense_key=REPLACE_WITH_REAL_KEY\nloglevel=info\n"
	if err := os.WriteFile(t.own("etc/newrelic/nrsysmond.cfg"), []byte(text), 0o640); err != nil {
		return err
	}
	script, err := stand("newrelic-sysmond", t.root)
	if err != nil {
		return err
	}
	return os.WriteFile(t.own("etc/init.d/newrelic-sysmond"), []byte(script), 0o755)
}

func (t *tool) aptKey() int {
	_, _, rest := t.words()
	if len(rest) != 2 || rest[0] != "add" || !t.mayMount() {
		return t.fail(255, "usage: apt-key add FILE, as root")
	}
	if _, err := os.Stat(rest[1]); err != nil {
		return t.fail(2, "gpg: can't open `%s': No such file or directory", rest[1])
	}
	fmt.Println("OK")
	return 0
}

// wget reaches no network: it writes a file of the node.
func (t *tool) wget() int {
	for _, arg := range t.args {
		file, ok := strings.CutPrefix(arg, "--output-document=")
		if !ok {
			continue
		}
		if !strings.HasPrefix(file, t.root+"/") {
			return t.fail(3, "wget: %s: Permission denied", file)
		}
		if err := os.WriteFile(file, []byte("-----BEGIN PGP PUBLIC KEY BLOCK-----\n"), 0o644); err != nil {
			return t.fail(3, "wget: %s", err)
		}
		return 0
	}
	return t.fail(1, "wget: missing --output-document")
}

// pgrep -x finds agents of the node, not processes of this machine.
func (t *tool) pgrep() int {
	_, _, rest := t.words()
	if len(rest) == 1 && slices.Contains(t.machine().Agents, rest[0]) {
		fmt.Println(4711)
		return 0
	}
	return 1
}

var licence = regexp.MustCompile(`(?m)^license_key=[A-Za-z0-9]{40}$`)

// sysmond is the agent's boot script: it starts nothing without a key.
func (t *tool) sysmond() int {
	t.witness()
	cfg, err := os.ReadFile(t.own("etc/newrelic/nrsysmond.cfg"))
	if err != nil || !licence.Match(cfg) {
		return t.fail(1, "Error: no license key in nrsysmond.cfg")
	}
	fmt.Println("Starting New Relic Server Monitor: newrelic-sysmond")
	err = t.disk.update(func(s *State) {
		m := s.Nodes[t.node]
		if !slices.Contains(m.Agents, "nrsysmond") {
			m.Agents = append(m.Agents, "nrsysmond")
		}
	})
	if err != nil {
		return t.fail(1, "%s: %s", t.name, err)
	}
	return 0
}

// witness writes down, in ps.txt of the cluster's directory, the command lines
// and environments of all that runs on the node at this moment.
func (t *tool) witness() {
	mark := "\x00HOME=" + t.root + string(filepath.Separator)
	list, _ := filepath.Glob("/proc/[0-9]*/environ")
	var seen []string
	for _, file := range list {
		env, err := os.ReadFile(file)
		if err != nil || !strings.Contains("\x00"+string(env), mark) {
			continue
		}
		line, err := os.ReadFile(filepath.Join(filepath.Dir(file), "cmdline"))
		if err == nil {
			seen = append(seen, strings.ReplaceAll(string(line)+"\x00"+string(env), "\x00", " "))
		}
	}
	f, err := os.OpenFile(t.disk.path("ps.txt"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return
	}
	_, _ = f.WriteString(strings.Join(seen, "\n") + "\n")
	_ = f.Close()
}
