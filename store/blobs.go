package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"

	"alsbot/crashpoint"
)

// blobDir keeps each blob in a file of its own. Every call opens and closes
// the file, which costs a hundredth of making the bytes durable.
type blobDir struct {
	dir    string
	closed atomic.Bool
	// full receives a write error and reports whether a retry is worthwhile.
	full func(error) bool
}

func openBlobDir(dir string) (*blobDir, error) {
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	// These syncs make the names of files created just before a crash durable,
	// and the directory's own name.
	if err := errors.Join(syncDir(dir), syncDir(filepath.Dir(dir))); err != nil {
		return nil, err
	}
	return &blobDir{dir: dir, full: func(error) bool { return false }}, nil
}

func (d *blobDir) closeBlobs() { d.closed.Store(true) }

// file returns the path of a blob.
func (d *blobDir) file(ctx context.Context, name string) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	if d.closed.Load() {
		return "", ErrClosed
	}
	if err := checkBlobName(name); err != nil {
		return "", err
	}
	return filepath.Join(d.dir, name), nil
}

func checkBlobName(name string) error {
	if name == "" || len(name) > 200 || name[0] == '.' || strings.ContainsAny(name, "/\x00") {
		return fmt.Errorf("%q is no name for a blob: 1 to 200 bytes, no dot in front, no slash, no NUL", name)
	}
	return nil
}

func (d *blobDir) WriteBlob(ctx context.Context, name string, offset int64, p []byte) error {
	path, err := d.file(ctx, name)
	if err != nil {
		return err
	}
	err = d.write(path, offset, p)
	if full(err) && d.full(err) {
		err = d.write(path, offset, p)
	}
	if full(err) {
		return fmt.Errorf("writing output %s: %w (%w): make room on the disk of %s", name, ErrFull, err, d.dir)
	}
	if err != nil {
		return fmt.Errorf("writing output %s: %w", name, err)
	}
	return nil
}

func (d *blobDir) write(path string, offset int64, p []byte) (err error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if offset < 0 || offset > info.Size() {
		return fmt.Errorf("offset %d is not within its %d bytes", offset, info.Size())
	}
	crashpoint.Point(crashpoint.BeforeBlob)
	if _, err := f.WriteAt(p, offset); err != nil {
		return err
	}
	if err := fdatasync(f); err != nil {
		return err
	}
	crashpoint.Point(crashpoint.AfterBlob)
	if offset == 0 {
		return syncDir(d.dir)
	}
	return nil
}

func (d *blobDir) ReadBlob(ctx context.Context, name string, offset int64, p []byte) (int, error) {
	path, err := d.file(ctx, name)
	if err != nil {
		return 0, err
	}
	if offset < 0 {
		return 0, fmt.Errorf("reading output %s: offset %d is negative", name, offset)
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, io.EOF
	}
	if err != nil {
		return 0, fmt.Errorf("reading output %s: %w", name, err)
	}
	defer func() { _ = f.Close() }()
	n, err := f.ReadAt(p, offset)
	switch {
	case errors.Is(err, io.EOF) && n > 0:
		return n, nil
	case errors.Is(err, io.EOF):
		return 0, io.EOF
	case err != nil:
		return n, fmt.Errorf("reading output %s: %w", name, err)
	}
	return n, nil
}

func (d *blobDir) BlobSize(ctx context.Context, name string) (int64, error) {
	path, err := d.file(ctx, name)
	if err != nil {
		return 0, err
	}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("reading output %s: %w", name, err)
	}
	return info.Size(), nil
}

// DeleteBlobs reads the directory once, however many blobs it deletes. After a
// power cut, deleted blobs may be back.
func (d *blobDir) DeleteBlobs(ctx context.Context, prefix string) error {
	if _, err := d.file(ctx, prefix); err != nil {
		return err
	}
	dir, err := os.Open(d.dir)
	if err != nil {
		return fmt.Errorf("deleting outputs %s*: %w", prefix, err)
	}
	names, err := dir.Readdirnames(-1)
	if err = errors.Join(err, dir.Close()); err != nil {
		return fmt.Errorf("deleting outputs %s*: %w", prefix, err)
	}
	for _, name := range names {
		if !strings.HasPrefix(name, prefix) {
			continue
		}
		if err := os.Remove(filepath.Join(d.dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("deleting output %s: %w", name, err)
		}
	}
	return nil
}
