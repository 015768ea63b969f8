package store

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"alsbot/crashpoint"
)

// maxGroup limits the updates in one commit, and so how long a commit takes.
const maxGroup = 1024

// writer runs all updates on one goroutine. It takes everything queued, runs
// it in one transaction, commits once and releases the callers. During the
// commit the next group queues up. No caller waits for a timer: a single
// caller pays for one commit, many share one.
type writer struct {
	db      *bolt.DB
	guard   *guard
	set     settings
	ballast *ballast
	notify  func(buckets map[string]bool)

	mu     sync.Mutex
	queue  []*call
	closed bool
	wake   chan struct{} // holds one token while there may be work
	done   chan struct{}

	broken  atomic.Pointer[error]
	faulted atomic.Bool // bbolt has panicked, and may hold its locks
	slow    time.Time   // last report of a slow commit; writing goroutine only
}

// call is one Update. Its caller may leave until the writer has claimed it.
type call struct {
	fn      func(Tx) error
	claimed atomic.Bool // by the writer, or by a caller that leaves
	err     error
	out     bool // fn has failed and isn't run again
	done    chan struct{}
}

func newWriter(db *bolt.DB, g *guard, set settings, b *ballast, notify func(map[string]bool)) *writer {
	w := &writer{db: db, guard: g, set: set, ballast: b, notify: notify,
		wake: make(chan struct{}, 1), done: make(chan struct{})}
	go w.run()
	return w
}

func (w *writer) Update(ctx context.Context, fn func(Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c := &call{fn: fn, done: make(chan struct{})}
	if err := w.add(c); err != nil {
		return err
	}
	select {
	case <-c.done:
		return c.err
	case <-ctx.Done():
		if c.claimed.CompareAndSwap(false, true) {
			return ctx.Err()
		}
		<-c.done // it is being written: only its result is true
		return c.err
	}
}

func (w *writer) add(c *call) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return ErrClosed
	}
	w.queue = append(w.queue, c)
	w.signal()
	return nil
}

func (w *writer) signal() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// stop writes everything queued and ends the writer.
func (w *writer) stop() {
	w.mu.Lock()
	w.closed = true
	w.signal()
	w.mu.Unlock()
	<-w.done
}

func (w *writer) run() {
	for range w.wake {
		for {
			group, closed := w.take()
			if len(group) > 0 {
				w.commitGroup(group)
				// Callers that were just released and write again at once
				// belong to the next group, not to the one after it.
				runtime.Gosched()
				continue
			}
			if closed {
				close(w.done)
				return
			}
			break
		}
	}
}

// take returns the queued calls whose callers still wait.
func (w *writer) take() (group []*call, closed bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := min(len(w.queue), maxGroup)
	for _, c := range w.queue[:n] {
		if c.claimed.CompareAndSwap(false, true) {
			group = append(group, c)
		}
	}
	w.queue = w.queue[n:]
	if len(w.queue) == 0 {
		w.queue = nil
	} else if len(group) == 0 {
		w.signal()
	}
	return group, w.closed && len(w.queue) == 0
}

// errExited is the result of every call in a group whose fn ended the writer's
// goroutine, as a test's FailNow does.
var errExited = errors.New("an update of the store has ended its goroutine")

// commitGroup writes a group and then releases its callers. It releases no one
// earlier: fn's error may depend on what another call of the group has
// written, and that becomes true only with the commit.
func (w *writer) commitGroup(group []*call) {
	err := errExited
	defer func() {
		for _, c := range group {
			if err != nil {
				c.err = err
			}
			close(c.done)
		}
		if errors.Is(err, errExited) {
			w.signal()
			go w.run()
		}
	}()
	err = w.write(group)
	if full(err) && w.ballast.release() {
		err = w.write(group)
	}
	if err != nil {
		err = w.explain(err)
		return
	}
	w.ballast.refill()
}

// write runs a group in one transaction. If a fn fails after it has written,
// write rolls back and runs the other calls again without it.
func (w *writer) write(group []*call) error {
	if err := w.broken.Load(); err != nil {
		return *err
	}
	for _, c := range group {
		c.err, c.out = nil, false
	}
	for {
		again, err := w.attempt(group)
		if err != nil || !again {
			return err
		}
	}
}

func (w *writer) attempt(group []*call) (again bool, err error) {
	defer func() {
		if v := recover(); v != nil { // a panic of bbolt itself; guarded catches fn's
			w.faulted.Store(true)
			if err = w.guard.check(); err == nil {
				err = fmt.Errorf("panic in bbolt: %v\n%s", v, debug.Stack())
			}
		}
	}()
	if err := w.guard.check(); err != nil {
		return false, err
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	btx, err := w.db.Begin(true)
	if err != nil {
		return false, err
	}
	defer func() { _ = btx.Rollback() }() // has no effect after a commit
	tx := &boltTx{tx: btx, ordered: w.set.ordered}
	defer tx.end()
	for _, c := range group {
		if c.out {
			continue
		}
		before := tx.writes
		if c.err = guarded(c.fn, tx); c.err != nil {
			c.out = true
			if tx.writes > before {
				return true, nil
			}
		}
	}
	if tx.writes == 0 {
		return false, nil
	}
	crashpoint.Point(crashpoint.BeforeCommit)
	began := time.Now()
	if err := w.guard.commit(btx.ID(), btx.Commit); err != nil {
		return false, err
	}
	w.timed(time.Since(began))
	crashpoint.Point(crashpoint.AfterCommit)
	w.notify(tx.changed)
	return false, nil
}

// timed reports a slow commit.
func (w *writer) timed(commit time.Duration) {
	const slow, again = time.Second / 4, 10 * time.Minute
	if commit > slow && w.set.slow != nil && (w.slow.IsZero() || time.Since(w.slow) > again) {
		w.slow = time.Now()
		w.set.slow(commit)
	}
}

// guarded runs fn and returns a panic as an error.
func guarded(fn func(Tx) error, tx Tx) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	return fn(tx)
}

// explain turns a commit error into a sentence. Only a full disk is known to
// leave the database unchanged. After any other error the state on disk is
// unknown, so the writer writes nothing more.
func (w *writer) explain(err error) error {
	if full(err) {
		return fmt.Errorf("%w, nothing was written (%w): make room on the disk of %s", ErrFull, err, w.db.Path())
	}
	if errors.Is(err, ErrBroken) || errors.Is(err, ErrReplaced) {
		return err
	}
	err = fmt.Errorf("%w (%w): look at the disk of %s, then start again", ErrBroken, err, w.db.Path())
	w.broken.Store(&err)
	return err
}

// Ready returns nil while there is room for new work. It also checks whether
// there is room again: while alsbot accepts no work, there may be no write
// that would notice.
func (w *writer) Ready() error {
	w.mu.Lock()
	closed := w.closed
	w.mu.Unlock()
	if closed {
		return ErrClosed
	}
	if err := w.broken.Load(); err != nil {
		return *err
	}
	if err := w.guard.check(); err != nil {
		return err
	}
	w.ballast.refill()
	if w.ballast.released() {
		return fmt.Errorf("%w: make room on the disk of %s", ErrFull, w.db.Path())
	}
	return nil
}

// full reports whether err means that the disk is full. bbolt keeps only the
// text of some errors.
func full(err error) bool {
	if err == nil {
		return false
	}
	for _, e := range []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG} {
		if errors.Is(err, e) || strings.HasSuffix(err.Error(), e.Error()) {
			return true
		}
	}
	return errors.Is(err, bolterrors.ErrMaxSizeReached)
}
