package jobs

import (
	"context"
	"sync"
	"time"

	"alsbot/runs"
)

// drivers holds the driver of each run that is being carried forward.
type drivers struct {
	mu    sync.Mutex
	byRun map[string]*driver
	start func(*driver) // starts a driver's goroutine; nil before open and after close
	shut  bool
}

func newDrivers() *drivers { return &drivers{byRun: map[string]*driver{}} }

// open lets kick start drivers.
func (ds *drivers) open(start func(*driver)) {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	ds.start = start
}

// close starts no more drivers.
func (ds *drivers) close() {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	ds.shut, ds.start = true, nil
}

func (ds *drivers) closed() bool {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	return ds.shut
}

// kick wakes a run's driver, or starts one.
func (ds *drivers) kick(id string) {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	if d, ok := ds.byRun[id]; ok {
		d.nudge()
		return
	}
	if ds.start == nil {
		return
	}
	d := &driver{run: id, wake: make(chan struct{}, 1)}
	ds.byRun[id] = d
	ds.start(d)
}

func (ds *drivers) remove(d *driver) {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	delete(ds.byRun, d.run)
}

// driver carries one run forward. A value in wake tells it to look again.
type driver struct {
	run    string
	wake   chan struct{}
	live   bool          // it has seen the run before its end
	logged string        // the last error that it logged
	place  chan struct{} // the place of a read, once it has one
}

// nudge wakes the driver, now or when it rests next.
func (d *driver) nudge() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// rest waits until the driver is woken, the time is over or ctx ends.
func (d *driver) rest(ctx context.Context, t time.Duration) {
	timer := time.NewTimer(t)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-d.wake:
	case <-timer.C:
	}
}

// cancelOnDecision returns a context for probing a run's cluster. It ends with
// the cause errCancelled or errEnded as soon as a person has decided so: a
// node that hangs then holds nobody up. The caller must call stop; a wake-up
// that came meanwhile wakes the driver again.
func (d *driver) cancelOnDecision(ctx context.Context, ledger *runs.Ledger, r runs.Run) (probing context.Context, stop func()) {
	probing, cancel := context.WithCancelCause(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		woken := false
		for probing.Err() == nil {
			select {
			case <-probing.Done():
			case <-d.wake:
				woken = true
				switch now, _, err := ledger.Load(probing, r.ID); {
				case err != nil:
				case now.State.Final():
					cancel(errEnded)
				case now.Cancel != nil && r.Cancel == nil:
					cancel(errCancelled)
				}
			}
		}
		if woken {
			d.nudge()
		}
	}()
	return probing, func() {
		cancel(nil)
		<-done
	}
}
