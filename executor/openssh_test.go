package executor_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"alsbot/executor"
)

func kind(err error) executor.Kind {
	var e *executor.Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return ""
}

// checkRefused checks an error's kind, and that its text names the node and has
// these words.
func checkRefused(t testing.TB, err error, want executor.Kind, words ...string) {
	t.Helper()
	if kind(err) != want {
		t.Fatalf("kind %q, not %q: %v", kind(err), want, err)
	}
	for _, w := range append(words, "node 1: ") {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("no %q in: %v", w, err)
		}
	}
	var e *executor.Error
	if !errors.As(err, &e) || strings.Count(e.Next, "`") != 2*len(e.Commands) {
		t.Errorf("commands that are not those of the advice: %v", err)
		return
	}
	for _, c := range e.Commands {
		if !strings.Contains(e.Next, "`"+c+"`") {
			t.Errorf("%q is not named: %v", c, err)
		}
	}
}

// login is a user of the server, and what commands under that user do.
type login struct {
	user, out string
	status    int
	kind      executor.Kind // of Exec
	run       string        // output of Run
}

// showLogin prints the user, the profile's variable and stdin.
var showLogin = sh(`printf '%s ' "$(whoami)" "$LOGIN_OF" "[$(cat)]"; [ "$(pwd)" = "$HOME" ] || echo "$(pwd) is not $HOME"; exit 5`)

func TestOpenSSHLogins(t *testing.T) {
	t.Parallel()
	needRoot(t)
	s := startSSHD(t, "", "ecdsa", "ecdsa")
	x := newExecutor(t)
	for _, c := range []login{
		{user: "", out: "root root [] "},
		{user: "helion", out: "helion helion [] "},
		{user: "noisy", out: "noisy noisy [] "},
		{user: "refusing", kind: executor.Node, run: "not available", status: 1},
		{user: "quitting", kind: executor.Node, run: "closed for repairs", status: 126},
		{user: "nobody-here", kind: executor.Node, run: "does not exist", status: 1},
	} {
		t.Run("user "+c.user, func(t *testing.T) {
			node := s.target()
			node.RunAs = c.user
			c.checkExec(t, x, node)
			c.checkRun(t, x, node)
		})
	}
}

func (c login) checkExec(t *testing.T, x *executor.Executor, node executor.Target) {
	t.Helper()
	var out bytes.Buffer
	status, err := x.Exec(testContext(t), node, showLogin, &out)
	switch {
	case c.kind != "":
		checkRefused(t, err, c.kind, "nothing shows that the command began")
		if out.Len() > 0 {
			t.Errorf("output of a command that did not run: %q", &out)
		}
	case err != nil || status != 5 || out.String() != c.out:
		t.Errorf("exec: %d %v %q", status, err, &out)
	}
}

func (c login) checkRun(t *testing.T, x *executor.Executor, node executor.Target) {
	t.Helper()
	ctx := testContext(t)
	l := newSink()
	exit, err := x.Run(ctx, node, executor.Command{ID: "as-" + c.user + "-1", Argv: showLogin}, l)
	if err != nil || exit.State != executor.Finished {
		t.Fatalf("run: %+v %v", exit, err)
	}
	if c.kind != "" {
		if exit.Status != c.status || !strings.Contains(l.text(), c.run) {
			t.Errorf("run: %+v %q", exit, l.text())
		}
		return
	}
	if exit.Status != 5 || l.text() != c.out {
		t.Errorf("run: %+v %q", exit, l.text())
	}
	l = newSink()
	exit, err = x.Run(ctx, node, executor.Command{ID: "as-" + c.user + "-2", Argv: sh(`IFS= read -r key; printf "%s\\n" "$key"; cat`), Input: secret}, l)
	if err != nil || exit.Status != 0 || l.text() != secret+"\n" {
		t.Errorf("with input: %+v %v %q", exit, err, l.text())
	}
}

