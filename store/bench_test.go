package store_test

import (
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"alsbot/store"
)

var record = make([]byte, 600) // about the size of a run

// BenchmarkUpdate compares durable writes with those of bare bbolt and with
// the limit: one transaction that carries as many writes as there are writers.
func BenchmarkUpdate(b *testing.B) {
	for _, writers := range []int{1, 16, 64} {
		s := open(b, filepath.Join(b.TempDir(), "a.db"), store.Ordered("runs"))
		bare := openBare(b)
		var seq atomic.Int64
		key := func() string { return fmt.Sprintf("%012d", seq.Add(1)) }
		ways := []struct {
			name  string
			write func() error
		}{
			{"store", func() error {
				return s.Update(b.Context(), func(tx store.Tx) error { return tx.Put("runs", key(), record) })
			}},
			{"bbolt.Update", func() error {
				return bare.Update(func(tx *bolt.Tx) error { return tx.Bucket(runs).Put([]byte(key()), record) })
			}},
			{"bbolt.Batch", func() error {
				return bare.Batch(func(tx *bolt.Tx) error { return tx.Bucket(runs).Put([]byte(key()), record) })
			}},
		}
		for _, w := range ways {
			b.Run(fmt.Sprintf("%s/writers=%d", w.name, writers), func(b *testing.B) { together(b, writers, w.write) })
		}
		b.Run(fmt.Sprintf("limit/writers=%d", writers), func(b *testing.B) {
			for n := 0; n < b.N; n += writers {
				err := bare.Update(func(tx *bolt.Tx) error {
					for range writers {
						if err := tx.Bucket(runs).Put([]byte(key()), record); err != nil {
							return err
						}
					}
					return nil
				})
				if err != nil {
					b.Fatal(err)
				}
			}
			perSecond(b)
		})
	}
}

var runs = []byte("runs")

func openBare(b *testing.B) *bolt.DB {
	b.Helper()
	db, err := bolt.Open(filepath.Join(b.TempDir(), "bare.db"), 0o600, &bolt.Options{FreelistType: bolt.FreelistMapType, InitialMmapSize: 1 << 30})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close() })
	if err := db.Update(func(tx *bolt.Tx) error { _, err := tx.CreateBucket(runs); return err }); err != nil {
		b.Fatal(err)
	}
	return db
}

// together divides b.N writes among the writers.
func together(b *testing.B, writers int, write func() error) {
	var left atomic.Int64
	left.Store(int64(b.N))
	b.ResetTimer()
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				if err := write(); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	perSecond(b)
}

func perSecond(b *testing.B) { b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "writes/s") }

// many fills a store with n runs.
func many(b *testing.B, path string, n int) store.Store {
	b.Helper()
	s := open(b, path, store.Ordered("runs"))
	for at := 0; at < n; at += 5000 {
		err := s.Update(b.Context(), func(tx store.Tx) error {
			for i := at; i < at+5000; i++ {
				if err := tx.Put("runs", fmt.Sprintf("%012d", i), record); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	return s
}

func BenchmarkLast20Of100000(b *testing.B) {
	s := many(b, filepath.Join(b.TempDir(), "a.db"), 100_000)
	for b.Loop() {
		n := 0
		err := s.View(b.Context(), func(tx store.Tx) error {
			return tx.Scan("runs", "", "", true, func(string, []byte) bool { n++; return n < 20 })
		})
		if err != nil || n != 20 {
			b.Fatal(n, err)
		}
	}
}

// BenchmarkOpen measures the start, which checks the whole file in a child
// process.
func BenchmarkOpen(b *testing.B) {
	b.Run("new", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			reopen(b, filepath.Join(b.TempDir(), fmt.Sprint(i)))
		}
	})
	for _, n := range []int{0, 100_000} {
		b.Run(fmt.Sprintf("runs=%d", n), func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "a.db")
			if err := many(b, path, n).Close(); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				reopen(b, path)
			}
		})
	}
}

func reopen(b *testing.B, path string) {
	began := time.Now()
	s, err := store.OpenBolt(path)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(time.Since(began).Milliseconds()), "last-ms")
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
}

func BenchmarkWriteBlob(b *testing.B) {
	s := open(b, filepath.Join(b.TempDir(), "a.db"))
	p := make([]byte, 32<<10)
	b.SetBytes(int64(len(p)))
	for at := int64(0); b.Loop(); at += int64(len(p)) {
		if err := s.WriteBlob(b.Context(), "out", at, p); err != nil {
			b.Fatal(err)
		}
	}
}
