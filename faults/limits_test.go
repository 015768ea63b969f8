package faults

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// limits gives the bot 256 file descriptors, a fifth of a processor, and more
// work than it can do at once. A trial is a run.
func limits(t *testing.T, r *report) {
	wrapper := filepath.Join(tempDir(t), "alsbot")
	must(t, os.WriteFile(wrapper, []byte("#!/bin/sh\nulimit -n 256\nexec "+buildBot(t)+" \"$@\"\n"), 0o755))
	const side = 6
	h := newTestbed(t, options{clusters: side, binary: wrapper, oracle: oracle{Min: time.Second, Max: 3 * time.Second, Bytes: 4 << 20}})
	h.start()
	stop := make(chan struct{})
	var watch sync.WaitGroup
	var memory, files int
	watch.Go(func() { memory, files = h.squeeze(stop) })
	var ids []string
	for i := range r.n {
		for range 3 { // a person tries again
			id, err := h.tryAsk(i % side)
			if err == nil {
				ids = append(ids, id)
				break
			}
			h.t.Logf("asking: %v", err)
		}
		// A read beside it; its answer doesn't count here.
		_ = h.say(i%side, fmt.Sprintf("/als patch status @c%d", i%side))
	}
	if len(ids) < r.n {
		r.trial(fmt.Errorf("of %d commands %d were taken", r.n, len(ids)))
	}
	for _, id := range ids {
		r.trial(h.verify(id))
	}
	close(stop)
	watch.Wait()
	r.figure("at most %d MiB resident, %d files open", memory>>10, files)
	if memory > 512<<10 || files >= 256 {
		t.Errorf("%d KiB resident, %d files open", memory, files)
	}
}

// squeeze lets the bot run for 20 of every 100 ms. It returns the most memory
// (KiB) and the most open files that it saw.
func (h *testbed) squeeze(stop chan struct{}) (memory, files int) {
	pid := h.bot.Process.Pid
	defer func() { _ = syscall.Kill(pid, syscall.SIGCONT) }()
	for i := 0; ; i++ {
		select {
		case <-stop:
			return memory, files
		default:
		}
		err := syscall.Kill(pid, syscall.SIGSTOP)
		time.Sleep(80 * time.Millisecond)
		if err := errors.Join(err, syscall.Kill(pid, syscall.SIGCONT)); err != nil {
			return memory, files
		}
		time.Sleep(20 * time.Millisecond)
		if i%10 == 0 {
			open, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
			files, memory = max(files, len(open)), max(memory, resident(pid))
		}
	}
}

// resident returns the most memory that a process has ever had, in KiB.
func resident(pid int) int {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	_, rest, _ := strings.Cut(string(b), "VmHWM:")
	n, _ := strconv.Atoi(strings.Fields(rest + " 0")[0])
	return n
}
