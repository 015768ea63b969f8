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
// late duplicate start finds it. Nobody may send a start later than that.
const tombstoneDays = 30

// ErrRunsOn is what Cancel returns, in an Error, of a command that goes on.
var ErrRunsOn = errors.New("some of its processes cannot be killed")

// Cancel ends a durable command: before it began it is revoked for good,
// afterwards its whole process tree is sent TERM and, after grace, KILL.
// It returns when the node has answered; Run then returns too. Processes that
// moved to a session of their own, as daemons do, are left. Grace counts in
// whole seconds. To cancel what has ended changes nothing.
func (x *Executor) Cancel(ctx context.Context, t Target, id string, grace time.Duration) error {
	seconds := int64(max(0, grace).Round(time.Second) / time.Second)
	h, err := x.callForHeader(ctx, t, grace+callTimeout, "cancelling "+id, "cancel", id, itoa(seconds))
	if err != nil {
		return err
	}
	switch states[h.state] {
	case Running, Orphan:
		return &Error{
			Kind: Node, Node: t.Name, Doing: "cancelling " + id, Cause: ErrRunsOn.Error(), Err: ErrRunsOn,
			Next: "look for them on the node; the login user may not have the right",
		}
	}
	return nil
}

// Clean removes a finished command's output from the node. A tombstone
// stays for 30 days, so that a late duplicate start runs nothing. What still
// runs, or may yet begin, is refused; what the node does not know is clean.
func (x *Executor) Clean(ctx context.Context, t Target, id string) error {
	_, err := x.callForHeader(ctx, t, callTimeout, "cleaning "+id, "clean", id, itoa(tombstoneDays))
	return err
}

// Held is a durable command that a node knows of.
type Held struct {
	ID     string
	State  State
	Status int   // if Finished
	Size   int64 // bytes of output, also of one that was cleaned
	// At is when it ended by the node's clock, when it began if it has not, or
	// zero if the node does not know.
	At time.Time
	// Command is the beginning of its command line, as quoted for the shell;
	// "" once it was cleaned. It is safe to print.
	Command string
}

// List returns every durable command that the node knows of, also cleaned
// ones, for a comparison with what the store believes.
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
			_, line, _ := strings.Cut(h.cmd, " ") // behind the user
			held := Held{ID: h.run, State: states[h.state], Status: h.rc, Size: h.size, Command: visible(line)}
			if sec := at[h.run]; sec > 0 {
				held.At = time.Unix(sec, 0).UTC()
			}
			all = append(all, held)
		}
	})
	return all, err
}

// ask makes a call that is answered by a header and no output.
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

// talk makes one call and leaves the reading of its reply to read.
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

// owner returns what marks a runs_dir as ours, after a look at t.RunsDir.
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
