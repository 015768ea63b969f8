// Package store keeps records on disk: typed buckets over one small
// transactional interface, and blobs for long output. It doesn't know what the
// records mean. Every engine passes the suite in storetest.
package store

import (
	"context"
	"io"
)

// Store is one database. It is safe for concurrent use.
type Store interface {
	// View runs fn in a read-only transaction, which sees one consistent
	// state. fn must be short and must not call Update.
	View(ctx context.Context, fn func(Tx) error) error
	// Update runs fn in a transaction. If Update returns nil, the transaction
	// is on disk. An error of fn rolls it back, and Update returns that error
	// unchanged. Updates are serial; the engine may commit several together.
	// It may call fn more than once and on another goroutine, so fn must have
	// no effect except through Tx, and must not call the store. When Update
	// returns fn's error, everything fn has read is on disk too; if that
	// fails, Update returns the engine's error instead. Update returns a panic
	// in fn as a *PanicError. Once fn has been called, the end of ctx has no
	// effect.
	Update(ctx context.Context, fn func(Tx) error) error
	// Watch returns a channel that receives after a commit that changed the
	// bucket. One signal may stand for any number of changes. The channel
	// closes when ctx ends.
	Watch(ctx context.Context, bucket string) <-chan struct{}
	// Snapshot writes a consistent copy of the database while updates go on. w
	// may be slow. The copy doesn't contain blobs.
	Snapshot(ctx context.Context, w io.Writer) error
	// Ready returns nil while there is room for new work. Otherwise it returns
	// ErrFull, ErrBroken or ErrClosed, wrapped. After ErrFull, updates for
	// work in progress may still succeed.
	Ready() error
	// Blobs stores long output.
	Blobs
	// Close waits for transactions in progress and releases the database.
	Close() error
}

// Blobs stores byte strings that grow, such as the output of commands. A blob
// is durable when WriteBlob returns. A name has 1 to 200 bytes, doesn't begin
// with a dot, and contains no slash or NUL. Each blob has one writer at a
// time.
type Blobs interface {
	// WriteBlob writes p at offset. It may write the same bytes again. An
	// offset past the end is an error.
	WriteBlob(ctx context.Context, name string, offset int64, p []byte) error
	// ReadBlob reads up to len(p) bytes at offset. It returns io.EOF at or
	// past the end. A blob that doesn't exist is empty.
	ReadBlob(ctx context.Context, name string, offset int64, p []byte) (int, error)
	// BlobSize returns 0 for a blob that doesn't exist.
	BlobSize(ctx context.Context, name string) (int64, error)
	// DeleteBlobs deletes the blobs whose names begin with prefix. prefix must
	// not be empty.
	DeleteBlobs(ctx context.Context, prefix string) error
}

// Tx is one transaction. It is valid until its fn returns, and on fn's
// goroutine only. The caller owns the slices that it returns. A key has 1 byte
// to 1 KiB; a value has at most 1 MiB. The first key creates its bucket. A
// bucket's name isn't empty and doesn't begin with a NUL.
type Tx interface {
	Get(bucket, key string) ([]byte, error) // nil, nil if absent
	Put(bucket, key string, value []byte) error
	Delete(bucket, key string) error // a missing key is no error
	// Scan calls fn for the keys that begin with prefix until fn returns
	// false. The order is byte order, or with reverse from the last key to the
	// first. If from isn't empty, Scan starts at that key or, if it is
	// missing, at the next one in that direction. fn must not write; Tx
	// refuses it.
	Scan(bucket, prefix, from string, reverse bool, fn func(key string, value []byte) bool) error
}
