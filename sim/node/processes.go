package node

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// jobCommands are the command lines of another user's jobs, for the fault
// busy.
var jobCommands = map[string]string{"export": "data export --cluster /mnt/nas/by-hand.tgz", "import": "data import --cluster /mnt/nas/by-hand.tgz",
	"upgrade": "node upgrade --cluster", "patch": "patch install"}

// ps lists processes as `ps -e -o pid= -o args=` does: those of every system,
// each kato on this node, and the job of the fault busy. That job is on the
// core unless the fault names another node. ps reveals nothing about the host.
func (t *tool) ps() int {
	fmt.Println("    1 /sbin/init\n  812 /usr/sbin/sshd -D")
	line := "%5d ruby /home/" + t.s.User + "/bin/kato %s\n"
	if job := t.all["busy@"+t.node]; job != "" || t.node == t.s.Core && t.all["busy"] != "" {
		if job == "" {
			job = t.all["busy"]
		}
		fmt.Printf(line, 4712, jobCommands[job])
	}
	list, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, file := range list {
		env, err := os.ReadFile(file)
		words := strings.Split(string(env), "\x00")
		if err != nil || !slices.Contains(words, toolEnv+"=kato") || !slices.Contains(words, rootEnv+"="+t.root) {
			continue // ended, or on another node
		}
		argv, err := os.ReadFile(filepath.Join(filepath.Dir(file), "cmdline"))
		pid, bad := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		_, args, ok := strings.Cut(strings.TrimSuffix(string(argv), "\x00"), "\x00")
		if err == nil && bad == nil && ok {
			fmt.Printf(line, pid, strings.ReplaceAll(args, "\x00", " "))
		}
	}
	return 0
}
