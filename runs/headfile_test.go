package runs_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"alsbot/runs"
	"alsbot/store"
)

// A store is taken if its log has the entry that the file names, whatever came
// after it; an older store, another one and an unreadable file are not, until a
// person accepts them.
func TestTheHeadBesideTheStore(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	open := func(name string, entries ...string) store.Store {
		return noted(t, filepath.Join(dir, name), entries...)
	}
	head := runs.HeadFile{Path: filepath.Join(dir, "head")}
	st, older := open("present", "one", "two"), open("older", "one")
	if err := head.Check(t.Context(), st); err != nil {
		t.Errorf("without a file: %v", err)
	}
	if err := head.Keep(t.Context(), st); err != nil {
		t.Fatal(err)
	}
	note(t, st, "three") // a kill -9 before the file is written again
	if err := head.Check(t.Context(), st); err != nil {
		t.Errorf("the file lags: %v", err)
	}
	for _, c := range []struct {
		st   store.Store
		want string
	}{{older, "it is older. Its log ends at entry 1 (one"}, {open("other", "a", "b", "c"), "it is another one, or was rewritten"}} {
		for _, err := range []error{head.Check(t.Context(), c.st), head.Keep(t.Context(), c.st)} {
			if !errors.Is(err, runs.ErrHead) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "--accept-restored") {
				t.Errorf("not %q: %v", c.want, err)
			}
		}
	}
	kept, err := os.ReadFile(head.Path)
	if err != nil {
		t.Fatal(err)
	}
	if err := head.Accept(t.Context(), older, runs.System, "accepted"); err != nil {
		t.Fatal(err)
	}
	if err := head.Check(t.Context(), older); err != nil {
		t.Errorf("accepted: %v", err)
	}
	if err := os.WriteFile(head.Path, kept, 0o600); err != nil { // a kill -9 between the entry and the file
		t.Fatal(err)
	}
	if err := head.Check(t.Context(), older); err != nil {
		t.Errorf("accepted, and the file not written: %v", err)
	}
	if err := os.WriteFile(head.Path, []byte("12:abc\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := head.Check(t.Context(), st); !errors.Is(err, runs.ErrHead) || !strings.Contains(err.Error(), "cannot be read") {
		t.Errorf("an unreadable file: %v", err)
	}
}

// What was written before Follow begins is kept without another change: the
// start, and what a kill -9 came too early for.
func TestTheHeadIsKeptFromTheStart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	st := noted(t, filepath.Join(dir, "a.db"), "one")
	head := runs.HeadFile{Path: filepath.Join(dir, "head")}
	follow(t, head, st)
	awaitHead(t, head, 1)
}

// What could not be written is kept as soon as it can, without another change.
func TestTheHeadIsTriedAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	st := noted(t, filepath.Join(dir, "a.db"), "one")
	head := runs.HeadFile{Path: filepath.Join(dir, "later", "head")}
	said := follow(t, head, st)
	if err := <-said; err == nil {
		t.Error("no trouble was reported")
	}
	if err := os.Mkdir(filepath.Dir(head.Path), 0o700); err != nil {
		t.Fatal(err)
	}
	awaitHead(t, head, 1)
	if err := <-said; err != nil {
		t.Errorf("its end: %v", err)
	}
}

// Root can use the store while the bot is down; the bot can read the file
// afterwards.
func TestTheHeadBelongsToTheStoresOwner(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("gives files to another user: needs root")
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "a.db")
	st, err := store.OpenBolt(path, store.Ballast(0))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	const uid, gid = 65534, 65533
	if err := os.Chown(path, uid, gid); err != nil {
		t.Fatal(err)
	}
	note(t, st, "one")
	head := runs.HeadFile{Path: filepath.Join(dir, "head"), Store: path}
	if err := head.Keep(t.Context(), st); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(head.Path)
	if err != nil {
		t.Fatal(err)
	}
	if is, ok := info.Sys().(*syscall.Stat_t); !ok || is.Uid != uid || is.Gid != gid || info.Mode().Perm() != 0o600 {
		t.Errorf("it belongs to %d:%d and has mode %v", is.Uid, is.Gid, info.Mode())
	}
}

// follow runs Follow until the test ends, and returns what it reports.
func follow(t *testing.T, head runs.HeadFile, st store.Store) <-chan error {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	said, done := make(chan error, 10), make(chan struct{})
	go func() {
		defer close(done)
		_ = head.Follow(ctx, st, func(err error) { said <- err })
	}()
	t.Cleanup(func() {
		stop()
		<-done
	})
	return said
}

func awaitHead(t *testing.T, head runs.HeadFile, seq uint64) {
	t.Helper()
	for began := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		kept, err := head.Read()
		if err == nil && kept.Seq == seq {
			return
		}
		if time.Since(began) > time.Minute {
			t.Fatalf("the head is %v, %v", kept, err)
		}
	}
}

// noted opens a store and notes entries in its audit log.
func noted(t *testing.T, path string, actions ...string) store.Store {
	t.Helper()
	st, err := store.OpenBolt(path, store.Ballast(0))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	note(t, st, actions...)
	return st
}

func note(t *testing.T, st store.Store, actions ...string) {
	t.Helper()
	for _, action := range actions {
		if err := st.Update(t.Context(), func(tx store.Tx) error {
			return runs.Note(tx, runs.Entry{By: runs.System, Action: action})
		}); err != nil {
			t.Fatal(err)
		}
	}
}
