package store

import (
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// ballast is a file that only reserves room. When the disk is full, the store
// deletes it. The freed room is enough to record the runs in progress, and to
// delete old ones (a delete in bbolt needs room too). The store then isn't
// Ready for new work until it can reserve the ballast again.
type ballast struct {
	path string
	size int64 // 0 means no ballast

	mu    sync.Mutex
	gone  bool
	tried time.Time // the last call of fill
}

// fill reserves the ballast if the disk has room for it and a quarter more.
func (b *ballast) fill() {
	if b.size <= 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tried = time.Now()
	b.gone = b.reserve() != nil
	if b.gone {
		_ = os.Remove(b.path)
	}
}

func (b *ballast) reserve() error {
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

// release frees the room and reports whether there was any.
func (b *ballast) release() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.size <= 0 || b.gone {
		return false
	}
	b.gone, b.tried = true, time.Now()
	return os.Remove(b.path) == nil
}

// refillInterval is the longest time until the store notices new room.
const refillInterval = 10 * time.Second

// refill tries to reserve released ballast, at most once every refillInterval.
func (b *ballast) refill() {
	b.mu.Lock()
	due := b.gone && time.Since(b.tried) > refillInterval
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
