package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"alsbot/store"
)

var errRefused = errors.New("refused")

func values(t *testing.T, s store.Store) {
	want(t, "in no bucket", get(t, s, "b", "k"), "absent")
	update(t, s, func(tx store.Tx) error { return tx.Delete("b", "k") })
	value := []byte("one")
	update(t, s, func(tx store.Tx) error { return errors.Join(tx.Put("b", "k", value), tx.Put("b", "empty", nil)) })
	copy(value, "XXX") // the store has its own copy
	want(t, "after put", get(t, s, "b", "k"), "one")
	want(t, "empty value", get(t, s, "b", "empty"), "")
	want(t, "other key", get(t, s, "b", "kk"), "absent")
	want(t, "other bucket", get(t, s, "c", "k"), "absent")
	put(t, s, "b", "k", "two")
	want(t, "after put again", get(t, s, "b", "k"), "two")
	update(t, s, func(tx store.Tx) error {
		if err := tx.Put("b", "k", []byte("three")); err != nil {
			return err
		}
		v, err := tx.Get("b", "k")
		want(t, "its own write", string(v), "three")
		v[0] = 'X' // the caller's slice
		return errors.Join(err, tx.Delete("b", "empty"))
	})
	want(t, "after update", get(t, s, "b", "k"), "three")
	want(t, "after delete", get(t, s, "b", "empty"), "absent")
}

func limits(t *testing.T, s store.Store) {
	tests := []struct {
		name        string
		bucket, key string
		value       int
		ok          bool
	}{
		{"largest", "b", strings.Repeat("k", 1<<10), 1 << 20, true},
		{"long key", "b", strings.Repeat("k", 1<<10+1), 1, false},
		{"long value", "b", "k", 1<<20 + 1, false},
		{"empty key", "b", "", 1, false},
		{"empty bucket", "", "k", 1, false},
		{"reserved bucket", "\x00store", "k", 1, false},
	}
	for _, tt := range tests {
		err := s.Update(t.Context(), func(tx store.Tx) error { return tx.Put(tt.bucket, tt.key, make([]byte, tt.value)) })
		want(t, tt.name, err == nil, tt.ok)
	}
	want(t, "largest is there", len(get(t, s, "b", strings.Repeat("k", 1<<10))), 1<<20)
}

func typedBucket(t *testing.T, s store.Store) {
	type thing struct{ N int }
	b := store.Bucket[thing]{Name: "things"}
	update(t, s, func(tx store.Tx) error {
		return errors.Join(b.Put(tx, "a", thing{1}), b.Put(tx, "b", thing{2}), tx.Put("things", "c", []byte("not JSON")))
	})
	view(t, s, func(tx store.Tx) error {
		v, ok, err := b.Get(tx, "b")
		want(t, "value", v, thing{2})
		want(t, "found", ok, true)
		_, ok, missing := b.Get(tx, "x")
		want(t, "found", ok, false)
		_, _, bad := b.Get(tx, "c")
		want(t, "bad value is an error", bad != nil, true)
		seen := 0
		bad = b.Scan(tx, store.Range{}, func(string, thing) bool { seen++; return true })
		want(t, "values before the bad one", seen, 2)
		want(t, "bad value is an error of the scan", bad != nil, true)
		return errors.Join(err, missing)
	})
}

func rollback(t *testing.T, s store.Store) {
	put(t, s, "b", "k", "before")
	err := s.Update(t.Context(), func(tx store.Tx) error {
		return errors.Join(tx.Put("b", "k", []byte("after")), tx.Put("new", "k", nil), tx.Delete("b", "k"), errRefused)
	})
	want(t, "error", errors.Is(err, errRefused), true)
	want(t, "value", get(t, s, "b", "k"), "before")
	want(t, "value in a new bucket", get(t, s, "new", "k"), "absent")
}

func ownError(t *testing.T, s store.Store) {
	err := s.Update(t.Context(), func(store.Tx) error { return errRefused })
	want(t, "update's error", err, errRefused)
	err = s.View(t.Context(), func(store.Tx) error { return errRefused })
	want(t, "view's error", err, errRefused)
}

// isolation tests that a transaction's view doesn't change, and that no one
// sees uncommitted writes.
func isolation(t *testing.T, s store.Store) {
	put(t, s, "b", "k", "before")
	began, write := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		view(t, s, func(tx store.Tx) error {
			first, err := tx.Get("b", "k")
			close(began)
			<-write
			second, err2 := tx.Get("b", "k")
			want(t, "first look", string(first), "before")
			want(t, "second look", string(second), "before")
			return errors.Join(err, err2)
		})
	})
	<-began
	update(t, s, func(tx store.Tx) error {
		err := tx.Put("b", "k", []byte("after"))
		want(t, "seen from outside before the commit", get(t, s, "b", "k"), "before")
		return err
	})
	close(write)
	wg.Wait()
	want(t, "after both", get(t, s, "b", "k"), "after")
}