func TestOpenSSHAlgorithms(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	rsaHost := algorithms59 + "HostKeyAlgorithms ssh-rsa\nPubkeyAcceptedAlgorithms ecdsa-sha2-nistp256\n"
	oldRSA := algorithms59 + "HostKeyAlgorithms ssh-rsa,ecdsa-sha2-nistp256\nPubkeyAcceptedAlgorithms ssh-rsa,rsa-sha2-256\n"
	for _, c := range []struct {
		name, config, user string
		host               []string
		legacy             bool
		kind               executor.Kind
		words              string
	}{
		{name: "modern", user: "ed25519", host: []string{"ed25519"}},
		{name: "modern rsa", user: "rsa", host: []string{"rsa", "ecdsa", "ed25519"}},
		{name: "5.9", config: algorithms59, user: "ecdsa", host: []string{"ecdsa", "rsa"}},
		{name: "5.9 with an rsa host key", config: rsaHost, user: "ecdsa", host: []string{"rsa"}},
		{name: "5.9 with an rsa user key", config: oldRSA, user: "rsa", host: []string{"rsa"}},
		{name: "legacy", config: "KexAlgorithms diffie-hellman-group1-sha1\nCiphers aes128-cbc\n", user: "ecdsa", host: []string{"ecdsa"}, legacy: true},
		{name: "legacy not allowed", config: "KexAlgorithms diffie-hellman-group1-sha1\nCiphers aes128-cbc\n", user: "ecdsa", host: []string{"ecdsa"}, kind: executor.Setup, words: "legacy_ssh: true"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := startSSHD(t, c.config, c.user, c.host...)
			node := s.target()
			node.Legacy = c.legacy
			var out bytes.Buffer
			status, err := newExecutor(t).Exec(ctx, node, sh("echo hello"), &out)
			if c.kind != "" {
				checkRefused(t, err, c.kind, c.words)
			} else if err != nil || status != 0 || out.String() != "hello\n" {
				t.Errorf("%d %v %q", status, err, &out)
			}
		})
	}
}

func TestOpenSSHHostKeys(t *testing.T) {
	t.Parallel()
	s := startSSHD(t, "", "ecdsa", "ecdsa", "rsa", "ed25519")
	ctx := testContext(t)
	all := strings.Split(strings.TrimSpace(read(t, s.known)), "\n")
	other := startSSHD(t, "", "ecdsa", "ecdsa", "rsa")
	wrong := strings.ReplaceAll(read(t, other.known), knownName(other.addr), knownName(s.addr))
	for _, c := range []struct {
		name, known string
		words       string // of the refusal; "" for none
	}{
		{"all types", strings.Join(all, "\n"), ""},
		{"only ecdsa", all[0], ""},
		{"only rsa", all[1], ""},
		{"only ed25519", all[2], ""},
		{"two of a type, one of them right", wrong + all[0], ""},
		{"changed", wrong, "HOST KEY CHANGED: refused, and nothing was sent"},
		{"unknown", "", "is not in"},
	} {
		t.Run(c.name, func(t *testing.T) {
			node := s.target()
			node.KnownHosts = filepath.Join(t.TempDir(), "known_hosts")
			write(t, node.KnownHosts, c.known+"\n", 0o644)
			canary := filepath.Join(t.TempDir(), "ran")
			x := newExecutor(t)
			status, err := x.Exec(ctx, node, []string{"/usr/bin/touch", canary}, &bytes.Buffer{})
			_, ran := os.Stat(canary)
			if c.words == "" {
				if err != nil || status != 0 || ran != nil {
					t.Fatalf("%d %v %v", status, err, ran)
				}
				return
			}
			checkRefused(t, err, executor.HostKey, c.words, "alsbot trust", "SHA256:")
			_, err = x.Run(ctx, node, executor.Command{ID: "no", Argv: []string{"/usr/bin/touch", canary}}, newSink())
			checkRefused(t, err, executor.HostKey, c.words)
			if _, ran := os.Stat(canary); ran == nil {
				t.Error("a command was sent")
			}
		})
	}
}

