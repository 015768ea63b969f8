package executor

import (
	"time"

	"golang.org/x/crypto/ssh"
)

// exitTap tells when a session's exit status arrives. A session waits for the
// end of its output as well.
type exitTap struct {
	ssh.Conn
	exited chan struct{}
}

// OpenChannel is that of ssh.Conn.
func (x *exitTap) OpenChannel(name string, data []byte) (ssh.Channel, <-chan *ssh.Request, error) {
	ch, in, err := x.Conn.OpenChannel(name, data)
	if err != nil {
		return ch, in, err
	}
	out := make(chan *ssh.Request, 16)
	go func() {
		defer close(out)
		told := false
		for r := range in {
			if !told && (r.Type == "exit-status" || r.Type == "exit-signal") {
				told = true
				close(x.exited)
			}
			out <- r
		}
	}()
	return ch, out, nil
}

// exitGrace is how long the output of a session may stay open behind its exit
// status, if nothing more comes.
const exitGrace = 500 * time.Millisecond

// endAfter ends a session that has a status, and whose output something else
// keeps open: a process that a profile left in the background. What the command
// itself printed lies in a pipe of the node by then, and the node passes it on
// before it answers a later request: if nothing comes until then, we have it all.
func (s *stream) endAfter(exited, over <-chan struct{}, client *ssh.Client, session *ssh.Session) {
	select {
	case <-exited:
	case <-over:
		return
	}
	tick := time.NewTicker(exitGrace)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-over:
			return
		}
		before := s.reads.Load()
		if _, _, err := client.SendRequest("keepalive@openssh.com", true, nil); err != nil {
			return // the connection is dead, and all its sessions end
		}
		if before%2 == 1 && s.reads.Load() == before {
			_ = session.Close()
			return
		}
	}
}
