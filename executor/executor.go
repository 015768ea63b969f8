// Package executor is how work reaches a node: SSH connections, durable
// commands and plain ones. It knows nothing of kato; it runs an argv on a
// node and can always be asked again.
package executor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// Target is a node and how it is reached. Targets are compared by value: the
// same target shares one warm connection.
type Target struct {
	Name         string // for people: the node's IP and the cluster
	Addr         string // host:port to dial
	User         string
	IdentityFile string
	KnownHosts   string
	Via          string // bastion, user@host:port; "" is direct
	RunAs        string // commands run through `su - RunAs -c`; "" is a login shell of User
	Legacy       bool   // also offer what x/crypto calls insecure
	RunsDir      string // absolute, or under the login user's home
}

// Command is a durable command: what is run, and what is already known of it.
type Command struct {
	ID   string   // [a-z0-9-]{1,64}; chosen and stored before the first call
	Argv []string // no NUL
	// Input, if not "", is one line that the command finds on its stdin, which
	// is empty otherwise: for a secret, since an argv is for everybody to see.
	// At most 1 KiB, without a line break or NUL. It stands in no argv, no
	// environment and no file of the run, and goes with the command.
	Input string
	// Offset is how much of the output the caller already has, in bytes.
	Offset int64
	// Started is true when the caller knows that the node has begun it. A
	// node that then knows nothing of it makes it Lost; it is not begun again.
	Started bool
	// StartBy is the time, if not zero, after which it does not begin any
	// more: what would be NotBegun. Sent is true when an earlier call may have
	// sent it; the node is then asked what became of that, however late.
	StartBy time.Time
	Sent    bool
}

// State is how a durable command ended.
type State string

// The states. Only Finished carries an exit status.
const (
	Finished State = "finished"
	Revoked  State = "revoked"   // cancelled before it began; it never will
	NotBegun State = "not begun" // the runner died before the command was started, or it was too late; it never will begin
	Lost     State = "lost"      // it cannot be known whether it ran to its end
)

// States that List also reports. No Exit has them.
const (
	Prepared State = "prepared" // asked for, and not begun
	Running  State = "running"
	Orphan   State = "orphan" // it lives, but its wrapper is gone
)

// Exit is how a durable command ended.
type Exit struct {
	State  State
	Status int    // of the command, 128+n for signal n; only if Finished
	Size   int64  // bytes of output, stdout and stderr in order
	Why    string // for Lost and NotBegun: what is known, in words
}

// Sink takes what a durable command does. Its methods are called from one
// goroutine, in order.
type Sink interface {
	// Started is called once, when the node has begun the command, before any
	// output of this call; also when it had begun earlier. An error ends Run.
	Started() error
	// Output takes the bytes at offset, at most 256 KiB. When it returns nil
	// they count as kept and are not asked for again. It must not keep p. An
	// error ends Run.
	Output(offset int64, p []byte) error
	// Link tells that the node cannot be reached (err) or is reached again
	// (nil). Run goes on trying by itself. An error that is not Unreachable
	// says that a start may have arrived; it is told also if one that is was
	// told before.
	Link(err error)
	// Orphan tells that the command lives but its wrapper is gone: its exit
	// status will never be known. Run goes on reading until it ends.
	Orphan()
}

// Executor holds the connections. It is safe for concurrent use.
type Executor struct {
	// Owner is the ID of this installation, [a-zA-Z0-9-]{1,64}; set it before
	// the first call. The first installation to use a node's runs_dir marks
	// it, and any other is refused. "" stands for "unnamed".
	Owner string

	log     *slog.Logger
	pool    *pool
	scripts scripts
}

// New returns an executor that has dialled nobody yet.
func New(log *slog.Logger) *Executor {
	// The connections outlive every call, and end with Close.
	life, end := context.WithCancel(context.Background())
	return &Executor{
		log:     log,
		pool:    &pool{log: log, tcp: dialTCP, life: life, end: end, abandonTimeout: abandonTimeout, slots: make(map[endpoint]*slot)},
		scripts: newScripts(),
	}
}

// Close closes all connections; commands on nodes go on.
func (x *Executor) Close() error {
	x.pool.close()
	return nil
}

// pollPatience is how long a poll waits for a connection in silence: people
// are then told, while the attempt, which may take longer, goes on.
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

// open begins a command line on t over its warm connection. It tries again
// only if nothing was sent: once if a connection that was there before turned
// out to be dead, and for a while if the node has no session to give; not for
// a poll, whose caller tells people first that the node was lost. A poll also
// waits for one of the few places for such.
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
