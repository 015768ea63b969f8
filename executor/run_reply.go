package executor

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"alsbot/crashpoint"
)

// read processes one reply. It reports to the sink, in order, that the node is
// reachable again, that the command has begun, and its output.
func (r *run) read(s *stream, reply *replyReader) (header, error) {
	h, err := reply.header()
	if err != nil {
		return h, err
	}
	if err := r.plausible(h); err != nil {
		return h, err
	}
	crashpoint.Point(crashpoint.AfterReply)
	if r.linkDown {
		r.linkDown = false
		r.sink.Link(nil)
	}
	switch h.state {
	case "none", "prepared", "revoked", "notbegun":
	default:
		if !r.started {
			r.started = true
			if r.sinkErr = r.sink.Started(); r.sinkErr != nil {
				return h, r.sinkErr
			}
		}
	}
	if h.state == "orphan" && !r.orphan {
		r.orphan = true
		r.sink.Orphan()
	}
	// At the end the node sums all that we have read, and is silent until then.
	s.silenceLimit += time.Duration(min(h.size-r.from, maxSummed)/hashRate) * time.Second
	h.sum, err = reply.body(h.len, r.buf, r.output)
	if err == nil {
		r.badReplies = 0
	}
	return h, err
}

// plausible refuses a header that doesn't answer the call.
func (r *run) plausible(h header) error {
	poll := r.begun()
	switch {
	case h.run != "" || h.end || h.state == "":
		return badReply("not an answer to this")
	case h.state == "none" && poll:
		return nil
	case h.state == "none" || (h.state == "prepared" && !poll):
		return badReply("state %s after a start", h.state)
	case h.off != r.off || h.len > maxPollOutput || h.len > max(0, h.size-r.off):
		return badReply("off %d len %d of %d, not from %d", h.off, h.len, h.size, r.off)
	}
	return nil
}

func (r *run) output(p []byte) error {
	if r.sinkErr = r.sink.Output(r.off, p); r.sinkErr != nil {
		return r.sinkErr
	}
	crashpoint.Point(crashpoint.MidTail)
	r.off += int64(len(p))
	_, err := r.sum.Write(p)
	return err
}

// verify checks that we have read what the node has.
func (r *run) verify(h header) error {
	e := &Error{Kind: Node, Node: r.t.Name, Doing: "reading the output of " + r.c.ID}
	switch {
	case r.off < h.size:
		e.Cause = fmt.Sprintf("only %d of %d bytes are still there: it was cleaned, or somebody cut it", r.off, h.size)
	case r.off > h.size:
		e.Cause = fmt.Sprintf("the node has %d bytes of it, less than the %d that were read earlier: somebody cut it", h.size, r.off)
	case h.sum != "" && h.sum != hex.EncodeToString(r.sum.Sum(nil)):
		e.Cause = "what was read is not what the node has: their SHA-256 differ"
	default:
		return nil
	}
	e.Next = "the status is the node's own; take the output with care"
	return e
}

// replyError explains why a reply was not complete.
func replyError(t Target, s *stream, reply *replyReader, doing string, err error) error {
	var r *refusal
	switch {
	case err == nil:
		return nil
	case errors.As(err, &r):
		return refusalError(t, doing, r)
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		status, lost := s.status()
		if lost != nil {
			return withNode(t.Name, lost)
		}
		err = badReply("it ended with status %d and said %s", status, visible(string(reply.noise)+" "+s.stderr.String()))
	case !errors.Is(err, errBadReply):
		return withNode(t.Name, err)
	}
	e := &Error{Kind: Node, Node: t.Name, Doing: doing, Err: err, Cause: "the node's answer makes no sense: " + err.Error()}
	return e.advised("check that the login user's shell is a Bourne shell and runs %s", "/bin/sh")
}
