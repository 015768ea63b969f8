package executor

import (
	"context"
	"io"
	"net"
	"time"
)

// DialWith makes x open its byte streams with dial.
func DialWith(x *Executor, dial func(context.Context, string) (net.Conn, error)) { x.pool.tcp = dial }

// SetAbandonTimeout sets how long a node may take to let go of a session.
func SetAbandonTimeout(x *Executor, d time.Duration) { x.pool.abandonTimeout = d }

// These are the node's scripts as they are sent, for tests without SSH.
var (
	NodeScript   = script(nodeScript)
	RunnerScript = script(runnerScript)
	ChildScript  = script(childScript)
)

// RawScripts returns the scripts with their comments.
func RawScripts() []string { return []string{nodeScript, runnerScript, childScript} }

// ReadReply reads one reply as Run does.
func ReadReply(r io.Reader, nonce string, emit func([]byte) error) (state string, rc int, sum string, err error) {
	reply := newReplyReader(r, nonce)
	h, err := reply.header()
	if err != nil {
		return "", 0, "", err
	}
	sum, err = reply.body(h.len, make([]byte, chunk), emit)
	return h.state, h.rc, sum, err
}
