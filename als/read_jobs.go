package als

import (
	"errors"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Job is a running kato command that changes the cluster.
type Job struct {
	PID     int
	Command string // its first words, one of jobWords
}

// jobWords are the kato commands that interfere with each other.
var jobWords = []string{"data export", "data import", "node upgrade", "node retire", "patch install", "patch reinstall", "patch revert",
	"patch update", "patch reset", "relocate", "role add", "role remove", "start", "stop", "restart"}

var errNoProcesses = errors.New("no process can be made out")

// ReadJobs finds kato's jobs in the output of `ps -o pid= -o args=`. kato is a
// Ruby program: it is listed by itself or behind its interpreter. A list
// without processes is an error, and so is one with other lines in it.
func ReadJobs(out []byte) ([]Job, error) {
	var jobs []Job
	seen := false
	g := &gaps{}
	lines := clean(out)
	for _, line := range lines {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		pid, err := strconv.Atoi(words[0])
		if err != nil || pid <= 0 || len(words) < 2 {
			if !isNoise(line) {
				g.line(line)
			}
			continue
		}
		seen = true
		command := jobOf(words[1:])
		if command != "" && !slices.ContainsFunc(jobs, func(j Job) bool { return j.Command == command }) {
			jobs = append(jobs, Job{pid, command})
		}
	}
	if !seen {
		return nil, errNoProcesses
	}
	g.textEnd(lines)
	return jobs, g.err("the list of processes")
}

// jobOf returns the job that a command line runs, or "".
func jobOf(argv []string) string {
	switch name := path.Base(argv[0]); {
	case name == "sh", name == "bash", name == "dash", strings.HasPrefix(name, "ruby"):
		argv = argv[1:]
		for len(argv) > 0 && strings.HasPrefix(argv[0], "-") {
			argv = argv[1:]
		}
	}
	if len(argv) == 0 || path.Base(argv[0]) != "kato" || slices.Contains(argv, "--status") {
		return ""
	}
	line := strings.Join(argv[1:], " ") + " "
	for _, job := range jobWords {
		if strings.HasPrefix(line, job+" ") {
			return job
		}
	}
	return ""
}
