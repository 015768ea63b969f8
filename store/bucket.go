package store

import (
	"encoding/json"
	"fmt"
)

// Bucket is a typed view of one bucket. It stores values as JSON.
type Bucket[T any] struct{ Name string }

// Get returns the value at key and whether it exists.
func (b Bucket[T]) Get(tx Tx, key string) (T, bool, error) {
	var v T
	raw, err := tx.Get(b.Name, key)
	if err != nil || raw == nil {
		return v, false, err
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		return v, false, fmt.Errorf("reading %s/%s from the store: %w", b.Name, key, err)
	}
	return v, true, nil
}

// Put stores the value at key.
func (b Bucket[T]) Put(tx Tx, key string, v T) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("writing %s/%s to the store: %w", b.Name, key, err)
	}
	return tx.Put(b.Name, key, raw)
}

// Delete removes the value at key; a missing key is no error.
func (b Bucket[T]) Delete(tx Tx, key string) error { return tx.Delete(b.Name, key) }

// Range selects the keys that Scan visits.
type Range struct {
	Prefix  string
	From    string // first key to visit; "" starts at the end that Reverse selects
	Reverse bool
}

// Scan calls fn for each value in the range until fn returns false.
func (b Bucket[T]) Scan(tx Tx, r Range, fn func(key string, v T) bool) error {
	var bad error
	err := tx.Scan(b.Name, r.Prefix, r.From, r.Reverse, func(key string, raw []byte) bool {
		var v T
		if bad = json.Unmarshal(raw, &v); bad != nil {
			bad = fmt.Errorf("reading %s/%s from the store: %w", b.Name, key, bad)
			return false
		}
		return fn(key, v)
	})
	if err != nil {
		return err
	}
	return bad
}
