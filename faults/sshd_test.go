package faults

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"alsbot/sim/node"
)

// sshd is a real OpenSSH server in front of a simulated node. It has a mount
// namespace of its own with a user whose home is the node's; it doesn't touch
// the machine's files.
type sshd struct {
	t    testing.TB
	dir  string
	addr string
	cmd  *exec.Cmd
}

// realSSHD is for options.core: the bot reaches the core node over OpenSSH.
func realSSHD(h *testbed, _ string) string {
	h.sshd = newSSHD(h.t, h.nodes, "/bin/bash")
	return h.sshd.addr
}

func newSSHD(t testing.TB, c *node.Cluster, shell string) *sshd {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("a real sshd with a user of its own needs root")
	}
	s := &sshd{t: t, dir: t.TempDir()}
	s.addr = freeAddr(t)
	host, port, _ := net.SplitHostPort(s.addr)

	passwd, err := os.ReadFile("/etc/passwd")
	must(t, err)
	shadow, err := os.ReadFile("/etc/shadow")
	must(t, err)
	// the login user has our rights, so that it can reach our files
	s.write("passwd", fmt.Sprintf("%s%s:x:0:0::%s:%s\n", passwd, c.User, c.Home(c.Core), shell), 0o644)
	s.write("shadow", fmt.Sprintf("%s%s:*:19000:0:99999:7:::\n", shadow, c.User), 0o600)
	pub, err := os.ReadFile(c.IdentityFile + ".pub")
	must(t, err)
	s.write("authorized", string(pub), 0o644)
	key, err := os.ReadFile(filepath.Join(filepath.Dir(c.Home(c.Core)), "ssh_host_ecdsa_key"))
	must(t, err)
	s.write("host_key", string(key), 0o600)
	s.write("sshd_config", fmt.Sprintf("ListenAddress %s\nPort %s\nPidFile none\nUsePAM no\nStrictModes no\nPermitRootLogin yes\n"+
		"AuthorizedKeysFile %s/authorized\nHostKey %s/host_key\nMaxStartups 200\n", host, port, s.dir, s.dir), 0o644)
	must(t, os.Mkdir(filepath.Join(s.dir, "small"), 0o755))
	must(t, trust(c, s.addr))
	s.start()
	t.Cleanup(s.stop)
	return s
}

// trust makes the core node's key known under another address.
func trust(c *node.Cluster, addr string) error {
	key, err := os.ReadFile(filepath.Join(filepath.Dir(c.Home(c.Core)), "ssh_host_ecdsa_key"))
	if err != nil {
		return err
	}
	signer, err := ssh.ParsePrivateKey(key)
	if err != nil {
		return err
	}
	return appendLine(c.KnownHosts, knownhosts.Line([]string{addr}, signer.PublicKey()))
}

func (s *sshd) write(name, text string, mode os.FileMode) {
	s.t.Helper()
	must(s.t, os.WriteFile(filepath.Join(s.dir, name), []byte(text), mode))
}

const sshdScript = `set -e
mount --make-rprivate /
mount --bind "$1/passwd" /etc/passwd
mount --bind "$1/shadow" /etc/shadow
mount -t tmpfs tmpfs /run
mount -t tmpfs -o size=1m,nr_inodes=200,mode=755 small "$1/small"
mkdir /run/sshd
exec /usr/sbin/sshd -D -e -f "$1/sshd_config"`

func (s *sshd) start() {
	s.t.Helper()
	s.cmd = exec.Command("unshare", "-m", "/bin/sh", "-c", sshdScript, "sh", s.dir)
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var said bytes.Buffer
	s.cmd.Stderr = &said
	s.cmd.WaitDelay = time.Second
	must(s.t, s.cmd.Start())
	for until := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		c, err := net.Dial("tcp", s.addr)
		if err == nil {
			_ = c.Close()
			return
		}
		if time.Now().After(until) {
			s.t.Fatalf("sshd does not listen: %s", said.String())
		}
	}
}

// stop kills the server and the sshd processes of all its sessions, but no
// command that was started over them.
func (s *sshd) stop() {
	if s.cmd == nil {
		return
	}
	_ = syscall.Kill(s.cmd.Process.Pid, syscall.SIGSTOP) // it forks no more
	for _, pid := range append(children(s.cmd.Process.Pid, "sshd"), s.cmd.Process.Pid) {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	_ = s.cmd.Wait()
	s.cmd = nil
}

// inside returns a path as the server's mount namespace has it.
func (s *sshd) inside(path string) string {
	return filepath.Join("/proc", strconv.Itoa(s.cmd.Process.Pid), "root", path)
}

// children returns the processes with this name that descend from pid.
func children(pid int, name string) (all []int) {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range stats {
		b, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		text := string(b)
		open, end := strings.IndexByte(text, '('), strings.LastIndexByte(text, ')')
		fields := strings.Fields(text[end+1:])
		if len(fields) < 2 || fields[1] != strconv.Itoa(pid) || !strings.HasPrefix(text[open+1:end], name) {
			continue
		}
		child, _ := strconv.Atoi(strings.TrimSpace(text[:open]))
		all = append(append(all, children(child, name)...), child)
	}
	return all
}
