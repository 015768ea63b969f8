package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"alsbot/als"
	"alsbot/config"
	"alsbot/executor"
	"alsbot/store"
)

// Engine is the part that decides. It is made by New and works in Run.
type Engine struct {
	cfg  *config.Config
	st   store.Store
	exec *executor.Executor
	dir  Directory
	log  *slog.Logger
	seen func(Run)

	mentions mentions
	progress chan string
	reads    map[string]chan struct{} // by cluster: a place for each read that is worked on

	mu       sync.Mutex
	stopping bool
	drivers  map[string]*driver // by run ID
	start    func(id string)    // starts a driver; nil until Run
}

// Options are what an Engine is made of.
type Options struct {
	Config    *config.Config
	Store     store.Store
	Executor  *executor.Executor
	Directory Directory
	Log       *slog.Logger
	// Observe, if set, is called with each run that has become final.
	Observe func(Run)
}

// New returns an engine that has begun nothing yet. The config's schedules
// are checked: an error names those whose command cannot be a schedule.
func New(o Options) (*Engine, error) {
	e := &Engine{
		cfg: o.Config, st: o.Store, exec: o.Executor, dir: o.Directory, log: o.Log, seen: o.Observe,
		mentions: mentions{of: map[string]string{}},
		progress: make(chan string, 256),
		reads:    map[string]chan struct{}{},
		drivers:  map[string]*driver{},
	}
	for _, c := range o.Config.Clusters {
		e.reads[c.Name] = make(chan struct{}, readsAtOnce)
	}
	if e.seen == nil {
		e.seen = func(Run) {}
	}
	return e, CheckSchedules(o.Config)
}

// Run resumes what is under way, keeps the schedules and looks after old
// records, until ctx ends. Then new commands are refused in words, commands
// on the nodes go on without us, and Run returns within 5 seconds.
func (e *Engine) Run(ctx context.Context) error {
	g, gctx := errgroup.WithContext(ctx)
	e.mu.Lock()
	e.start = func(id string) { g.Go(func() error { return e.drive(gctx, id) }) }
	e.mu.Unlock()

	defer e.refuse()
	if err := e.resume(ctx); err != nil && ctx.Err() == nil {
		return err
	}
	g.Go(func() error { return e.keepSchedules(gctx) })
	g.Go(func() error { return e.keepHouse(gctx) })
	g.Go(func() error { return e.keepTidy(gctx) })
	g.Go(func() error {
		<-gctx.Done()
		e.refuse()
		return nil
	})
	err := g.Wait()
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// refuse takes no more commands from now on, and starts no more drivers.
func (e *Engine) refuse() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stopping, e.start = true, nil
}

// resume starts a driver for every run that is not final.
func (e *Engine) resume(ctx context.Context) error {
	var ids []string
	if err := e.st.View(ctx, func(tx store.Tx) error {
		return active.Scan(tx, store.Range{}, func(id string, _ State) bool {
			ids = append(ids, id)
			return true
		})
	}); err != nil {
		return err
	}
	for _, id := range ids {
		e.kick(id)
	}
	return nil
}

// driver carries one run forward; wake tells it to look again.
type driver struct {
	wake chan struct{}
	live bool   // it has seen the run before its end
	kept string // what keeps the run, as the log has it
}

// kick makes sure that a run is looked at: by its driver, or by a new one.
func (e *Engine) kick(id string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if d, ok := e.drivers[id]; ok {
		d.nudge()
		return
	}
	if e.start == nil {
		return // not running yet, or no more: the next start resumes it
	}
	e.drivers[id] = &driver{wake: make(chan struct{}, 1)}
	e.start(id)
}

// readsAtOnce is how many reads of one cluster are worked on at the same
// time. The others wait with hardly more in memory than their name, so that
// thousands of commands for a cluster that hangs are no burden, and they wait
// no longer than one look at a cluster may take.
const readsAtOnce = 200

// drive carries a run from where it stands to its end, or to the next thing
// that it waits for. Everything it knows is in the store, so that it can be
// cut off between any two lines and begin again.
func (e *Engine) drive(ctx context.Context, id string) error {
	e.mu.Lock()
	d := e.drivers[id]
	e.mu.Unlock()
	defer func() {
		e.mu.Lock()
		delete(e.drivers, id)
		e.mu.Unlock()
	}()
	var place chan struct{} // of a read, once it has one
	defer func() {
		if place != nil {
			<-place
		}
	}()
	for ctx.Err() == nil {
		full, over := e.move(ctx, d, id, &place)
		if over {
			return nil
		}
		if full != "" {
			e.enter(ctx, d, id, full, &place)
		}
	}
	return nil
}

