package storetest

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"alsbot/store"
)

var scans = []struct {
	prefix, from string
	reverse      bool
	want         string
}{
	{"", "", false, "a a1 a2 b b1 \xff \xff\xff"},
	{"", "", true, "\xff\xff \xff b1 b a2 a1 a"},
	{"a", "", false, "a a1 a2"},
	{"a", "", true, "a2 a1 a"},
	{"a", "a1", false, "a1 a2"},
	{"a", "a1", true, "a1 a"},
	{"a", "a11", false, "a2"},
	{"a", "a11", true, "a1 a"},
	{"a", "b", false, ""},
	{"a", "b", true, "a2 a1 a"},
	{"b", "a", false, "b b1"},
	{"b", "a", true, ""},
	{"b", "zz", true, "b1 b"},
	{"", "b", false, "b b1 \xff \xff\xff"},
	{"", "b", true, "b a2 a1 a"},
	{"", "zz", true, "b1 b a2 a1 a"},
	{"\xff", "", true, "\xff\xff \xff"},
	{"\xff", "", false, "\xff \xff\xff"},
	{"c", "", false, ""},
	{"c", "", true, ""},
	{"0", "", true, ""},
}

func scan(t *testing.T, s store.Store) {
	for _, k := range []string{"b", "a2", "\xff", "a", "b1", "\xff\xff", "a1"} {
		put(t, s, "b", k, "value of "+k)
	}
	view(t, s, func(tx store.Tx) error {
		for _, tt := range scans {
			var keys []string
			err := tx.Scan("b", tt.prefix, tt.from, tt.reverse, func(k string, v []byte) bool {
				want(t, "value", string(v), "value of "+k)
				keys = append(keys, k)
				return true
			})
			if got := strings.Join(keys, " "); got != tt.want || err != nil {
				t.Errorf("scan of %q from %q, reverse %v: got %q, %v, want %q", tt.prefix, tt.from, tt.reverse, got, err, tt.want)
			}
		}
		n := 0
		err := tx.Scan("b", "", "", false, func(string, []byte) bool { n++; return n < 2 })
		want(t, "keys until it was stopped", n, 2)
		return errors.Join(err, tx.Scan("none", "", "", false, func(string, []byte) bool { t.Error("called"); return true }))
	})
}

// scanInUpdate tests that a transaction sees its own writes in a scan.
func scanInUpdate(t *testing.T, s store.Store) {
	put(t, s, "b", "a", "")
	put(t, s, "b", "c", "")
	update(t, s, func(tx store.Tx) error {
		err := errors.Join(tx.Put("b", "b", nil), tx.Delete("b", "a"))
		var up, down string
		err = errors.Join(err,
			tx.Scan("b", "", "", false, func(k string, _ []byte) bool { up += k; return true }),
			tx.Scan("b", "", "", true, func(k string, _ []byte) bool { down += k; return true }))
		want(t, "up", up, "bc")
		want(t, "down", down, "cb")
		return err
	})
}

func scanRefusesWrites(t *testing.T, s store.Store) {
	put(t, s, "b", "k", "v")
	update(t, s, func(tx store.Tx) error {
		var errs []error
		err := tx.Scan("b", "", "", false, func(k string, _ []byte) bool {
			errs = append(errs, tx.Put("b", "other", nil), tx.Delete("b", k))
			return true
		})
		for _, e := range errs {
			want(t, "write is refused", e != nil, true)
		}
		want(t, "writes", len(errs), 2)
		return errors.Join(err, tx.Put("b", "after", nil))
	})
	want(t, "value", get(t, s, "b", "k"), "v")
	want(t, "written after the scan", get(t, s, "b", "after"), "")
}

