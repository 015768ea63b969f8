package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// lockWait is how long an opener waits for the holder to let go: enough for a
// restart, little enough that a second bot hears at once.
const lockWait = time.Second

// Option changes how OpenBolt opens a store.
type Option func(*settings)

type settings struct {
	ordered    map[string]bool
	migrations []Migration
	migrated   func(from, to int)
	slow       func(commit time.Duration)
	ballast    int64
}

// Ordered names the buckets whose keys only grow, such as logs: their pages
// are filled to 95 %, which halves the file.
func Ordered(buckets ...string) Option {
	return func(s *settings) {
		for _, b := range buckets {
			s.ordered[b] = true
		}
	}
}

// Migrations gives, in order and without gaps, the steps by which the schema
// has grown. A file that has seen fewer gets the rest when it is opened, in
// one transaction; a file that has seen more is refused with ErrNewer.
func Migrations(steps ...Migration) Option {
	return func(s *settings) { s.migrations = steps }
}

// Migrated has told called when a file has been brought to another schema.
func Migrated(told func(from, to int)) Option {
	return func(s *settings) { s.migrated = told }
}

// Slow has told called when a commit has taken over a quarter of a second, at
// most once in ten minutes.
func Slow(told func(commit time.Duration)) Option {
	return func(s *settings) { s.slow = told }
}

// Ballast sets the bytes that are held back for the day on which the disk is
// full (64 MiB); 0 holds back none.
func Ballast(bytes int64) Option {
	return func(s *settings) { s.ballast = bytes }
}

// boltStore keeps everything in one bbolt file and blobs in files beside it:
//
//	PATH          the database
//	PATH.lock     who holds it
//	PATH.ballast  room for the day on which the disk is full
//	PATH.output/  the blobs
type boltStore struct {
	*blobDir
	*writer
	path string
	db   *bolt.DB
	lock *os.File
	subs watchers
	once sync.Once
	err  error // of Close
}

// OpenBolt opens the database at path, or makes an empty one. A file that is
// there is first checked in a child process (see CheckMain): the library
// faults on damaged ones. It fails with ErrHeld within two seconds when another process
// has it, with ErrDamaged, or with ErrNewer, and leaves the file as it was.
func OpenBolt(path string, opts ...Option) (Store, error) {
	set := settings{ordered: map[string]bool{}, ballast: 64 << 20}
	for _, o := range opts {
		o(&set)
	}
	s, err := openBolt(path, set)
	if err != nil {
		return nil, fmt.Errorf("opening the store %s: %w", path, err)
	}
	return s, nil
}

func openBolt(path string, set settings) (_ *boltStore, err error) {
	lock, err := acquire(path+".lock", lockWait)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = release(lock)
		}
	}()
	if err := prepare(path, set); err != nil {
		return nil, err
	}
	db, err := openFile(path)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = db.Close()
		}
	}()
	if err := migrate(db, set); err != nil {
		return nil, err
	}
	blobs, err := openBlobDir(path + ".output")
	if err != nil {
		return nil, err
	}
	s := &boltStore{path: path, db: db, lock: lock, blobDir: blobs}
	reserve := &ballast{path: path + ".ballast", size: set.ballast}
	reserve.fill()
	s.writer = newWriter(db, set, reserve, s.subs.notify)
	blobs.full = func(error) bool { return reserve.release() }
	return s, nil
}

// prepare sees to it that there is a sound file at path.
func prepare(path string, set settings) error {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return create(path, set)
	}
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return errors.New("it is not a regular file")
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0) // what cannot be opened is not damaged
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := checkInChild(path, info.Size()); err != nil {
		return err
	}
	if info.Mode().Perm() != 0o600 { // a snapshot that was copied into place
		return os.Chmod(path, 0o600)
	}
	return nil
}

// create makes an empty database under another name and gives it its own when
// it is whole and on disk: a power cut in bbolt's own first initialisation
// would leave a file that cannot be opened.
func create(path string, set settings) error {
	temp := path + ".new"
	if err := os.Remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	db, err := bolt.Open(temp, 0o600, &bolt.Options{NoSync: true, Timeout: lockWait})
	if err != nil {
		return err
	}
	err = errors.Join(db.Update(func(tx *bolt.Tx) error { return setSchema(tx, len(set.migrations)) }), db.Sync(), db.Close())
	if err != nil {
		return errors.Join(err, os.Remove(temp))
	}
	if err := os.Rename(temp, path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func openFile(path string) (*bolt.DB, error) {
	db, err := bolt.Open(path, 0o600, &bolt.Options{
		Timeout:      lockWait,
		FreelistType: bolt.FreelistMapType,
		NoStatistics: true,
		// Address space, not memory: while the file fits in, writers never
		// wait for readers to end so that it can be mapped anew.
		InitialMmapSize: 1 << 30,
	})
	if errors.Is(err, bolterrors.ErrTimeout) {
		return nil, errOtherProgram
	}
	return db, err
}

func (s *boltStore) View(ctx context.Context, fn func(Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	err := s.db.View(func(tx *bolt.Tx) error {
		t := &boltTx{tx: tx}
		defer t.end()
		return fn(t)
	})
	if errors.Is(err, bolterrors.ErrDatabaseNotOpen) {
		return ErrClosed
	}
	return err
}

func (s *boltStore) Watch(ctx context.Context, bucket string) <-chan struct{} {
	return s.subs.add(ctx, bucket)
}

// Snapshot copies into a temporary file first: a reader that holds a
// transaction open makes the database grow.
func (s *boltStore) Snapshot(ctx context.Context, w io.Writer) error {
	if err := s.snapshot(ctx, w); err != nil {
		return fmt.Errorf("copying the store %s: %w", s.path, err)
	}
	return nil
}

func (s *boltStore) snapshot(ctx context.Context, w io.Writer) error {
	temp, err := os.CreateTemp(filepath.Dir(s.path), filepath.Base(s.path)+".snapshot-")
	if err != nil {
		return err
	}
	defer func() { _ = temp.Close() }()
	if err := os.Remove(temp.Name()); err != nil { // nothing is left after a crash
		return err
	}
	err = s.db.View(func(tx *bolt.Tx) error {
		_, err := tx.WriteTo(contextWriter{ctx, temp})
		return err
	})
	switch {
	case errors.Is(err, bolterrors.ErrDatabaseNotOpen):
		return ErrClosed
	case ctx.Err() != nil: // bbolt does not wrap it
		return ctx.Err()
	case err != nil:
		return err
	}
	if _, err := temp.Seek(0, io.SeekStart); err != nil {
		return err
	}
	_, err = io.Copy(contextWriter{ctx, w}, temp)
	return err
}

// contextWriter writes until ctx ends.
type contextWriter struct {
	ctx context.Context
	w   io.Writer
}

func (c contextWriter) Write(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.w.Write(p)
}

func (s *boltStore) Close() error {
	s.once.Do(func() {
		s.closeBlobs()
		s.stop()
		s.subs.close()
		s.err = errors.Join(s.db.Close(), release(s.lock))
	})
	return s.err
}

// syncDir makes the names in a directory durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
