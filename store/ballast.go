package store

import (
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// ballast is a file that does nothing but take room. When the disk is full it
// is deleted: in the room it leaves, runs that are under way can still be
// written down, and old ones deleted (a delete in bbolt needs room too). The
// store then says that it is not Ready for new work until the ballast could
// be laid down again.
type ballast struct {
	path string
	size int64 // 0: there is none

	mu    sync.Mutex
	gone  bool
	tried time.Time // when fill was last tried
}

// fill lays the ballast down, if there is room for it and a quarter more.
func (b *ballast) fill() {
	if b.size <= 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tried = time.Now()
	b.gone = b.lay() != nil
	if b.gone {
		_ = os.Remove(b.path)
	}
}

func (b *ballast) lay() error {
	if info, err := os.Stat(b.path); err == nil && info.Size() == b.size {
		return nil
	}
	var fs unix.Statfs_t
	if err := unix.Statfs(filepath.Dir(b.path), &fs); err != nil {
		return err
	}
	if room := int64(fs.Bavail) * int64(fs.Bsize); room < b.size+b.size/4 { //nolint:unconvert // types differ between systems
		return unix.ENOSPC
	}
	f, err := os.OpenFile(b.path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	return allocate(f, b.size)
}

// release gives the room back, and reports whether there was any.
func (b *ballast) release() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.size <= 0 || b.gone {
		return false
	}
	b.gone, b.tried = true, time.Now()
	return os.Remove(b.path) == nil
}

// again is how long it takes at most until room that was made is noticed.
const again = 10 * time.Second

// refill tries again to lay down what was released, but not all the time.
func (b *ballast) refill() {
	b.mu.Lock()
	due := b.gone && time.Since(b.tried) > again
	b.mu.Unlock()
	if due {
		b.fill()
	}
}

func (b *ballast) released() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.gone
}
