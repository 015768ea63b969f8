package store_test

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"alsbot/store"
)

func TestSchemaIsToldWithoutABot(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	if _, err := store.Schema(t.Context(), path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	nothing := func(store.Tx) error { return nil }
	s, err := store.OpenBolt(path, store.Ballast(0), store.Migrations(nothing, nothing))
	if err != nil {
		t.Fatal(err)
	}
	put(t, s, "b", "k", "v")
	if _, err := store.Schema(t.Context(), path); !errors.Is(err, store.ErrHeld) {
		t.Errorf("a bot has it: %v", err)
	}
	put(t, s, "b", "k", "w") // the writer isn't disturbed
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := store.Schema(t.Context(), path); n != 2 || err != nil {
		t.Errorf("schema %d, %v", n, err)
	}
	if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
		t.Errorf("the file is another one: %v", err)
	}
}

// This process survives any damage to the file.
func TestSchemaOfDamagedFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	r := rand.New(rand.NewPCG(1, 2)) // the same damage every time
	damage := map[string][]byte{"nothing": {}, "text": []byte("no database\n"), "zeros": make([]byte, 1<<14)}
	raw := sound(t)
	for range 8 {
		name, b := mutate(raw, r)
		damage[name] = b
	}
	for name, b := range damage {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		n, err := store.Schema(t.Context(), path)
		if errors.Is(err, store.ErrHeld) || err == nil && n != 0 {
			t.Errorf("%s: schema %d, %v", name, n, err)
		}
	}
	for _, name := range []string{"nothing", "text", "zeros"} {
		if err := os.WriteFile(path, damage[name], 0o600); err != nil {
			t.Fatal(err)
		}
		if n, err := store.Schema(t.Context(), path); err == nil {
			t.Errorf("%s has schema %d", name, n)
		}
	}
}
