package store

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"
)

// holderLine is the format in which the lock file names its holder.
const holderLine = "process %d on %s since %s\n"

// acquire takes the lock for as long as the file stays open, and writes the
// holder into it. The kernel releases the lock however the process ends. Stale
// text then does no harm: only a process that finds the lock taken reads it.
func acquire(path string, wait time.Duration) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	if err := flock(f, wait); err != nil {
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = fmt.Errorf("%w by %s; stop that one first, or set another path", ErrHeld, holder(f))
		}
		return nil, errors.Join(err, f.Close())
	}
	host, _ := os.Hostname()
	line := fmt.Sprintf(holderLine, os.Getpid(), host, time.Now().UTC().Format(time.RFC3339))
	if err := f.Truncate(0); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if _, err := f.WriteAt([]byte(line), 0); err != nil && !full(err) {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// release unlocks explicitly. Closing alone isn't enough: a process forked at
// this moment holds the file until it executes another program.
func release(f *os.File) error {
	return errors.Join(syscall.Flock(int(f.Fd()), syscall.LOCK_UN), f.Close())
}

func flock(f *os.File, wait time.Duration) error {
	for end := time.Now().Add(wait); ; time.Sleep(20 * time.Millisecond) {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil || !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) || time.Now().After(end) {
			return err
		}
	}
}

// holder returns a description of the lock's holder. If it names a dead
// process of this host, the present holder hasn't written its name yet.
func holder(f *os.File) string {
	text, _ := io.ReadAll(io.NewSectionReader(f, 0, 512))
	var pid int
	var host, since string
	if _, err := fmt.Sscanf(string(text), holderLine, &pid, &host, &since); err != nil || pid <= 0 {
		return "another process"
	}
	here, _ := os.Hostname()
	if host == here && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return "another process"
	}
	return fmt.Sprintf("process %d on %s since %s", pid, host, since)
}
