package node

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// tool is one run of a stand-in for a system command. The real command would
// need root or another machine, or would reveal the host.
type tool struct {
	disk disk
	root string // of the node
	node string
	name string
	args []string
	s    *State
	faults
}

// tools returns the commands in every node's usr/bin, which is first on the
// PATH.
func tools() map[string]func(*tool) int {
	all := map[string]func(*tool) int{
		"su": (*tool).su, "sudo": (*tool).sudo, "ssh": (*tool).ssh, "sh": (*tool).sh,
		"mount": (*tool).mount, "findmnt": (*tool).findmnt, "df": (*tool).df, "free": (*tool).free, "ps": (*tool).ps,
		"quotacheck": (*tool).quotacheck, "quotaon": (*tool).quotaon,
	}
	maps.Copy(all, agentTools())
	return all
}

func runTool(name, root string, args []string) int {
	t := &tool{disk: disk{filepath.Dir(root)}, root: root, node: filepath.Base(root), name: name, args: args}
	s, err := t.disk.read()
	if err != nil {
		return t.fail(255, "%s", err)
	}
	t.s = s
	line := append([]string{name}, args...)
	t.faults = faults{all: s.Faults, node: t.node, line: strings.Join(line, " ")}
	if err := record(t.disk, "tools.jsonl", t.node, line); err != nil {
		return t.fail(255, "%s", err)
	}
	if status, struck := t.struck(); struck {
		return status
	}
	if service := packaged()[name]; service != nil {
		return service(t)
	}
	return tools()[name](t)
}

// struck applies a fault that names this command, and reports whether that
// ends the command.
func (t *tool) struck() (int, bool) {
	switch {
	case t.named("pretend") != "":
		return 0, true
	case t.named("exit") != "":
		status, _ := strconv.Atoi(t.named("exit"))
		return t.fail(status, "%s: Input/output error", t.name), true
	case t.named("prompt") == "forever":
		fmt.Print("Do you want to continue (yes/no)? ")
		forever()
	}
	return 0, false
}

func (t *tool) fail(status int, format string, args ...any) int {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
	return status
}

func (t *tool) machine() *Machine { return t.s.Nodes[t.node] }

// asRoot reports whether the user is the simulated node's root.
func (t *tool) asRoot() bool { return os.Getenv("USER") == "root" }

// mayMount also accepts root of the host: scripts ask id whether they need
// sudo, and id answers for the host.
func (t *tool) mayMount() bool { return t.asRoot() || os.Geteuid() == 0 }

// become replaces the process with a shell of a user on the machine with this
// root directory.
func (t *tool) become(root, user string, args ...string) int {
	env := append(userEnv(root, user), "SSH_CONNECTION="+os.Getenv("SSH_CONNECTION"))
	if err := os.Chdir(userHome(root, user)); err != nil {
		return t.fail(1, "%s: %s", t.name, err)
	}
	err := syscall.Exec("/bin/sh", append([]string{"sh"}, args...), env)
	return t.fail(126, "%s: %s", t.name, err)
}

func userHome(root, user string) string {
	if user == "root" {
		return filepath.Join(root, "root")
	}
	return filepath.Join(root, "home")
}

// userEnv returns the environment that sshd gives a session without a login:
// ~/bin, and with it kato, isn't on the PATH.
func userEnv(root, user string) []string {
	return []string{"HOME=" + userHome(root, user), "USER=" + user, "LOGNAME=" + user, "SHELL=/bin/sh",
		"PATH=" + filepath.Join(root, "usr/bin") + ":/usr/bin:/bin"}
}

// su gives root the login environment of another user. It accepts su - USER -c
// COMMAND and su - USER /bin/bash -c COMMAND.
func (t *tool) su() int {
	user, command := "root", []string{}
	for i := 0; i < len(t.args); i++ {
		switch arg := t.args[i]; {
		case arg == "-" || arg == "-l" || arg == "--login" || arg == "--" || strings.HasPrefix(arg, "/"):
		case (arg == "-c" || arg == "--command") && i+1 < len(t.args):
			i++
			command = []string{"-c", t.args[i]}
		case strings.HasPrefix(arg, "--command="):
			command = []string{"-c", strings.TrimPrefix(arg, "--command=")}
		case strings.HasPrefix(arg, "-"):
			return t.fail(1, "su: invalid option -- '%s'", strings.TrimLeft(arg, "-"))
		default:
			user = arg
		}
	}
	switch {
	case user != "root" && user != t.s.User:
		return t.fail(1, "Unknown id: %s", user)
	case !t.asRoot():
		return t.fail(1, "su: must be run from a terminal")
	}
	return t.become(t.root, user, append([]string{"-l"}, command...)...)
}

