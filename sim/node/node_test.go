package node_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"alsbot/sim/node"
)

func TestMain(m *testing.M) {
	node.Main()
	os.Exit(m.Run())
}

func start(t *testing.T, o node.Options) *node.Cluster {
	t.Helper()
	o.Dir = filepath.Join(t.TempDir(), "cluster")
	c, err := node.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// dial connects as any client does: with the key and the known hosts.
func dial(t *testing.T, c *node.Cluster, ip string) *ssh.Client {
	t.Helper()
	client, err := ssh.Dial("tcp", c.Addr(ip), clientConfig(t, c, c.User))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

func clientConfig(t *testing.T, c *node.Cluster, user string) *ssh.ClientConfig {
	t.Helper()
	text, err := os.ReadFile(c.IdentityFile)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.ParsePrivateKey(text)
	if err != nil {
		t.Fatal(err)
	}
	known, err := knownhosts.New(c.KnownHosts)
	if err != nil {
		t.Fatal(err)
	}
	return &ssh.ClientConfig{User: user, Auth: []ssh.AuthMethod{ssh.PublicKeys(key)}, HostKeyCallback: known}
}

// exec runs one command line and returns its output (both streams) and status.
func exec(t *testing.T, client *ssh.Client, line, stdin string) (string, int) {
	t.Helper()
	s, err := client.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var out both
	s.Stdout, s.Stderr, s.Stdin = &out, &out, strings.NewReader(stdin)
	err = s.Run(line)
	var ended *ssh.ExitError
	switch {
	case err == nil:
		return out.String(), 0
	case errors.As(err, &ended):
		return out.String(), ended.ExitStatus()
	}
	t.Fatalf("%s: %v", line, err)
	return "", 0
}

// both collects two streams in one buffer.
type both struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *both) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *both) String() string { return b.buf.String() }

// kato runs kato on the core in a login shell.
func kato(t *testing.T, c *node.Cluster, args string) (string, int) {
	t.Helper()
	return katoOn(t, c, c.Core, args)
}

func katoOn(t *testing.T, c *node.Cluster, ip, args string) (string, int) {
	t.Helper()
	return exec(t, dial(t, c, ip), "sh -lc 'exec kato "+args+"'", "")
}

func want(t *testing.T, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("printed:\n%s\nwant:\n%s", got, want)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func state(t *testing.T, c *node.Cluster) *node.State {
	t.Helper()
	s, err := c.State()
	must(t, err)
	return s
}
