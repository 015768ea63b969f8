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

	"alsbot/runs"
)

// wrapper harms the process in charge of a run on its node: its process ID goes
// to another process, it is a zombie, it is killed. A trial is a run.
func wrapper(t *testing.T, r *report) {
	h := newTestbed(t, options{clusters: 3})
	h.start()
	stranger := exec.Command("sleep", "1000")
	must(t, stranger.Start())
	defer func() { _, _ = stranger.Process.Kill(), stranger.Wait() }()
	zombie := exec.Command("true")
	must(t, zombie.Start()) // no one waits for it until the end
	defer func() { _ = zombie.Wait() }()
	for range r.n {
		h.takes(15*time.Second, time.Second) // the harm comes before the end
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
		// A live process has the ID, and nothing of the run is left.
		reused := claims[0]
		reused.pid = strconv.Itoa(stranger.Process.Pid)
		must(t, reused.write(dirs[0]))
		must(t, claims[0].kill())
		must(t, killCommands(dirs[0]))
		// A zombie has the ID and the start time.
		dead := claims[1]
		dead.pid, dead.start = strconv.Itoa(zombie.Process.Pid), startOf(zombie.Process.Pid)
		must(t, dead.write(dirs[1]))
		must(t, claims[1].kill())
		must(t, killCommands(dirs[1]))
		// The runner is killed while the command goes on.
		must(t, claims[2].kill())
		r.trial(h.verifyLost(runs[0].ID, 0, "not known"))
		r.trial(h.verifyLost(runs[1].ID, 1, "not known"))
		r.trial(h.verifyOrphan(runs[2].ID, 2))
	}
}

// verifyOrphan returns an error unless people were told that the command goes
// on without the process that records its end, and every byte of its output was
// read.
func (h *testbed) verifyOrphan(id string, cluster int) error {
	r, err := h.until(id, "an orphan", func(r runs.Run) bool { return strings.Contains(r.Remark, "still runs") || r.State.Final() })
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

// startOf returns when a process started, as /proc has it.
func startOf(pid int) string {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	text := string(b)
	fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	return fields[19]
}
