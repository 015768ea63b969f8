package node_test

import (
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"alsbot/sim/node"
)

// patience ends a test that would otherwise wait forever.
const patience = 5 * time.Minute

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s did not happen", what)
		}
	}
}

func TestExecEnvironment(t *testing.T) {
	c := start(t, node.Options{})
	client := dial(t, c, c.Core)
	for _, test := range []struct {
		line, stdin, want string
		status            int
	}{
		{"pwd; echo $HOME $USER $LOGNAME $SHELL", "", c.Home(c.Core) + "\n" + c.Home(c.Core) + " helion helion /bin/sh\n", 0},
		{"cat; exit 7", "input", "input", 7},
		{"bash -lc 'kato version'", "", "Application Lifecycle Service 1.3\n", 0},
		{"~/bin/kato version", "", "Application Lifecycle Service 1.3\n", 0},
	} {
		if out, status := exec(t, client, test.line, test.stdin); out != test.want || status != test.status {
			t.Errorf("%s: status %d, printed %q", test.line, status, out)
		}
	}
	if out, status := exec(t, client, "kato version", ""); status != 127 || !strings.Contains(out, "not found") {
		t.Errorf("without a login: status %d, printed %q", status, out)
	}
	s, err := client.NewSession()
	must(t, err)
	defer s.Close()
	var ended *ssh.ExitError
	if err := s.Run("kill -9 $$"); !errors.As(err, &ended) || ended.Signal() != "KILL" {
		t.Errorf("a killed command ended with %v", err)
	}
}

func TestRootBecomesTheSystemUser(t *testing.T) {
	c := start(t, node.Options{})
	root, err := ssh.Dial("tcp", c.Addr(c.Core), clientConfig(t, c, "root"))
	must(t, err)
	defer root.Close()
	for _, line := range []string{"su - helion -c 'kato version; echo $USER $HOME'", "su - helion /bin/bash -c 'kato version; echo $USER $HOME'"} {
		out, status := exec(t, root, line, "")
		if want := "Application Lifecycle Service 1.3\nhelion " + c.Home(c.Core) + "\n"; out != want || status != 0 {
			t.Errorf("%s: status %d, printed %q", line, status, out)
		}
	}
	if _, status := exec(t, dial(t, c, c.Core), "su - root -c true", ""); status != 1 {
		t.Error("the system user became root")
	}
	if _, err := ssh.Dial("tcp", c.Addr(c.Core), clientConfig(t, c, "mallory")); err == nil {
		t.Error("anybody may log in")
	}
}

func TestOffersWhatOpenSSH59Offers(t *testing.T) {
	c := start(t, node.Options{RSA: true})
	for _, test := range []struct {
		name   string
		change func(*ssh.ClientConfig)
		works  bool
	}{
		{"defaults", func(*ssh.ClientConfig) {}, true},
		{"an RSA host key with SHA-1", func(o *ssh.ClientConfig) { o.HostKeyAlgorithms = []string{"ssh-rsa"} }, true},
		{"an RSA host key with SHA-2", func(o *ssh.ClientConfig) { o.HostKeyAlgorithms = []string{"rsa-sha2-256", "rsa-sha2-512"} }, false},
		{"curve25519", func(o *ssh.ClientConfig) { o.KeyExchanges = []string{"curve25519-sha256"} }, false},
		{"group exchange", func(o *ssh.ClientConfig) { o.KeyExchanges = []string{"diffie-hellman-group-exchange-sha256"} }, true},
		{"GCM", func(o *ssh.ClientConfig) { o.Ciphers = []string{"aes128-gcm@openssh.com"} }, false},
		{"encrypt-then-MAC", func(o *ssh.ClientConfig) { o.MACs = []string{"hmac-sha2-256-etm@openssh.com"} }, false},
		{"a password", func(o *ssh.ClientConfig) { o.Auth = []ssh.AuthMethod{ssh.Password("stackato")} }, false},
	} {
		o := clientConfig(t, c, "helion")
		test.change(o)
		client, err := ssh.Dial("tcp", c.Addr(c.Core), o)
		if (err == nil) != test.works {
			t.Errorf("%s: %v", test.name, err)
		}
		if err == nil {
			if v := string(client.ServerVersion()); !strings.HasPrefix(v, "SSH-2.0-OpenSSH_5.9p1") {
				t.Errorf("greets as %s", v)
			}
			client.Close()
		}
	}
}

