package runs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"alsbot/store"
)

// AuditHead names an entry of the audit log by its number and hash. Kept
// elsewhere, it is a witness: nobody can rewrite the log up to that entry
// without being noticed. The zero head names none.
type AuditHead struct {
	Seq  uint64
	Hash string
}

func (h AuditHead) String() string { return fmt.Sprintf("%d:%s", h.Seq, h.Hash) }

var headForm = regexp.MustCompile(`^([1-9][0-9]{0,18}):([0-9a-f]{64})$`)

// ParseHead reads SEQ:HASH.
func ParseHead(text string) (AuditHead, error) {
	m := headForm.FindStringSubmatch(text)
	if m == nil {
		return AuditHead{}, fmt.Errorf("%q is not the head of an audit log: write SEQ:HASH as `alsbot audit verify` prints it, a number, a colon and 64 hex digits", text)
	}
	seq, err := strconv.ParseUint(m[1], 10, 64)
	if err != nil {
		return AuditHead{}, fmt.Errorf("reading the number of an audit entry: %w", err)
	}
	return AuditHead{seq, m[2]}, nil
}

// Verified says what VerifyAudit has found whole.
type Verified struct {
	Entries uint64
	Head    AuditHead // the newest entry
	Runs    int       // whose records are what their newest entries cover
	Earlier int       // runs whose entries an earlier version wrote: they cover no record
}

// VerifyAudit checks the hash chain of the audit log, and the records of runs
// and approvals against it. The error names the first entry that was changed,
// removed or inserted, or else the runs whose records were. If head is not
// zero, the log must contain exactly that entry.
func VerifyAudit(ctx context.Context, st store.Store, head AuditHead) (Verified, error) {
	w := auditWalk{witness: head, last: map[string]Entry{}}
	err := st.View(ctx, func(tx store.Tx) error {
		if err := w.chain(tx); err != nil {
			return err
		}
		return w.records(tx)
	})
	return w.found, errors.Join(err, w.complaint())
}

// auditWalk is one reading of the log and of the records.
type auditWalk struct {
	witness AuditHead
	found   Verified
	last    map[string]Entry // of each run: its newest entry that decides
	wrong   []string         // about records, in words
	more    int              // wrong records that are not named
	broken  error            // of the chain
	foreign error            // the witness names another log
}

// chain reads the log from its first entry on.
func (w *auditWalk) chain(tx store.Tx) error {
	err := tx.Scan(audit.Name, "", "", false, func(key string, raw []byte) bool {
		en, err := link(w.found.Entries+1, key, raw, w.found.Head.Hash)
		if err != nil {
			w.broken = err
			return false
		}
		w.found.Entries, w.found.Head = en.Seq, AuditHead{en.Seq, en.Hash}
		if en.Seq == w.witness.Seq && en.Hash != w.witness.Hash {
			w.foreign = fmt.Errorf("audit entry %d (%s) has another hash than the head given: the log was rewritten since that head was noted, or it is another store's", en.Seq, at(en))
		}
		w.take(en)
		return true
	})
	if w.foreign == nil && w.broken == nil && w.witness.Seq > w.found.Entries {
		w.foreign = fmt.Errorf("the audit log ends at entry %d and does not have entry %d, the head given: its end was removed, an earlier snapshot was restored, or it is another store's", w.found.Entries, w.witness.Seq)
	}
	return err
}

// take follows the record of one run through an entry.
func (w *auditWalk) take(en Entry) {
	if en.Run == "" || en.Form != 0 && en.Covers == "" {
		return // it decides nothing about a run
	}
	before, known := w.last[en.Run]
	if known && before.Covers != "" && en.Covers != "" && before.Form == en.Form && en.Was != before.Covers {
		w.complain("run %s: its record was changed between audit entry %d (%s) and entry %d (%s)", en.Run, before.Seq, at(before), en.Seq, at(en))
	}
	if en.Action == actionRemoved {
		delete(w.last, en.Run)
		return
	}
	w.last[en.Run] = Entry{Seq: en.Seq, At: en.At, By: en.By, Action: en.Action, Covers: en.Covers, Parts: en.Parts, Form: en.Form}
}

