package faults

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"alsbot/executor"
)

// cancelRace tests a cancel that races a start, and cancels of commands that go
// on, that ignore it, and that have ended. A trial is a run.
func cancelRace(t *testing.T, r *report) {
	f := newNodeBed(t, oracle{Min: 50 * time.Millisecond, Max: 60 * time.Millisecond, Bytes: 1 << 10, Plain: true})
	to := f.target(f.nodes.Addr(f.nodes.Core))
	start, cancel := f.executor(), f.executor()
	_ = start.Cancel(t.Context(), to, "warm", 0)
	_ = cancel.Cancel(t.Context(), to, "warm", 0)
	var mu sync.Mutex
	revoked, executed := 0, 0
	places := make(chan struct{}, 3)
	var wg sync.WaitGroup
	for i := range r.n {
		places <- struct{}{}
		wg.Go(func() {
			defer func() { <-places }()
			was, err := f.race(start, cancel, to, fmt.Sprintf("race-%d", i))
			r.trial(err)
			mu.Lock()
			defer mu.Unlock()
			if was {
				revoked++
			} else {
				executed++
			}
		})
	}
	wg.Wait()
	r.figure("%d revoked, %d begun", revoked, executed)
	var slowest time.Duration
	for i := range max(1, r.n/15) {
		took, err := f.cancelled(start, to, fmt.Sprintf("stubborn-%d", i), true)
		r.trial(err)
		slowest = max(slowest, took)
		_, err = f.cancelled(start, to, fmt.Sprintf("meek-%d", i), false)
		r.trial(err)
	}
	r.atMost("TERM ignored, gone after", slowest, graceTime+2*time.Second)
}

const graceTime = 2 * time.Second

// race starts and cancels a run at almost the same moment.
func (f *nodeBed) race(start, cancel *executor.Executor, to executor.Target, id string) (revoked bool, err error) {
	var wg sync.WaitGroup
	var exit executor.Exit
	var runErr, cancelErr error
	wg.Go(func() {
		time.Sleep(time.Duration(rand.Int64N(int64(30 * time.Millisecond))))
		exit, runErr = start.Run(f.t.Context(), to, executor.Command{ID: id, Argv: f.argv}, newMemory())
	})
	wg.Go(func() {
		time.Sleep(time.Duration(rand.Int64N(int64(160 * time.Millisecond))))
		cancelErr = cancel.Cancel(f.t.Context(), to, id, 5*time.Second)
	})
	wg.Wait()
	if err := errors.Join(runErr, cancelErr); err != nil {
		return false, fmt.Errorf("%s: %w", id, err)
	}
	n, err := f.oracle.executions(id)
	switch {
	case err != nil:
		return false, err
	case exit.State == executor.Revoked && n == 0:
		return true, f.nothingLeft(id)
	case exit.State == executor.Finished && n <= 1: // it ended before it had said so, or by itself
		return false, f.nothingLeft(id)
	}
	return false, fmt.Errorf("%s: %+v, and begun %d times", id, exit, n)
}

// nothingLeft returns an error if a process of a run lives.
func (f *nodeBed) nothingLeft(id string) error {
	if pids := commands(f.runDir(id)); len(pids) > 0 {
		return fmt.Errorf("of run %s processes are left: %v", id, pids)
	}
	return nil
}

// cancelled cancels a run while it runs and returns how long it took until none
// of its processes was left.
func (f *nodeBed) cancelled(x *executor.Executor, to executor.Target, id string, stubborn bool) (time.Duration, error) {
	o := f.oracle
	o.Min, o.Max, o.Stubborn = time.Minute, time.Minute, stubborn
	settings := fmt.Sprintf("%s/%s.json", f.dir, id)
	if err := o.write(settings); err != nil {
		return 0, err
	}
	ctx, stop := context.WithTimeout(f.t.Context(), patience)
	defer stop()
	m := newMemory()
	type ended struct {
		exit executor.Exit
		err  error
	}
	end := make(chan ended, 1)
	go func() {
		exit, err := x.Run(ctx, to, executor.Command{ID: id, Argv: oracleArgv(settings)}, m)
		end <- ended{exit, err}
	}()
	for o.checkRan(id, 1) != nil && ctx.Err() == nil {
		time.Sleep(10 * time.Millisecond)
	}
	grace := patience // a command that ends on TERM is not killed, however slow the machine is
	if stubborn {
		grace = graceTime // it ignores TERM from its start on
	}
	began := time.Now()
	err := x.Cancel(ctx, to, id, grace)
	took := time.Since(began)
	e := <-end
	want := 143
	if stubborn {
		want = 137
	}
	if err := errors.Join(err, e.err, f.nothingLeft(id)); err != nil {
		return took, err
	}
	if e.exit.State != executor.Finished || e.exit.Status != want {
		return took, fmt.Errorf("the cancelled run %s is %+v, not ended with %d", id, e.exit, want)
	}
	// A second cancel, after the end, changes nothing.
	if err := x.Cancel(ctx, to, id, graceTime); err != nil {
		return took, err
	}
	again, err := x.Run(ctx, to, executor.Command{ID: id, Argv: oracleArgv(settings)}, newMemory())
	if err == nil && again.Status != want {
		err = fmt.Errorf("a cancel after the end made status %d of %d", again.Status, want)
	}
	return took, err
}
