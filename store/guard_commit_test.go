package store

import (
	"errors"
	"path/filepath"
	"testing"
)

// A commit that fails when its meta page is written already, as by an error of
// fsync, is no overwritten file: the page may have either content.
func TestFailedCommitIsNoOverwrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	if err := create(path, settings{}); err != nil {
		t.Fatal(err)
	}
	db, file, err := openFile(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	g, err := newGuard(db, file, func(err error) { t.Errorf("reported: %v", err) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.stop)
	broken := errors.New("input/output error")
	tx, err := db.Begin(true)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.CreateBucket([]byte("b")); err != nil {
		t.Fatal(err)
	}
	if err := g.commit(tx.ID(), func() error { return errors.Join(tx.Commit(), broken) }); !errors.Is(err, broken) {
		t.Errorf("the commit: %v", err)
	}
	if err := g.check(); err != nil {
		t.Errorf("after it: %v", err)
	}
}
