package executor

import (
	"bufio"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
)

// UnreadLine is a line of a known_hosts file that cannot be read.
type UnreadLine struct {
	Number int
	Why    string
}

func (l UnreadLine) String() string { return fmt.Sprintf("line %d: %s", l.Number, l.Why) }

// known is a known_hosts file. What of it can be read is as strict as ever; a
// line that cannot be read is passed over, as OpenSSH does.
type known struct {
	*knownhosts.HostKeyDB
	path   string
	unread []UnreadLine
	// mayRevoke has the hosts of unread lines that may revoke a key, as hosts
	// with a key that nobody has; nil for none.
	mayRevoke *knownhosts.HostKeyDB
}

// readKnown reads a known_hosts file.
func readKnown(path string) (known, error) {
	k := known{path: path}
	var err error
	var pathError *os.PathError
	if k.HostKeyDB, err = knownhosts.NewDB(path); err == nil || errors.As(err, &pathError) {
		return k, err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return k, err
	}
	var good, revoking []string
	for i, line := range strings.Split(string(text), "\n") {
		why := unreadable(line)
		if why == nil {
			good = append(good, line)
			continue
		}
		k.unread = append(k.unread, UnreadLine{Number: i + 1, Why: visible(why.Error())})
		if hosts, may := revokes(line); may {
			revoking = append(revoking, hosts)
		}
	}
	if k.HostKeyDB, err = parseKnown(good); err != nil || len(revoking) == 0 {
		return k, err
	}
	k.mayRevoke, err = withoutKeys(revoking)
	return k, err
}

// parseKnown reads lines that can be read. The library reads only files.
func parseKnown(lines []string) (*knownhosts.HostKeyDB, error) {
	f, err := os.CreateTemp("", "alsbot-known-hosts-")
	if err != nil {
		return nil, err
	}
	defer os.Remove(f.Name()) //nolint:errcheck // public keys, in the directory for such files
	_, err = f.WriteString(strings.Join(lines, "\n"))
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	return knownhosts.NewDB(f.Name())
}

// withoutKeys returns hosts with a key that nobody has.
func withoutKeys(hosts []string) (*knownhosts.HostKeyDB, error) {
	public, _, err := ed25519.GenerateKey(nil)
	if err != nil {
		return nil, err
	}
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		return nil, err
	}
	for i := range hosts {
		hosts[i] += " " + string(ssh.MarshalAuthorizedKey(key))
	}
	return parseKnown(hosts)
}

// unreadable says why the library cannot read a line, nil if it can.
func unreadable(line string) error {
	if len(line) >= bufio.MaxScanTokenSize-1 {
		return fmt.Errorf("it has %d bytes", len(line))
	}
	fields := lineFields(line)
	if len(fields) == 0 || fields[0][0] == '#' {
		return nil
	}
	marker := ""
	if m := fields[0]; m == "@cert-authority" || m == "@revoked" {
		marker, fields = m, fields[1:]
	}
	switch {
	case len(fields) > 0 && fields[0][0] == '@':
		return fmt.Errorf("the marker %q is not known", fields[0])
	case len(fields) < 3:
		return errors.New("it has no host, type and key")
	}
	raw, err := base64.StdEncoding.DecodeString(fields[2])
	if err != nil {
		return fmt.Errorf("its key: %w", err)
	}
	key, err := ssh.ParsePublicKey(raw)
	if err != nil {
		return fmt.Errorf("its key: %w", err)
	}
	if key.Type() != fields[1] {
		return fmt.Errorf("its key is of type %s, not %s", key.Type(), fields[1])
	}
	if marker == "@revoked" {
		return nil // of every host
	}
	return unreadableHosts(fields[0])
}

// lineFields splits a line as the library does.
func lineFields(line string) []string {
	return strings.FieldsFunc(strings.TrimSuffix(line, "\r"), func(r rune) bool { return r == ' ' || r == '\t' })
}

