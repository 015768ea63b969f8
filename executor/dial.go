package executor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
)

// alsbot limits every wait itself: ssh.ClientConfig.Timeout covers TCP only,
// and a silent server would hold the caller forever.
const (
	dialTimeout      = 10 * time.Second
	handshakeTimeout = 30 * time.Second
)

const (
	trustCommand = "alsbot trust CLUSTER"
	trustHint    = "find out why; if the node was really rebuilt, check its key and run %s"
)

// endpoint is the part of a Target that its connection depends on. Targets with
// the same endpoint share a connection.
type endpoint struct {
	Addr, User, IdentityFile, KnownHosts, Via string
	Legacy                                    bool
}

func (t Target) endpoint() endpoint {
	return endpoint{t.Addr, t.User, t.IdentityFile, t.KnownHosts, t.Via, t.Legacy}
}

// bastion returns the endpoint of ep.Via. It uses the same key and the same
// known_hosts, and its host key is checked like any other.
func (ep endpoint) bastion() (endpoint, error) {
	user, addr, ok := strings.Cut(ep.Via, "@")
	if _, _, err := net.SplitHostPort(addr); !ok || user == "" || err != nil {
		return endpoint{}, &Error{Kind: Setup, Doing: "reading via", Cause: fmt.Sprintf("%q is not user@host:port", ep.Via), Next: "correct via in the config"}
	}
	return endpoint{Addr: addr, User: user, IdentityFile: ep.IdentityFile, KnownHosts: ep.KnownHosts, Legacy: ep.Legacy}, nil
}

// dial makes an SSH connection over the stream that open returns. Its errors
// are of type *Error, without a node's name.
func dial(ctx context.Context, ep endpoint, signer ssh.Signer, hosts known, open func(context.Context, string) (net.Conn, error)) (*ssh.Client, *activityConn, error) {
	config, err := clientConfig(ep, signer, hosts)
	if err != nil {
		return nil, nil, err
	}
	raw, err := open(ctx, ep.Addr)
	if kindOf(err) != "" { // an error of the bastion
		return nil, nil, err
	}
	if err != nil {
		return nil, nil, dialError(ep.Addr, err)
	}
	nc := &activityConn{Conn: raw, born: time.Now()}
	nc.touch()

	// A connection through a bastion has no deadlines, but it can be closed.
	shake, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	stop := context.AfterFunc(shake, func() { _ = nc.Close() })
	conn, channels, requests, err := ssh.NewClientConn(nc, ep.Addr, config)
	if err == nil && !stop() { // closed at the last moment
		err = context.Cause(shake)
	}
	if err != nil {
		_ = nc.Close()
		return nil, nil, handshakeError(ep, hosts, errors.Is(shake.Err(), context.DeadlineExceeded), err)
	}
	return ssh.NewClient(conn, channels, requests), nc, nil
}

func clientConfig(ep endpoint, signer ssh.Signer, hosts known) (*ssh.ClientConfig, error) {
	if err := hosts.checkRevoked(ep.Addr); err != nil {
		return nil, err
	}
	config := &ssh.ClientConfig{
		User:            ep.User,
		Auth:            []ssh.AuthMethod{ssh.PublicKeys(signer)},
		HostKeyCallback: hostKeyCheck(hosts, ep),
		// Offer only types that known_hosts has for this host: else the node
		// would show its best key, which may be one that we don't know.
		HostKeyAlgorithms: hosts.HostKeyAlgorithms(ep.Addr),
	}
	if ep.Legacy {
		good, bad := ssh.SupportedAlgorithms(), ssh.InsecureAlgorithms()
		config.KeyExchanges = append(good.KeyExchanges, bad.KeyExchanges...)
		config.Ciphers = append(good.Ciphers, bad.Ciphers...)
		config.MACs = append(good.MACs, bad.MACs...)
	}
	return config, nil
}

// hostKeyCheck accepts only keys in the file. Any other key ends the handshake
// before anything is sent.
func hostKeyCheck(hosts known, ep endpoint) ssh.HostKeyCallback {
	check := hosts.HostKeyCallback()
	return func(host string, remote net.Addr, key ssh.PublicKey) error {
		err := check(host, remote, key)
		if err == nil {
			return nil
		}
		shown := key.Type() + " " + ssh.FingerprintSHA256(key)
		e := &Error{Kind: HostKey, Doing: "connecting to " + ep.Addr, Cause: err.Error(), Err: err}
		e = e.advised(trustHint, trustCommand)
		switch {
		case knownhosts.IsHostKeyChanged(err):
			e.Cause = fmt.Sprintf("HOST KEY CHANGED: refused, and nothing was sent; it shows %s, which is not the key in %s", shown, ep.KnownHosts)
		case knownhosts.IsHostUnknown(err) && len(hosts.unread) > 0:
			e.Cause = fmt.Sprintf("no line of %s that can be read names this host: refused, and nothing was sent; it shows %s; what cannot be read: %s", ep.KnownHosts, shown, hosts.unreadText())
			e = e.advised("correct those lines, or compare the key with the node's own console and run %s", trustCommand)
		case knownhosts.IsHostUnknown(err):
			e.Cause = fmt.Sprintf("its host key is not in %s: refused, and nothing was sent; it shows %s", ep.KnownHosts, shown)
			e = e.advised("compare that with the node's own console, then run %s", trustCommand)
		}
		return e
	}
}

// identity reads a private key, and refuses one that others can read.
func identity(path string) (ssh.Signer, error) {
	fail := func(err error, cause, next string, commands ...string) (ssh.Signer, error) {
		e := &Error{Kind: Setup, Doing: "reading identity_file " + path, Cause: cause, Err: err}
		return nil, e.advised(next, commands...)
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return fail(err, "there is no such file", "make a key with %s, or correct identity_file", "ssh-keygen -t ecdsa -f "+path)
	case err != nil:
		return fail(err, err.Error(), "correct identity_file or its directory's rights")
	case info.Mode().Perm()&0o077 != 0:
		return fail(nil, fmt.Sprintf("others can read it (mode %04o)", info.Mode().Perm()), "run %s", "chmod 600 "+path)
	}
	pem, err := os.ReadFile(path)
	if err != nil {
		return fail(err, err.Error(), "let alsbot's user read it")
	}
	signer, err := ssh.ParsePrivateKey(pem)
	var locked *ssh.PassphraseMissingError
	switch {
	case errors.As(err, &locked):
		return fail(err, "it has a passphrase", "give alsbot a key of its own without one")
	case err != nil:
		return fail(err, "it is not a private key that can be read: "+err.Error(), "make one with %s", "ssh-keygen -t ecdsa")
	}
	return signer, nil
}
