package executor_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// processes lists the live processes whose command line has mark.
func processes(t testing.TB, mark string) string {
	t.Helper()
	var found []string
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	must(t, err)
	for _, f := range files {
		p, err := os.ReadFile(f)
		if err == nil && bytes.Contains(p, []byte(mark)) && !strings.Contains(f, "/"+strconv.Itoa(os.Getpid())+"/") {
			found = append(found, filepath.Base(filepath.Dir(f)))
		}
	}
	return strings.Join(found, " ")
}

func killPID(t testing.TB, pid string) {
	t.Helper()
	n, err := strconv.Atoi(pid)
	must(t, err)
	must(t, syscall.Kill(n, syscall.SIGKILL))
}

// claim returns the fields of a run's claim: run PID START SID BOOT end.
func claim(t testing.TB, dir string) []string {
	t.Helper()
	return strings.Fields(read(t, filepath.Join(dir, "claim")))
}

// awaitRunners waits, before a test's directory is deleted, until the runners of
// commands that have ended are gone: for a moment they still write to it.
func awaitRunners(t testing.TB, runs string) {
	t.Cleanup(func() {
		exits, err := filepath.Glob(filepath.Join(runs, "*", "exit"))
		must(t, err)
		for _, exit := range exits {
			status, _ := os.ReadFile(exit)
			line, _ := os.ReadFile(filepath.Join(filepath.Dir(exit), "claim"))
			runner := strings.Fields(string(line))
			if !bytes.HasPrefix(status, []byte("exit ")) || len(runner) < 3 {
				continue
			}
			for until := time.Now().Add(10 * time.Second); lives(runner[1], runner[2]) && time.Now().Before(until); {
				time.Sleep(5 * time.Millisecond)
			}
		}
	})
}

// lives reports whether a process with this ID and this start time lives.
func lives(pid, start string) bool {
	stat, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return false
	}
	_, rest, _ := bytes.Cut(stat, []byte(") "))
	fields := strings.Fields(string(rest))
	return len(fields) > 19 && fields[19] == start && fields[0] != "Z"
}