// sudo runs a command as root if the node has the NOPASSWD entry, or if the
// caller is root.
func (t *tool) sudo() int {
	quiet := false
	args := t.args
	for len(args) > 0 && strings.HasPrefix(args[0], "-") {
		quiet = quiet || args[0] == "-n" || args[0] == "--non-interactive"
		args = args[1:]
	}
	switch {
	case t.machine().Sudo || t.asRoot():
	case quiet:
		return t.fail(1, "sudo: sorry, a password is required to run sudo")
	default:
		return t.fail(1, "sudo: no tty present and no askpass program specified")
	}
	if len(args) == 0 {
		return 0 // sudo -n -v
	}
	path, err := exec.LookPath(args[0])
	if err != nil {
		return t.fail(1, "sudo: %s: command not found", args[0])
	}
	env := slices.DeleteFunc(t.inner(), func(v string) bool { return strings.HasPrefix(v, "USER=") || strings.HasPrefix(v, "LOGNAME=") })
	err = syscall.Exec(path, args, append(env, "USER=root", "LOGNAME=root", "SUDO_USER="+t.s.User))
	return t.fail(126, "sudo: %s: %s", args[0], err)
}

// ssh runs a command on another node of the cluster if that node accepts this
// one's key.
func (t *tool) ssh() int {
	args, batch := t.args, false
	for len(args) > 0 && strings.HasPrefix(args[0], "-") {
		batch = batch || slices.Contains(args[:min(2, len(args))], "BatchMode=yes")
		if len(args[0]) == 2 && strings.Contains("opliFLRJ", args[0][1:]) && len(args) > 1 {
			args = args[1:]
		}
		args = args[1:]
	}
	if len(args) == 0 {
		return t.fail(255, "usage: ssh [options] [user@]hostname [command]")
	}
	user, host, named := strings.Cut(args[0], "@")
	if !named {
		user, host = t.s.User, user
	}
	strict := batch || slices.Contains(t.args, "StrictHostKeyChecking=yes")
	if p := t.s.Peers[host]; p != nil {
		return t.sshOut(p, user, host, strict, args[1:])
	}
	switch f := (faults{all: t.s.Faults}); {
	case t.s.Nodes[host] == nil:
		return t.fail(255, "ssh: Could not resolve hostname %s: Name or service not known", host)
	case f.down(host):
		return t.fail(255, "ssh: connect to host %s port 22: Connection refused", host)
	case !t.machine().Trust && !batch:
		fmt.Fprintf(os.Stderr, "%s@%s's password: ", user, host)
		forever()
	case !t.machine().Trust:
		return t.fail(255, "Permission denied (publickey,password).")
	}
	return t.enter(t.disk.path(host), user, args[1:])
}

// enter starts a session on a machine: a login, or one command.
func (t *tool) enter(root, user string, command []string) int {
	if len(command) == 0 {
		return t.become(root, user, "-l")
	}
	return t.become(root, user, "-c", strings.Join(command, " "))
}

// free prints the node's memory in the layout of procps 3.2.
func (t *tool) free() int {
	unit, total := int64(1<<10), int64(8<<30)
	for _, arg := range t.args {
		switch arg {
		case "-m":
			unit = 1 << 20
		case "-b":
			unit = 1
		case "-g":
			unit = 1 << 30
		}
	}
	left := t.machine().MemFree
	fmt.Println("             total       used       free     shared    buffers     cached")
	fmt.Printf("Mem:    %10d %10d %10d %10d %10d %10d\n", total/unit, (total-left)/unit, left/unit, 0, 0, 0)
	fmt.Printf("-/+ buffers/cache: %10d %10d\n", (total-left)/unit, left/unit)
	fmt.Printf("Swap:   %10d %10d %10d\n", 0, 0, 0)
	return 0
}
