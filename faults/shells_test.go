package faults

import (
	"fmt"
	"os/exec"
	"testing"
)

// loginShells gives the core's login user other shells, and a profile that leaves
// a process behind. A trial is a run, read by its output and its status.
func loginShells(t *testing.T, r *report) {
	for _, shell := range []string{"dash", "tcsh", "fish"} {
		path, err := exec.LookPath(shell)
		if err != nil {
			t.Skipf("%s is not installed: run scripts/setup, which installs what the tests need", shell)
		}
		h := newTestbed(t, options{oracle: oracle{Bytes: 48 << 10}, core: func(h *testbed, _ string) string {
			h.sshd = newSSHD(h.t, h.nodes, path)
			return h.sshd.addr
		}})
		must(t, appendLine(h.nodes.Home(h.nodes.Core)+"/.profile", "sleep 300 &"))
		h.start()
		for range r.n {
			id, err := h.tryAsk(0)
			if err == nil {
				err = h.verify(id)
			}
			if err != nil {
				err = fmt.Errorf("%s: %w", shell, err)
			}
			r.trial(err)
		}
		h.kill()
	}
}
