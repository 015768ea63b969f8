package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime/debug"
	"sync/atomic"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"
)

// guardEvery is how often the guard looks at the file while no one uses the
// store.
const guardEvery = time.Second

// guard notices when the open database's file is removed, replaced or
// overwritten. bbolt would notice none of these: it goes on with a file that
// has no name, or reads through its map what someone else has written, and
// faults where the file has become shorter.
//
// The guard compares the file's name with the open file, and the two meta
// pages with those of the last commit. Every commit changes one of them, so
// another store, or an older copy of this one, has others.
type guard struct {
	path   string
	file   *os.File // bbolt's own
	page   int64
	report func(error)
	seen   atomic.Pointer[fileState]
	gone   atomic.Pointer[error] // the name leads elsewhere; the content can still be read
	spoilt atomic.Pointer[error] // the content is someone else's
	done   chan struct{}
}

// fileState is what the file must be.
type fileState struct {
	size    int64 // at least
	metas   [2]meta
	writing int // the meta page that a commit is writing, or failed to; -1 for none
}

// meta is the beginning of a meta page: bbolt's header, its roots, the
// transaction's number and the checksum of all that.
type meta [80]byte

func newGuard(db *bolt.DB, file *os.File, report func(error)) (*guard, error) {
	g := &guard{path: db.Path(), file: file, page: int64(db.Info().PageSize), report: report, done: make(chan struct{})}
	if err := g.note(); err != nil {
		return nil, err
	}
	go g.watch()
	return g, nil
}

// watch looks at the file until the store is closed or the file is lost.
func (g *guard) watch() {
	tick := time.NewTicker(guardEvery)
	defer tick.Stop()
	for {
		select {
		case <-g.done:
			return
		case <-tick.C:
			_ = g.check() // lose reports it
		}
	}
}

func (g *guard) stop() { close(g.done) }

// note records what the file is now.
func (g *guard) note() error {
	s, err := g.read()
	if err == nil {
		g.seen.Store(s)
	}
	return err
}

// read reads from the file, not from the map: the map faults where the file
// has become shorter.
func (g *guard) read() (*fileState, error) {
	info, err := g.file.Stat()
	if err != nil {
		return nil, err
	}
	s := &fileState{size: info.Size(), writing: -1}
	for i := range s.metas {
		if _, err := g.file.ReadAt(s.metas[i][:], int64(i)*g.page); err != nil && s.size >= 2*g.page {
			return nil, err
		}
	}
	return s, nil
}

// check returns an error that wraps ErrReplaced unless the store may be
// written to.
func (g *guard) check() error {
	if err := g.readable(); err != nil {
		return err
	}
	if err := g.gone.Load(); err != nil {
		return *err
	}
	at, err := os.Stat(g.path)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return g.lose(&g.gone, "%s was removed or moved away. %s", g.path, rescue)
	case err != nil:
		return fmt.Errorf("looking whether the store is still there: %w", err)
	}
	mine, err := g.file.Stat()
	if err != nil {
		return ErrClosed
	}
	if !os.SameFile(at, mine) {
		return g.lose(&g.gone, "another file is at %s now. %s", g.path, rescue)
	}
	return nil
}

const rescue = "alsbot writes nothing more. To keep what it still knows, type `alsbot snapshot FILE`. " +
	"Then stop alsbot, put the right store in place, and start it"

// readable returns an error that wraps ErrReplaced if the content of the file
// is not what the last commit left.
func (g *guard) readable() error {
	for {
		if err := g.spoilt.Load(); err != nil {
			return *err
		}
		want := g.seen.Load()
		now, err := g.read()
		if errors.Is(err, os.ErrClosed) {
			return ErrClosed
		}
		if err != nil {
			return fmt.Errorf("looking whether the store is still what it was: %w", err)
		}
		if now.follows(want) {
			return nil
		}
		if g.seen.Load() != want {
			continue // a commit has passed in between
		}
		return g.lose(&g.spoilt, "%s was overwritten while alsbot had it open. alsbot neither reads nor writes it any more. "+
			"Stop alsbot, put a snapshot back:\n  %s\nthen start it with `alsbot serve --accept-restored`, and type `alsbot reconcile`",
			g.path, RestoreCommand("SNAPSHOT", g.path))
	}
}

// follows reports whether s is want, or want in the middle of a commit.
func (s *fileState) follows(want *fileState) bool {
	for i := range s.metas {
		if i != want.writing && s.metas[i] != want.metas[i] {
			return false
		}
	}
	return s.size >= want.size
}

// lose keeps and reports the first reason.
func (g *guard) lose(where *atomic.Pointer[error], format string, args ...any) error {
	err := fmt.Errorf("%w: %s", ErrReplaced, fmt.Sprintf(format, args...))
	if where.CompareAndSwap(nil, &err) && g.report != nil {
		g.report(err)
	}
	return *where.Load()
}

// commit runs the commit of transaction id, which changes one meta page.
func (g *guard) commit(id int, commit func() error) error {
	if err := g.check(); err != nil {
		return err
	}
	before := *g.seen.Load()
	during := before
	during.writing = id % 2
	g.seen.Store(&during)
	if err := commit(); err != nil {
		return err // the page may be written or not; the other one is as it was
	}
	now, err := g.read()
	if err != nil {
		return err
	}
	if !now.follows(&during) {
		g.seen.Store(&before)
		return g.readable()
	}
	g.seen.Store(now)
	return g.check()
}

// reading runs fn, which reads through the map. If the content was not that of
// the store, before or after, the error says so, whatever fn has made of it,
// a fault included.
func (g *guard) reading(fn func() error) (err error) {
	if err := g.readable(); err != nil {
		return err
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		v := recover()
		if lost := g.readable(); errors.Is(lost, ErrReplaced) {
			err = lost
		} else if v != nil {
			panic(v)
		}
	}()
	return fn()
}
