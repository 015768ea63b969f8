package store

import (
	"fmt"
	"strconv"

	bolt "go.etcd.io/bbolt"
)

// Migration is one step of the schema. It reads and writes like an update.
type Migration func(Tx) error

// These name the store's own bucket and key. Callers can't name that bucket.
var (
	metaBucket = []byte("\x00store")
	schemaKey  = []byte("schema")
)

// setSchema records how many migrations the file has seen.
func setSchema(tx *bolt.Tx, steps int) error {
	b, err := tx.CreateBucketIfNotExists(metaBucket)
	if err != nil {
		return err
	}
	return b.Put(schemaKey, strconv.AppendInt(nil, int64(steps), 10))
}

func schema(db *bolt.DB) (steps int, err error) {
	err = db.View(func(tx *bolt.Tx) error {
		b := tx.Bucket(metaBucket)
		if b == nil {
			return fmt.Errorf("%w: it is a bbolt file, but not one of ours; set another path", ErrDamaged)
		}
		steps, err = strconv.Atoi(string(b.Get(schemaKey)))
		if err != nil || steps < 0 {
			return fmt.Errorf("%w: its schema number is %q", ErrDamaged, b.Get(schemaKey))
		}
		return nil
	})
	return steps, err
}

// migrate brings the file to this program's schema.
func migrate(db *bolt.DB, set settings) error {
	seen, err := schema(db)
	if err != nil {
		return err
	}
	known := len(set.migrations)
	if seen > known {
		return fmt.Errorf("%w: it has schema %d, this one knows up to %d; start the newer program, or one of the file's older snapshots", ErrNewer, seen, known)
	}
	if seen == known {
		return nil
	}
	err = db.Update(func(tx *bolt.Tx) error {
		t := &boltTx{tx: tx, ordered: set.ordered}
		defer t.end()
		for i, step := range set.migrations[seen:] {
			if err := step(t); err != nil {
				return fmt.Errorf("bringing it from schema %d to %d (it was left at %d): %w", seen+i, seen+i+1, seen, err)
			}
		}
		return setSchema(tx, known)
	})
	if err == nil && set.migrated != nil {
		set.migrated(seen, known)
	}
	return err
}
