package store_test

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"alsbot/store"
)

// A store whose file is removed, replaced or overwritten says so at the next
// update, and by itself when there is none.
func TestLostFile(t *testing.T) {
	copied := func(t *testing.T, from, to string) {
		t.Helper()
		b, err := os.ReadFile(from)
		if err == nil {
			err = os.WriteFile(to, b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		name     string
		lose     func(path, older string) error
		readable bool
	}{
		{"removed", func(path, _ string) error { return os.Remove(path) }, true},
		{"moved away", func(path, _ string) error { return os.Rename(path, path+".x") }, true},
		{"replaced", func(path, older string) error { return os.Rename(older, path) }, true},
		{"overwritten", func(path, older string) error { copied(t, older, path); return nil }, false},
		{"cut", func(path, _ string) error { return os.Truncate(path, 0) }, false},
		{"halved", func(path, _ string) error { return os.Truncate(path, 8192) }, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "a.db")
			told := make(chan error, 2)
			s, err := store.OpenBolt(path, store.Ballast(0), store.Replaced(func(err error) { told <- err }))
			if err != nil {
				t.Fatal(err)
			}
			put(t, s, "b", "k", "old")
			copied(t, path, path+".older")
			for range 100 {
				put(t, s, "b", "k", "new")
			}
			if err := tt.lose(path, path+".older"); err != nil {
				t.Fatal(err)
			}
			err = s.Update(t.Context(), func(tx store.Tx) error { return tx.Put("b", "k", []byte("lost")) })
			if !errors.Is(err, store.ErrReplaced) || !errors.Is(s.Ready(), store.ErrReplaced) {
				t.Errorf("an update: %v; ready: %v", err, s.Ready())
			}
			select {
			case err := <-told:
				if !errors.Is(err, store.ErrReplaced) {
					t.Error(err)
				}
			case <-time.After(time.Minute):
				t.Error("not reported")
			}
			if got := errors.Is(s.View(t.Context(), func(store.Tx) error { return nil }), store.ErrReplaced); got == tt.readable {
				t.Errorf("readable: %v", !got)
			}
			if got := errors.Is(s.Snapshot(t.Context(), io.Discard), store.ErrReplaced); got == tt.readable {
				t.Errorf("a snapshot is refused: %v", got)
			}
			if err := s.Close(); !errors.Is(err, store.ErrReplaced) {
				t.Errorf("closing: %v", err)
			}
		})
	}
}

// A missing file whose companions are there is no first start.
func TestMissingFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	s := open(t, path)
	if err := s.WriteBlob(t.Context(), "out", 0, []byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	aside := ""
	anew := store.Anew(func(to string) { aside = to })
	if _, err := store.OpenBolt(path, anew); !errors.Is(err, store.ErrExists) {
		t.Errorf("anew on a store: %v", err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := store.OpenBolt(path); !errors.Is(err, store.ErrMissing) {
		t.Fatalf("missing: %v", err)
	}
	s = open(t, path, anew)
	if n, err := s.BlobSize(t.Context(), "out"); n != 0 || err != nil {
		t.Errorf("the new store has %d bytes of the old output, %v", n, err)
	}
	if _, err := os.Stat(filepath.Join(aside, "out")); err != nil {
		t.Error(err)
	}
}

// The command that puts a snapshot back also works where the file is gone, with
// any of its companions or none.
func TestRestoreCommand(t *testing.T) {
	for _, left := range []string{"", ".head", ".output", ".ballast"} {
		t.Run("left"+left, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "it's here.db")
			snapshot := filepath.Join(t.TempDir(), "copy")
			put(t, open(t, snapshot), "b", "k", "v")
			if left != "" {
				if err := os.WriteFile(path+left, nil, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			for range 2 { // the second time, there is a file
				if out, err := exec.Command("sh", "-c", store.RestoreCommand(snapshot, path)).CombinedOutput(); err != nil {
					t.Fatalf("%v: %s", err, out)
				}
				if _, err := os.Stat(path); err != nil {
					t.Error(err)
				}
			}
			if old, err := filepath.Glob(path + ".old-*"); len(old) != 1 {
				t.Errorf("the present file was kept as %q, %v", old, err)
			}
		})
	}
}
