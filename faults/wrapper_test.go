package faults

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"alsbot/jobs"
)

// wrapper hurts what looks after a run on its node: its process number is
// given to another process, it is a zombie, it is killed. A trial is a run.
func wrapper(t *testing.T, r *report) {
	h := newHouse(t, options{clusters: 3})
	h.start()
	stranger := exec.Command("sleep", "1000")
	must(t, stranger.Start())
	defer func() { _, _ = stranger.Process.Kill(), stranger.Wait() }()
	zombie := exec.Command("true")
	must(t, zombie.Start()) // nobody waits for it until the end
	defer func() { _ = zombie.Wait() }()
	for range r.n {
		h.takes(15*time.Second, time.Second) // what is hurt is hurt before its end
		runs := h.begun(3)
		h.takes(time.Second, time.Second)
		var dirs []string
		var claims []claim
		for _, run := range runs {
			dir := h.runDir(run.Steps[0].ID)
			c, err := readClaim(dir)
			must(t, err)
			dirs, claims = append(dirs, dir), append(claims, c)
		}
		// a live process with the number, and nothing left of the run
		reused := claims[0]
		reused.pid = strconv.Itoa(stranger.Process.Pid)
		must(t, reused.write(dirs[0]))
		must(t, claims[0].kill())
		must(t, killCommands(dirs[0]))
		// a zombie with the number and the start time
		dead := claims[1]
		dead.pid, dead.start = strconv.Itoa(zombie.Process.Pid), startOf(zombie.Process.Pid)
		must(t, dead.write(dirs[1]))
		must(t, claims[1].kill())
		must(t, killCommands(dirs[1]))
		// killed, while the command goes on
		must(t, claims[2].kill())
		r.trial(h.verifyLost(runs[0].ID, 0, "not known"))
		r.trial(h.verifyLost(runs[1].ID, 1, "not known"))
		r.trial(h.verifyOrphan(runs[2].ID, 2))
	}
}

// verifyOrphan is nil if people were told that the command goes on without
// what would have recorded its end, and its output was read to the last byte.
func (h *house) verifyOrphan(id string, cluster int) error {
	r, err := h.until(id, "an orphan", func(r jobs.Run) bool { return strings.Contains(r.Remark, "still runs") || r.State.Final() })
	if err != nil {
		return err
	}
	if r.State.Final() && r.Remark == "" {
		return fmt.Errorf("nobody was told that run %s is an orphan; it is %s", id, r.State)
	}
	if err := h.verifyLost(id, cluster, "not known"); err != nil {
		return err
	}
	out, err := h.get("/runs/" + id + "/output")
	if want := h.oracle.fate(r.Steps[0].ID).output; err == nil && !bytes.Equal(out, want) {
		err = fmt.Errorf("of the orphan's output there are %d bytes of %d", len(out), len(want))
	}
	return err
}

func killCommands(dir string) error {
	var errs []error
	for _, pid := range commands(dir) {
		p, err := os.FindProcess(pid)
		if err == nil {
			err = p.Kill()
		}
		if !errors.Is(err, os.ErrProcessDone) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// startOf is when a process began, as /proc has it.
func startOf(pid int) string {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	text := string(b)
	fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	return fields[19]
}
