package store

import (
	"errors"
	"fmt"
)

// What can be wrong with a store as a whole. The errors that wrap these are
// sentences for people and say what to do next.
var (
	// ErrHeld: another process has the database open.
	ErrHeld = errors.New("already in use")
	// ErrDamaged: the file is no sound database. It was left as it was.
	ErrDamaged = errors.New("the file is damaged")
	// ErrNewer: a newer program has written the file.
	ErrNewer = errors.New("the file is from a newer program")
	// ErrFull: the disk is full. Nothing of the transaction was written.
	ErrFull = errors.New("the disk is full")
	// ErrBroken: writing has failed in a way that leaves open what is on disk.
	// The store takes no more writes until it is opened again.
	ErrBroken = errors.New("writing to the store has failed")
	// ErrTooLong: a value is longer than a transaction takes. Nothing of the
	// transaction was written, and the same value will never be.
	ErrTooLong = errors.New("the value is too long")
	// ErrClosed: the store was closed.
	ErrClosed = errors.New("the store is closed")
)

// PanicError is what Update returns when its fn panicked.
type PanicError struct {
	Value any
	Stack []byte // for the log
}

func (e *PanicError) Error() string {
	return fmt.Sprintf("panic in an update of the store: %v", e.Value)
}