func TestHostKeyChanges(t *testing.T) {
	c := start(t, node.Options{})
	must(t, c.ChangeHostKey(c.Core))
	_, err := ssh.Dial("tcp", c.Addr(c.Core), clientConfig(t, c, c.User))
	var key *knownhosts.KeyError
	if !errors.As(err, &key) || len(key.Want) == 0 {
		t.Errorf("a changed host key gives %v", err)
	}
}

func TestWorkOutlivesItsConnection(t *testing.T) {
	c := start(t, node.Options{})
	client := dial(t, c, c.Core)
	line := "setsid sh -c 'while [ ! -e go ]; do sleep 0.01; done; echo yes >done' >/dev/null 2>&1 </dev/null & echo $! >pid"
	if _, status := exec(t, client, line, ""); status != 0 {
		t.Fatalf("status %d", status)
	}
	c.Cut(c.Core)
	if err := client.Wait(); err == nil {
		t.Error("the connection ended politely")
	}
	must(t, os.WriteFile(filepath.Join(c.Home(c.Core), "go"), nil, 0o600))
	eventually(t, "the end of the work", func() bool {
		b, _ := os.ReadFile(filepath.Join(c.Home(c.Core), "done"))
		return string(b) == "yes\n"
	})
}

func TestCloseLeavesNothingRunning(t *testing.T) {
	c := start(t, node.Options{})
	exec(t, dial(t, c, c.Core), "setsid sh -c 'echo $$ >pid; exec sleep 1000' >/dev/null 2>&1 </dev/null &", "")
	pid := func() string {
		b, _ := os.ReadFile(filepath.Join(c.Home(c.Core), "pid"))
		return strings.TrimSpace(string(b))
	}
	eventually(t, "the start of the process", func() bool { return pid() != "" })
	must(t, c.Close())
	eventually(t, "the end of the process", func() bool {
		line, err := os.ReadFile("/proc/" + pid() + "/cmdline")
		return err != nil || !strings.Contains(string(line), "sleep")
	})
}

func TestClusterGoesOnAfterRestart(t *testing.T) {
	o := node.Options{Dir: filepath.Join(t.TempDir(), "c")}
	c, err := node.Start(o)
	must(t, err)
	kato(t, c, "patch install")
	addr := c.Addr(c.Core)
	must(t, c.Close())
	c, err = node.Start(o)
	must(t, err)
	defer c.Close()
	if out, _ := kato(t, c, "patch status"); out != "No updates available to be installed.\n" {
		t.Errorf("forgot the patches:\n%s", out)
	}
	if c.Addr(c.Core) != addr {
		t.Errorf("the core moved from %s to %s", addr, c.Addr(c.Core))
	}
}

func TestDownAndUpAgain(t *testing.T) {
	c := start(t, node.Options{})
	client := dial(t, c, "10.0.0.12")
	must(t, c.Fault("down@10.0.0.12", "yes"))
	if err := client.Wait(); err == nil {
		t.Error("an open connection survived")
	}
	if _, err := net.Dial("tcp", c.Addr("10.0.0.12")); err == nil {
		t.Error("the port is open")
	}
	if out, _ := kato(t, c, "status"); !strings.Contains(out, "Node 10.0.0.12\n  base                UNREACHABLE\n") {
		t.Errorf("the core says:\n%s", out)
	}
	out, status := kato(t, c, "patch install dea-memory-usage-reporting")
	if status != 1 || !strings.Contains(out, "10.0.0.12: installing...                   failed\n10.0.0.13: installing...                   ok\n") {
		t.Errorf("status %d:\n%s", status, out)
	}
	must(t, c.Fault("down@10.0.0.12", ""))
	if out, _ := katoOn(t, c, "10.0.0.12", "version"); out == "" {
		t.Error("the node did not come back")
	}
}

