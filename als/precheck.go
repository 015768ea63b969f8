package als

import (
	_ "embed" // the scripts that run on a node
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Preconditions that several procedures share, each written once: the look,
// why it matters, and how to mend it.

//go:embed check_room.sh
var checkRoom string

//go:embed check_ssh.sh
var checkSSH string

const (
	lookSSHName  = "see that every node is reached by SSH"
	lookSudoName = "see that sudo asks nothing"
	lookRoomName = "measure free disk and memory"
)

// lookSudo sees whether sudo works on a node without a password.
func lookSudo(node string) Step {
	return Step{Name: lookSudoName, Node: node, Argv: []string{"sudo", "-n", "true"}, Repeatable: true, Tolerate: true}
}

func sudoFinding(rs Results, node string) (Finding, bool) {
	r, ok := rs.Find(lookSudoName, node)
	if ok && r.OK() {
		return Finding{}, false
	}
	if r.Trouble != "" {
		return trouble(r)
	}
	return Finding{Stop, "sudo on " + nodeWords(node) + " asks for a password, and nobody would answer",
		"Put a file into /etc/sudoers.d, owned by root with mode 0440, that says: helion ALL = (root) NOPASSWD: ALL (or whatever the system user is called). Take it away afterwards."}, true
}

// lookSSH sees whether a node, as steps name it, reaches the other nodes
// without a password: kato goes to them by SSH.
func (c Cluster) lookSSH(from string) Step {
	var others []string
	for _, ip := range c.ips() {
		if c.at(ip) != from && isIP(ip) {
			others = append(others, ip)
		}
	}
	return Step{Name: lookSSHName, Node: from, Argv: script(checkSSH, "alsbot-ssh", others...), Repeatable: true, Tolerate: true,
		Limit: time.Minute + time.Duration(len(others))*12*time.Second}
}

// sshFinding is of level Stop where a node is not reached.
func sshFinding(rs Results, from string) (Finding, bool) {
	r, ok := rs.Find(lookSSHName, from)
	who := nodeWords(from)
	seen := keyValues(r.Output)
	bad, said := seen["bad"]
	switch {
	case !ok || !r.OK() || !said:
		return Finding{Warn, "it cannot be seen whether " + who + " reaches the other nodes by SSH", "Try `ssh NODE true` on " + who + " by hand."}, true
	case strings.TrimSpace(bad) != "":
		return Finding{Stop, who + " does not reach " + list(strings.Fields(printable(bad, 1000))) + " by SSH without a password", "Copy its key there: `ssh-copy-id NODE` as the system user, on " + who + "."}, true
	}
	return Finding{}, false
}

// lookRoom measures a node's free disk and memory.
func lookRoom(node string) Step {
	return Step{Name: lookRoomName, Node: node, Argv: script(checkRoom, "alsbot-room"), Repeatable: true, Tolerate: true}
}

// backupFinding says, of something that only a backup undoes, how old the last
// verified one is.
func backupFinding(c Cluster, why string) Finding {
	last, mend := c.History.Backup, "Take one first: "+c.typed("export", "cluster")+"."
	switch {
	case last == nil:
		return Finding{Warn, why + ", and no verified one of the whole cluster is known", mend}
	case c.MaxAge > 0 && c.Asked.Sub(last.At) > c.MaxAge:
		return Finding{Warn, fmt.Sprintf("%s, and the last verified one is %s old, more than the %s that are allowed (run %s)", why, age(c.Asked, last.At), duration(c.MaxAge), last.Run), mend}
	}
	return Finding{Warn, fmt.Sprintf("%s: the last verified one is %s old (run %s)", why, age(c.Asked, last.At), last.Run), "Read it again if in doubt: " + c.typed("backups", "verify", last.Run) + "."}
}

// roomFindings holds a node's free disk and memory against what is needed, in
// bytes.
func roomFindings(rs Results, node string, disk, memory int64) []Finding {
	r, ok := rs.Find(lookRoomName, node)
	if !ok || r.Trouble != "" {
		return []Finding{{Stop, nodeWords(node) + " could not be asked for its free disk: " + orNoneText(printable(r.Trouble, 160)), "Look whether the node is up."}}
	}
	var out []Finding
	seen := keyValues(r.Output)
	free, err := strconv.ParseInt(seen["free"], 10, 64)
	switch {
	case err != nil:
		out = append(out, Finding{Warn, "the free disk of " + nodeWords(node) + " could not be read", "Look with `df` on the node."})
	case free < disk:
		out = append(out, Finding{Stop, fmt.Sprintf("%s has %s of free disk, and %s is needed", nodeWords(node), size(free), size(disk)), "Make room on that node."})
	}
	mem, err := strconv.ParseInt(seen["memory"], 10, 64)
	switch {
	case err != nil:
		out = append(out, Finding{Warn, "the free memory of " + nodeWords(node) + " could not be read", ""})
	case mem < memory:
		out = append(out, Finding{Warn, fmt.Sprintf("%s has %s of free memory, and %s is needed", nodeWords(node), size(mem), size(memory)), "Stop roles there that are not needed for the time being."})
	}
	return out
}
