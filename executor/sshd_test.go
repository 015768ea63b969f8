package executor_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"

	"alsbot/executor"
)

// sshd is a real OpenSSH server on a loopback port. As root it runs in a mount
// namespace of its own, with users of its own; it doesn't touch the machine's
// files.
type sshd struct {
	addr     string
	dir      string // its files, and its users' homes
	known    string // a known_hosts file with all its keys
	identity string
	process  *exec.Cmd
	command  func() *exec.Cmd
}

// sshdUsers are the users that the server knows if the tests run as root. The
// profile of noisy prints, refusing has no shell, the profile of quitting ends
// at once.
var sshdUsers = []string{"helion", "noisy", "refusing", "quitting"}

// algorithms59 are the algorithms of OpenSSH 5.9 that 9.2 still has.
const algorithms59 = `
KexAlgorithms ecdh-sha2-nistp256,diffie-hellman-group14-sha1
Ciphers aes128-ctr,aes256-ctr
MACs hmac-sha2-256,hmac-sha1
`

// startSSHD starts a server with the named host keys (ecdsa, rsa, ed25519) that
// accepts a client key of type user.
func startSSHD(t testing.TB, config, user string, hostKeys ...string) *sshd {
	t.Helper()
	need(t, "sshd")
	dir := t.TempDir()
	s := &sshd{dir: dir, known: filepath.Join(dir, "known_hosts"), identity: filepath.Join(dir, "id_"+user)}
	s.addr = freeAddr(t)
	host, port, _ := net.SplitHostPort(s.addr)
	conf := fmt.Sprintf("ListenAddress %s\nPort %s\nPidFile none\nUsePAM no\nStrictModes no\nPermitRootLogin yes\nAuthorizedKeysFile %s/authorized\nMaxStartups 100\n%s",
		host, port, dir, config)
	var known bytes.Buffer
	for _, kind := range hostKeys {
		path := filepath.Join(dir, "host_"+kind)
		key := writeKey(t, path, kind)
		conf += "HostKey " + path + "\n"
		fmt.Fprintln(&known, knownhosts.Line([]string{s.addr}, key))
	}
	pub := writeKey(t, s.identity, user)
	write(t, s.known, known.String(), 0o644)
	write(t, filepath.Join(dir, "authorized"), string(ssh.MarshalAuthorizedKey(pub)), 0o644)
	write(t, filepath.Join(dir, "sshd_config"), conf, 0o644)
	s.command = func() *exec.Cmd {
		return exec.Command("/usr/sbin/sshd", "-D", "-e", "-f", filepath.Join(dir, "sshd_config"))
	}
	if os.Getuid() == 0 {
		need(t, "unshare")
		s.useNamespace(t)
	}
	s.start(t)
	t.Cleanup(func() { s.stop() })
	return s
}

// useNamespace prepares users and directories that only the server sees.
func (s *sshd) useNamespace(t testing.TB) {
	passwd, shadow := read(t, "/etc/passwd"), read(t, "/etc/shadow")
	passwd = strings.Replace(passwd, "root:x:0:0:root:/root:", "root:x:0:0:root:"+s.dir+"/root:", 1)
	for i, user := range append([]string{"root"}, sshdUsers...) {
		home, uid := filepath.Join(s.dir, user), 52340+i
		if user == "root" {
			uid = 0
		} else {
			shell := map[string]string{"refusing": "/usr/sbin/nologin"}[user]
			if shell == "" {
				shell = "/bin/bash"
			}
			passwd += fmt.Sprintf("%s:x:%d:%d::%s:%s\n", user, uid, uid, home, shell)
			shadow += user + ":*:19000:0:99999:7:::\n"
		}
		must(t, os.Mkdir(home, 0o755))
		profile := "export LOGIN_OF=" + user + "\n"
		switch user {
		case "noisy":
			profile += "echo Welcome; echo 'stdin: is not a tty' >&2; printf 'ALSB1 x state=finished rc=0'\n"
		case "quitting":
			profile += "echo closed for repairs; exit 0\n"
		}
		write(t, filepath.Join(home, ".bash_profile"), profile, 0o644)
		must(t, os.Chown(home, uid, uid))
	}
	must(t, os.Chmod(s.dir, 0o755))
	must(t, os.Chmod(filepath.Dir(s.dir), 0o755))
	write(t, filepath.Join(s.dir, "passwd"), passwd, 0o644)
	write(t, filepath.Join(s.dir, "shadow"), shadow, 0o600)
	must(t, os.Mkdir(filepath.Join(s.dir, "full"), 0o755))
	plain := s.command
	s.command = func() *exec.Cmd {
		script := `set -e
mount --make-rprivate /
mount --bind "$1/passwd" /etc/passwd
mount --bind "$1/shadow" /etc/shadow
mount -t tmpfs tmpfs /run
mount -t tmpfs -o size=256k,mode=755 small "$1/full"
mkdir /run/sshd
shift
exec "$@"`
		return exec.Command("unshare", append([]string{"-m", "/bin/sh", "-c", script, "sh", s.dir}, plain().Args...)...)
	}
}

