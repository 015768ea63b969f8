// Package store is where things are written down. It knows no meaning: typed
// buckets over one small transactional interface, and blobs for long output.
// Every engine passes the suite in storetest.
package store

import (
	"context"
	"io"
)

// Store is one database. It is safe for concurrent use.
type Store interface {
	// View runs fn in a read-only transaction: a consistent picture. fn must
	// be short and must not call Update.
	View(ctx context.Context, fn func(Tx) error) error
	// Update runs fn in a transaction that is on disk when Update returns
	// nil. fn's error rolls it back and is returned as it is. fn may be
	// called more than once and on another goroutine, so it has no effect but
	// through Tx, and must not call the store. Concurrent updates are serial;
	// the engine may commit several together. What fn has read is then on
	// disk too when Update returns fn's error; if that cannot be had, the
	// engine's error is returned instead. A panic in fn is returned as a
	// *PanicError. Once fn has been called, the end of ctx no longer matters.
	Update(ctx context.Context, fn func(Tx) error) error
	// Watch returns a channel that receives after a commit that changed the
	// bucket. Signals are merged: one stands for any number of changes. It
	// ends with ctx.
	Watch(ctx context.Context, bucket string) <-chan struct{}
	// Snapshot writes a consistent copy of the database, while writing goes
	// on; w may be slow. Blobs are not in it.
	Snapshot(ctx context.Context, w io.Writer) error
	// Ready is nil while there is room to take on new work. Otherwise it says
	// why not (ErrFull, ErrBroken, ErrClosed); what is under way may still be
	// written down after ErrFull.
	Ready() error
	// Blobs hold long output.
	Blobs
	// Close waits for transactions under way and lets the database go.
	Close() error
}

// Blobs are byte strings that grow: what commands print. A blob is durable
// when WriteBlob has returned. Names have 1 to 200 bytes, do not begin with a
// dot, and hold neither a slash nor a NUL. One blob has one writer at a time.
type Blobs interface {
	// WriteBlob writes p at offset; the same bytes may be written again. An
	// offset past the end is an error.
	WriteBlob(ctx context.Context, name string, offset int64, p []byte) error
	// ReadBlob reads up to len(p) bytes at offset; io.EOF at or past the end.
	// A blob that does not exist is empty.
	ReadBlob(ctx context.Context, name string, offset int64, p []byte) (int, error)
	// BlobSize is 0 for a blob that does not exist.
	BlobSize(ctx context.Context, name string) (int64, error)
	// DeleteBlobs deletes the blobs whose names begin with prefix, which is
	// not empty.
	DeleteBlobs(ctx context.Context, prefix string) error
}

// Tx is one transaction, good until its fn returns and on fn's goroutine only.
// Slices that it returns are the caller's. Keys are not empty and at most
// 1 KiB; values at most 1 MiB. Buckets come into being with their first key;
// their names are not empty and do not begin with a NUL.
type Tx interface {
	Get(bucket, key string) ([]byte, error) // nil, nil if absent
	Put(bucket, key string, value []byte) error
	Delete(bucket, key string) error // absent is no error
	// Scan calls fn for the keys that begin with prefix, in byte order or,
	// with reverse, from the last to the first, until fn returns false. fn
	// must not write, which is refused. from, when not empty, is the first key
	// to look at, or, if there is no such key, the next in that direction.
	Scan(bucket, prefix, from string, reverse bool, fn func(key string, value []byte) bool) error
}
