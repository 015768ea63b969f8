package store

import (
	"bytes"
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// These limits apply to every engine.
const (
	maxKey   = 1 << 10
	maxValue = 1 << 20
)

var (
	errEnded    = errors.New("the transaction has ended")
	errReadOnly = errors.New("the transaction is read-only")
	errScanning = errors.New("a scan is under way: write after it")
)

// boltTx implements Tx on a bbolt transaction.
type boltTx struct {
	tx       *bolt.Tx
	ordered  map[string]bool
	changed  map[string]bool // buckets written to; nil until the first write
	writes   int
	scanning int
	ended    bool
}

// end makes later calls return an error. bbolt would fault on them.
func (t *boltTx) end() { t.ended = true }

func (t *boltTx) Get(bucket, key string) ([]byte, error) {
	b, err := t.reading(bucket, key)
	if err != nil || b == nil {
		return nil, err
	}
	v := b.Get([]byte(key))
	if v == nil {
		return nil, nil
	}
	return copied(v), nil
}

func (t *boltTx) Put(bucket, key string, value []byte) error {
	if len(value) > maxValue {
		return fmt.Errorf("writing %s/%s: %w: it has %d bytes, the limit is %d", bucket, key, ErrTooLong, len(value), maxValue)
	}
	if err := t.writing(bucket, key); err != nil {
		return err
	}
	b, err := t.tx.CreateBucketIfNotExists([]byte(bucket))
	if err != nil {
		return fmt.Errorf("making bucket %s: %w", bucket, err)
	}
	t.note(bucket, b)
	if err := b.Put([]byte(key), copied(value)); err != nil {
		return fmt.Errorf("writing %s/%s: %w", bucket, key, err)
	}
	return nil
}

func (t *boltTx) Delete(bucket, key string) error {
	if err := t.writing(bucket, key); err != nil {
		return err
	}
	b := t.tx.Bucket([]byte(bucket))
	if b == nil || b.Get([]byte(key)) == nil {
		return nil
	}
	t.note(bucket, b)
	if err := b.Delete([]byte(key)); err != nil {
		return fmt.Errorf("deleting %s/%s: %w", bucket, key, err)
	}
	return nil
}

func (t *boltTx) Scan(bucket, prefix, from string, reverse bool, fn func(key string, value []byte) bool) error {
	b, err := t.reading(bucket, "k") // any valid key will do
	if err != nil || b == nil {
		return err
	}
	t.scanning++
	defer func() { t.scanning-- }()
	c := b.Cursor()
	first, next := ascending(c, prefix, from), c.Next
	if reverse {
		first, next = descending(c, prefix, from), c.Prev
	}
	for k, v := first(); k != nil && bytes.HasPrefix(k, []byte(prefix)); k, v = next() {
		if !fn(string(k), copied(v)) {
			return nil
		}
	}
	return nil
}

type seek func() (key, value []byte)

// ascending returns a seek to the first key of the range, going up.
func ascending(c *bolt.Cursor, prefix, from string) seek {
	return func() ([]byte, []byte) { return c.Seek([]byte(max(prefix, from))) }
}

// descending returns a seek to the first key of the range, going down.
func descending(c *bolt.Cursor, prefix, from string) seek {
	return func() ([]byte, []byte) {
		end, exclusive := after(prefix), true
		if from != "" && (end == "" || from < end) {
			end, exclusive = from, false
		}
		if end == "" {
			return c.Last()
		}
		k, v := c.Seek([]byte(end))
		switch {
		case k == nil:
			return c.Last()
		case !exclusive && string(k) == end:
			return k, v
		}
		return c.Prev()
	}
}

// after returns the first string behind all strings that begin with prefix; ""
// means the end of the bucket.
func after(prefix string) string {
	for last := len(prefix) - 1; last >= 0; last-- {
		if prefix[last] < 0xff {
			return prefix[:last] + string([]byte{prefix[last] + 1})
		}
	}
	return ""
}

// reading returns the bucket, or nil if it doesn't exist.
func (t *boltTx) reading(bucket, key string) (*bolt.Bucket, error) {
	if err := checkNames(bucket, key); err != nil {
		return nil, err
	}
	if t.ended {
		return nil, errEnded
	}
	return t.tx.Bucket([]byte(bucket)), nil
}

func (t *boltTx) writing(bucket, key string) error {
	if err := checkNames(bucket, key); err != nil {
		return err
	}
	switch {
	case t.ended:
		return errEnded
	case !t.tx.Writable():
		return errReadOnly
	case t.scanning > 0:
		return errScanning
	}
	return nil
}

// note records that the transaction changes a bucket.
func (t *boltTx) note(bucket string, b *bolt.Bucket) {
	if t.changed == nil {
		t.changed = map[string]bool{}
	}
	t.changed[bucket] = true
	t.writes++
	if t.ordered[bucket] {
		b.FillPercent = 0.95
	}
}

func checkNames(bucket, key string) error {
	switch {
	case bucket == "" || bucket[0] == 0 || len(bucket) > maxKey:
		return fmt.Errorf("%q is no name for a bucket: 1 to %d bytes, no NUL in front", bucket, maxKey)
	case key == "":
		return fmt.Errorf("an empty key in bucket %s", bucket)
	case len(key) > maxKey:
		return fmt.Errorf("a key of %d bytes in bucket %s, the limit is %d", len(key), bucket, maxKey)
	}
	return nil
}

// copied returns a copy that is never nil, because an empty value isn't a
// missing one.
func copied(v []byte) []byte { return append([]byte{}, v...) }
