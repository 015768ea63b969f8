package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"alsbot/store"
)

// sound returns a database of a few hundred pages, some of them freed.
func sound(t *testing.T) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sound.db")
	s, err := store.OpenBolt(path, store.Ballast(0))
	if err != nil {
		t.Fatal(err)
	}
	for round := range 4 {
		err := s.Update(t.Context(), func(tx store.Tx) error {
			var errs []error
			for i := range 800 {
				key := fmt.Sprintf("k%05d", i*4+round)
				errs = append(errs, tx.Put("one", key, bytes.Repeat([]byte(key), 1+i%100)), tx.Put("two", key, nil))
				if i%5 == 0 {
					errs = append(errs, tx.Delete("one", fmt.Sprintf("k%05d", i)))
				}
			}
			return errors.Join(append(errs, tx.Put("small", "k", nil), tx.Put("big", "k", make([]byte, 200<<10)))...)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	// bbolt allocates in advance. Damage to pages that were never used proves
	// little.
	return raw[:(len(bytes.TrimRight(raw, "\x00"))+4095)/4096*4096]
}

// mutate damages a copy the way disks, copies and people do.
func mutate(raw []byte, r *rand.Rand) (string, []byte) {
	const page = 4096
	b := bytes.Clone(raw)
	p := r.IntN(len(b)/page) * page
	switch r.IntN(5) {
	case 0:
		for range 1 + r.IntN(8) {
			b[r.IntN(len(b))] ^= 1 << r.IntN(8)
		}
		return "bits", b
	case 1: // in the page header
		b[p+r.IntN(64)] ^= 1 << r.IntN(8)
		return "head of a page", b
	case 2:
		clear(b[p : p+page])
		return "zeroed page", b
	case 3:
		return "cut", b[:r.IntN(len(b))]
	}
	q := r.IntN(len(b)/page) * page
	copy(b[p:p+page], raw[q:q+page])
	copy(b[q:q+page], raw[p:p+page])
	return "swapped pages", b
}

// OpenBolt refuses a damaged file and leaves it as it was, or the damage
// doesn't affect the database, and every read and write works. It never takes
// the process down; this test would not survive that.
//
// STORE_MUTATIONS sets how many copies the test damages.
func TestDamagedFiles(t *testing.T) {
	n := 48
	if v, err := strconv.Atoi(os.Getenv("STORE_MUTATIONS")); err == nil {
		n = v
	}
	raw := sound(t)
	path := filepath.Join(t.TempDir(), "it's damaged.db")
	refused := 0
	for seed := range n {
		what, bad := mutate(raw, rand.New(rand.NewPCG(uint64(seed), 1)))
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := store.OpenBolt(path, store.Ballast(0))
		if err == nil {
			exercise(t, s)
			continue
		}
		refused++
		if !errors.Is(err, store.ErrDamaged) || !strings.Contains(err.Error(), path) ||
			!strings.Contains(err.Error(), "cp SNAPSHOT ") || strings.Contains(err.Error(), "goroutine ") {
			t.Errorf("%d, %s: %v", seed, what, err)
		}
		after, err := os.ReadFile(path)
		if err != nil || !bytes.Equal(after, bad) {
			t.Errorf("%d, %s: the file was changed, %v", seed, what, err)
		}
	}
	t.Logf("%d of %d were refused", refused, n)
	if refused < n/3 {
		t.Errorf("only %d of %d were refused", refused, n)
	}
}

// exercise reads everything and writes everywhere. Values may be altered:
// bbolt keeps no checksums of them.
func exercise(t *testing.T, s store.Store) {
	t.Helper()
	ctx := context.Background()
	for _, b := range []string{"one", "two", "small", "big"} {
		var keys []string
		err := s.Update(ctx, func(tx store.Tx) error {
			err := tx.Scan(b, "", "", false, func(k string, _ []byte) bool { keys = append(keys, k); return true })
			for _, k := range keys {
				if k != "" && len(k) <= 1<<10 {
					err = errors.Join(err, tx.Put(b, k, []byte("new")))
				}
			}
			return err
		})
		if err != nil {
			t.Errorf("bucket %s: %v", b, err)
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestWhatIsNoDatabase(t *testing.T) {
	dir := t.TempDir()
	tests := []struct {
		name string
		raw  []byte
		want string
	}{
		{"empty", nil, "it is empty"},
		{"one byte", []byte("x"), ""},
		{"text", bytes.Repeat([]byte("no database\n"), 10_000), ""},
		{"zeros", make([]byte, 64<<10), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(dir, tt.name)
			if err := os.WriteFile(path, tt.raw, 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := store.OpenBolt(path)
			if !errors.Is(err, store.ErrDamaged) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v", err)
			}
			if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, tt.raw) {
				t.Errorf("the file was changed, %v", err)
			}
		})
	}
	// A file that can't be opened isn't damaged: no one should restore over
	// it.
	for _, path := range []string{dir, filepath.Join(dir, "no", "such", "directory")} {
		if _, err := store.OpenBolt(path); err == nil || errors.Is(err, store.ErrDamaged) {
			t.Errorf("%s: got %v", path, err)
		}
	}
}
