package executor

import (
	"crypto/rand"
	_ "embed"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
)

// These scripts are the node's side. They are not installed there: each call
// sends them.
var (
	//go:embed node/node.sh
	nodeScript string
	//go:embed node/runner.sh
	runnerScript string
	//go:embed node/child.sh
	childScript string
)

// maxLine is the longest command line that alsbot sends. Linux accepts 128 KiB
// in one argument, and a login shell's -c gets the line as one.
const maxLine = 100 << 10

// script returns text without its comments, which the node doesn't need.
func script(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if t := strings.TrimSpace(line); t != "" && t[0] != '#' {
			b.WriteString(strings.TrimLeft(line, "\t"))
		}
	}
	return b.String()
}

// scripts has the texts that the calls of one executor send.
type scripts struct {
	node          string
	runner, child string
}

func newScripts() scripts {
	return scripts{
		node:   script(nodeScript),
		runner: script(runnerScript),
		child:  script(childScript),
	}
}

// line returns the command line of one call.
func (s scripts) line(verb string, t Target, owner, nonce, id string, args ...string) string {
	// verb and nonce are letters and digits, of ours
	return anyShell("set -- " + verb + " " + Quote([]string{t.RunsDir, owner}) + " " + nonce + " " + Quote(append([]string{id}, args...)) + "\n" + s.node)
}

// nonce returns a mark for one call. A command that prints something like a
// reply can't know it.
func nonce() string { return rand.Text() }

var idPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,63}$`)

func validID(id string) bool { return idPattern.MatchString(id) }

// states maps the node's words to states.
var states = map[string]State{
	"none":     "none",
	"prepared": Prepared,
	"revoked":  Revoked,
	"running":  Running,
	"orphan":   Orphan,
	"finished": Finished,
	"notbegun": NotBegun,
	"lost":     Lost,
	"rebooted": Lost,
	"corrupt":  Lost,
}

// stateReason says what is known of a command without an exit status.
func stateReason(state string) string {
	switch state {
	case "none":
		return "the node knows nothing of it: its runs_dir was emptied, or another machine answers at this address"
	case "prepared":
		return "the node has no record that it began: its runs_dir was changed"
	case "rebooted":
		return "the node rebooted while it ran, so its exit status is gone"
	case "lost":
		return "its wrapper was killed, so its exit status is gone, and no process of it is left"
	case "corrupt":
		return "its record on the node is damaged"
	case "notbegun":
		return "its wrapper ended before it began the command"
	}
	return ""
}

// refusalError turns the node's refusal into an error for people.
func refusalError(t Target, doing string, r *refusal) *Error {
	e := &Error{Kind: Node, Node: t.Name, Doing: doing, Cause: r.text, Err: r}
	switch r.code {
	case "unsafe":
		e.Kind = Unsafe
		e.Cause = fmt.Sprintf("runs_dir %s is not safe: %s", t.RunsDir, r.text)
		e.Next = "nothing was done; it must be a directory of the login user with mode 0700, that nobody else can replace"
	case "space":
		e.Kind = Space
		e.Cause = "no room on the node's disk under runs_dir: " + r.text
		e.Next = "the command was not started; make room on that file system and ask again"
	case "foreign":
		e.Kind = Foreign
		e.Cause = fmt.Sprintf("runs_dir %s belongs to another alsbot installation: %s", t.RunsDir, r.text)
		e.Next = "give this one another runs_dir, or remove that .owner file if the other one is gone"
	case "conflict":
		e.Kind = Conflict
		e.Next = "nothing was started; ask again under a new ID"
	case "write":
		e.Cause = "cannot write under runs_dir: " + r.text
		e.Next = "check its owner, rights and file system"
	case "busy":
		e.Next = "wait for its end, or cancel it"
	}
	return e
}

// runsDir reports whether path is clean, absolute or relative, without control
// characters and `..`, and names a directory of its own.
func runsDir(path string) bool {
	for _, r := range path {
		if r < ' ' || r == 0x7f {
			return false
		}
	}
	return path != "" && path != "/" && path != "." && path == filepath.Clean(path) &&
		path != ".." && !strings.HasPrefix(path, "../")
}