// knownName returns how known_hosts writes addr.
func knownName(addr string) string {
	host, port, _ := strings.Cut(addr, ":")
	return "[" + host + "]:" + port
}

func TestOpenSSHKeyNotAccepted(t *testing.T) {
	t.Parallel()
	s := startSSHD(t, "", "ecdsa", "ecdsa")
	node := s.target()
	node.IdentityFile = filepath.Join(t.TempDir(), "other")
	writeKey(t, node.IdentityFile, "ecdsa")
	_, err := newExecutor(t).Exec(testContext(t), node, sh("echo"), &bytes.Buffer{})
	checkRefused(t, err, executor.Denied, "does not accept the key", "authorized_keys")
}

func TestOpenSSHBastion(t *testing.T) {
	t.Parallel()
	s := startSSHD(t, "", "ecdsa", "ecdsa")
	x := newExecutor(t)
	ctx := testContext(t)
	node := s.target()
	node.Via = node.User + "@" + s.addr
	l := newSink()
	exit, err := x.Run(ctx, node, executor.Command{ID: "via", Argv: sh("echo through; exit 4")}, l)
	if err != nil || exit.Status != 4 || l.text() != "through\n" {
		t.Fatalf("%+v %v %q", exit, err, l.text())
	}
	t.Run("refuses", func(t *testing.T) {
		node := node
		node.Addr = freeAddr(t)
		_, err := x.Exec(ctx, node, sh("echo"), &bytes.Buffer{})
		checkRefused(t, err, executor.Unreachable, "the bastion cannot open it")
	})
	t.Run("has another key", func(t *testing.T) {
		other := startSSHD(t, "", "ecdsa", "ecdsa")
		node := node
		node.Via = node.User + "@" + other.addr
		_, err := x.Exec(ctx, node, sh("echo"), &bytes.Buffer{})
		checkRefused(t, err, executor.HostKey, "via the bastion")
	})
}

// F06: the server and all its sessions die while a command runs.
func TestOpenSSHRestart(t *testing.T) {
	t.Parallel()
	s := startSSHD(t, "", "ecdsa", "ecdsa")
	x := newExecutor(t)
	ctx := testContext(t)
	l := newSink()
	gate := filepath.Join(t.TempDir(), "gate")
	done := runInBackground(ctx, x, s.target(), executor.Command{ID: "restart", Argv: sh(`echo before; while [ ! -e ` + gate + ` ]; do sleep 0.1; done; echo after; exit 9`)}, l)
	l.await(t, "output")
	s.stop()
	l.await(t, "link")
	write(t, gate, "", 0o644)
	s.start(t)
	l.await(t, "back")
	end := <-done
	if end.err != nil || end.State != executor.Finished || end.Status != 9 || l.text() != "before\nafter\n" {
		t.Fatalf("%+v %q", end, l.text())
	}
	if got := l.happened(); got != "started link back" {
		t.Error(got)
	}
}

// F09: the node's disk is full before the start, and while the command runs.
func TestOpenSSHDiskFull(t *testing.T) {
	t.Parallel()
	needRoot(t)
	s := startSSHD(t, "", "ecdsa", "ecdsa")
	x := newExecutor(t)
	ctx := testContext(t)
	node := s.target()
	node.RunsDir = filepath.Join(s.dir, "full", "runs")
	shell := func(script string) {
		t.Helper()
		var out bytes.Buffer
		if status, err := x.Exec(ctx, node, sh(script), &out); err != nil || status != 0 {
			t.Fatalf("%s: %d %v %s", script, status, err, &out)
		}
	}
	fill := `cat /dev/zero >` + s.dir + `/full/ballast; [ -s ` + s.dir + `/full/ballast ]`
	l := newSink()
	exit, err := x.Run(ctx, node, executor.Command{ID: "during", Argv: sh(fill + `; echo lost; sleep 0.2; exit 33`)}, l)
	if err != nil || exit.Status != 33 {
		t.Fatalf("%+v %v %q", exit, err, l.text())
	}
	canary := filepath.Join(t.TempDir(), "ran")
	command := executor.Command{ID: "before", Argv: []string{"/usr/bin/touch", canary}}
	for range 2 {
		_, err = x.Run(ctx, node, command, newSink())
		checkRefused(t, err, executor.Space, "small", s.dir+"/full", "was not started")
	}
	if _, ran := os.Stat(canary); ran == nil {
		t.Error("it ran")
	}
	shell("rm " + s.dir + "/full/ballast")
	if exit, err := x.Run(ctx, node, command, newSink()); err != nil || exit.Status != 0 {
		t.Fatalf("with space back: %+v %v", exit, err)
	}
	if _, ran := os.Stat(canary); ran != nil {
		t.Error("it did not run")
	}
}

