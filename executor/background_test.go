package executor_test

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"alsbot/executor"
)

// A login profile starts something in the background that keeps the session's
// output open (an agent, a tunnel, a reminder). The command has ended with a
// status, and all that it printed is there: nobody waits for the other one.
func TestProfileLeavesAProcess(t *testing.T) {
	t.Parallel()
	needRoot(t)
	s := startSSHD(t, "", "ecdsa", "ecdsa")
	write(t, filepath.Join(s.dir, "helion", ".bash_profile"), "sleep 600 &\n", 0o644)
	write(t, filepath.Join(s.dir, "root", ".bash_profile"), "sleep 600 &\n", 0o644)
	x := newExecutor(t)
	for i, as := range []string{"helion", ""} {
		node := s.target()
		node.RunAs = as
		for _, size := range []int{0, 3, 5 << 20} {
			var out bytes.Buffer
			began := time.Now()
			status, err := x.Exec(testContext(t), node, sh(fmt.Sprintf("head -c %d /dev/zero | tr '\\0' x; exit 5", size)), &out)
			if err != nil || status != 5 || out.String() != strings.Repeat("x", size) {
				t.Errorf("as %q: %d %v, %d bytes of %d", as, status, err, out.Len(), size)
			}
			if took := time.Since(began); took > 5*time.Minute {
				t.Errorf("as %q: after %v", as, took)
			}
		}
		l := newSink()
		if exit, err := x.Run(testContext(t), node, executor.Command{ID: fmt.Sprintf("bg-%d", i), Argv: sh("echo hi; exit 6")}, l); err != nil || exit.Status != 6 {
			t.Errorf("as %q: run: %+v %v", as, exit, err)
		}
	}
}

// A reader that takes its time gets all of the output, however long the status
// has been there.
func TestSlowReaderGetsAll(t *testing.T) {
	t.Parallel()
	needRoot(t)
	s := startSSHD(t, "", "ecdsa", "ecdsa")
	const size = 6 << 20
	out := &slowWriter{pause: 20 * time.Millisecond}
	status, err := newExecutor(t).Exec(testContext(t), s.target(), sh(fmt.Sprintf("head -c %d /dev/zero", size)), out)
	if err != nil || status != 0 || out.n != size {
		t.Errorf("%d %v, %d bytes", status, err, out.n)
	}
}

type slowWriter struct {
	n     int
	pause time.Duration
}

func (w *slowWriter) Write(p []byte) (int, error) {
	time.Sleep(w.pause)
	w.n += len(p)
	return len(p), nil
}