func watch(t *testing.T, s store.Store) {
	one, two, other := s.Watch(t.Context(), "b"), s.Watch(t.Context(), "b"), s.Watch(t.Context(), "other")
	silent := func(why string) {
		t.Helper()
		select {
		case <-one:
			t.Errorf("a signal after %s", why)
		default:
		}
	}
	put(t, s, "c", "k", "v")
	silent("a change of another bucket")
	_ = s.Update(t.Context(), func(tx store.Tx) error { return errors.Join(tx.Put("b", "k", nil), errRefused) })
	silent("an update that failed")
	update(t, s, func(tx store.Tx) error { _, err := tx.Get("b", "k"); return err })
	silent("an update that wrote nothing")
	for range 3 {
		put(t, s, "b", "k", "v")
	}
	<-one
	silent("signals that should have been merged")
	<-two
	update(t, s, func(tx store.Tx) error { return tx.Delete("b", "k") })
	<-one
	select {
	case <-other:
		t.Error("a signal for a bucket that nobody has changed")
	default:
	}
}

func watchEnds(t *testing.T, s store.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	ch, stays := s.Watch(ctx, "b"), s.Watch(t.Context(), "b")
	cancel()
	if _, open := <-ch; open {
		t.Error("a signal from a watch whose context has ended")
	}
	put(t, s, "b", "k", "v")
	<-stays
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, open := <-stays; open {
		t.Error("a signal from a store that is closed")
	}
}

func blobs(t *testing.T, s store.Store) {
	ctx := t.Context()
	read := func(name string, offset int64, n int) string {
		t.Helper()
		p := make([]byte, n)
		got, err := s.ReadBlob(ctx, name, offset, p)
		if errors.Is(err, io.EOF) {
			return "EOF"
		}
		if err != nil {
			t.Fatal(err)
		}
		return string(p[:got])
	}
	write := func(name string, offset int64, p string) {
		t.Helper()
		if err := s.WriteBlob(ctx, name, offset, []byte(p)); err != nil {
			t.Fatal(err)
		}
	}
	size := func(name string) int64 {
		t.Helper()
		n, err := s.BlobSize(ctx, name)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	want(t, "size of none", size("r1.0"), 0)
	want(t, "none", read("r1.0", 0, 1), "EOF")
	write("r1.0", 0, "hello")
	write("r1.0", 5, ", world")
	write("r1.0", 3, "lo, w") // again
	want(t, "whole", read("r1.0", 0, 100), "hello, world")
	want(t, "part", read("r1.0", 7, 3), "wor")
	want(t, "at the end", read("r1.0", 12, 1), "EOF")
	want(t, "past the end", read("r1.0", 99, 1), "EOF")
	want(t, "size", size("r1.0"), 12)
	want(t, "a hole is refused", s.WriteBlob(ctx, "r1.0", 13, []byte("x")) != nil, true)
	want(t, "a negative offset is refused", s.WriteBlob(ctx, "r1.0", -1, []byte("x")) != nil, true)
	_, err := s.ReadBlob(ctx, "r1.0", -1, make([]byte, 1))
	want(t, "reading at a negative offset is refused", err != nil, true)
	want(t, "size after what was refused", size("r1.0"), 12)

	write("r1.1", 0, "x")
	write("r2.0", 0, "x")
	want(t, "delete of everything is refused", s.DeleteBlobs(ctx, "") != nil, true)
	if err := errors.Join(s.DeleteBlobs(ctx, "r1"), s.DeleteBlobs(ctx, "none")); err != nil {
		t.Fatal(err)
	}
	want(t, "deleted", size("r1.0")+size("r1.1"), 0)
	want(t, "not deleted", size("r2.0"), 1)
	write("r1.0", 0, "new")
	want(t, "after delete", read("r1.0", 0, 9), "new")
}

func blobNames(t *testing.T, s store.Store) {
	for _, name := range []string{"", ".", "..", ".x", "a/b", "/a", "a\x00b", "../x", strings.Repeat("x", 201)} {
		want(t, "write is refused", s.WriteBlob(t.Context(), name, 0, nil) != nil, true)
		_, err := s.ReadBlob(t.Context(), name, 0, make([]byte, 1))
		want(t, "read is refused", err != nil && !errors.Is(err, io.EOF), true)
		_, err = s.BlobSize(t.Context(), name)
		want(t, "size is refused", err != nil, true)
	}
	for _, name := range []string{"a", "r-1_2.3", "ü", strings.Repeat("x", 200)} {
		want(t, "write", s.WriteBlob(t.Context(), name, 0, []byte("x")), nil)
	}
}
