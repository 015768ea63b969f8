package bench_test

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

// durableWrites measures 64 writers, beside bare transactions of 64 writes.
func durableWrites(b *testing.B, f *figures) {
	const writers, total = 64, 64 * 200
	st, err := store.OpenBolt(filepath.Join(b.TempDir(), "a.db"), store.Ordered("runs"))
	must(b, err)
	defer func() { must(b, st.Close()) }()
	db, err := openBare(filepath.Join(b.TempDir(), "bare.db"))
	must(b, err)
	defer func() { must(b, db.Close()) }()
	value := make([]byte, 600)
	var seq atomic.Int64
	key := func() string { return fmt.Sprintf("%012d", seq.Add(1)) }
	var mine, least rates
	for range 5 {
		began := time.Now()
		var left atomic.Int64
		left.Store(total)
		var wg sync.WaitGroup
		for range writers {
			wg.Go(func() {
				for left.Add(-1) >= 0 {
					if err := st.Update(b.Context(), func(tx store.Tx) error { return tx.Put("runs", key(), value) }); err != nil {
						b.Error(err)
						return
					}
				}
			})
		}
		wg.Wait()
		mine = append(mine, total/time.Since(began).Seconds())
		began = time.Now()
		for range total / writers {
			must(b, db.Update(func(tx *bolt.Tx) error {
				for range writers {
					if err := tx.Bucket(bareRuns).Put([]byte(key()), value); err != nil {
						return err
					}
				}
				return nil
			}))
		}
		least = append(least, total/time.Since(began).Seconds())
	}
	f.row("durable writes, 64 writers", persec(mine), persec(least), mine.median()/least.median(), 0.5, atLeast)
}