func (s *sshd) start(t testing.TB) {
	t.Helper()
	s.process = s.command()
	var said bytes.Buffer
	s.process.Stderr = &said
	must(t, s.process.Start())
	for until := time.Now().Add(patience); time.Now().Before(until); time.Sleep(20 * time.Millisecond) {
		c, err := net.Dial("tcp", s.addr)
		if err == nil {
			_ = c.Close()
			return
		}
	}
	t.Fatalf("sshd does not listen: %s", said.String())
}

// stop kills the server and all its sessions at once.
func (s *sshd) stop() {
	// Only the port in the config tells the children apart, so find them by
	// their parent.
	pid := s.process.Process.Pid
	kill := fmt.Sprintf("kill -STOP %d; pkill -KILL -P $(pgrep -d, -P %d || echo %d); pkill -KILL -P %d; kill -KILL %d", pid, pid, pid, pid, pid)
	_ = exec.Command("/bin/sh", "-c", kill).Run()
	_ = s.process.Wait()
}

// target returns a target for the server. Its login user is root if possible,
// else the user who runs the tests.
func (s *sshd) target() executor.Target {
	t := executor.Target{Name: "node 1", Addr: s.addr, User: "root", IdentityFile: s.identity, KnownHosts: s.known, RunsDir: ".alsbot/runs"}
	if os.Getuid() != 0 {
		t.User, t.RunsDir = os.Getenv("USER"), filepath.Join(s.dir, "runs")
	}
	return t
}

func newExecutor(t testing.TB) *executor.Executor {
	x := executor.New(slog.New(slog.DiscardHandler))
	t.Cleanup(func() { _ = x.Close() })
	return x
}

func writeKey(t testing.TB, path, kind string) ssh.PublicKey {
	t.Helper()
	var key any
	var err error
	switch kind {
	case "rsa":
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	case "ed25519":
		_, key, err = ed25519.GenerateKey(rand.Reader)
	default:
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	must(t, err)
	block, err := ssh.MarshalPrivateKey(key, "")
	must(t, err)
	write(t, path, string(pem.EncodeToMemory(block)), 0o600)
	signer, err := ssh.NewSignerFromKey(key)
	must(t, err)
	return signer.PublicKey()
}

// freeAddr returns an address where nothing listens. No other program uses this
// loopback address, so none can take the port before the test does.
func freeAddr(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", fmt.Sprintf("127.%d.%d.%d:0", 1+mathrand.IntN(254), mathrand.IntN(256), 1+mathrand.IntN(254)))
	must(t, err)
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

func write(t testing.TB, path, text string, mode os.FileMode) {
	t.Helper()
	must(t, os.WriteFile(path, []byte(text), mode))
}

func read(t testing.TB, path string) string {
	t.Helper()
	p, err := os.ReadFile(path)
	must(t, err)
	return string(p)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
