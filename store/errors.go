package store

import (
	"errors"
	"fmt"
)

// These are the ways in which a whole store can fail. The errors that wrap
// them are sentences for people and say what to do next.
var (
	// ErrHeld means that another process has the database open.
	ErrHeld = errors.New("already in use")
	// ErrDamaged means that the file isn't a sound database. The store left it
	// as it was.
	ErrDamaged = errors.New("the file is damaged")
	// ErrMissing means that the file isn't there and its companions are: it was
	// there before.
	ErrMissing = errors.New("the file is missing")
	// ErrExists means that a new store was wanted and there is one.
	ErrExists = errors.New("there is a store already: start without --new-store, or move that file away first")
	// ErrReplaced means that the open file was removed, replaced or
	// overwritten. The store accepts no more writes until it is opened again.
	ErrReplaced = errors.New("the store is not the one that was opened")
	// ErrNewer means that a newer program wrote the file.
	ErrNewer = errors.New("the file is from a newer program")
	// ErrFull means that the disk is full. The store wrote nothing of the
	// transaction.
	ErrFull = errors.New("the disk is full")
	// ErrBroken means that a write failed and the state on disk is unknown.
	// The store accepts no more writes until it is opened again.
	ErrBroken = errors.New("writing to the store has failed")
	// ErrTooLong means that a value exceeds the limit of a transaction. The
	// store wrote nothing of the transaction, and a retry can't succeed.
	ErrTooLong = errors.New("the value is too long")
	// ErrClosed means that the store was closed.
	ErrClosed = errors.New("the store is closed")
)

// PanicError is the error of an Update whose fn panicked.
type PanicError struct {
	Value any
	Stack []byte // for the log
}

func (e *PanicError) Error() string {
	return fmt.Sprintf("panic in an update of the store: %v", e.Value)
}