// move does the next thing for a run, unless that needs a place and its
// cluster is full. The record is in memory only here, not while it waits.
func (e *Engine) move(ctx context.Context, d *driver, id string, place *chan struct{}) (full string, over bool) {
	r, a, err := e.load(ctx, id)
	if err != nil {
		var gone *NotFoundError
		if !errors.As(err, &gone) && ctx.Err() == nil {
			e.log.Error("reading a run", "run", id, "error", err)
			d.rest(ctx, longest)
			return "", false
		}
		return "", true
	}
	if r.State.Final() {
		if d.live { // else it ended before, and somebody looked at it again
			e.finished(ctx, r)
		}
		return "", true
	}
	d.live = true
	if free := e.reads[r.Request.Cluster]; free != nil && *place == nil && (r.Effect == als.Read || r.Request.Dry) {
		select {
		case free <- struct{}{}:
			*place = free
		default:
			return r.Request.Cluster, false
		}
	}
	pause, err := e.advance(ctx, d, r, a)
	if errors.Is(err, store.ErrTooLong) { // and always will be: the cluster says more than a record holds
		err = e.fail(ctx, r.ID, fmt.Sprintf("what @%s says is more than can be put on record: %v", r.Request.Cluster, err), "")
	}
	kept := ""
	if err != nil && ctx.Err() == nil {
		if kept = err.Error(); kept != d.kept { // once, as it may last for days
			e.log.Error("carrying a run forward", "run", id, "state", r.State, "error", err)
		}
		pause = max(pause, retryStore)
	}
	d.kept = kept
	if pause > 0 {
		d.rest(ctx, pause)
	}
	return "", false
}

// retryStore is how long a run rests after the store refused a transaction,
// which a full disk makes it do.
const retryStore = 2 * time.Second

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

// enter waits for a place, or until the driver is woken. A read that waits
// for too long ends in words.
func (e *Engine) enter(ctx context.Context, d *driver, id, cluster string, place *chan struct{}) {
	timer := time.NewTimer(checkLimit)
	defer timer.Stop()
	select {
	case e.reads[cluster] <- struct{}{}:
		*place = e.reads[cluster]
	case <-d.wake:
	case <-ctx.Done():
	case <-timer.C:
		err := e.fail(ctx, id, fmt.Sprintf("more than %d commands wait for @%s, and this one's turn has not come in %s. Nothing was changed", readsAtOnce, cluster, checkLimit),
			"Look whether the cluster's nodes are up, then ask again")
		if err != nil && ctx.Err() == nil {
			e.log.Error("ending a command that waits for too long", "run", id, "error", err)
		}
	}
}

// advance does the next thing for a run. It returns how long there is
// nothing to do unless the driver is woken.
func (e *Engine) advance(ctx context.Context, d *driver, r Run, a *Approval) (pause time.Duration, err error) {
	// A run whose handling panics ends in words; the others go on.
	defer func() {
		if p := recover(); p != nil {
			e.log.Error("panic", "run", r.ID, "panic", p, "stack", stack())
			err = e.fail(ctx, r.ID, "alsbot made a mistake of its own and stopped this run",
				"report it with the log lines that name run "+r.ID+"; look at the cluster before you ask again")
		}
	}()
	switch r.State {
	case Planned:
		return 0, e.plan(ctx, d, r)
	case Awaiting:
		return e.await(ctx, d, r, a)
	case Queued:
		return e.begin(ctx, d, r)
	case Running:
		return 0, e.work(ctx, d, r)
	}
	return 0, nil
}

// finished does what follows the end of a run: the next in line begins, the
// node's copy of the output goes.
func (e *Engine) finished(ctx context.Context, r Run) {
	e.seen(r)
	for _, id := range e.inLine(ctx, r.Request.Cluster) {
		e.kick(id)
	}
	e.kickFollowers(r)
	if r.State != Lost { // what it has left is for people to see first, and for tidy
		e.clean(ctx, r, map[executor.Target]bool{})
	}
}

// fail ends a run in words. A run whose command may be running on a node is
// lost instead: nothing else changes the cluster until a person has looked.
// One that waits for approval is void, and its request with it.
func (e *Engine) fail(ctx context.Context, id, trouble, next string) error {
	_, err := e.transit(ctx, id, nobody, func(tx store.Tx, r *Run) error {
		if r.State.Final() {
			return errSame
		}
		if i := r.inFlight(); i >= 0 {
			r.lose(i, trouble)
			return nil
		}
		if r.State == Awaiting {
			return e.void(tx, r, trouble)
		}
		r.State, r.Trouble, r.Next = Failed, trouble, next
		return nil
	})
	return err
}

// nobody is the author of what follows by itself.
var nobody = Principal{Source: "alsbot", ID: "alsbot"}

// operation returns the operation of a stored run; one that this version no
// longer has is an error in words.
func operation(r Run) (als.Operation, error) {
	op, ok := als.Operations.Find(r.Request.Operation)
	if !ok {
		return op, &als.Refusal{Text: "this version of alsbot has no operation " + r.Request.Operation, Next: "Type `help` to see what it has"}
	}
	return op, nil
}
