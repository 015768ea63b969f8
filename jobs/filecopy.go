package jobs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/dustin/go-humanize"

	"alsbot/als"
)

// fileCopy is a file that comes to this host in pieces. Until it is whole it
// has a name of its own, beside the one that it is to get.
type fileCopy struct {
	want    als.Save
	dir     *os.Root
	f       *os.File
	hash    hash.Hash
	off     int64 // bytes that are there, and in hash
	resumed bool  // some of them are of an earlier try
	had     bool  // the whole file was there already
	bad     error // what our own disk, or too many bytes, did to it
	came    func(int64)
	next    int64 // how far it is when that is said again
	look    int64 // how far it is when the free space is looked at again
	loose   int64 // bytes that may not be on disk yet
}

// syncEvery is how many bytes may wait for the disk: the end of a copy, and a
// shutdown in the middle of one, are not held up by more.
const syncEvery = 64 << 20

// roomEvery is how many bytes may come before the free space is looked at
// again: well below what stays free.
const roomEvery = 16 << 20

func partName(name string) string { return "." + name + ".part" }

// PartOf returns the name of the whole file that an unfinished copy belongs to.
func PartOf(name string) (string, bool) {
	whole, ok := strings.CutSuffix(name, ".part")
	return strings.TrimPrefix(whole, "."), ok && strings.HasPrefix(whole, ".")
}

// openCopy opens a copy and reads what is there of it. Links are not followed
// out of the directory.
func openCopy(ctx context.Context, want als.Save) (_ *fileCopy, err error) {
	dir, err := os.OpenRoot(want.Dir)
	if err != nil {
		return nil, fmt.Errorf("the directory of backup.fetch on alsbot's host: %w", err)
	}
	c := &fileCopy{want: want, dir: dir, hash: sha256.New(), came: func(int64) {}}
	defer func() {
		if err != nil {
			c.close()
		}
	}()
	name := want.Name
	info, err := dir.Lstat(name)
	switch {
	case err == nil && !info.Mode().IsRegular(), err == nil && info.Size() != want.Size:
		return nil, fmt.Errorf("something else stands at %s on alsbot's host: move it away", c.path())
	case err == nil:
		c.had = true
	case !errors.Is(err, os.ErrNotExist):
		return nil, fmt.Errorf("on alsbot's host: %w", err)
	default:
		name = partName(name)
		if info, err := dir.Lstat(name); err == nil && !info.Mode().IsRegular() {
			return nil, fmt.Errorf("what stands at %s on alsbot's host is not a regular file: move it away", filepath.Join(want.Dir, name))
		}
	}
	if c.f, err = dir.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return nil, fmt.Errorf("on alsbot's host: %w", err)
	}
	return c, c.reread(ctx)
}

// reread sums up what is there.
func (c *fileCopy) reread(ctx context.Context) error {
	n, err := io.CopyBuffer(c.hash, unhurried{ctx, io.LimitReader(c.f, c.want.Size+1)}, make([]byte, 1<<20))
	if err != nil {
		return fmt.Errorf("reading %s on alsbot's host: %w", c.path(), err)
	}
	c.off, c.resumed = n, n > 0
	c.next = n + c.want.Size/10
	if c.had && c.sum() != c.want.SHA256 {
		return fmt.Errorf("something else stands at %s on alsbot's host: move it away", c.path())
	}
	if n > c.want.Size {
		return c.restart()
	}
	return nil
}

// unhurried reads until ctx ends.
type unhurried struct {
	ctx context.Context
	r   io.Reader
}

func (u unhurried) Read(p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.r.Read(p)
}

// Write takes the next bytes.
func (c *fileCopy) Write(p []byte) (int, error) {
	if int64(len(p)) > c.want.Size-c.off {
		c.bad = fmt.Errorf("more than the %d bytes have come that %s has", c.want.Size, c.want.Name)
		return 0, errors.Join(c.bad, c.drop())
	}
	if c.off >= c.look {
		if c.bad = c.room(); c.bad != nil {
			return 0, c.bad
		}
		c.look = c.off + roomEvery
	}
	n, err := c.f.WriteAt(p, c.off)
	c.off += int64(n)
	if _, bad := c.hash.Write(p[:n]); err == nil {
		err = bad
	}
	if c.loose += int64(n); err == nil && c.loose >= syncEvery {
		c.loose, err = 0, c.f.Sync()
	}
	if err != nil {
		c.bad = c.unwritten(err)
	}
	if c.off >= c.next {
		c.next = c.off + c.want.Size/10
		c.came(c.off)
	}
	return n, c.bad
}

// unwritten explains why bytes could not be written. Where there is no room for
// the file, what has come of it goes: others need the disk, alsbot's own store
// among them.
func (c *fileCopy) unwritten(err error) error {
	bad := fmt.Errorf("writing on alsbot's host: %w", err)
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG) {
		return errors.Join(fmt.Errorf("%w; what had come was removed", bad), c.drop())
	}
	return bad
}

// room refuses when the disk would become too full, and removes what has come.
func (c *fileCopy) room() error {
	free := freeIn(c.want.Dir)
	if still := c.want.Size - c.off; free >= 0 && free-als.SpareRoom < still {
		return errors.Join(fmt.Errorf("%s is free in %s on alsbot's host; %s are still to come, and %s stay free. What had come was removed", bytesOf(free), c.want.Dir, bytesOf(still), bytesOf(als.SpareRoom)), c.drop())
	}
	return nil
}

func bytesOf(n int64) string { return humanize.IBytes(uint64(max(0, n))) }

func (c *fileCopy) whole() bool  { return c.off == c.want.Size }
func (c *fileCopy) sum() string  { return hex.EncodeToString(c.hash.Sum(nil)) }
func (c *fileCopy) path() string { return filepath.Join(c.want.Dir, c.want.Name) }

// restart forgets what is there.
func (c *fileCopy) restart() error {
	c.hash.Reset()
	c.off, c.next, c.resumed = 0, c.want.Size/10, false
	if err := c.f.Truncate(0); err != nil {
		return fmt.Errorf("on alsbot's host: %w", err)
	}
	return nil
}

// keep puts the whole file onto the disk and gives it its name.
func (c *fileCopy) keep() error {
	if c.had {
		return nil
	}
	err := c.f.Sync()
	if err != nil {
		return c.unwritten(err)
	}
	if err = c.dir.Rename(partName(c.want.Name), c.want.Name); err == nil {
		err = syncDir(c.dir)
	}
	if err != nil {
		return fmt.Errorf("on alsbot's host: %w", err)
	}
	return nil
}

func syncDir(dir *os.Root) error {
	d, err := dir.Open(".")
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// drop removes what has come of a file that is of no use.
func (c *fileCopy) drop() error {
	if c.had {
		return nil
	}
	if err := c.dir.Remove(partName(c.want.Name)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("on alsbot's host: %w", err)
	}
	return nil
}

func (c *fileCopy) close() {
	if c.f != nil {
		_ = c.f.Close() // what counts was synced
	}
	_ = c.dir.Close()
}

// CheckCopy reports as an error that a copy on alsbot's host is not what was
// fetched.
func CheckCopy(ctx context.Context, want als.Save) error {
	c, err := openCopy(ctx, want)
	if err != nil {
		return err
	}
	c.close()
	return nil
}
