// Package storetest tests a store engine. Every engine passes this suite.
package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"

	"alsbot/store"
)

// Engine tells the suite how to open an engine.
type Engine struct {
	// Open returns an empty store and closes it when the test ends. Closing
	// the store twice must be no error.
	Open func(t *testing.T) store.Store
	// Restore returns a store with the content that Snapshot wrote. It is nil
	// for an engine that is restored by other means.
	Restore func(t *testing.T, snapshot []byte) store.Store
}

// Run runs the suite, each test on its own store.
func Run(t *testing.T, e Engine) {
	tests := []struct {
		name string
		fn   func(*testing.T, store.Store)
	}{
		{"values", values},
		{"limits", limits},
		{"bucket", typedBucket},
		{"rollback", rollback},
		{"update returns fn's own error", ownError},
		{"isolation", isolation},
		{"a failing update leaves its neighbours alone", failingNeighbour},
		{"panic", panics},
		{"an update sees what was committed before", counter},
		{"cancelled", cancelled},
		{"read-only", readOnly},
		{"transaction that has ended", ended},
		{"scan", scan},
		{"scan in an update", scanInUpdate},
		{"scan refuses writes", scanRefusesWrites},
		{"watch", watch},
		{"watch ends", watchEnds},
		{"blobs", blobs},
		{"blob names", blobNames},
		{"closed", closed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { tt.fn(t, e.Open(t)) })
	}
	if e.Restore != nil {
		t.Run("snapshot", func(t *testing.T) { snapshot(t, e) })
	}
}

func update(t testing.TB, s store.Store, fn func(store.Tx) error) {
	t.Helper()
	if err := s.Update(t.Context(), fn); err != nil {
		t.Fatalf("update: %v", err)
	}
}

func view(t testing.TB, s store.Store, fn func(store.Tx) error) {
	t.Helper()
	if err := s.View(t.Context(), fn); err != nil {
		t.Fatalf("view: %v", err)
	}
}

func put(t testing.TB, s store.Store, bucket, key, value string) {
	t.Helper()
	update(t, s, func(tx store.Tx) error { return tx.Put(bucket, key, []byte(value)) })
}

// get returns the value, or "absent".
func get(t testing.TB, s store.Store, bucket, key string) (value string) {
	t.Helper()
	view(t, s, func(tx store.Tx) error {
		v, err := tx.Get(bucket, key)
		value = string(v)
		if v == nil {
			value = "absent"
		}
		return err
	})
	return value
}

func want[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func snapshot(t *testing.T, e Engine) {
	s := e.Open(t)
	for i := range 500 {
		put(t, s, "b", fmt.Sprintf("k%03d", i), "before")
	}
	var copied bytes.Buffer
	// The copy doesn't contain what is written while it is made.
	if err := s.Snapshot(t.Context(), writeFirst{&copied, func() { put(t, s, "b", "k000", "after") }}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Snapshot(ctx, &bytes.Buffer{}); !errors.Is(err, context.Canceled) {
		t.Errorf("snapshot with an ended context: %v", err)
	}
	r := e.Restore(t, copied.Bytes())
	want(t, "first value", get(t, r, "b", "k000"), "before")
	want(t, "last value", get(t, r, "b", "k499"), "before")
	put(t, r, "b", "k500", "new") // the copy is a normal store
	want(t, "new value", get(t, r, "b", "k500"), "new")
}

// writeFirst calls a function before each write.
type writeFirst struct {
	w     *bytes.Buffer
	first func()
}

func (w writeFirst) Write(p []byte) (int, error) {
	w.first()
	return w.w.Write(p)
}
