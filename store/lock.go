package store

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"
)

// holderLine is what the lock file says about its holder.
const holderLine = "process %d on %s since %s\n"

// acquire takes the lock for as long as the file stays open, and writes down
// who holds it. The kernel lets go of the lock when the process ends in
// whatever way; what the file then still says is read by nobody, because only
// who finds the lock taken looks.
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

// release lets go of the lock, also where a process that was forked just now
// still has the file, until it becomes another program.
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

// holder says who has the lock. A process of this host that no longer lives
// is an earlier holder: the present one has not written its name yet.
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
