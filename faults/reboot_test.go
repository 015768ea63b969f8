package faults

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"alsbot/runs"
)

// otherBoot is a boot ID that this machine doesn't have.
const otherBoot = "00000000-1111-2222-3333-444444444444"

// reboot reboots the node during runs, and after their end before the bot has
// read it. The bot sees of a reboot that every process of the run is gone and
// that the boot ID is another. A trial is a run.
func reboot(t *testing.T, r *report) {
	const side = 4
	h := newTestbed(t, options{clusters: side})
	h.start()
	for range max(1, r.n/side) {
		h.takes(time.Minute, 2*time.Second) // they don't end by themselves
		h.rebootDuring(r, side)
		h.rebootAfter(r, side)
	}
}

// takes changes how long runs take that begin from now on. Their fate stays the
// same as long as spread does.
func (h *testbed) takes(least, spread time.Duration) {
	h.t.Helper()
	h.oracle.Min, h.oracle.Max = least, least+spread
	must(h.t, h.oracle.write(h.settings()))
}

// begun requests one run in each cluster and waits until its command has begun,
// which is later than the node's claim. It returns the runs as they are then.
func (h *testbed) begun(side int) (begun []runs.Run) {
	h.t.Helper()
	for i := range side {
		begun = append(begun, runs.Run{ID: h.ask(i)})
	}
	for i := range begun {
		r, err := h.until(begun[i].ID, "begun", func(r runs.Run) bool { return len(r.Steps) == 1 && r.Steps[0].Begun || r.State.Final() })
		must(h.t, err)
		for until := time.Now().Add(patience); h.oracle.checkRan(r.Steps[0].ID, 1) != nil && time.Now().Before(until); {
			time.Sleep(10 * time.Millisecond)
		}
		begun[i] = r
	}
	return begun
}

func (h *testbed) rebootDuring(r *report, side int) {
	begun := h.begun(side)
	for _, run := range begun {
		dir := h.runDir(run.Steps[0].ID)
		c, err := readClaim(dir)
		must(h.t, err)
		c.boot = otherBoot
		must(h.t, c.write(dir))
	}
	time.Sleep(2 * time.Second) // no poll of the run may last from before the reboot until after it
	h.takes(3*time.Second, 2*time.Second)
	for _, run := range begun {
		must(h.t, killAll(h.runDir(run.Steps[0].ID)))
	}
	for i, run := range begun {
		r.trial(h.verifyLost(run.ID, i, "rebooted"))
	}
}

func (h *testbed) rebootAfter(r *report, side int) {
	begun := h.begun(side)
	h.kill()
	for _, run := range begun {
		dir := h.runDir(run.Steps[0].ID)
		for until := time.Now().Add(patience); len(commands(dir)) > 0 || !endedIn(dir); time.Sleep(50 * time.Millisecond) {
			if time.Now().After(until) {
				h.t.Fatalf("run %s does not end on its node", run.ID)
			}
		}
		c, err := readClaim(dir)
		must(h.t, err)
		c.boot = otherBoot
		must(h.t, c.write(dir))
	}
	h.start()
	for _, run := range begun {
		r.trial(h.verify(run.ID))
	}
}

// endedIn reports whether the node has recorded how a run ended, and with how
// much output.
func endedIn(dir string) bool {
	exit, err := os.ReadFile(filepath.Join(dir, "exit"))
	return err == nil && strings.Count(string(exit), " end\n") == 2
}

// verifyLost returns an error unless a run is lost in every respect: people are
// told what is known and what to type, the cluster's queue stays blocked until
// someone has typed it, nothing begins again, and then the queue goes on.
func (h *testbed) verifyLost(id string, cluster int, words string) error {
	r, err := h.end(id)
	if err != nil {
		return err
	}
	if r.State != runs.Lost || !strings.Contains(r.Trouble, words) || !strings.Contains(r.Next.Text, "acknowledge "+id) {
		return fmt.Errorf("run %s is %s: %q; next: %q", id, r.State, r.Trouble, r.Next.Text)
	}
	if err := errors.Join(h.oracle.checkRan(r.Steps[0].ID, 1), h.checkShownOnce(r), h.checkAudit()); err != nil {
		return err
	}
	waiting, err := h.tryAsk(cluster)
	if err != nil {
		return err
	}
	if w, err := h.until(waiting, "queued", func(r runs.Run) bool { return r.State == runs.Queued && r.Waited || r.State.Final() }); err != nil || w.State != runs.Queued {
		return fmt.Errorf("behind the lost run %s, run %s is %s: %w", id, waiting, w.State, err)
	}
	if err := h.say(cluster, "/als acknowledge "+id); err != nil {
		return err
	}
	if err := h.verify(waiting); err != nil {
		return fmt.Errorf("after acknowledging %s: %w", id, err)
	}
	return h.oracle.checkRan(r.Steps[0].ID, 1)
}

// say types a command that makes no run.
func (h *testbed) say(cluster int, text string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_, err := h.slack.Say(ctx, ann, channelOf(cluster), text)
	return err
}
