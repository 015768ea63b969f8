package executor

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"strconv"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
	"golang.org/x/time/rate"

	"alsbot/crashpoint"
)

const (
	// pollWait is how long a poll waits on the node for news. maxPollOutput is
	// how much output one poll brings; a stream bounds the memory for it.
	pollWait      = 20 * time.Second
	maxPollOutput = 1 << 30
	// maxInput is the longest input of a command. A pipe holds that much, so no
	// one waits for the command to read it.
	maxInput = 1 << 10
	// hashRate is the lowest rate, in bytes per second, at which a node is
	// expected to read and sum output.
	hashRate = 20 << 20
	// maxSummed is the most output whose sum is waited for. A node can claim more.
	maxSummed = 1 << 40
	// callsPerSecond is how often a command's news is asked for: a node may answer
	// every call at once with nothing, or with a byte. The first callsAtOnce don't
	// wait, so that nobody waits for the end of a short command.
	callsPerSecond = 4
	callsAtOnce    = 12
	// maxBadReplies is how many replies in a row may make no sense.
	maxBadReplies = 5
)

// Run starts the command on the node unless it is there already, else attaches
// to it from Offset. It returns when the command has ended and the sink has all
// its output. Starting and attaching are one call: after a lost connection, a
// crash of the bot or in another process, the same call goes on where the last
// one stopped. Run retries unreachable nodes without limit until ctx ends; then
// the command goes on without us and the error is ctx's.
//
// After Command.StartBy nothing begins. A command that can't have arrived is
// then NotBegun at once. Else Run asks the node as soon as it answers, and the
// node either has begun the command or never will.
//
// Run returns an *Error early if retrying would not help: the host key, our
// key, the runs_dir. Unless Sink.Started was called, such an error leaves open
// whether the command begins: call Run again, or Cancel.
func (x *Executor) Run(ctx context.Context, t Target, c Command, sink Sink) (Exit, error) {
	if err := c.check(t); err != nil {
		return Exit{}, err
	}
	r := &run{x: x, t: t, c: c, sink: sink, from: c.Offset, off: c.Offset, sum: sha256.New(), buf: make([]byte, chunk)}
	wait := backoff.NewExponentialBackOff()
	// Even after a day, people see within 5 s that a node is back. One attempt
	// for all its runs is no burden.
	wait.InitialInterval, wait.MaxInterval, wait.RandomizationFactor = 1500*time.Millisecond, 3*time.Second, 0.33
	at := wait.NextBackOff()
	pace := rate.NewLimiter(callsPerSecond, callsAtOnce)
	for {
		if r.tooLate() && !r.c.Sent && !r.mayHaveArrived {
			return Exit{State: NotBegun, Why: r.tooLateText()}, nil
		}
		if err := pace.Wait(ctx); err != nil {
			return Exit{}, ctx.Err()
		}
		exit, done, err := r.step(ctx)
		switch {
		case done:
			crashpoint.Point(crashpoint.ExitSeen)
			return exit, err
		case err == nil:
			wait.Reset()
			at = 0
			continue
		case ctx.Err() != nil:
			return Exit{}, ctx.Err()
		case !r.retryable(err):
			return Exit{}, err
		}
		r.reportLink(err)
		// The first attempt after a lost connection comes at once.
		select {
		case <-time.After(at):
		case <-ctx.Done():
			return Exit{}, ctx.Err()
		}
		at = wait.NextBackOff()
	}
}

func (c Command) check(t Target) error {
	err := checkArgv(c.Argv)
	switch {
	case !validID(c.ID):
		err = fmt.Errorf("%q is not an ID", visible(c.ID))
	case len(c.Input) > maxInput || strings.ContainsAny(c.Input, "\n\x00"):
		err = errors.New("its input is no line of at most 1 KiB")
	case c.Offset < 0:
		err = errors.New("the offset is negative")
	}
	if err != nil {
		return &Error{Kind: Setup, Node: t.Name, Doing: "running a command", Cause: err.Error(), Err: err}
	}
	return nil
}

