package runs_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"alsbot/runs"
	"alsbot/store"
)

// A store is taken if its log has the entry that the file names, whatever came
// after it; an older store, another one and an unreadable file are not, until a
// person accepts them.
func TestTheHeadBesideTheStore(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	open := func(name string, entries ...string) store.Store {
		t.Helper()
		st, err := store.OpenBolt(filepath.Join(dir, name), store.Ballast(0))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = st.Close() })
		note(t, st, entries...)
		return st
	}
	head := runs.HeadFile{Path: filepath.Join(dir, "head")}
	st, older := open("present", "one", "two"), open("older", "one")
	if err := head.Check(t.Context(), st); err != nil {
		t.Errorf("without a file: %v", err)
	}
	if err := head.Keep(t.Context(), st); err != nil {
		t.Fatal(err)
	}
	note(t, st, "three") // a kill -9 before the file is written again
	if err := head.Check(t.Context(), st); err != nil {
		t.Errorf("the file lags: %v", err)
	}
	for _, c := range []struct {
		st   store.Store
		want string
	}{{older, "it is older. Its log ends at entry 1 (one"}, {open("other", "a", "b", "c"), "it is another one, or was rewritten"}} {
		for _, err := range []error{head.Check(t.Context(), c.st), head.Keep(t.Context(), c.st)} {
			if !errors.Is(err, runs.ErrHead) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "--accept-restored") {
				t.Errorf("not %q: %v", c.want, err)
			}
		}
	}
	kept, err := os.ReadFile(head.Path)
	if err != nil {
		t.Fatal(err)
	}
	if err := head.Accept(t.Context(), older, runs.System, "accepted"); err != nil {
		t.Fatal(err)
	}
	if err := head.Check(t.Context(), older); err != nil {
		t.Errorf("accepted: %v", err)
	}
	if err := os.WriteFile(head.Path, kept, 0o600); err != nil { // a kill -9 between the entry and the file
		t.Fatal(err)
	}
	if err := head.Check(t.Context(), older); err != nil {
		t.Errorf("accepted, and the file not written: %v", err)
	}
	if err := os.WriteFile(head.Path, []byte("12:abc\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := head.Check(t.Context(), st); !errors.Is(err, runs.ErrHead) || !strings.Contains(err.Error(), "cannot be read") {
		t.Errorf("an unreadable file: %v", err)
	}
}

func note(t *testing.T, st store.Store, actions ...string) {
	t.Helper()
	for _, action := range actions {
		if err := st.Update(t.Context(), func(tx store.Tx) error {
			return runs.Note(tx, runs.Entry{By: runs.System, Action: action})
		}); err != nil {
			t.Fatal(err)
		}
	}
}