// unreadableHosts says why the library cannot read the hosts of a line.
func unreadableHosts(hosts string) error {
	if hosts[0] == '|' {
		parts := strings.Split(hosts, "|")
		if len(parts) != 4 || parts[1] != "1" {
			return errors.New("its hashed host has another form")
		}
		_, err := base64.StdEncoding.DecodeString(parts[2])
		_, err2 := base64.StdEncoding.DecodeString(parts[3])
		return errors.Join(err, err2)
	}
	for host := range strings.SplitSeq(hosts, ",") {
		bare := strings.TrimPrefix(host, "!")
		if host != "" && bare == "" {
			return errors.New("it excludes a host without naming it")
		}
		if strings.HasPrefix(bare, "[") {
			if _, _, err := net.SplitHostPort(bare); err != nil {
				return err
			}
		}
	}
	return nil
}

// revokes reports whether an unread line may have been meant to revoke a key,
// and of which hosts; of all if they cannot be read either. Without that line,
// the key could pass by another one.
func revokes(line string) (hosts string, may bool) {
	fields := lineFields(line)
	if len(fields) == 0 || fields[0][0] != '@' || fields[0] == "@cert-authority" {
		return "", false
	}
	if len(fields) < 2 || fields[1][0] == '@' || unreadableHosts(fields[1]) != nil {
		return "*", true
	}
	return fields[1], true
}

// checkRevoked refuses a host of which a key may be revoked by a line that
// cannot be read.
func (k known) checkRevoked(addr string) error {
	if k.mayRevoke == nil || len(k.mayRevoke.HostKeys(addr)) == 0 {
		return nil
	}
	return &Error{
		Kind: HostKey, Doing: "connecting to " + addr,
		Cause: fmt.Sprintf("refused, and nothing was sent: a line of %s revokes a key of this host, and which one cannot be read (%s)", k.path, k.unreadText()),
		Next:  "correct that line, or remove it if no key is revoked",
	}
}

// unreadText lists the lines that cannot be read.
func (k known) unreadText() string {
	const most = 3
	var all []string
	for _, l := range k.unread[:min(most, len(k.unread))] {
		all = append(all, l.String())
	}
	if more := len(k.unread) - most; more > 0 {
		all = append(all, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(all, "; ")
}

// fingerprints returns the host keys of an address, without those of
// certificate authorities, which stand for no single host.
func (k known) fingerprints(addr string) []string {
	var prints []string
	for _, key := range k.HostKeys(addr) {
		if !key.Cert {
			prints = append(prints, ssh.FingerprintSHA256(key.PublicKey))
		}
	}
	return prints
}

// UnreadLines returns the lines of a known_hosts file that cannot be read, and
// are passed over. The file need not exist yet.
func UnreadLines(path string) []UnreadLine {
	k, err := readKnown(path)
	if err != nil {
		return nil // the connection says what is wrong with the file
	}
	return k.unread
}

// KnownKeys returns the fingerprints of the host keys that known_hosts has for
// a target and for its bastion, sorted. A file that can't be read has none:
// then alsbot connects to nothing.
func KnownKeys(t Target) []string {
	ep := t.endpoint()
	k, err := readKnown(ep.KnownHosts)
	if err != nil {
		return nil
	}
	hosts := []string{ep.Addr}
	if ep.Via != "" {
		if b, err := ep.bastion(); err == nil {
			hosts = append(hosts, b.Addr)
		}
	}
	var prints []string
	for _, host := range hosts {
		for _, key := range k.HostKeys(host) {
			prints = append(prints, ssh.FingerprintSHA256(key.PublicKey))
		}
	}
	slices.Sort(prints)
	return slices.Compact(prints)
}

// OwnKeys returns the fingerprints of the host keys that known_hosts has for a
// target alone.
func OwnKeys(t Target) []string {
	k, err := readKnown(t.KnownHosts)
	if err != nil {
		return nil
	}
	return k.fingerprints(t.Addr)
}
