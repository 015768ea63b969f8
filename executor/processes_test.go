package executor_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
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
