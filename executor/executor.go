// Package executor runs commands on nodes over SSH: durable ones, which survive
// lost connections and restarts of alsbot (Run), and plain reads (Exec). It
// knows nothing of kato: it takes an argv. A durable command runs at most once;
// calling Run again attaches to it.
package executor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// Target is a node and how to reach it. Targets are compared by value: equal
// ones share one warm connection.
type Target struct {
	Name         string // for people: the node's IP and the cluster
	Addr         string // host:port to dial
	User         string
	IdentityFile string
	KnownHosts   string
	Via          string // bastion, user@host:port; "" for none
	RunAs        string // the user for `su - RunAs -c`; "" for a login shell of User
	Legacy       bool   // also offers the algorithms that x/crypto calls insecure
	RunsDir      string // absolute, or under the login user's home
}

// Command is a durable command: what to run, and what the caller knows of it.
type Command struct {
	ID   string   // [a-z0-9-]{1,64}; the caller chooses and stores it before the first call
	Argv []string // no NUL
	// Input, if not "", is one line for the command's stdin, which is empty
	// otherwise. It is for secrets, since everybody on the node can read an
	// argv. It has at most 1 KiB, no line break and no NUL. It is in no argv,
	// no environment and no file of the run, and goes with the command.
	Input string
	// Offset is how many bytes of the output the caller already has.
	Offset int64
	// Started is true if the caller knows that the command has begun. If the
	// node then has no record of it, it is Lost and does not begin again.
	Started bool
	// StartBy, if not zero, is the time after which the command must not begin:
	// it is then NotBegun. Sent is true if an earlier call may have sent it:
	// Run then asks the node what became of it, however late.
	StartBy time.Time
	Sent    bool
}

// State is how a durable command ended.
type State string

// These are the states of an Exit. Only Finished has an exit status.
const (
	Finished State = "finished"
	Revoked  State = "revoked"   // cancelled before it began; it never will begin
	NotBegun State = "not begun" // the runner died first, or it was too late; it never will begin
	Lost     State = "lost"      // unknown whether it ran to its end
)

// List also reports these states. No Exit has them.
const (
	Prepared State = "prepared" // sent, and not begun
	Running  State = "running"
	Orphan   State = "orphan" // alive without its wrapper
)

// Exit is how a durable command ended, with what is known of it.
type Exit struct {
	State  State
	Status int    // of the command, 128+n for signal n; only if Finished
	Size   int64  // bytes of output: stdout and stderr in order
	Why    string // of Lost and NotBegun: what is known, in words
}

// Sink receives what a durable command does. One goroutine calls its methods,
// in order.
type Sink interface {
	// Started is called once, before any output of this call, when the command
	// has begun or if it had begun earlier. An error ends Run.
	Started() error
	// Output receives the bytes at offset, at most 256 KiB. If it returns nil,
	// the bytes count as kept and are not read again. It must not keep p. An
	// error ends Run.
	Output(offset int64, p []byte) error
	// Link reports that the node is unreachable (err) or reachable again (nil).
	// Run retries by itself. An error that is not Unreachable means that a
	// start may have arrived; Link reports it even after an Unreachable one.
	Link(err error)
	// Orphan reports that the command lives without its wrapper: its exit
	// status will never be known. Run reads on until it ends.
	Orphan()
}

// Executor runs commands over warm connections. It is safe for concurrent use.
type Executor struct {
	// Owner is the ID of this installation, [a-zA-Z0-9-]{1,64}; set it before
	// the first call. The first installation to use a node's runs_dir marks it,
	// and the node refuses any other. "" stands for "unnamed".
	Owner string

	log     *slog.Logger
	pool    *pool
	scripts scripts
}

// New returns an executor without connections.
func New(log *slog.Logger) *Executor {
	// The connections outlive every call. Close ends them.
	life, end := context.WithCancel(context.Background())
	return &Executor{
		log:     log,
		pool:    &pool{log: log, tcp: dialTCP, life: life, end: end, abandonTimeout: abandonTimeout, slots: make(map[endpoint]*slot), unread: make(map[string]string)},
		scripts: newScripts(),
	}
}

// Close closes all connections; commands on nodes go on.
func (x *Executor) Close() error {
	x.pool.close()
	return nil
}

// pollPatience is how long a poll waits for a connection before people are
// told. The attempt may take longer and goes on.
const pollPatience = 5 * time.Second

// connection returns the warm connection to t, or a new one.
func (x *Executor) connection(ctx context.Context, t Target, poll bool) (c *conn, warm bool, err error) {
	if !poll {
		return x.pool.get(ctx, t.endpoint())
	}
	short, cancel := context.WithTimeout(ctx, pollPatience)
	defer cancel()
	c, warm, err = x.pool.get(short, t.endpoint())
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		err = &Error{Kind: Unreachable, Doing: "connecting to " + t.Addr, Err: err,
			Cause: fmt.Sprintf("there is no connection after %v", pollPatience), Next: "alsbot goes on trying"}
	}
	return c, warm, err
}

// open starts a command line on t over its warm connection. It retries only if
// nothing was sent: once if a connection that was there before turns out to be
// dead, and for a while if the node has no session free. It doesn't retry a
// poll, whose caller first tells people that the node is unreachable. A poll
// also waits for one of the few slots for polls.
func (x *Executor) open(ctx context.Context, t Target, poll bool, r request, silenceLimit time.Duration) (*stream, error) {
	full := time.Now().Add(sessionPatience)
	for again := true; ; again = false {
		c, warm, err := x.connection(ctx, t, poll)
		if err != nil {
			return nil, withNode(t.Name, err)
		}
		s, err := c.open(ctx, poll, r, silenceLimit)
		if kindOf(err) == Unreachable && !poll {
			if warm && again && !c.alive() {
				continue
			}
			if isSessionRefused(err) && time.Now().Before(full) {
				select {
				case <-time.After(sessionPause):
					continue
				case <-ctx.Done():
					return nil, withNode(t.Name, ctx.Err())
				}
			}
		}
		return s, withNode(t.Name, err)
	}
}
