package store

import (
	"encoding/json"
	"fmt"
)

// Bucket is a typed view of one bucket: values are kept as JSON.
type Bucket[T any] struct{ Name string }

// Get returns the value at key, and whether there is one.
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

// Put writes the value at key.
func (b Bucket[T]) Put(tx Tx, key string, v T) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("writing %s/%s to the store: %w", b.Name, key, err)
	}
	return tx.Put(b.Name, key, raw)
}

// Delete removes the value at key, if there is one.
func (b Bucket[T]) Delete(tx Tx, key string) error { return tx.Delete(b.Name, key) }

// Range describes which keys Scan visits.
type Range struct {
	Prefix  string
	From    string // first key to look at; "" is the end that Reverse starts from
	Reverse bool
}

// Scan calls fn for each value in the range until it returns false.
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
