package executor

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"

	"golang.org/x/crypto/ssh"
)

// Kind says what went wrong, for callers that act on it.
type Kind string

// These are the kinds of Error.
const (
	Unreachable Kind = "unreachable" // no answer, and nothing was sent
	Interrupted Kind = "interrupted" // the connection died after sending: outcome unknown
	HostKey     Kind = "host key"    // the node's key is unknown or has changed; nothing was sent
	Denied      Kind = "denied"      // the node does not accept our key
	Setup       Kind = "setup"       // a mistake on our side, or no common algorithms; nothing was sent
	Unsafe      Kind = "unsafe"      // others could tamper with runs_dir; nothing was done there
	Space       Kind = "space"       // the node's disk is full; the command was not started
	Foreign     Kind = "foreign"     // runs_dir belongs to another installation
	Conflict    Kind = "conflict"    // the ID belongs to another command
	Node        Kind = "node"        // any other refusal or odd reply of the node
)

// Error is a call that failed on a node or on the way to it. Its text names the
// node, what was tried, what happened and what to do next.
type Error struct {
	Kind  Kind
	Node  string // Target.Name
	Doing string // "connecting", "running", …
	Cause string
	Next  string // what to do now, its commands in back-ticks; "" if only waiting helps
	Err   error  // the cause, or nil
	// Commands are those that Next names, without back-ticks.
	Commands []string
}

func (e *Error) Error() string {
	var b strings.Builder
	if e.Node != "" {
		b.WriteString(e.Node + ": ")
	}
	b.WriteString(e.Doing + ": " + e.Cause)
	if e.Next != "" {
		b.WriteString("; " + e.Next)
	}
	return b.String()
}

func (e *Error) Unwrap() error { return e.Err }

// advised returns the error with what to do now. Each %s of words becomes a
// command.
func (e *Error) advised(words string, commands ...string) *Error {
	quoted := make([]any, len(commands))
	for i, c := range commands {
		quoted[i] = "`" + c + "`"
	}
	e.Next, e.Commands = fmt.Sprintf(words, quoted...), commands
	return e
}

// withNode returns err with the node's name. Errors of shared connections have
// none at first.
func withNode(node string, err error) error {
	var e *Error
	if !errors.As(err, &e) || e.Node != "" {
		return err
	}
	named := *e
	named.Node = node
	return &named
}

// kindOf returns the kind of err, "" if err is not an Error.
func kindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return ""
}

// dialError explains why TCP could not reach addr.
func dialError(addr string, err error) *Error {
	e := &Error{Kind: Unreachable, Doing: "connecting to " + addr, Cause: err.Error(), Err: err}
	var dns *net.DNSError
	var timeout net.Error
	var refused *ssh.OpenChannelError
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		e.Cause = "there is no address for " + dns.Name
		e.Next = "check the name, or set clusters.addresses"
	case errors.As(err, &refused):
		e.Cause = "the bastion cannot open it: " + visible(refused.Message)
		e.Next = "check via, and that the bastion may forward there"
	case errors.Is(err, syscall.ECONNREFUSED):
		e.Cause = "connection refused"
		e.Next = "is sshd running there?"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		e.Cause = "there is no way to that network"
		e.Next = "check the route, or set via"
	case errors.As(err, &timeout) && timeout.Timeout():
		e.Cause = fmt.Sprintf("no answer within %v", dialTimeout)
		e.Next = "is the node up, and the port open to us?"
	}
	return e
}

// handshakeError explains why the SSH handshake failed on an open connection.
func handshakeError(ep endpoint, hosts known, timedOut bool, err error) *Error {
	e := &Error{Kind: Unreachable, Doing: "connecting to " + ep.Addr, Cause: visible(err.Error()), Err: err}
	var known *Error
	var algo *ssh.AlgorithmNegotiationError
	switch {
	case errors.As(err, &known):
		return known
	case timedOut:
		e.Cause = fmt.Sprintf("the SSH handshake was not done within %v", handshakeTimeout)
		e.Next = "is that port sshd, and the node not overloaded?"
	case errors.As(err, &algo) && algo.What == "host key":
		e.Kind = HostKey
		e.Cause = fmt.Sprintf("refused, and nothing was sent: the node offers no host key of a type that is in %s", ep.KnownHosts)
		if len(hosts.unread) > 0 {
			e.Cause += "; what cannot be read there: " + hosts.unreadText()
		}
		e = e.advised(trustHint, trustCommand)
	case errors.As(err, &algo):
		e.Kind = Setup
		e.Cause = fmt.Sprintf("no common algorithm for %s: the node offers %s", algo.What, visible(strings.Join(algo.SupportedAlgorithms, ", ")))
		e.Next = "if it cannot be updated, set legacy_ssh: true for the cluster"
	case strings.Contains(err.Error(), "unable to authenticate"), strings.Contains(err.Error(), "no common public key signature algorithm"):
		e.Kind = Denied
		e.Cause = fmt.Sprintf("%s does not accept the key %s", ep.User, ep.IdentityFile)
		e.Next = "put its public half in that user's authorized_keys on the node (Ubuntu 12.04 takes no Ed25519 keys)"
	}
	return e
}

// visible makes text from a node fit for one line of a message: no control
// characters, valid UTF-8, at most 300 bytes.
func visible(s string) string {
	const most = 300
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "�")), " ")
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || (r >= 0x80 && r < 0xa0) || isFormat(r) {
			return '·'
		}
		return r
	}, s)
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}

// isFormat reports whether r changes how its neighbours look.
func isFormat(r rune) bool {
	return r == 0x061c || (r >= 0x200b && r <= 0x200f) || (r >= 0x2028 && r <= 0x202e) || (r >= 0x2060 && r <= 0x206f) || r == 0xfeff
}

// sessionError explains why there is no session. Unless the node just refused
// one, the connection is dead, and is so for everyone when sessionError
// returns.
func sessionError(c *conn, err error) *Error {
	e := &Error{Kind: Unreachable, Doing: "opening a session", Err: err}
	var refused *ssh.OpenChannelError
	if errors.As(err, &refused) {
		e.Cause = "the node allows no further session: " + visible(refused.Message)
		e.Next = "see MaxSessions in its sshd_config"
		return e
	}
	_ = c.client.Close()
	<-c.done
	e.Cause = fmt.Sprintf("the connection was lost, or silent for %v; nothing was sent", callTimeout)
	return e
}

// isSessionRefused reports whether the node just refused a session.
func isSessionRefused(err error) bool {
	var refused *ssh.OpenChannelError
	return errors.As(err, &refused)
}

func interrupted(err error) *Error {
	return &Error{
		Kind: Interrupted, Doing: "running a command", Err: err,
		Cause: "the connection was lost, and it is not known how the command ended",
		Next:  "look at the node, or ask again",
	}
}
