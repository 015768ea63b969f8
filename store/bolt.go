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

// lockWait is how long OpenBolt waits for the holder of the lock: long enough
// for a restart, short enough that a second bot fails at once.
const lockWait = time.Second

// Option changes how OpenBolt opens a store.
type Option func(*settings)

type settings struct {
	ordered    map[string]bool
	migrations []Migration
	migrated   func(from, to int)
	slow       func(commit time.Duration)
	replaced   func(error)
	ballast    int64
	anew       bool
	aside      func(output string)
}

// Ordered names the buckets whose keys only grow, such as logs. Their pages
// are filled to 95 %, which halves the file.
func Ordered(buckets ...string) Option {
	return func(s *settings) {
		for _, b := range buckets {
			s.ordered[b] = true
		}
	}
}

// Migrations sets the steps of the schema, in order and without gaps. OpenBolt
// applies the steps that a file lacks in one transaction. It refuses a file
// with more steps with ErrNewer.
func Migrations(steps ...Migration) Option {
	return func(s *settings) { s.migrations = steps }
}

// Migrated makes OpenBolt call report after it has brought a file to another
// schema.
func Migrated(report func(from, to int)) Option {
	return func(s *settings) { s.migrated = report }
}

// Slow makes the store call report after a commit that took over a quarter of a
// second, at most once every ten minutes.
func Slow(report func(commit time.Duration)) Option {
	return func(s *settings) { s.slow = report }
}

// Replaced makes the store call report when it notices that its file was
// removed, replaced or overwritten: the file, its content, once each.
func Replaced(report func(error)) Option {
	return func(s *settings) { s.replaced = report }
}

// Anew makes OpenBolt create an empty store where the file is missing and its
// companions are not. It refuses an existing file with ErrExists. Output of
// the missing store is put aside; OpenBolt calls aside with its new name.
func Anew(aside func(output string)) Option {
	return func(s *settings) { s.anew, s.aside = true, aside }
}

// Ballast sets how many bytes the store reserves for a full disk (default 64
// MiB); 0 reserves none.
func Ballast(bytes int64) Option {
	return func(s *settings) { s.ballast = bytes }
}

// boltStore keeps everything in one bbolt file, and blobs in files beside it:
//
//	PATH          the database
//	PATH.lock     names the holder
//	PATH.ballast  reserves room for a full disk
//	PATH.output/  the blobs
//
// The records' owner keeps one more file there:
//
//	PATH.head     says how far the records were; see HeadPath
type boltStore struct {
	*blobDir
	*writer
	path string
	db   *bolt.DB
	file *os.File // db's own
	lock *os.File
	subs watchers
	once sync.Once
	err  error // result of Close
}

// OpenBolt opens the database at path, or creates an empty one. It first
// checks an existing file in a child process (see CheckMain), because bbolt
// faults on damaged files. It returns ErrHeld within two seconds if another
// process has the file, ErrDamaged, or ErrNewer, and then leaves the file as
// it was.
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
	db, file, err := openFile(path)
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
	g, err := newGuard(db, file, set.replaced)
	if err != nil {
		return nil, err
	}
	s := &boltStore{path: path, db: db, file: file, lock: lock, blobDir: blobs}
	reserve := &ballast{path: path + ".ballast", size: set.ballast}
	reserve.fill()
	s.writer = newWriter(db, g, set, reserve, s.subs.notify)
	blobs.full = func(error) bool { return reserve.release() }
	return s, nil
}

// prepare makes sure that path holds a sound file.
func prepare(path string, set settings) error {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := Missing(path); err != nil {
			if !set.anew {
				return err
			}
			if err := putAside(path, set.aside); err != nil {
				return err
			}
		}
		return create(path, set)
	}
	if err != nil {
		return err
	}
	if set.anew {
		return ErrExists
	}
	if !info.Mode().IsRegular() {
		return errors.New("it is not a regular file")
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0) // a file that can't be opened isn't damaged
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := checkInChild(path, info.Size()); err != nil {
		return err
	}
	if info.Mode().Perm() != 0o600 { // a snapshot copied into place
		return os.Chmod(path, 0o600)
	}
	return nil
}

// create writes an empty database under another name and renames it when it is
// complete and on disk. A power cut during bbolt's own initialisation would
// leave a file that can't be opened.
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

// openFile also returns the file that bbolt holds open.
func openFile(path string) (*bolt.DB, *os.File, error) {
	var file *os.File
	db, err := bolt.Open(path, 0o600, &bolt.Options{
		OpenFile: func(name string, flag int, mode os.FileMode) (f *os.File, err error) {
			file, err = os.OpenFile(name, flag, mode)
			return file, err
		},
		Timeout:      lockWait,
		FreelistType: bolt.FreelistMapType,
		NoStatistics: true,
		// This is address space, not memory. While the file fits in it,
		// writers never wait for readers to end before bbolt maps the file
		// again.
		InitialMmapSize: 1 << 30,
	})
	if errors.Is(err, bolterrors.ErrTimeout) {
		return nil, nil, errOtherProgram
	}
	return db, file, err
}

func (s *boltStore) View(ctx context.Context, fn func(Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	err := s.guard.reading(func() error {
		return s.db.View(func(tx *bolt.Tx) error {
			t := &boltTx{tx: tx}
			defer t.end()
			return fn(t)
		})
	})
	if errors.Is(err, bolterrors.ErrDatabaseNotOpen) {
		return ErrClosed
	}
	return err
}

func (s *boltStore) Watch(ctx context.Context, bucket string) <-chan struct{} {
	return s.subs.add(ctx, bucket)
}

// Snapshot copies into a temporary file first: a slow reader that held a
// transaction open would make the database grow.
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
	if err := os.Remove(temp.Name()); err != nil { // so a crash leaves no file behind
		return err
	}
	err = s.guard.reading(func() error {
		return s.db.View(func(tx *bolt.Tx) error {
			_, err := tx.WriteTo(contextWriter{ctx, temp})
			return err
		})
	})
	switch {
	case errors.Is(err, bolterrors.ErrDatabaseNotOpen):
		return ErrClosed
	case ctx.Err() != nil: // bbolt doesn't wrap it
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

// contextWriter writes to w until ctx ends.
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
		s.guard.stop()
		s.subs.close()
		s.err = errors.Join(s.closeDB(), release(s.lock))
	})
	return s.err
}

// closeDB leaves a lost database to the end of the process: a fault may have
// left bbolt with a lock for which Close would wait.
func (s *boltStore) closeDB() error {
	lost := s.guard.check()
	if errors.Is(lost, ErrReplaced) || s.faulted.Load() {
		return errors.Join(lost, s.file.Close())
	}
	return s.db.Close()
}

// syncDir makes the names in a directory durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
