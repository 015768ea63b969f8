package runs

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"unicode"

	"alsbot/store"
)

// EachEntry calls fn with the entries of the audit log, newest first, until fn
// returns false.
func EachEntry(tx store.Tx, fn func(Entry) bool) error {
	return audit.Scan(tx, store.Range{Reverse: true}, func(_ string, en Entry) bool { return fn(en) })
}

// EntriesOf returns the newest entries about a run, at most most, oldest
// first; older says that there are more. It reads back to the run's request.
func EntriesOf(tx store.Tx, run string, most int) (list []Entry, older bool, err error) {
	id, err := json.Marshal(run)
	if err != nil {
		return nil, false, fmt.Errorf("looking for run %q in the audit log: %w", run, err)
	}
	needle := append([]byte(`"run":`), id...)
	var bad error
	err = tx.Scan(audit.Name, "", "", true, func(key string, raw []byte) bool {
		if !bytes.Contains(raw, needle) { // most are about other runs
			return true
		}
		var en Entry
		if bad = json.Unmarshal(raw, &en); bad != nil {
			bad = fmt.Errorf("reading audit entry %s: %w", key, bad)
			return false
		}
		if en.Run != run {
			return true
		}
		if older = len(list) == most; older {
			return false
		}
		list = append([]Entry{en}, list...)
		return en.Action != actionAsked
	})
	if err == nil {
		err = bad
	}
	return list, older, err
}

// exportAtOnce is how many entries ExportAudit reads in one transaction: a
// slow reader must not keep one open.
const exportAtOnce = 1000

// ExportAudit writes the audit log as JSON Lines, one entry a line and each with
// its hash, so that the chain can be checked elsewhere. What is added
// meanwhile may or may not be in it.
func ExportAudit(ctx context.Context, st store.Store, w io.Writer) error {
	for from := ""; ; {
		var page bytes.Buffer
		n := 0
		if err := st.View(ctx, func(tx store.Tx) error {
			page.Reset()
			n = 0
			return tx.Scan(audit.Name, "", from, false, func(key string, raw []byte) bool {
				if n == exportAtOnce {
					from = key
					return false
				}
				n++
				page.Write(oneLine(raw))
				page.WriteByte('\n')
				from = key + "\x00"
				return true
			})
		}); err != nil {
			return err
		}
		if _, err := w.Write(page.Bytes()); err != nil {
			return fmt.Errorf("writing the audit log: %w", err)
		}
		if n < exportAtOnce {
			return nil
		}
	}
}

// oneLine returns an entry as one line that is harmless on a terminal and
// decodes to the same. Control characters can only be in its strings; a line
// feed can only be in an entry that is damaged.
func oneLine(raw []byte) []byte {
	var b bytes.Buffer
	for _, r := range string(raw) {
		switch {
		case r == '\n':
			b.WriteByte(' ')
		case r >= 0x7f && r < 0xa0 || r < 0x10000 && unicode.Is(unicode.Cf, r):
			_, _ = fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.Bytes()
}

// HeadOf returns the head of an exported log from its last line.
func HeadOf(line []byte) (AuditHead, error) {
	var en Entry
	if err := json.Unmarshal(line, &en); err != nil {
		return AuditHead{}, fmt.Errorf("the last entry of the audit log cannot be read: %w", err)
	}
	return AuditHead{en.Seq, en.Hash}, nil
}
