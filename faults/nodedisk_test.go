package faults

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"alsbot/runs"
)

// nodeDisk fills the node's disk before a start, during the output, and to the
// last inode. The disk is a small one in the mount namespace of a real sshd. A
// trial is a run.
func nodeDisk(t *testing.T, r *report) {
	h := newTestbed(t, options{
		core:   realSSHD,
		oracle: oracle{Min: 2 * time.Second, Max: 3 * time.Second, Bytes: 48 << 10},
		change: func(yaml string) string {
			// the server is there by now
			return strings.Replace(yaml, "    channel: ", "    runs_dir: DISK/runs\n    channel: ", 1)
		},
	})
	h.smallDisk()
	h.start()
	disk := h.sshd.inside(filepath.Join(h.sshd.dir, "small"))
	for range r.n {
		r.trial(h.refusedWhile(func() error { return fill(disk) }, disk))
		r.trial(h.refusedWhile(func() error { return fillInodes(disk) }, disk))
		r.trial(h.fullDuring(disk))
	}
}

// smallDisk puts the name of the server's small disk into the config.
func (h *testbed) smallDisk() {
	h.t.Helper()
	b, err := os.ReadFile(h.config)
	must(h.t, err)
	b = []byte(strings.Replace(string(b), "DISK", filepath.Join(h.sshd.dir, "small"), 1))
	must(h.t, os.WriteFile(h.config, b, 0o600))
}

// refusedWhile requests a run while the disk is full: the run must not start,
// and people must hear which file system is full. With room again, the same
// request works.
func (h *testbed) refusedWhile(fill func() error, disk string) error {
	if err := fill(); err != nil {
		return err
	}
	id, err := h.tryAsk(0)
	if err != nil {
		return err
	}
	r, err := h.end(id)
	if err := errors.Join(err, empty(disk)); err != nil {
		return err
	}
	if r.State != runs.Failed || !strings.Contains(r.Why(), "no room on the node's disk") || !strings.Contains(r.Why(), "small") {
		return fmt.Errorf("run %s on a full disk is %s: %s", id, r.State, r.Why())
	}
	if err := errors.Join(h.oracle.checkRan(id+"-1", 0), h.checkShownOnce(r)); err != nil {
		return err
	}
	again, err := h.tryAsk(0)
	if err != nil {
		return err
	}
	return h.verify(again)
}

// fullDuring fills the disk while a run prints: the output after that is lost,
// the status is not.
func (h *testbed) fullDuring(disk string) error {
	run := h.begun(1)[0]
	if err := fill(disk); err != nil {
		return err
	}
	r, err := h.end(run.ID)
	if err := errors.Join(err, empty(disk)); err != nil {
		return err
	}
	step := r.Steps[0]
	if want := h.oracle.fate(step.ID).status; step.Exit == nil || *step.Exit != want {
		return fmt.Errorf("run %s on a disk that became full: exit status %s, not %d: %s %s", run.ID, shown(step.Exit), want, r.State, r.Trouble)
	}
	return errors.Join(h.oracle.checkRan(step.ID, 1), h.checkShownOnce(r), h.checkAudit())
}

// fill writes until there is no room.
func fill(disk string) error {
	f, err := os.Create(filepath.Join(disk, "ballast"))
	if err != nil {
		return err
	}
	defer f.Close()
	for size := 64 << 10; size > 0; size /= 2 {
		for err == nil {
			_, err = f.Write(make([]byte, size))
		}
		err = nil
	}
	return nil
}

func fillInodes(disk string) error {
	for i := range 10000 {
		f, err := os.Create(filepath.Join(disk, fmt.Sprintf("inode-%d", i)))
		if err != nil {
			return nil // the disk is full
		}
		_ = f.Close()
	}
	return errors.New("the disk has inodes without end")
}

// empty deletes what fill and fillInodes have made.
func empty(disk string) error {
	made, err := filepath.Glob(filepath.Join(disk, "inode-*"))
	for _, path := range append(made, filepath.Join(disk, "ballast")) {
		if e := os.Remove(path); e != nil && !os.IsNotExist(e) {
			err = errors.Join(err, e)
		}
	}
	return err
}
