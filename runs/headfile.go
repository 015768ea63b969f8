package runs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/google/renameio/v2"

	"alsbot/store"
)

// ErrHead means that the store isn't the one whose head was kept beside it.
var ErrHead = errors.New("the store does not match the head of its audit log that is kept beside it")

// HeadFile keeps the head of the audit log in a file beside the store. It may
// lag behind the log, by a second while alsbot runs; it never leads. So a
// store that lacks the entry is older than what alsbot has told.
type HeadFile struct {
	Path  string
	Store string // the database; the file gets its owner
}

// keepEvery is how often Follow writes at most.
const keepEvery = time.Second / 2

// Read returns the zero head if there is no file: an earlier version wrote
// the store, or it was copied here.
func (f HeadFile) Read() (AuditHead, error) {
	raw, err := os.ReadFile(f.Path)
	if errors.Is(err, os.ErrNotExist) {
		return AuditHead{}, nil
	}
	if err != nil {
		return AuditHead{}, fmt.Errorf("reading the head of the audit log: %w", err)
	}
	head, err := ParseHead(strings.TrimSpace(string(raw)))
	if err != nil {
		return head, fmt.Errorf("%w: %s cannot be read: %w. %s", ErrHead, f.Path, err, onPurpose)
	}
	return head, nil
}

const onPurpose = "If a snapshot was put back on purpose, start alsbot once with `alsbot serve --accept-restored`: that goes on record. " +
	"If not, leave the store as it is, and look for the newer one"

// Check returns an error that wraps ErrHead if the log lacks the kept entry.
func (f HeadFile) Check(ctx context.Context, st store.Store) error {
	_, _, err := f.compare(ctx, st)
	return err
}

// Keep writes the present head, unless Check would fail. It reads in an
// update: what a view reads may not be on disk yet, and the file must not
// lead.
func (f HeadFile) Keep(ctx context.Context, st store.Store) error {
	kept, last, err := f.compare(ctx, st)
	if err != nil || last == kept {
		return err
	}
	return f.write(last)
}

func (f HeadFile) write(head AuditHead) error {
	if err := f.replace([]byte(head.String() + "\n")); err != nil {
		return fmt.Errorf("keeping the head of the audit log in %s: %w", f.Path, err)
	}
	return nil
}

// replace gives the file the store's owner: root may use the store while the
// bot is down, and the bot must be able to read the file.
func (f HeadFile) replace(text []byte) error {
	file, err := renameio.NewPendingFile(f.Path, renameio.WithTempDir(filepath.Dir(f.Path)), renameio.WithStaticPermissions(0o600))
	if err != nil {
		return err
	}
	defer file.Cleanup() //nolint:errcheck // only removes the temporary file
	if info, err := os.Stat(f.Store); err == nil && os.Getuid() == 0 {
		if of, ok := info.Sys().(*syscall.Stat_t); ok {
			if err := file.Chown(int(of.Uid), int(of.Gid)); err != nil {
				return err
			}
		}
	}
	if _, err := file.Write(text); err != nil {
		return err
	}
	return file.CloseAtomicallyReplace()
}

func (f HeadFile) compare(ctx context.Context, st store.Store) (kept, last AuditHead, err error) {
	if kept, err = f.Read(); err != nil {
		return kept, last, err
	}
	err = st.Update(ctx, func(tx store.Tx) error {
		en, err := LastEntry(tx)
		if err != nil {
			return err
		}
		last = AuditHead{en.Seq, en.Hash}
		return f.agrees(tx, kept, en)
	})
	return kept, last, err
}

// agrees returns an error unless the log has the entry, or a person has
// accepted that it doesn't.
func (f HeadFile) agrees(tx store.Tx, kept AuditHead, last Entry) error {
	if kept == (AuditHead{}) {
		return nil
	}
	there, _, err := audit.Get(tx, auditKey(kept.Seq))
	if err != nil || there.Hash == kept.Hash {
		return err
	}
	accepted := false
	if err := EachEntry(tx, func(en Entry) bool {
		accepted = en.Action == actionRestored && strings.Contains(en.Detail, kept.String())
		return !accepted
	}); err != nil || accepted {
		return err
	}
	if kept.Seq > last.Seq {
		return fmt.Errorf("%w: it is older. Its log ends at entry %d (%s), and %s names entry %d. %s", ErrHead, last.Seq, at(last), f.Path, kept.Seq, onPurpose)
	}
	return fmt.Errorf("%w: it is another one, or was rewritten. Entry %d of its log (%s) has another hash than %s names. %s", ErrHead, kept.Seq, at(there), f.Path, onPurpose)
}

// Accept takes the store as it is and puts that on record. It writes the file
// after the entry: a crash in between leaves the record, by which agrees
// knows.
func (f HeadFile) Accept(ctx context.Context, st store.Store, by Principal, why string) error {
	kept, err := f.Read()
	name := kept.String()
	switch {
	case errors.Is(err, ErrHead):
		name = "unreadable"
	case err != nil:
		return err
	case kept == (AuditHead{}):
		name = "missing"
	}
	var last Entry
	err = st.Update(ctx, func(tx store.Tx) error {
		before, err := LastEntry(tx)
		if err != nil {
			return err
		}
		if err := Note(tx, Entry{By: by, Action: actionRestored, Detail: fmt.Sprintf("%s: the head kept beside the store was %s; the log ended at %d:%s", why, name, before.Seq, before.Hash)}); err != nil {
			return err
		}
		last, err = LastEntry(tx)
		return err
	})
	if err != nil {
		return fmt.Errorf("recording that a restored store was accepted: %w", err)
	}
	return f.write(AuditHead{last.Seq, last.Hash})
}

// Follow keeps the head, and again after each change of the log, until ctx
// ends. It tries again after a failure. It reports what goes wrong, and nil
// once that is over.
func (f HeadFile) Follow(ctx context.Context, st store.Store, report func(error)) error {
	changed := st.Watch(ctx, audit.Name)
	for failed := false; ctx.Err() == nil; {
		err := f.Keep(ctx, st)
		if ctx.Err() == nil && (err != nil) != failed {
			failed = err != nil
			report(err)
		}
		select {
		case <-time.After(keepEvery):
		case <-ctx.Done():
		}
		if failed {
			continue
		}
		if _, open := <-changed; !open {
			return nil
		}
	}
	return nil
}
