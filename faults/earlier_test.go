package faults

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"alsbot/app"
	"alsbot/runs"
)

// leave makes TestEarlierVersions store what this version leaves behind when it
// is killed: its store and the run directories of the core node. testdata has
// that for each schema of the store.
//
//	go test ./faults -run TestEarlier -leave    writes that of this version
//
// In it, one run has ended, one went on and ended while no bot ran, and one
// waited for approval.
var leave = flag.Bool("leave", false, "keep what this version leaves behind in testdata")

const leftFrom, leftTo = 2 * time.Second, 3 * time.Second

func earlierTestbed(t *testing.T) *testbed {
	return newTestbed(t, options{clusters: 3, oracle: oracle{Min: leftFrom, Max: leftTo},
		extra: "approval: {effects: [restart]}\n",
		// the data gets old and must not be deleted
		change: func(yaml string) string { return strings.Replace(yaml, "store: {", "store: {keep_runs: 876000h, ", 1) }})
}

func leftFile(schema int) string { return fmt.Sprintf("testdata/schema-%d.tgz", schema) }

// There is data of each schema, this one's included, so that the next version
// has it.
func TestEarlierVersions(t *testing.T) {
	if *leave {
		leaveBehind(t, leftFile(app.Schema()))
	}
	for schema := range app.Schema() + 1 {
		if _, err := os.Stat(leftFile(schema)); err != nil {
			t.Errorf("%v: run this test with -leave", err)
		}
	}
}

// leaveBehind kills the bot in mid-run and keeps what is there then.
func leaveBehind(t *testing.T, file string) {
	h := earlierTestbed(t)
	h.start()
	must(t, h.verify(h.ask(0)))
	_, err := h.sayIn(1, "/als patch install @c1")
	must(t, err)
	running := h.begun(1)[0]
	waiting, err := h.approvalIn(1)
	must(t, err)
	h.kill()
	for until := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) { // the command ends alone
		exit, err := os.ReadFile(filepath.Join(h.runDir(running.Steps[0].ID), "exit"))
		if err == nil && strings.Contains(string(exit), " end") {
			break
		}
		if time.Now().After(until) {
			t.Fatalf("run %s never ends: %v", running.ID, err)
		}
	}
	must(t, os.WriteFile(filepath.Join(h.dir, "runs"), []byte(running.ID+" "+waiting+"\n"), 0o600))
	must(t, os.MkdirAll(filepath.Dir(file), 0o755))
	out, err := filepath.Abs(file)
	must(t, err)
	runs, err := filepath.Rel(h.dir, filepath.Dir(h.runDir("x")))
	must(t, err)
	h.tar("-czSf", out, "alsbot.db", "alsbot.db.output", "ledger", "runs", runs)
}

func (h *testbed) tar(args ...string) {
	h.t.Helper()
	cmd := exec.Command("tar", args...)
	cmd.Dir = h.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		h.t.Fatalf("tar: %v\n%s", err, out)
	}
}

// approvalIn waits until a run of a cluster waits for approval.
func (h *testbed) approvalIn(cluster int) (id string, err error) {
	for until := time.Now().Add(patience); time.Now().Before(until); time.Sleep(50 * time.Millisecond) {
		for _, m := range h.slack.Messages(channelOf(cluster)) {
			if id := runOf(m); len(id) == 10 {
				return id, nil
			}
		}
	}
	return "", errors.New("nobody is asked for approval")
}

// earlier starts this version on what earlier ones have left. A trial is a
// version.
func earlier(t *testing.T, r *report) {
	for schema := range app.Schema() + 1 {
		left, err := filepath.Abs(leftFile(schema))
		must(t, err)
		h := earlierTestbed(t)
		h.tar("-xzf", left)
		ids, err := os.ReadFile(filepath.Join(h.dir, "runs"))
		must(t, err)
		running, waiting, _ := strings.Cut(strings.TrimSpace(string(ids)), " ")
		h.start()
		_, err = h.checkRun(running)
		r.trial(errors.Join(err, h.stillWaits(waiting), h.checkAudit(), h.verify(h.ask(0))))
	}
}

// stillWaits returns an error unless an approval request is open, or has
// expired since.
func (h *testbed) stillWaits(id string) error {
	r, err := h.until(id, "waiting or expired", func(r runs.Run) bool { return r.State == runs.Expired || r.State == runs.Awaiting })
	if err != nil || r.State == runs.Expired {
		return err
	}
	if err := h.say(1, "/als cancel "+id); err != nil {
		return err
	}
	_, err = h.until(id, "cancelled", func(r runs.Run) bool { return r.State == runs.Cancelled || r.State == runs.Expired })
	return err
}
