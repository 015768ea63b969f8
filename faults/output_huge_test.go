package faults

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"alsbot/runs"
)

// huge makes a command print a gigabyte (50 MB in the short profile): in one
// line, and in very many. A trial is a run.
func huge(t *testing.T, r *report) {
	size := int64(50 << 20)
	if r.n > 1 {
		size = 1 << 30
	}
	h := newTestbed(t, options{})
	file := filepath.Join(h.dir, "printed")
	kato := filepath.Join(h.nodes.Home(h.nodes.Core), "bin", "kato")
	script := fmt.Sprintf("#!/bin/sh\n"+noHistory+"[ \"$*\" = 'patch update' ] && exec cat %s\nexec %s \"$@\"\n", file, kato+".sim")
	must(t, os.WriteFile(kato, []byte(script), 0o755))
	must(t, os.WriteFile(file, []byte("a little\n"), 0o600))
	h.start()
	_, err := h.end(h.ask(0)) // the bot then has everything in memory that it needs
	must(t, err)
	pid := h.bot.Process.Pid
	before := resident(pid)
	var slowest float64
	for i, line := range []string{"x", "ten bytes\n"} {
		must(t, write(file, line, size))
		rate, err := h.printed(file)
		if i == 0 || rate < slowest {
			slowest = rate
		}
		r.trial(err)
	}
	grown := (resident(pid) - before) >> 10
	r.figure("%d MiB each, %.0f MB/s at least, %d MiB more resident", size>>20, slowest/1e6, grown)
	if grown > 64 {
		t.Errorf("%d MiB more resident", grown)
	}
	least := 20e6
	if !measures() {
		least /= unhurried
	}
	if slowest < least {
		t.Errorf("%.1f MB/s", slowest/1e6)
	}
}

// write fills a file with size bytes of the same line.
func write(path, line string, size int64) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	block := bytes.Repeat([]byte(line), 1<<20/len(line))
	for n := int64(0); n < size && err == nil; n += int64(len(block)) {
		_, err = f.Write(block)
	}
	return errors.Join(err, f.Close())
}

// printed requests the run that prints the file. It returns the bytes per
// second, and an error if the store has something else or Slack was shown
// progress more than once a second.
func (h *testbed) printed(file string) (rate float64, err error) {
	updates := h.slack.Calls(methodUpdate)
	began := time.Now()
	id, err := h.tryAsk(0)
	if err != nil {
		return 0, err
	}
	r, err := h.end(id)
	if err != nil {
		return 0, err
	}
	if len(r.Steps) != 1 || !well(r.State) && r.State != runs.Failed {
		return 0, fmt.Errorf("run %s is %s: %s", id, r.State, r.Trouble)
	}
	step := r.Steps[0]
	took := step.Ended.Sub(step.Started)
	want, errWant := sum(file)
	got, errGot := sum(filepath.Join(h.store()+".output", step.Blob))
	if err = errors.Join(errWant, errGot); err == nil && want != got {
		err = fmt.Errorf("run %s: what is kept is not what was printed (%d bytes)", id, step.Size)
	}
	updates = h.slack.Calls(methodUpdate) - updates
	// one in every second that has begun, and three later states
	if limit := int(math.Ceil(time.Since(began).Seconds())) + 3; updates > limit {
		err = errors.Join(err, fmt.Errorf("run %s was shown %d times in %v", id, updates, took))
	}
	return float64(step.Size) / took.Seconds(), errors.Join(err, h.checkShownOnce(r))
}

// sum returns the SHA-256 of a file.
func sum(path string) (s [sha256.Size]byte, err error) {
	f, err := os.Open(path)
	if err != nil {
		return s, err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return s, err
	}
	return [sha256.Size]byte(h.Sum(nil)), nil
}