// F31: Cancel ends a tree of processes under su, in two sessions; a process in
// a session of its own stays.
func TestOpenSSHCancelUnderSu(t *testing.T) {
	t.Parallel()
	needRoot(t)
	s := startSSHD(t, "", "ecdsa", "ecdsa")
	x := newExecutor(t)
	ctx := testContext(t)
	node := s.target()
	node.RunAs = "helion"
	mark := filepath.Base(filepath.Dir(s.dir)) // in every argv, to find this test's processes and no others
	for _, c := range []struct{ name, script string }{
		{"tree", `sleep 600 & (sleep 601; true) & echo ready; wait`},
		{"ignoring", `trap '' TERM; (trap '' TERM; while :; do sleep 1; done) & echo ready; while :; do sleep 1; done`},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newSink()
			id := "tree-" + c.name
			pids := filepath.Join(s.dir, "helion", "daemon-"+c.name)
			script := `: ` + mark + `-` + c.name + `; setsid /bin/sh -c 'echo $$ >` + pids + `; exec sleep 600' & ` + c.script
			done := runInBackground(ctx, x, node, executor.Command{ID: id, Argv: sh(script)}, l)
			l.await(t, "output")
			eventually(t, "the daemon is there", func() bool { p, _ := os.ReadFile(pids); return len(p) > 0 })
			if err := x.Cancel(ctx, node, id, time.Second); err != nil {
				t.Fatal(err)
			}
			end := <-done
			if end.err != nil || end.State != executor.Finished || end.Status < 128 {
				t.Errorf("%+v", end)
			}
			if left := processes(t, mark+"-"+c.name); left != "" {
				t.Errorf("left: %s", left)
			}
			daemon := strings.TrimSpace(read(t, pids))
			if _, err := os.Stat("/proc/" + daemon); err != nil {
				t.Error("the daemon is gone")
			}
			killPID(t, daemon)
		})
	}
}

// A cancelled read returns at once and disturbs no other call on the same
// connection, although sshd keeps its session until the command ends.
func TestOpenSSHExecCancelled(t *testing.T) {
	t.Parallel()
	s := startSSHD(t, "MaxSessions 10\n", "ecdsa", "ecdsa")
	x := newExecutor(t)
	executor.SetAbandonTimeout(x, time.Second) // well before the sessions below end
	ctx := testContext(t)
	argv, open := gatedCommand(t)
	l := newSink()
	done := runInBackground(ctx, x, s.target(), executor.Command{ID: "a", Argv: argv}, l)
	l.await(t, "output")
	for range 8 {
		short, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
		begin := time.Now()
		_, err := x.Exec(short, s.target(), []string{"/bin/sleep", "4"}, &bytes.Buffer{})
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) > 3*time.Second {
			t.Fatalf("%v after %v", err, time.Since(begin))
		}
	}
	var out bytes.Buffer
	if status, err := x.Exec(ctx, s.target(), []string{"/bin/echo", "hello"}, &out); err != nil || status != 0 || out.String() != "hello\n" {
		t.Fatalf("%d %v %q", status, err, &out)
	}
	open()
	if end := <-done; end.err != nil || end.Status != 6 || l.happened() != "started" {
		t.Fatalf("%+v %s", end, l.happened())
	}
}
