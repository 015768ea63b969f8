package faults

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"alsbot/executor"
)

// manyRuns lets a node keep ten thousand finished runs. A trial is a run among
// them: it is started, cleaned, and started again by a late duplicate.
func manyRuns(t *testing.T, r *report) {
	f := newNodeBed(t, oracle{Min: time.Millisecond, Max: 2 * time.Millisecond, Bytes: 1 << 10})
	x := f.executor()
	to := f.target(f.nodes.Addr(f.nodes.Core))
	before := f.poll(x, to, "first")
	const many = 10_000
	for i := range many {
		dir := f.runDir(fmt.Sprintf("old-%d", i))
		must(t, os.Mkdir(dir, 0o700))
		must(t, os.WriteFile(filepath.Join(dir, "claim"), []byte("run 1 1 1 none end\n"), 0o600))
		must(t, os.WriteFile(filepath.Join(dir, "exit"), []byte("exit 0 end\nsize 0 end\n"), 0o600))
	}
	after := f.poll(x, to, "second")
	r.figure("start and poll %v, before %v", after.Round(time.Millisecond), before.Round(time.Millisecond))
	if after-before > allowed(100*time.Millisecond) {
		t.Errorf("beside %d runs a start takes %v, without them %v", many, after, before)
	}
	for i := range r.n {
		r.trial(f.lateStart(x, to, fmt.Sprintf("late-%d", i)))
	}
	began := time.Now()
	held, err := x.List(t.Context(), to)
	must(t, err)
	r.figure("listing %d runs %v", len(held), time.Since(began).Round(10*time.Millisecond))
	if len(held) < many {
		t.Errorf("of %d runs %d are listed", many, len(held))
	}
}

// poll returns how long the fastest of some whole runs takes.
func (f *nodeBed) poll(x *executor.Executor, to executor.Target, prefix string) time.Duration {
	best := time.Hour
	for i := range 5 {
		began := time.Now()
		id := fmt.Sprintf("%s-%d", prefix, i)
		m := newMemory()
		exit, err := x.Run(f.t.Context(), to, executor.Command{ID: id, Argv: f.argv}, m)
		must(f.t, f.checkExit(id, exit, err, m))
		best = min(best, time.Since(began))
	}
	return best
}

func (f *nodeBed) lateStart(x *executor.Executor, to executor.Target, id string) error {
	m := newMemory()
	exit, err := x.Run(f.t.Context(), to, executor.Command{ID: id, Argv: f.argv}, m)
	if err := f.checkExit(id, exit, err, m); err != nil {
		return err
	}
	if err := x.Clean(f.t.Context(), to, id); err != nil {
		return err
	}
	late, err := x.Run(f.t.Context(), to, executor.Command{ID: id, Argv: f.argv}, newMemory())
	if late.State != executor.Finished || late.Status != exit.Status {
		return fmt.Errorf("the late start of %s is told %+v %v, not status %d", id, late, err, exit.Status)
	}
	return f.oracle.checkRan(id, 1)
}