// records holds the records against the newest entries.
func (w *auditWalk) records(tx store.Tx) error {
	if w.broken != nil {
		return nil // what is behind the break is not known
	}
	var bad error
	err := tx.Scan(records.Name, "", "", false, func(id string, raw []byte) bool {
		bad = w.record(tx, id, raw)
		return bad == nil
	})
	if err = errors.Join(err, bad); err != nil {
		return err
	}
	for _, id := range slices.Sorted(maps.Keys(w.last)) {
		if en := w.last[id]; en.Covers != "" {
			w.complain("run %s: its record is gone, and no entry says that retention removed it. Its newest audit entry is %d (%s)", id, en.Seq, at(en))
		}
	}
	return tx.Scan(approvals.Name, "", "", false, func(id string, _ []byte) bool {
		var there []byte
		if there, bad = tx.Get(records.Name, id); there == nil && bad == nil {
			w.complain("run %s: it has an approval request and no record", id)
		}
		return bad == nil
	})
}

// record holds one record against its newest entry.
func (w *auditWalk) record(tx store.Tx, id string, raw []byte) error {
	en, known := w.last[id]
	delete(w.last, id)
	var r Run
	if err := json.Unmarshal(raw, &r); err != nil {
		w.complain("run %s: its record cannot be read: %v", id, err)
		return nil
	}
	switch {
	case !known:
		w.complain("run %s: its record is there, and the audit log has no entry of it, or says that retention removed it", id)
		return nil
	case r.ID != id:
		w.complain("run %s: its record has another ID", id)
		return nil
	case en.Covers == "" || en.Form != coverForm:
		w.found.Earlier++
		return nil
	}
	now, err := coverWithApproval(tx, r)
	if err != nil {
		w.complain("run %s: its approval request cannot be read: %v", id, err)
		return nil
	}
	if now.digest() == en.Covers {
		w.found.Runs++
		return nil
	}
	what := now.differs(en.Parts)
	if what == "" {
		what = "what differs cannot be told"
	} else {
		what = "what differs: " + what
	}
	w.complain("run %s: its record was changed after audit entry %d (%s, by %s); %s", id, en.Seq, at(en), en.By.Name(), what)
	return nil
}

// namedAtMost is how many wrong records are named.
const namedAtMost = 20

func (w *auditWalk) complain(format string, args ...any) {
	if len(w.wrong) == namedAtMost {
		w.more++
		return
	}
	w.wrong = append(w.wrong, fmt.Sprintf(format, args...))
}

// complaint returns everything that is wrong, and what to do about it; nil if
// the log is whole.
func (w *auditWalk) complaint() error {
	var all []string
	if w.broken != nil {
		all = append(all, w.broken.Error()+". The store was changed by something else than alsbot, or damaged. Keep it as it is (`alsbot snapshot FILE`), and hold that entry against an earlier snapshot")
	}
	if w.foreign != nil {
		all = append(all, w.foreign.Error()+". Keep the store as it is (`alsbot snapshot FILE`), and compare the log with the last export (`alsbot audit export --format jsonl`)")
	}
	all = append(all, w.wrong...)
	if w.more > 0 {
		all = append(all, fmt.Sprintf("and %d more", w.more))
	}
	if len(w.wrong) > 0 {
		all = append(all, "The records were changed by something else than alsbot, or damaged. Keep the store as it is (`alsbot snapshot FILE`), compare each run with an earlier snapshot, and see with `audit RUN` what was decided about it")
	}
	if all == nil {
		return nil
	}
	return errors.New(strings.Join(all, "\n"))
}

// at says which decision an entry is, and when it was made.
func at(en Entry) string { return en.Action + ", " + en.At.Format(time.RFC3339) }

// link checks one entry byte by byte.
func link(n uint64, key string, raw []byte, prev string) (Entry, error) {
	var en Entry
	if err := json.Unmarshal(raw, &en); err != nil {
		return en, fmt.Errorf("audit entry %d cannot be read: %w", n, err)
	}
	sum, err := en.sum()
	if err != nil {
		return en, err
	}
	same, err := json.Marshal(en)
	if err != nil {
		return en, fmt.Errorf("reading audit entry %d: %w", n, err)
	}
	switch {
	case en.Seq != n || key != auditKey(n):
		return en, fmt.Errorf("audit entry %d is missing: entry %d stands in its place", n, en.Seq)
	case en.Prev != prev:
		return en, fmt.Errorf("audit entry %d (%s) does not follow from entry %d: one of the two was changed", n, at(en), n-1)
	case en.Hash != sum || !bytes.Equal(raw, same):
		return en, fmt.Errorf("audit entry %d (%s) was changed after it was written", n, at(en))
	}
	return en, nil
}