// failingNeighbour tests that a failing update doesn't affect the updates of
// its group, and that each caller gets its own result.
func failingNeighbour(t *testing.T, s store.Store) {
	const n = 200
	var wg sync.WaitGroup
	for i := range n {
		key := fmt.Sprintf("k%03d", i)
		wg.Go(func() {
			err := s.Update(t.Context(), func(tx store.Tx) error {
				err := errors.Join(tx.Put("b", key, []byte("v")), tx.Put("last", "key", []byte(key)))
				if i%3 == 0 {
					return errors.Join(err, errRefused)
				}
				return err
			})
			want(t, key+" refused", errors.Is(err, errRefused), i%3 == 0)
		})
	}
	wg.Wait()
	for i := range n {
		expect := "v"
		if i%3 == 0 {
			expect = "absent"
		}
		want(t, "value", get(t, s, "b", fmt.Sprintf("k%03d", i)), expect)
	}
}

func panics(t *testing.T, s store.Store) {
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			err := s.Update(t.Context(), func(tx store.Tx) error {
				if err := tx.Put("b", fmt.Sprint(i), nil); err != nil {
					return err
				}
				if i%2 == 0 {
					panic("ouch")
				}
				return nil
			})
			var p *store.PanicError
			want(t, "is a panic's error", errors.As(err, &p), i%2 == 0)
			if p != nil {
				want(t, "says so", strings.Contains(err.Error(), "ouch"), true)
			}
		})
	}
	wg.Wait()
	want(t, "of one that panicked", get(t, s, "b", "0"), "absent")
	want(t, "of one that did not", get(t, s, "b", "1"), "")
}

// counter tests that updates are serial, so no increment is lost.
func counter(t *testing.T, s store.Store) {
	n := store.Bucket[int]{Name: "n"}
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for range 20 {
				update(t, s, func(tx store.Tx) error {
					v, _, err := n.Get(tx, "n")
					return errors.Join(err, n.Put(tx, "n", v+1))
				})
			}
		})
	}
	wg.Wait()
	want(t, "counted", get(t, s, "n", "n"), "320")
}

func cancelled(t *testing.T, s store.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	err := s.Update(ctx, func(tx store.Tx) error {
		cancel() // too late: the update has started
		return tx.Put("b", "begun", []byte("v"))
	})
	want(t, "cancelled while it is being written", err, nil)
	want(t, "value", get(t, s, "b", "begun"), "v")
	fn := func(tx store.Tx) error { t.Error("called"); return nil }
	want(t, "update", errors.Is(s.Update(ctx, fn), context.Canceled), true)
	want(t, "view", errors.Is(s.View(ctx, fn), context.Canceled), true)

	// An update that waits behind another one leaves the queue.
	ctx, cancel = context.WithCancel(t.Context())
	left := make(chan error)
	update(t, s, func(store.Tx) error {
		go func() { left <- s.Update(ctx, fn) }()
		cancel()
		want(t, "waiting", errors.Is(<-left, context.Canceled), true)
		return nil
	})
}

func readOnly(t *testing.T, s store.Store) {
	put(t, s, "b", "k", "v")
	view(t, s, func(tx store.Tx) error {
		want(t, "put is refused", tx.Put("b", "k", nil) != nil, true)
		want(t, "delete is refused", tx.Delete("b", "k") != nil, true)
		return nil
	})
	want(t, "value", get(t, s, "b", "k"), "v")
}

func ended(t *testing.T, s store.Store) {
	var kept []store.Tx
	keep := func(tx store.Tx) error { kept = append(kept, tx); return tx.Delete("b", "k") }
	update(t, s, keep)
	view(t, s, func(tx store.Tx) error { kept = append(kept, tx); return nil })
	for _, tx := range kept {
		_, err := tx.Get("b", "k")
		want(t, "get is refused", err != nil, true)
		want(t, "put is refused", tx.Put("b", "k", nil) != nil, true)
		want(t, "scan is refused", tx.Scan("b", "", "", false, func(string, []byte) bool { return true }) != nil, true)
	}
}

func closed(t *testing.T, s store.Store) {
	put(t, s, "b", "k", "v")
	want(t, "ready", s.Ready(), nil)
	want(t, "close", s.Close(), nil)
	want(t, "close again", s.Close(), nil)
	nothing := func(store.Tx) error { t.Error("called"); return nil }
	errs := map[string]error{
		"update":   s.Update(t.Context(), nothing),
		"view":     s.View(t.Context(), nothing),
		"snapshot": s.Snapshot(t.Context(), &strings.Builder{}),
		"write":    s.WriteBlob(t.Context(), "b", 0, nil),
		"delete":   s.DeleteBlobs(t.Context(), "b"),
		"ready":    s.Ready(),
	}
	for what, err := range errs {
		want(t, what+" says that it is closed", errors.Is(err, store.ErrClosed), true)
	}
	_, open := <-s.Watch(t.Context(), "b")
	want(t, "watch is open", open, false)
}
