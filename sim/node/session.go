package node

import (
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/crypto/ssh"
)

// openSession accepts a session, but no more at a time than sessions holds.
func (s *server) openSession(user string, ch ssh.NewChannel, sessions chan struct{}) {
	select {
	case sessions <- struct{}{}:
	default:
		_ = ch.Reject(ssh.ConnectionFailed, "open failed")
		return
	}
	channel, requests, err := ch.Accept()
	if err != nil {
		<-sessions
		return
	}
	s.work.Go(func() {
		// A client that has seen the close may rely on a free session.
		defer func() { <-sessions; _ = channel.Close() }()
		s.session(user, channel, requests)
	})
}

// session waits for the command to run. It offers no terminals and, like
// OpenSSH 5.9, accepts no signals.
func (s *server) session(user string, ch ssh.Channel, requests <-chan *ssh.Request) {
	for req := range requests {
		var args []string
		switch req.Type {
		case "exec":
			var exec struct{ Command string }
			if ssh.Unmarshal(req.Payload, &exec) == nil {
				args = []string{"-c", exec.Command}
			}
		case "shell":
			args = []string{"-l"}
		}
		_ = req.Reply(args != nil, nil)
		if args != nil {
			s.run(user, args, ch, requests)
			return
		}
	}
}

// command prepares the user's shell as sshd starts it, in a process session of
// its own.
func (s *server) command(user string, args []string) *exec.Cmd {
	cmd := exec.CommandContext(s.ctx, "/bin/sh", args...)
	cmd.Dir = userHome(s.root, user)
	cmd.Env = append(userEnv(s.root, user), "SSH_CONNECTION=127.0.0.1 0 "+s.IP+" 22")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	return cmd
}

// run runs one command over a channel. As with sshd, the channel stays open as
// long as a process holds the command's output. A client that goes away kills
// nothing: only the pipes close.
func (s *server) run(user string, args []string, ch ssh.Channel, requests <-chan *ssh.Request) {
	cmd := s.command(user, args)
	pipes, err := connect(cmd)
	if err == nil {
		err = cmd.Start()
	}
	pipes.closeTheirs()
	if err != nil {
		pipes.closeOurs()
		exit(ch, 255)
		return
	}
	s.work.Go(func() { // until the client closes the channel or is gone
		for req := range requests {
			_ = req.Reply(false, nil)
		}
		pipes.closeOurs()
	})
	s.work.Go(func() {
		_, _ = io.Copy(pipes.stdin, ch)
		_ = pipes.stdin.Close()
	})
	var copies = make(chan struct{}, 2)
	s.work.Go(func() { _, _ = io.Copy(ch, pipes.stdout); copies <- struct{}{} })
	s.work.Go(func() { _, _ = io.Copy(ch.Stderr(), pipes.stderr); copies <- struct{}{} })
	report(ch, cmd.Wait())
	<-copies
	<-copies
}

// pipes holds a command's three files: our ends, and the command's.
type pipes struct {
	stdin, stdout, stderr *os.File
	theirs                []*os.File
}

func connect(cmd *exec.Cmd) (p pipes, err error) {
	open := func(ours, theirs **os.File, reading bool) {
		if err != nil {
			return
		}
		var r, w *os.File
		if r, w, err = os.Pipe(); err != nil {
			return
		}
		if *ours, *theirs = w, r; reading {
			*ours, *theirs = r, w
		}
		p.theirs = append(p.theirs, *theirs)
	}
	var in, out, errs *os.File
	open(&p.stdin, &in, false)
	open(&p.stdout, &out, true)
	open(&p.stderr, &errs, true)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = in, out, errs
	return p, err
}

func (p pipes) closeTheirs() {
	for _, f := range p.theirs {
		_ = f.Close()
	}
}

func (p pipes) closeOurs() {
	for _, f := range []*os.File{p.stdin, p.stdout, p.stderr} {
		if f != nil {
			_ = f.Close()
		}
	}
}

// report sends the client a command's exit status.
func report(ch ssh.Channel, err error) {
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		exit(ch, 255)
		return
	}
	if ended == nil {
		exit(ch, 0)
		return
	}
	status, ok := ended.Sys().(syscall.WaitStatus)
	if !ok || !status.Signaled() {
		exit(ch, ended.ExitCode())
		return
	}
	name, ok := map[syscall.Signal]string{syscall.SIGHUP: "HUP", syscall.SIGINT: "INT", syscall.SIGKILL: "KILL",
		syscall.SIGPIPE: "PIPE", syscall.SIGTERM: "TERM"}[status.Signal()]
	if !ok {
		name = strconv.Itoa(int(status.Signal()))
	}
	_, _ = ch.SendRequest("exit-signal", false, ssh.Marshal(struct {
		Signal string
		Core   bool
		Text   string
		Lang   string
	}{name, status.CoreDump(), "", ""}))
}

func exit(ch ssh.Channel, status int) {
	_, _ = ch.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{uint32(status)}))
}

// forward makes a node a bastion. It reaches only nodes of the cluster.
func (s *server) forward(ch ssh.NewChannel) {
	var to struct {
		Host   string
		Port   uint32
		Origin string
		From   uint32
	}
	if err := ssh.Unmarshal(ch.ExtraData(), &to); err != nil {
		_ = ch.Reject(ssh.ConnectionFailed, "bad request")
		return
	}
	addr, ok := s.resolve(strings.Trim(to.Host, "[]"), strconv.Itoa(int(to.Port)))
	if !ok {
		_ = ch.Reject(ssh.Prohibited, "administratively prohibited")
		return
	}
	var dialer net.Dialer
	target, err := dialer.DialContext(s.ctx, "tcp", addr)
	if err != nil {
		_ = ch.Reject(ssh.ConnectionFailed, err.Error())
		return
	}
	channel, requests, err := ch.Accept()
	if err != nil {
		_ = target.Close()
		return
	}
	s.work.Go(func() { ssh.DiscardRequests(requests) })
	s.work.Go(func() {
		_, _ = io.Copy(target, channel)
		_ = target.Close()
	})
	_, _ = io.Copy(channel, target)
	_ = channel.Close()
	_ = target.Close()
}

// reapTime is how long killed processes may take to disappear.
const reapTime = 30 * time.Second

// reap ends every process started on the nodes under dir, including one in a
// session of its own. It recognises a process by its HOME.
func reap(dir string) error {
	mark := "\x00HOME=" + dir + string(filepath.Separator)
	// The next round finds a process that forks during this one. A process
	// between two programs briefly has no environment. So only two empty
	// rounds in a row mean that none is left.
	for nothing, until := 0, time.Now().Add(reapTime); nothing < 2 && time.Now().Before(until); time.Sleep(time.Millisecond) {
		list, err := filepath.Glob("/proc/[0-9]*/environ")
		if err != nil {
			return err
		}
		nothing++
		for _, file := range list {
			env, err := os.ReadFile(file)
			if err != nil || !strings.Contains("\x00"+string(env), mark) {
				continue // ended, or not ours
			}
			pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
			if err != nil || pid == os.Getpid() {
				continue
			}
			nothing = 0
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	return nil
}
