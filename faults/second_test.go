package faults

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"alsbot/runs"
)

// second starts a second bot on the same store, and one with a store of its own
// on the same nodes.
func second(t *testing.T, r *report) {
	h := newTestbed(t, options{})
	h.start()
	must(t, h.verify(h.ask(0)))
	var longest time.Duration
	for range r.n {
		began := time.Now()
		other := exec.Command(h.opts.binary, "serve", "--config", h.config)
		other.Env = environ()
		out, err := other.CombinedOutput()
		took := time.Since(began)
		longest = max(longest, took)
		var ended *exec.ExitError
		holder := fmt.Sprintf("process %d ", h.bot.Process.Pid)
		if !errors.As(err, &ended) || ended.ExitCode() != 3 || !strings.Contains(string(out), holder) {
			r.trial(fmt.Errorf("a second bot on the store: %v, and does not name %s: %s", err, holder, out))
		} else {
			r.trial(h.verify(h.ask(0)))
		}
	}
	r.atMost("second bot ends after", longest, 2*time.Second)
	h.kill()
	for range r.n {
		// another store on the same nodes
		for _, file := range []string{"", ".output", ".head"} {
			must(t, os.Rename(h.store()+file, h.dir+"/first"+file))
		}
		must(t, os.RemoveAll(h.store()+".ballast"))
		h.start()
		r.trial(h.foreign())
		h.kill()
		must(t, os.RemoveAll(h.store()+".output"))
		for _, file := range []string{"", ".output", ".head"} {
			must(t, os.Rename(h.dir+"/first"+file, h.store()+file))
		}
		h.start()
		r.trial(h.verify(h.ask(0)))
		h.kill()
	}
}

// foreign returns an error unless a run is refused because the nodes belong to
// another installation, and nothing begins.
func (h *testbed) foreign() error {
	r, err := h.end(h.ask(0))
	if err != nil {
		return err
	}
	if r.State != runs.Failed || !strings.Contains(r.Why(), "another alsbot installation") {
		return fmt.Errorf("with another store, run %s is %s: %s", r.ID, r.State, r.Why())
	}
	return errors.Join(h.oracle.checkRan(r.ID+"-1", 0), h.checkShownOnce(r))
}
