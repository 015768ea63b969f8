//go:build !linux

package store

import "os"

// fdatasync makes the content and the size of f durable.
func fdatasync(f *os.File) error { return f.Sync() }

// allocate gives f real blocks by writing zeros.
func allocate(f *os.File, size int64) error {
	zeros := make([]byte, 1<<20)
	for at := int64(0); at < size; at += int64(len(zeros)) {
		if _, err := f.WriteAt(zeros[:min(size-at, int64(len(zeros)))], at); err != nil {
			return err
		}
	}
	return nil
}