// run is the state of one call of Run.
type run struct {
	x    *Executor
	t    Target
	c    Command
	sink Sink

	from, off int64     // where this call started to read, and where it is
	sum       hash.Hash // of the bytes between
	buf       []byte

	linkDown, started, orphan bool
	mayHaveArrived            bool // a start may have arrived, though no reply came
	revoking                  bool // it is too late to begin, and the node is told so
	badReplies                int  // replies in a row that made no sense
	sinkErr                   error
}

// tooLateText says why a command is NotBegun after its StartBy.
func (r *run) tooLateText() string {
	return fmt.Sprintf("its node could not be reached by %s, and nothing was to begin later", r.c.StartBy.UTC().Format("2006-01-02 15:04 MST"))
}

// begun reports whether the node is known to have begun the command.
func (r *run) begun() bool { return r.c.Started || r.started }

// tooLate reports whether the command must not begin any more. A clock that is
// set back later changes nothing of what the node was told.
func (r *run) tooLate() bool {
	return !r.begun() && !r.c.StartBy.IsZero() && (r.revoking || time.Now().After(r.c.StartBy))
}

// step makes one call to the node and processes its reply.
func (r *run) step(ctx context.Context) (exit Exit, done bool, err error) {
	h, err := r.call(ctx)
	if r.sinkErr != nil { // an error of the sink
		return Exit{}, true, r.sinkErr
	}
	if err != nil {
		return Exit{}, false, err
	}
	switch s := states[h.state]; s {
	case Running, Orphan:
		return Exit{}, false, nil
	case Prepared, "none":
		return r.withSize(Exit{State: Lost, Why: stateReason(h.state)}), true, nil
	default:
		if r.off < h.size && h.len > 0 {
			return Exit{}, false, nil // there is more
		}
		exit := Exit{State: s, Size: h.size, Why: stateReason(h.state)}
		switch {
		case s == Finished:
			exit.Status = h.rc
		case s == Revoked && r.revoking:
			exit.State, exit.Why = NotBegun, r.tooLateText()
		}
		return r.withSize(exit), true, r.verify(h)
	}
}

func (r *run) withSize(e Exit) Exit {
	e.Size = max(e.Size, r.off)
	return e
}

// call sends start until the command is known to have begun, then poll. After
// StartBy it sends revoke instead of start.
func (r *run) call(ctx context.Context) (header, error) {
	nonce := nonce()
	owner, err := r.x.owner(r.t)
	if err != nil {
		return header{}, err
	}
	poll := r.begun()
	args := []string{itoa(r.off), itoa(maxPollOutput), itoa(r.from)}
	verb, ask := "start", request{}
	switch {
	case poll:
		verb, args = "poll", append(args, itoa(int64(pollWait.Seconds())))
	case r.tooLate():
		verb, r.revoking = "revoke", true
	default:
		args = append(args, r.t.suUser(), Quote(r.c.Argv), r.x.scripts.runner, r.x.scripts.child)
		if r.c.Input != "" {
			args, ask.stdin = append(args, "input"), r.c.Input+"\n"
		}
	}
	if ask.line = r.x.scripts.line(verb, r.t, owner, nonce, r.c.ID, args...); len(ask.line) > maxLine {
		return header{}, tooLong(r.t, len(ask.line))
	}
	crashpoint.Point(crashpoint.BeforeSend)
	s, err := r.x.open(ctx, r.t, poll, ask, callTimeout)
	if err != nil {
		return header{}, err
	}
	defer s.close()
	crashpoint.Point(crashpoint.AfterSend)
	reply := newReplyReader(s, nonce)
	h, err := r.read(s, reply)
	return h, replyError(r.t, s, reply, "running "+r.c.ID, err)
}

// retryable reports whether another attempt makes sense.
func (r *run) retryable(err error) bool {
	switch kind := kindOf(err); {
	case kind == Unreachable, kind == Interrupted:
		return true
	case kind == Node && errors.Is(err, errBadReply):
		r.badReplies++
		return r.badReplies < maxBadReplies
	}
	return false
}

// reportLink tells the sink once that the node is unreachable, and again if a
// start may have arrived after all.
func (r *run) reportLink(err error) {
	arrived := kindOf(err) != Unreachable && !r.begun()
	if !r.linkDown || arrived && !r.mayHaveArrived {
		r.sink.Link(err)
	}
	r.linkDown, r.mayHaveArrived = true, r.mayHaveArrived || arrived
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