func TestHangs(t *testing.T) {
	for _, at := range []string{"accept", "banner", "auth", "frozen"} {
		c := start(t, node.Options{})
		must(t, c.Fault("hang", at))
		nc, err := net.Dial("tcp", c.Addr(c.Core))
		must(t, err)
		must(t, nc.SetDeadline(time.Now().Add(200*time.Millisecond)))
		_, _, _, err = ssh.NewClientConn(nc, c.Addr(c.Core), clientConfig(t, c, c.User))
		var timeout net.Error
		if err == nil || (!errors.As(err, &timeout) && !strings.Contains(err.Error(), "i/o timeout")) {
			t.Errorf("%s: %v", at, err)
		}
		nc.Close()
		must(t, c.Fault("hang", ""))
		if out, _ := kato(t, c, "version"); out == "" {
			t.Errorf("%s: the node stayed silent", at)
		}
	}
}

func TestFrozenConnectionThaws(t *testing.T) {
	c := start(t, node.Options{})
	client := dial(t, c, c.Core)
	must(t, c.Fault("hang@"+c.Core, "frozen"))
	result := make(chan string, 1)
	go func() {
		s, err := client.NewSession()
		if err != nil {
			result <- err.Error()
			return
		}
		defer s.Close()
		out, _ := s.Output("echo thawed")
		result <- string(out)
	}()
	select {
	case got := <-result:
		t.Errorf("a frozen connection answered %q", got)
	case <-time.After(50 * time.Millisecond):
	}
	must(t, c.Fault("hang@"+c.Core, ""))
	select {
	case got := <-result:
		want(t, got, "thawed\n")
	case <-time.After(patience):
		t.Error("the connection stayed frozen")
	}
}

func TestSessionsAreLimited(t *testing.T) {
	c := start(t, node.Options{})
	client := dial(t, c, c.Core)
	for i := range 10 {
		s, err := client.NewSession()
		if err != nil {
			t.Fatalf("session %d: %v", i, err)
		}
		must(t, s.Start("sleep 1000"))
	}
	_, err := client.NewSession()
	var refused *ssh.OpenChannelError
	if !errors.As(err, &refused) {
		t.Errorf("the eleventh session: %v", err)
	}
}

func TestBastion(t *testing.T) {
	nodes := node.Four()
	nodes[0].Bastion = true
	c := start(t, node.Options{Nodes: nodes})
	outside, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer outside.Close()
	bastion := dial(t, c, c.Core)
	for _, to := range []string{"10.0.0.12:22", c.Addr("10.0.0.12")} {
		nc, err := bastion.Dial("tcp", to)
		must(t, err)
		sc, chans, reqs, err := ssh.NewClientConn(nc, to, clientConfig(t, c, c.User))
		must(t, err)
		client := ssh.NewClient(sc, chans, reqs)
		if out, _ := exec(t, client, "pwd", ""); out != c.Home("10.0.0.12")+"\n" {
			t.Errorf("through the bastion to %s: %q", to, out)
		}
		client.Close()
	}
	if _, err := bastion.Dial("tcp", outside.Addr().String()); err == nil {
		t.Error("the bastion leads out of the cluster")
	}
	if _, err := dial(t, c, "10.0.0.11").Dial("tcp", "10.0.0.12:22"); err == nil {
		t.Error("a node that is no bastion forwards")
	}
}

func TestOutputArrivesWhole(t *testing.T) {
	c := start(t, node.Options{})
	s, err := dial(t, c, c.Core).NewSession()
	must(t, err)
	defer s.Close()
	out, err := s.StdoutPipe()
	must(t, err)
	must(t, s.Start("head -c 20000000 /dev/zero"))
	n, err := io.Copy(io.Discard, out)
	if n != 20000000 || err != nil || s.Wait() != nil {
		t.Errorf("%d bytes arrived, %v", n, err)
	}
}
