package executor_test

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
	xknownhosts "golang.org/x/crypto/ssh/knownhosts"

	"alsbot/executor"
)

// unreadLines are lines about another host that cannot be read.
var unreadLines = map[string]string{
	"of SSH 1":          "old.example 1024 35 1432722500491662697379335475133233069247665771237206507221075271906594971694270800680680927318240336964587173987486100052612253553710835832216843820676909",
	"cut off":           "vm.example ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNo",
	"of a new type":     "vm.example ssh-ed448 AAAACXNzaC1lZDQ0OAAAADkAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
	"of a merge":        "<<<<<<< HEAD",
	"without a newline": "vm.example ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBA=10.0.0.9 ssh-rsa AAAA",
	"too long":          "vm.example ssh-rsa " + strings.Repeat("A", 70<<10),
	"of binary":         "\x00\x01\xff\xfe \x80 \x90",
	"revoked elsewhere": "@revoked vm.example ssh-rsa AAAA",
	"an odd marker":     "@trusted vm.example ssh-rsa AAAA",
	"a CA that is cut":  "@cert-authority * ssh-rsa AAAA",
	"hashed oddly":      "|2|AAAA|AAAA ssh-rsa AAAA",
	"an empty negation": "vm.example,! ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKKOJYvcyh8nIYpkX6JVoMGzdhcbG2BwUqFGDfRvvRXG",
	"an open bracket":   "[vm.example ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKKOJYvcyh8nIYpkX6JVoMGzdhcbG2BwUqFGDfRvvRXG",
}

// A line of known_hosts that cannot be read, about another host, keeps nobody
// from this one: OpenSSH passes over it.
func TestKnownHostsBadLine(t *testing.T) {
	t.Parallel()
	needRoot(t)
	s := startSSHD(t, "", "ecdsa", "ecdsa")
	good := read(t, s.known)
	var logged bytes.Buffer
	x := executor.New(slog.New(slog.NewTextHandler(&logged, nil)))
	t.Cleanup(func() { _ = x.Close() })
	for name, bad := range unreadLines {
		for order, text := range map[string]string{"before": bad + "\n" + good, "behind": good + bad + "\r\n", "last": good + bad} {
			node := s.target()
			node.KnownHosts = filepath.Join(t.TempDir(), "known_hosts")
			write(t, node.KnownHosts, text, 0o644)
			var out bytes.Buffer
			if _, err := x.Exec(testContext(t), node, sh("echo hi"), &out); err != nil || out.String() != "hi\n" {
				t.Errorf("%s %s: running: %v %q", name, order, err, &out)
			}
			keys, err := x.HostKeys(testContext(t), node)
			if err != nil || len(keys) != 1 || keys[0].Standing != executor.Trusted {
				t.Errorf("%s %s: trust: %v %v", name, order, keys, err)
			}
			if unread := executor.UnreadLines(node.KnownHosts); len(unread) != 1 {
				t.Errorf("%s %s: %v", name, order, unread)
			}
			if n := strings.Count(logged.String(), "file="+node.KnownHosts+" "); n != 1 {
				t.Errorf("%s %s: logged %d times", name, order, n)
			}
		}
	}
}

// Beside lines that cannot be read, what can be read stays strict.
func TestKnownHostsBadLineStaysStrict(t *testing.T) {
	t.Parallel()
	needRoot(t)
	s := startSSHD(t, "", "ecdsa", "ecdsa")
	host, _, _ := strings.Cut(read(t, s.known), " ")
	_, key, _ := strings.Cut(strings.TrimSpace(read(t, s.known)), " ")
	other := string(bytes.TrimSpace(ssh.MarshalAuthorizedKey(writeKey(t, filepath.Join(t.TempDir(), "other"), "ecdsa"))))
	x := newExecutor(t)
	for name, c := range map[string]struct{ lines, want string }{
		"another key":                        {host + " " + other, "HOST KEY CHANGED"},
		"revoked":                            {host + " " + key + "\n@revoked * " + key, "revoked"},
		"nothing that names it":              {"vm.example " + key, "that can be read names this host"},
		"its own line":                       {host + " ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNo", "that can be read names this host"},
		"a revoked key that cannot be read":  {host + " " + key + "\n@revoked " + host + " ssh-rsa AAAA", "revokes a key of this host"},
		"one of all hosts":                   {"@revoked * ssh-rsa AAAA\n" + host + " " + key, "revokes a key of this host"},
		"one whose host cannot be read":      {host + " " + key + "\n@revoked", "revokes a key of this host"},
		"one whose hosts are but a negation": {host + " " + key + "\n@revoked ! ssh-rsa AAAA", "revokes a key of this host"},
		"a marker mistyped":                  {host + " " + key + "\n@revokd " + host + " " + key, "revokes a key of this host"},
		"a hashed host":                      {host + " " + key + "\n@revoked " + xknownhosts.HashHostname(knownhosts.Normalize(s.addr)) + " ssh-rsa AAAA", "revokes a key of this host"},
	} {
		node := s.target()
		node.KnownHosts = filepath.Join(t.TempDir(), "known_hosts")
		write(t, node.KnownHosts, "<<<<<<< HEAD\n"+c.lines+"\n", 0o644)
		mark := filepath.Join(t.TempDir(), "ran")
		_, err := x.Exec(testContext(t), node, []string{"touch", mark}, &bytes.Buffer{})
		var e *executor.Error
		if !errors.As(err, &e) || e.Kind != executor.HostKey || !strings.Contains(e.Cause, c.want) || !strings.Contains(e.Cause, "nothing was sent") && name != "revoked" {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := os.Stat(mark); err == nil {
			t.Errorf("%s: it ran", name)
		}
		if keys, err := x.HostKeys(testContext(t), node); err == nil && keys[0].Standing == executor.Trusted {
			t.Errorf("%s: trusted", name)
		}
	}
}

// The parts of a file that unreadable passes are those that the library takes.
func FuzzKnownHosts(f *testing.F) {
	const good = "vm.example ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKKOJYvcyh8nIYpkX6JVoMGzdhcbG2BwUqFGDfRvvRXG"
	for _, line := range unreadLines {
		f.Add(line[:min(len(line), 300)])
	}
	f.Add(good)
	f.Add("@revoked " + good)
	f.Add("|1|AAAA|AAAA" + good)
	f.Fuzz(func(t *testing.T, text string) {
		path := filepath.Join(t.TempDir(), "known_hosts")
		write(t, path, text+"\n"+good+"\n<<<<<<<\n", 0o600)
		if unread := executor.UnreadLines(path); len(unread) == 0 {
			t.Error("the file cannot be read")
		}
	})
}
