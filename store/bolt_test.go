package store_test

import (
	"os"
	"path/filepath"
	"testing"

	"alsbot/store"
	"alsbot/store/storetest"
)

func TestMain(m *testing.M) {
	store.CheckMain()
	os.Exit(m.Run())
}

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
