package executor

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// tombstoneDays is how long the node remembers a cleaned command, so that a
// late duplicate start finds it. No one may send a start later than that.
const tombstoneDays = 30

// ErrRunsOn is in the Error that Cancel returns if the command goes on.
var ErrRunsOn = errors.New("some of its processes cannot be killed")

// Cancel ends a durable command. If the command has not begun, Cancel revokes
// it for good; else it sends TERM to its whole process tree and, after grace,
// KILL. It returns when the node has answered; Run then returns too. Processes
// that moved to a session of their own, as daemons do, go on. Grace counts in
// whole seconds. Cancelling a command that has ended changes nothing.
func (x *Executor) Cancel(ctx context.Context, t Target, id string, grace time.Duration) error {
	seconds := int64(max(0, grace).Round(time.Second) / time.Second)
	h, err := x.callForHeader(ctx, t, grace+callTimeout, "cancelling "+id, "cancel", id, itoa(seconds))
	if err != nil {
		return err
	}
	if s := states[h.state]; s == Running || s == Orphan {
		return &Error{
			Kind: Node, Node: t.Name, Doing: "cancelling " + id, Cause: ErrRunsOn.Error(), Err: ErrRunsOn,
			Next: "look for them on the node; the login user may not have the right",
		}
	}
	return nil
}

// Clean deletes a finished command's output on the node. A tombstone stays for
// 30 days, so that a late duplicate start runs nothing. Clean refuses a command
// that still runs or may yet begin; a command that the node doesn't know is
// clean.
func (x *Executor) Clean(ctx context.Context, t Target, id string) error {
	_, err := x.callForHeader(ctx, t, callTimeout, "cleaning "+id, "clean", id, itoa(tombstoneDays))
	return err
}

// Held is a durable command that a node has a record of.
type Held struct {
	ID     string
	State  State
	Status int   // of a Finished one
	Size   int64 // bytes of output, of a cleaned command too
	// At is when the command ended by the node's clock, when it began if it has
	// not ended, or zero if the node doesn't know.
	At time.Time
	// Command is the start of the command line, quoted for the shell; "" if it
	// was cleaned. It is safe to print.
	Command string
}

// List returns every durable command that the node has a record of, cleaned
// ones included, to compare with the store.
func (x *Executor) List(ctx context.Context, t Target) ([]Held, error) {
	var all []Held
	at := map[string]int64{}
	err := x.call(ctx, t, callTimeout, "listing runs", "list", "-", nil, func(_ *stream, r *replyReader) error {
		for {
			h, err := r.header()
			if err != nil || h.end {
				return err
			}
			if h.run == "" {
				return badReply("not a list")
			}
			if h.at > 0 {
				at[h.run] = h.at
				continue
			}
			_, line, _ := strings.Cut(h.cmd, " ") // the user stands before it
			held := Held{ID: h.run, State: states[h.state], Status: h.rc, Size: h.size, Command: visible(line)}
			if sec := at[h.run]; sec > 0 {
				held.At = time.Unix(sec, 0).UTC()
			}
			all = append(all, held)
		}
	})
	return all, err
}

// callForHeader makes a call whose reply is a header without output.
func (x *Executor) callForHeader(ctx context.Context, t Target, silenceLimit time.Duration, doing, verb, id string, args ...string) (header, error) {
	var h header
	if !validID(id) {
		return h, &Error{Kind: Setup, Node: t.Name, Doing: doing, Cause: fmt.Sprintf("%q is not an ID", visible(id))}
	}
	err := x.call(ctx, t, silenceLimit, doing, verb, id, args, func(_ *stream, r *replyReader) error {
		var err error
		if h, err = r.header(); err != nil {
			return err
		}
		if h.state == "" || h.run != "" || h.len != 0 {
			return badReply("not an answer to this")
		}
		_, err = r.body(0, nil, nil)
		return err
	})
	return h, err
}

// call makes one call; read reads the reply.
func (x *Executor) call(ctx context.Context, t Target, silenceLimit time.Duration, doing, verb, id string, args []string, read func(*stream, *replyReader) error) error {
	owner, err := x.owner(t)
	if err != nil {
		return err
	}
	nonce := nonce()
	s, err := x.open(ctx, t, false, request{line: x.scripts.line(verb, t, owner, nonce, id, args...)}, silenceLimit)
	if err != nil {
		return contextError(ctx, t, err)
	}
	defer s.close()
	r := newReplyReader(s, nonce)
	return contextError(ctx, t, replyError(t, s, r, doing, read(s, r)))
}

var ownerPattern = regexp.MustCompile(`^[a-zA-Z0-9-]{1,64}$`)

// owner checks t.RunsDir and returns the owner's name that marks a runs_dir.
func (x *Executor) owner(t Target) (string, error) {
	owner := x.Owner
	if owner == "" {
		owner = "unnamed"
	}
	fail := func(cause string) (string, error) {
		return "", &Error{Kind: Setup, Node: t.Name, Doing: "preparing a call", Cause: cause, Next: "correct the config"}
	}
	if !ownerPattern.MatchString(owner) {
		return fail(fmt.Sprintf("%q cannot be the ID of an installation", visible(owner)))
	}
	if !runsDir(t.RunsDir) {
		return fail(fmt.Sprintf("runs_dir %q is not a plain path", visible(t.RunsDir)))
	}
	return owner, nil
}
