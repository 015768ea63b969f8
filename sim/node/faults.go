package node

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// faultNames returns the name of every fault. Cluster.Fault(name, value)
// switches a fault on, and the value "" switches it off. A name may end in
// @IP: then only that node, or only kato on that node, has the fault. A value
// marked [:COMMAND] may be limited to the kato commands that begin with these
// words, as in "1:patch install".
//
//	name       value                what happens
//	down       yes                  (needs @IP) the node refuses connections and breaks open ones; other nodes' kato reports it
//	hang       accept|banner|auth|session  the SSH server stops answering at that point
//	missing    yes                  bin/kato is gone: not found, status 127
//	slow       DURATION             kato waits before every line
//	silent     [yes:COMMAND]        kato never prints or ends
//	prompt     sudo|tty|password|confirm|yesno|forever [:COMMAND]  see prompts
//	pretend    [yes:COMMAND]        the usual output, status 0, no effect
//	exit       STATUS[:COMMAND]     that exit status, whatever happened
//	crash      [yes:COMMAND]        kato prints a Ruby trace in the middle and ends
//	busy       JOB                  as if that job were running: export, import, upgrade, patch; ps shows it on the core, or on @IP
//	core-only  yes                  patches install on the core only and fail elsewhere
//	forget     PATCH|all            kato loses the record of an installed patch
//	unknown-ok yes                  kato accepts an unknown patch name silently
//	manifest   yes                  the patch server is unreachable
//	fatal      ROLE[,ROLE…]         roles become FATAL when they are started
//	starting   ROLE[=DURATION][,…]  roles stay STARTING, forever without a duration
//	export     truncated|nofile|tiny|half|full|corrupt  how the archive is damaged
//	import     half|PART[,PART…]    the import stops in the middle; these parts of it fail
//	redeploy   APP[,APP…]           apps that an import can't redeploy
//	upgrade    IP                   the upgrade halts at that node
//	vanish     IP                   it breaks off there, and kato is gone from where it was started
//	relocate   yes                  Device or resource busy
//	noise      sizes,motd,ansi,cr   any of them, around every output
//	hostile    mentions|links|fence|escapes|binary|line=N|bytes=N [:COMMAND]  text in the output
//	variant    comma|table|lost|zero  other shapes of node list, status, version and patch status
//
// pretend, exit and prompt forever also apply to the nodes' other commands if
// they name one, as in "yes:quotaon -v".
//
// To add a fault, read it with faults.is or faults.value at the place of its
// effect, and add a line here and in faultNames.
func faultNames() []string {
	return []string{"down", "hang", "missing", "slow", "silent", "prompt", "pretend", "exit", "crash", "busy", "core-only",
		"forget", "unknown-ok", "manifest", "fatal", "starting", "export", "import", "redeploy", "upgrade", "vanish", "relocate",
		"noise", "hostile", "variant"}
}

// named returns the value of a fault that is limited to this exact command.
func (f faults) named(name string) string {
	if v := f.all[name] + f.all[name+"@"+f.node]; !strings.Contains(v, ":") {
		return ""
	}
	return f.value(name)
}

// faults tells which faults apply to one run of kato.
type faults struct {
	all  map[string]string
	node string
	line string // the command line after kato
}

// value returns the fault's value without its command, or "" if the fault
// doesn't apply.
func (f faults) value(name string) string { return f.valueOn(name, f.node) }

// valueOn is like value, for what kato does on another node.
func (f faults) valueOn(name, node string) string {
	v, ok := f.all[name+"@"+node]
	if !ok {
		v = f.all[name]
	}
	v, command, limited := strings.Cut(v, ":")
	if limited && f.line != command && !strings.HasPrefix(f.line, command+" ") {
		return ""
	}
	return v
}

func (f faults) is(name string) bool { return f.value(name) != "" }

// down reports whether other nodes can't reach a node.
func (f faults) down(node string) bool { return f.all["down@"+node] != "" }

func (f faults) exit() (int, bool) {
	n, err := strconv.Atoi(f.value("exit"))
	return n, err == nil
}

func (f faults) duration(name string) time.Duration {
	d, err := time.ParseDuration(f.value(name))
	if err != nil {
		return 0
	}
	return d
}

// lists reports whether a fault whose value is a list contains the item. It
// also returns the text after the item's =.
func (f faults) lists(name, node, item string) (string, bool) {
	for entry := range strings.SplitSeq(f.valueOn(name, node), ",") {
		if key, value, _ := strings.Cut(entry, "="); key == item && key != "" {
			return value, true
		}
	}
	return "", false
}

// noise selects what is printed around kato's lines.
type noise struct{ sizes, motd, ansi, cr bool }

func (f faults) noise() noise {
	var n noise
	for word := range strings.SplitSeq(f.value("noise"), ",") {
		switch word {
		case "sizes":
			n.sizes = true
		case "motd":
			n.motd = true
		case "ansi":
			n.ansi = true
		case "cr":
			n.cr = true
		}
	}
	return n
}

func (n noise) paint(word string) string {
	if !n.ansi {
		return word
	}
	return "\x1b[1;32m" + word + "\x1b[0m"
}

// hostile returns text with which a node could harm its readers in a chat.
func (f faults) hostile() string {
	kind, count, _ := strings.Cut(f.value("hostile"), "=")
	n, err := strconv.Atoi(count)
	if err != nil {
		n = 0
	}
	switch kind {
	case "mentions":
		return "<!channel> <!here> <@U0ADMIN> @everyone <!subteam^S0OPS> &lt;!channel&gt;\n"
	case "links":
		return "<https://evil.example.com|approve here> [click](https://evil.example.com) javascript:alert(1)\n"
	case "fence":
		return "``` \n*bold* _it_ ~no~ `code`\n```\n> quoted\n"
	case "escapes":
		return "\x1b[2J\x1b[H\x1b]0;title\x07\x1b]8;;https://evil.example.com\x07text\x1b]8;;\x07\u202egnp.exe\u200b\n"
	case "binary":
		return "\x00\x01\xff\xfe\xc3\x28\xed\xa0\x80 not UTF-8\n"
	case "line":
		return strings.Repeat("x", n) + "\n"
	case "bytes":
		const row = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.\n"
		return strings.Repeat(row, n/len(row)) + row[len(row)-n%len(row):]
	}
	return ""
}

// checkFault returns an error for an invalid fault name.
func checkFault(name string) error {
	base, _, _ := strings.Cut(name, "@")
	for _, known := range faultNames() {
		if base == known {
			return nil
		}
	}
	return fmt.Errorf("no fault is called %q; there are %s", base, strings.Join(faultNames(), ", "))
}
