package store_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"alsbot/store"
	"alsbot/store/storetest"
)

func TestMain(m *testing.M) {
	store.CheckMain()
	if part, path, ok := strings.Cut(os.Getenv(childEnv), " "); ok {
		playChild(part, path)
		return
	}
	os.Exit(m.Run())
}

// open opens the store at path until the test ends.
func open(t testing.TB, path string, opts ...store.Option) store.Store {
	t.Helper()
	s, err := store.OpenBolt(path, append([]store.Option{store.Ballast(1 << 20)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func put(t testing.TB, s store.Store, bucket, key, value string) {
	t.Helper()
	if err := s.Update(t.Context(), func(tx store.Tx) error { return tx.Put(bucket, key, []byte(value)) }); err != nil {
		t.Fatal(err)
	}
}

// contents returns everything in a bucket.
func contents(t testing.TB, s store.Store, bucket string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := s.View(t.Context(), func(tx store.Tx) error {
		return tx.Scan(bucket, "", "", false, func(k string, v []byte) bool { all[k] = string(v); return true })
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestConformance(t *testing.T) {
	storetest.Run(t, storetest.Engine{
		Open: func(t *testing.T) store.Store { return open(t, filepath.Join(t.TempDir(), "test.db")) },
		Restore: func(t *testing.T, snapshot []byte) store.Store {
			path := filepath.Join(t.TempDir(), "restored.db")
			if err := os.WriteFile(path, snapshot, 0o644); err != nil {
				t.Fatal(err)
			}
			return open(t, path)
		},
	})
}

func TestFilesAreTheOwnersOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	s := open(t, path)
	put(t, s, "b", "k", "v")
	if err := s.WriteBlob(t.Context(), "out", 0, []byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o644); err != nil { // as cp leaves it
		t.Fatal(err)
	}
	s = open(t, path)
	got := map[string]os.FileMode{}
	for _, name := range []string{"", ".lock", ".ballast", ".output", ".output/out"} {
		info, err := os.Stat(path + name)
		if err != nil {
			t.Fatal(err)
		}
		got[name] = info.Mode().Perm()
	}
	want := map[string]os.FileMode{"": 0o600, ".lock": 0o600, ".ballast": 0o600, ".output": 0o700, ".output/out": 0o600}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if left, err := filepath.Glob(path + ".new*"); err != nil || left != nil {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if n, err := s.BlobSize(t.Context(), "out"); n != 1 || err != nil {
		t.Errorf("blob after reopening: %d bytes, %v", n, err)
	}
}

func TestMigrations(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	ran, told := "", ""
	step := func(name string, err error) store.Migration {
		return func(tx store.Tx) error {
			ran += name
			return errors.Join(tx.Put("b", name, nil), err)
		}
	}
	reopen := func(steps ...store.Migration) (store.Store, error) {
		ran, told = "", ""
		s, err := store.OpenBolt(path, store.Ballast(0), store.Migrations(steps...), store.Migrated(func(from, to int) { told = fmt.Sprint(from, to) }))
		if err == nil {
			t.Cleanup(func() { _ = s.Close() })
		}
		return s, err
	}
	first, err := reopen(step("1", nil))
	if err != nil || ran != "" || told != "" {
		t.Fatalf("a new file ran %q, told of %q, %v", ran, told, err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("broken")
	if _, err := reopen(step("1", nil), step("2", nil), step("3", broken)); !errors.Is(err, broken) || ran != "23" || told != "" {
		t.Fatalf("ran %q, told of %q, %v", ran, told, err)
	}
	second, err := reopen(step("1", nil), step("2", nil))
	if err != nil || ran != "2" || told != "1 2" {
		t.Fatalf("after a step that failed: ran %q, told of %q, %v", ran, told, err)
	}
	if diff := cmp.Diff(map[string]string{"2": ""}, contents(t, second, "b")); diff != "" {
		t.Error(diff)
	}
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := reopen(step("1", nil)); !errors.Is(err, store.ErrNewer) || !strings.Contains(err.Error(), "schema 2") {
		t.Errorf("a newer file: %v", err)
	}
}

// A failing or slow reader of a snapshot costs the store nothing: the copy is
// complete before its first byte is written out.
func TestSnapshotReaderHoldsNothing(t *testing.T) {
	dir := t.TempDir()
	s := open(t, filepath.Join(dir, "a.db"))
	put(t, s, "b", "k", "v")
	if err := s.Snapshot(t.Context(), errWriter{}); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("got %v", err)
	}
	r, w := io.Pipe()
	done := make(chan error)
	go func() { done <- s.Snapshot(t.Context(), w) }()
	first := make([]byte, 1)
	if _, err := r.Read(first); err != nil { // read no more for now
		t.Fatal(err)
	}
	size := func() int64 {
		info, err := os.Stat(filepath.Join(dir, "a.db"))
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	value := strings.Repeat("x", 100<<10)
	put(t, s, "b", "big", value)
	before := size()
	for i := range 200 { // 20 MiB, overwriting the same key
		put(t, s, "b", "big", fmt.Sprint(i, value))
	}
	if after := size(); after > before+before/10 {
		t.Errorf("the file grew from %d to %d bytes", before, after)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("got %v", err)
	}
	if left, err := filepath.Glob(filepath.Join(dir, "*snapshot*")); err != nil || left != nil {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

type errWriter struct{}

func (errWriter) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

// An update that ends its goroutine, as a test's FailNow does, affects no
// other update.
func TestUpdateThatExits(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "a.db"))
	for range 3 {
		err := s.Update(t.Context(), func(tx store.Tx) error {
			if err := tx.Put("b", "gone", nil); err != nil {
				return err
			}
			runtime.Goexit()
			return nil
		})
		if err == nil || !strings.Contains(err.Error(), "ended its goroutine") {
			t.Fatalf("got %v", err)
		}
		put(t, s, "b", "k", "v")
	}
	if diff := cmp.Diff(map[string]string{"k": "v"}, contents(t, s, "b")); diff != "" {
		t.Error(diff)
	}
}
