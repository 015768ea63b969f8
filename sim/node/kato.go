package node

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// A node's wrapper scripts pass these variables to the process that they
// start.
const (
	toolEnv = "SIM_NODE_TOOL" // kato, or one of tools
	rootEnv = "SIM_NODE_ROOT" // the node's directory
)

// Main turns the process into a simulated kato, or another command of a node,
// if a node's wrapper script started it; it then doesn't return. It must be
// the first call in main, or in TestMain, of every program that starts a
// cluster.
func Main() {
	name, root := os.Getenv(toolEnv), os.Getenv(rootEnv)
	switch {
	case name == "":
		return
	case name == "kato":
		os.Exit(runKato(root, os.Args[1:]))
	case tools()[name] == nil && packaged()[name] == nil:
		fmt.Fprintf(os.Stderr, "%s=%s: no such command of a simulated node\n", toolEnv, name)
		os.Exit(127)
	}
	os.Exit(runTool(name, root, os.Args[1:]))
}

// kato is one invocation.
type kato struct {
	disk disk
	root string // of this node
	node string // its address
	argv []string
	cmd  command
	parsed
	gen    generation
	faults faults // the faults at kato's start
	out    *output
	s      *State // as last read or changed
	dry    bool   // prints as usual but changes nothing
}

// commands returns every command of kato. Each family has its own file.
func commands() []command {
	return slices.Concat(infoCommands(), statusCommands(), roleCommands(), patchCommands(), dataCommands(),
		configCommands(), upgradeCommands(), storageCommands(), supportCommands())
}

func runKato(root string, argv []string) int {
	k := &kato{root: root, node: filepath.Base(root), disk: disk{filepath.Dir(root)}, argv: argv}
	if err := record(k.disk, "calls.jsonl", k.node, argv); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 255
	}
	s, err := k.disk.read()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 255
	}
	k.s = s
	k.gen, _ = generationOf(s.Profile)
	k.gen = k.gen.at(k.bareVersion())
	k.faults = faults{all: s.Faults, node: k.node, line: strings.Join(argv, " ")}
	k.out = newOutput(os.Stdout, k.faults)
	status := k.dispatch()
	if forced, ok := k.faults.exit(); ok {
		return forced
	}
	if !k.gen.honest {
		return 0 // kato piped its output through tee until 3.4.1
	}
	return status
}

// dispatch finds the command and runs it, including the work that all commands
// share.
func (k *kato) dispatch() int {
	cmd, rest, ok := k.lookup()
	if !ok {
		fmt.Fprintf(os.Stderr, "kato: '%s' is not a kato command. See 'kato --help'.\n", strings.Join(k.argv, " "))
		return 1
	}
	p, ok := cmd.parse(rest)
	k.cmd, k.parsed = cmd, p
	if p.has("help") {
		k.out.raw(cmd.usage())
		return 0
	}
	if !ok {
		fmt.Fprint(os.Stderr, cmd.usage())
		return 1
	}
	if node := k.flags["node"]; node != "" && k.s.Nodes[node] == nil {
		return k.fail("Node '%s' not found in this cluster.", node)
	}
	if k.faults.is("silent") {
		forever()
	}
	if status, stop := k.prompts(); stop {
		return status
	}
	k.dry = k.faults.is("pretend")
	release, refused := k.enter()
	if refused != "" {
		return k.fail("%s", refused)
	}
	defer release()
	status := cmd.run(k)
	k.log(status)
	return status
}

// lookup returns the longest matching command of the profile.
func (k *kato) lookup() (command, []string, bool) {
	if len(k.argv) == 0 || slices.Contains([]string{"help", "-h", "--help"}, k.argv[0]) {
		return command{words: "help", run: (*kato).help}, nil, true
	}
	var best command
	var length int
	for _, c := range commands() {
		words := strings.Fields(c.words)
		fits := len(words) <= len(k.argv) && slices.Equal(words, k.argv[:len(words)])
		if fits && len(words) > length && (c.only == nil || slices.Contains(c.only, k.s.Profile)) {
			best, length = c, len(words)
		}
	}
	return best, k.argv[length:], length > 0
}

func (k *kato) help() int {
	k.out.raw("Usage:\n  kato <command> [options] [args]\n\nCommands:\n")
	for _, c := range commands() {
		if c.only == nil || slices.Contains(c.only, k.s.Profile) {
			k.out.raw("  " + c.words + "\n")
		}
	}
	return 0
}

// enter claims the cluster for a command that must run alone. The claim ends
// with the process, however it ends.
func (k *kato) enter() (release func(), refused string) {
	if k.cmd.job == "" || k.has("status") { // node upgrade --status only reads
		return func() {}, ""
	}
	if other := k.faults.value("busy"); other != "" {
		return nil, busy(k.cmd.job, other)
	}
	f, err := os.OpenFile(k.disk.path("job.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err.Error()
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		other, _ := os.ReadFile(f.Name())
		return nil, errors.Join(errors.New(busy(k.cmd.job, string(other))), f.Close()).Error()
	}
	if err := errors.Join(f.Truncate(0), writeAll(f, k.cmd.job)); err != nil {
		return nil, err.Error()
	}
	return func() { _ = f.Close() }, ""
}

func busy(job, other string) string {
	if job == other {
		article := "A"
		if strings.ContainsAny(job[:1], "aeiou") {
			article = "An"
		}
		return fmt.Sprintf("%s %s is already in progress.", article, job)
	}
	return fmt.Sprintf("Another kato job is in progress: %s.", other)
}

func writeAll(f *os.File, text string) error {
	_, err := f.WriteString(text)
	return err
}

// update changes the shared state and refreshes k.s.
func (k *kato) update(change func(*State)) {
	if k.dry {
		change(k.s)
		return
	}
	err := k.disk.update(func(s *State) {
		change(s)
		k.s = s
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(255)
	}
}

// fail prints an error as kato does and returns the exit status for it.
func (k *kato) fail(format string, args ...any) int {
	k.out.line(format, args...)
	return 1
}

// target returns the node that --node names, or else this one.
func (k *kato) target() string {
	if node := k.flags["node"]; node != "" {
		return node
	}
	return k.node
}

// log records an administrative command in kato.log and the history.
func (k *kato) log(status int) {
	if !k.cmd.admin || k.has("status") {
		return
	}
	word := "succeeded"
	if status != 0 {
		word = "failed"
	}
	line := "kato " + strings.Join(k.argv, " ")
	k.update(func(s *State) {
		s.History = append(s.History, Event{Time: time.Now().UTC(), Node: k.node, Command: line, Status: word})
		if len(s.History) > 500 {
			s.History = s.History[len(s.History)-500:]
		}
	})
	k.appendLog("kato.log", fmt.Sprintf("[info] (%d) INVOKE-ADMIN-ACTION {\"command\": %q,\"status\": %q}", os.Getpid(), line, word))
}

// appendLog adds a line to a log file of this node, in its stand-in for
// /s/logs.
func (k *kato) appendLog(name, line string) {
	f, err := os.OpenFile(filepath.Join(k.root, "home", "helion", "logs", name), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	if err := errors.Join(writeAll(f, line+"\n"), f.Close()); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
}

// forever waits until a signal ends the process.
func forever() {
	for {
		time.Sleep(time.Hour)
	}
}
