// Package executor is how work reaches a node: SSH connections, durable
// commands and plain ones. It knows nothing of kato; it runs an argv on a
// node and can always be asked again.
package executor

import (
	"context"
	"io"
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
	// Offset is how much of the output the caller already has, in bytes.
	Offset int64
	// Started is true when the caller knows that the node has begun it. A
	// node that then knows nothing of it makes it Lost; it is not begun again.
	Started bool
}

// State is how a durable command ended.
type State string

// The states. Only Finished carries an exit status.
const (
	Finished State = "finished"
	Revoked  State = "revoked"   // cancelled before it began; it never will
	NotBegun State = "not begun" // the runner died before the command was started
	Lost     State = "lost"      // it cannot be known whether it ran to its end
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
	// Started is called when the node has begun the command, before any
	// output of this call; also when it had begun earlier. An error ends Run.
	Started() error
	// Output takes the bytes at offset. When it returns nil they count as
	// kept and are not asked for again. An error ends Run.
	Output(offset int64, p []byte) error
	// Link tells that the node cannot be reached (err) or is reached again
	// (nil). Run goes on trying by itself.
	Link(err error)
	// Orphan tells that the command lives but its wrapper is gone: its exit
	// status will never be known. Run goes on reading until it ends.
	Orphan()
}

// Executor holds the connections. It is safe for concurrent use.
type Executor struct {
	log *slog.Logger
	// unexported parts follow
}

// New returns an executor that has dialled nobody yet.
func New(log *slog.Logger) *Executor { return &Executor{log: log} }

// Run starts the command on the node if it is not there, else attaches to it
// from Offset, and returns when it has ended and all its output is with the
// sink. To start is to attach: after a lost connection, a crash of the bot or
// in another process, the same call goes on where the last one was. Nodes
// that cannot be reached are tried again, without limit, until ctx ends; then
// the command goes on without us and the error is ctx's.
func (x *Executor) Run(ctx context.Context, t Target, c Command, sink Sink) (Exit, error) {
	panic("not written yet")
}

// Cancel ends a durable command: before it began it is revoked for good,
// afterwards its whole process tree is sent TERM and, after grace, KILL.
// It returns when the node has answered; Run then returns too.
func (x *Executor) Cancel(ctx context.Context, t Target, id string, grace time.Duration) error {
	panic("not written yet")
}

// Clean removes a finished command's output from the node. A tombstone
// stays, so that a late duplicate start runs nothing.
func (x *Executor) Clean(ctx context.Context, t Target, id string) error {
	panic("not written yet")
}

// Exec runs a read once over a plain exec, in the same login environment as
// Run, with stdin empty, and copies stdout and stderr to out. The status is
// valid only without an error. It never retries.
func (x *Executor) Exec(ctx context.Context, t Target, argv []string, out io.Writer) (int, error) {
	panic("not written yet")
}

// Close closes all connections; commands on nodes go on.
func (x *Executor) Close() error { return nil }
