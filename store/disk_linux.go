package store

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// fdatasync makes the content and the size of f durable.
func fdatasync(f *os.File) error {
	return ignoringEINTR(func() error { return unix.Fdatasync(int(f.Fd())) })
}

// allocate gives f real blocks without writing them.
func allocate(f *os.File, size int64) error {
	return ignoringEINTR(func() error { return unix.Fallocate(int(f.Fd()), 0, 0, size) })
}

func ignoringEINTR(call func() error) error {
	for {
		if err := call(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
