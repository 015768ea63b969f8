package faults

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// slowDisk makes every sync of the bot take a fifth of a second, so a commit
// takes two fifths, and kills the bot meanwhile. A trial is a run.
func slowDisk(t *testing.T, r *report) {
	wrapper := filepath.Join(tempDir(t), "alsbot")
	// -D: the process that is started and killed is the bot, not its tracer.
	must(t, os.WriteFile(wrapper, []byte("#!/bin/sh\nexec strace -D -qq -f --seccomp-bpf -o /dev/null -e trace=fsync,fdatasync"+
		" -e inject=fsync,fdatasync:delay_enter=200000 "+buildBot(t)+" \"$@\"\n"), 0o755))
	const side = 6
	h := newTestbed(t, options{clusters: side, binary: wrapper, oracle: oracle{Min: time.Second, Max: 3 * time.Second, Bytes: 1 << 20}})
	h.start()
	var ids []string
	var slowest time.Duration
	for i := range r.n {
		began := time.Now()
		id, err := h.tryAsk(i % side)
		slowest = max(slowest, time.Since(began))
		if err != nil {
			r.trial(fmt.Errorf("a slow disk: %w", err))
			continue
		}
		ids = append(ids, id)
		if i == r.n/2 {
			h.kill()
			h.start()
		}
	}
	for _, id := range ids {
		_, err := h.checkRun(id)
		r.trial(err)
	}
	if log := h.lastLog(1 << 20); strings.Count(log, "the disk of the store is slow") != 2 {
		t.Errorf("each of the two bots says once that its disk is slow:\n%s", log)
	}
	r.atMost("answered at most after", slowest, 3*time.Second)
}
