package executor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
)

// Standing says whether a known_hosts file has a key.
type Standing string

// These are the standings.
const (
	Trusted Standing = "trusted"
	Unknown Standing = "unknown" // the file has no key of this host
	Changed Standing = "changed" // the file has another key of this host
)

// HostKeyOf is a key that a host offers.
type HostKeyOf struct {
	Addr        string
	Type        string
	Fingerprint string // SHA256:…
	Standing    Standing
	Line        string // for known_hosts, without a newline
}

var errKeySeen = errors.New("the key was shown")

// HostKeys asks a node for its host keys without logging in: the handshake ends
// when the node has shown the key. A bastion has to be trusted already. The
// file KnownHosts need not exist yet.
func (x *Executor) HostKeys(ctx context.Context, t Target) ([]HostKeyOf, error) {
	ep := t.endpoint()
	var keys []HostKeyOf
	var last error
	for _, algo := range []string{ssh.KeyAlgoECDSA256, ssh.KeyAlgoED25519, ssh.KeyAlgoRSA} {
		key, err := x.offeredKey(ctx, ep, algo)
		if err != nil {
			last = err
			continue
		}
		standing, err := standingOf(ep, key)
		if err != nil {
			return nil, err
		}
		keys = append(keys, HostKeyOf{
			Addr: ep.Addr, Type: key.Type(), Fingerprint: ssh.FingerprintSHA256(key), Standing: standing,
			Line: knownhosts.Line([]string{ep.Addr}, key),
		})
	}
	if len(keys) == 0 {
		return nil, withNode(t.Name, last)
	}
	return keys, nil
}

// offeredKey makes the handshake with one type of host key, up to the key.
func (x *Executor) offeredKey(ctx context.Context, ep endpoint, algo string) (ssh.PublicKey, error) {
	raw, err := x.pool.opener(ep)(ctx, ep.Addr)
	if kindOf(err) != "" { // an error of the bastion
		return nil, err
	}
	if err != nil {
		return nil, dialError(ep.Addr, err)
	}
	defer raw.Close() //nolint:errcheck // it has served its purpose
	shake, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	defer context.AfterFunc(shake, func() { _ = raw.Close() })()
	var key ssh.PublicKey
	config := &ssh.ClientConfig{
		User: ep.User,
		HostKeyCallback: func(_ string, _ net.Addr, k ssh.PublicKey) error {
			key = k
			return errKeySeen
		},
		HostKeyAlgorithms: []string{algo},
	}
	if algo == ssh.KeyAlgoRSA {
		config.HostKeyAlgorithms = []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256, ssh.KeyAlgoRSA}
	}
	_, _, _, err = ssh.NewClientConn(raw, ep.Addr, config)
	if key == nil {
		return nil, handshakeError(ep, known{}, errors.Is(shake.Err(), context.DeadlineExceeded), err)
	}
	return key, nil
}

// standingOf looks a key up in the endpoint's known_hosts.
func standingOf(ep endpoint, key ssh.PublicKey) (Standing, error) {
	db, err := readKnown(ep.KnownHosts)
	if errors.Is(err, os.ErrNotExist) {
		return Unknown, nil
	}
	if err != nil {
		return "", &Error{Kind: Setup, Doing: "reading known_hosts", Cause: err.Error(), Err: err, Next: "fix " + ep.KnownHosts}
	}
	if err := db.checkRevoked(ep.Addr); err != nil {
		return "", err
	}
	err = db.HostKeyCallback()(ep.Addr, noAddr{}, key)
	switch {
	case err == nil:
		return Trusted, nil
	case knownhosts.IsHostUnknown(err):
		return Unknown, nil
	case knownhosts.IsHostKeyChanged(err):
		for _, known := range db.HostKeys(ep.Addr) {
			if known.Type() == key.Type() {
				return Changed, nil
			}
		}
		return Unknown, nil // another type of key, of a host that we know
	}
	return "", fmt.Errorf("looking up %s in %s: %w", ep.Addr, ep.KnownHosts, err)
}

// noAddr is an address that is in no known_hosts: look-ups use the name.
type noAddr struct{}

func (noAddr) Network() string { return "tcp" }
func (noAddr) String() string  { return "0.0.0.0:0" }
