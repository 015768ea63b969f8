package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// checkNoProcessLeft fails if a process outlives its script: a bot, or a
// simulated kato, which is this binary too.
func checkNoProcessLeft(t *testing.T) {
	t.Helper()
	bot, err := exec.LookPath("alsbot")
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	left := func() map[int]string {
		all := processesOf(bot, self)
		delete(all, os.Getpid())
		return all
	}
	// A killed process may need a moment to go.
	for until := time.Now().Add(10 * time.Second); len(left()) > 0 && time.Now().Before(until); {
		time.Sleep(20 * time.Millisecond)
	}
	for pid, args := range left() {
		t.Errorf("process %d is left when the scripts are over: %s", pid, args)
	}
}

// processesOf returns the process IDs and command lines of what runs these
// files.
func processesOf(files ...string) map[int]string {
	found := map[int]string{}
	exes, _ := filepath.Glob("/proc/[0-9]*/exe") // the pattern is well formed
	for _, exe := range exes {
		file, err := os.Readlink(exe)
		if err != nil || !slices.Contains(files, file) {
			continue // it has ended, or belongs to another user
		}
		args, err := os.ReadFile(filepath.Join(filepath.Dir(exe), "cmdline"))
		if err != nil {
			continue // it has just ended
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(exe)))
		if err == nil {
			found[pid] = fmt.Sprintf("%q", strings.Split(strings.TrimRight(string(args), "\x00"), "\x00"))
		}
	}
	return found
}
