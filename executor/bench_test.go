package executor_test

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"testing"

	"golang.org/x/crypto/ssh"

	"alsbot/executor"
)

// bare opens a warm connection of x/crypto/ssh with nothing around it.
func bare(b *testing.B, s *sshd) *ssh.Client {
	b.Helper()
	pem, err := os.ReadFile(s.identity)
	must(b, err)
	signer, err := ssh.ParsePrivateKey(pem)
	must(b, err)
	client, err := ssh.Dial("tcp", s.addr, &ssh.ClientConfig{
		User: s.target().User, Auth: []ssh.AuthMethod{ssh.PublicKeys(signer)}, HostKeyCallback: ssh.InsecureIgnoreHostKey(),
	})
	must(b, err)
	b.Cleanup(func() { _ = client.Close() })
	return client
}

// BenchmarkExec measures one read over a warm connection to a real sshd, beside
// the same read without alsbot: through the same login shell, and without one.
func BenchmarkExec(b *testing.B) {
	s := startSSHD(b, "", "ecdsa", "ecdsa")
	x := newExecutor(b)
	client := bare(b, s)
	raw := func(line string) func(b *testing.B) {
		return func(b *testing.B) {
			for b.Loop() {
				session, err := client.NewSession()
				must(b, err)
				out, err := session.CombinedOutput(line)
				if err != nil || string(out) != "hello\n" {
					b.Fatal(err, string(out))
				}
			}
		}
	}
	b.Run("alsbot", func(b *testing.B) {
		for b.Loop() {
			var out bytes.Buffer
			if _, err := x.Exec(b.Context(), s.target(), []string{"/bin/echo", "hello"}, &out); err != nil || out.String() != "hello\n" {
				b.Fatal(err, out.String())
			}
		}
	})
	b.Run("bare-login", raw(`exec /bin/bash -l -c 'exec /bin/echo hello'`))
	b.Run("bare", raw(`exec /bin/echo hello`))
}

// BenchmarkOutput measures 1 GiB of a command's output into memory that doesn't
// grow, beside the same bytes through `ssh cat` and through a bare session.
func BenchmarkOutput(b *testing.B) {
	const size = 1 << 30
	s := startSSHD(b, "", "ecdsa", "ecdsa")
	x := newExecutor(b)
	file := s.dir + "/big"
	must(b, exec.Command("/bin/sh", "-c", "head -c 1073741824 /dev/zero >"+file).Run())
	peak := func(b *testing.B) func() {
		runtime.GC()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		return func() {
			runtime.ReadMemStats(&after)
			b.ReportMetric(float64(after.HeapSys-before.HeapSys)/(1<<20), "MiB-grown")
		}
	}
	b.Run("alsbot-run", func(b *testing.B) {
		n := 0
		report := peak(b)
		b.SetBytes(size)
		for b.Loop() {
			n++
			run(b, x, s.target(), fmt.Sprintf("big-%d-%d", b.N, n), []string{"/bin/cat", file}, size)
		}
		report()
	})
	b.Run("alsbot-attach", func(b *testing.B) { // all output is there already
		run(b, x, s.target(), "big", []string{"/bin/cat", file}, size)
		b.SetBytes(size)
		for b.Loop() {
			run(b, x, s.target(), "big", []string{"/bin/cat", file}, size)
		}
	})
	b.Run("alsbot-exec", func(b *testing.B) {
		b.SetBytes(size)
		for b.Loop() {
			var n counter
			if _, err := x.Exec(b.Context(), s.target(), []string{"/bin/cat", file}, &n); err != nil || n != size {
				b.Fatal(err, n)
			}
		}
	})
	b.Run("ssh-cat", func(b *testing.B) { benchmarkSSHCat(b, s, file, size) })
	b.Run("bare", func(b *testing.B) { benchmarkBare(b, s, file, size) })
}

func benchmarkSSHCat(b *testing.B, s *sshd, file string, size counter) {
	b.SetBytes(int64(size))
	t := s.target()
	host, port, err := net.SplitHostPort(t.Addr)
	must(b, err)
	for b.Loop() {
		var n counter
		cmd := exec.Command("ssh", "-F", "none", "-i", t.IdentityFile, "-o", "UserKnownHostsFile="+t.KnownHosts, "-p", port, t.User+"@"+host, "cat "+file)
		cmd.Stdout = &n
		if err := cmd.Run(); err != nil || n != size {
			b.Fatal(err, n)
		}
	}
}

func benchmarkBare(b *testing.B, s *sshd, file string, size counter) {
	client := bare(b, s)
	b.SetBytes(int64(size))
	for b.Loop() {
		session, err := client.NewSession()
		must(b, err)
		var n counter
		session.Stdout = &n
		if err := session.Run("cat " + file); err != nil || n != size {
			b.Fatal(err, n)
		}
	}
}

func run(b *testing.B, x *executor.Executor, t executor.Target, id string, argv []string, size int64) {
	b.Helper()
	var n discard
	exit, err := x.Run(b.Context(), t, executor.Command{ID: id, Argv: argv}, &n)
	if err != nil || exit.State != executor.Finished || exit.Status != 0 || int64(n) != size {
		b.Fatal(exit, err, n)
	}
}

// BenchmarkRun measures a whole short durable command.
func BenchmarkRun(b *testing.B) {
	s := startSSHD(b, "", "ecdsa", "ecdsa")
	x := newExecutor(b)
	n := 0
	for b.Loop() {
		n++
		run(b, x, s.target(), fmt.Sprintf("short-%d", n), []string{"/bin/echo", "hello"}, 6)
	}
}

// discard is a sink that only counts bytes.
type discard int64

func (*discard) Started() error { return nil }
func (*discard) Link(error)     {}
func (*discard) Orphan()        {}
func (d *discard) Output(_ int64, p []byte) error {
	*d += discard(len(p))
	return nil
}

type counter int64

func (c *counter) Write(p []byte) (int, error) { *c += counter(len(p)); return len(p), nil }
