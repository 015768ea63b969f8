package runs

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"alsbot/store"
)

var audit = store.Bucket[Entry]{Name: "audit"} // sequence

// Entry is one link in the hash chain of the audit log.
type Entry struct {
	Seq     uint64    `json:"seq"`
	At      time.Time `json:"at"`
	By      Principal `json:"by"`
	Action  string    `json:"action"` // asked, a state, approved, refused, paused, started, removed, …
	Run     string    `json:"run,omitempty"`
	Detail  string    `json:"detail,omitempty"`
	Cluster string    `json:"cluster,omitempty"` // "" for what concerns none, and in entries of earlier versions
	// Covers is the digest of what is decided about the run after this entry,
	// and Was the one before: see cover. Both are empty where nothing was
	// decided, and in entries of earlier versions.
	Was    string `json:"was,omitempty"`
	Covers string `json:"covers,omitempty"`
	Parts  string `json:"parts,omitempty"` // the beginnings of the digests of the covered parts, to name what differs
	// Form is the form of the digest; 0 in entries of earlier versions and
	// where no run is named.
	Form int    `json:"form,omitempty"`
	Prev string `json:"prev"` // Hash of the entry before; "" for the first
	Hash string `json:"hash"` // SHA-256, in hex, of this entry without Hash
}

// The actions that this package looks for in the log.
const (
	actionAsked   = "asked"   // the first entry of a run
	actionChanged = "changed" // what is covered changed without a decision of its own
	actionRefused = "refused" // nothing changed
	actionRemoved = "removed" // retention removed the record

	actionRestored = "restored" // a person accepted a store that is older than the kept head
)

func (en Entry) sum() (string, error) {
	en.Hash = ""
	b, err := json.Marshal(en)
	if err != nil {
		return "", fmt.Errorf("hashing audit entry %d: %w", en.Seq, err)
	}
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:]), nil
}

// Record appends a decision about a run to the audit log, in the transaction
// of what it records. Within a transition the entry is written last, so that
// it covers all that the transition writes. With run "" it decides about no
// run.
func Record(tx store.Tx, by Principal, action, run, detail string) error {
	return record(tx, heldEntry{Entry{By: by, Action: action, Run: run, Detail: detail}, run != ""})
}

// Note appends an entry that decides nothing about a run, though it may name
// one. The caller sets By, Action, Run, Cluster and Detail.
func Note(tx store.Tx, en Entry) error {
	en.Was, en.Covers, en.Parts, en.Form = "", "", "", 0
	if en.Run != "" {
		en.Form = coverForm
	}
	en.Detail = cut(en.Detail, detailAtMost)
	return record(tx, heldEntry{en, false})
}

// detailAtMost is how long the detail of a note may be, in bytes.
const detailAtMost = 2000

func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}

// book is a transaction of the ledger. It holds its entries back until what
// they cover is written.
type book struct {
	store.Tx
	held []heldEntry
}

type heldEntry struct {
	Entry
	decides bool
}

func record(tx store.Tx, en heldEntry) error {
	if b, ok := tx.(*book); ok {
		b.held = append(b.held, en)
		return nil
	}
	if en.decides {
		if err := en.cover(tx, ""); err != nil {
			return err
		}
	}
	return appendEntry(tx, en.Entry)
}

// cover adds the digest of the run as the store has it now.
func (en *Entry) cover(tx store.Tx, was string) error {
	now, cluster, ok, err := coverStored(tx, en.Run)
	if err != nil || !ok {
		return err
	}
	en.Cluster, en.Was, en.Covers, en.Parts, en.Form = cluster, was, now.digest(), now.short(), coverForm
	return nil
}

// close writes the entries that were held back. A change of what is covered
// that has no entry gets one. before covers the run as the transaction found
// it.
func (b *book) close(run string, by Principal, before cover) error {
	now, _, _, err := coverStored(b.Tx, run)
	if err != nil {
		return err
	}
	if now != before && !slices.ContainsFunc(b.held, func(en heldEntry) bool { return en.decides && en.Run == run }) {
		b.held = append(b.held, heldEntry{Entry{By: by, Action: actionChanged, Run: run, Detail: now.differs(before.short())}, true})
	}
	was := map[string]string{run: before.digest()}
	for _, en := range b.held {
		if en.decides {
			if err := en.cover(b.Tx, was[en.Run]); err != nil {
				return err
			}
			was[en.Run] = en.Covers
		}
		if err := appendEntry(b.Tx, en.Entry); err != nil {
			return err
		}
	}
	return nil
}

// appendEntry adds an entry to the chain.
func appendEntry(tx store.Tx, en Entry) error {
	head, err := LastEntry(tx)
	if err != nil {
		return err
	}
	en.Seq, en.Prev, en.At = head.Seq+1, head.Hash, time.Now().UTC().Round(0)
	for _, s := range []*string{&en.By.ID, &en.By.Handle, &en.Action, &en.Run, &en.Cluster, &en.Detail} {
		*s = strings.ToValidUTF8(*s, "\uFFFD") // JSON would, and the hash is of what is read back
	}
	if en.Hash, err = en.sum(); err != nil {
		return err
	}
	return audit.Put(tx, auditKey(en.Seq), en)
}

// LastEntry returns the newest entry, the zero Entry if there is none.
func LastEntry(tx store.Tx) (last Entry, err error) {
	err = audit.Scan(tx, store.Range{Reverse: true}, func(_ string, en Entry) bool {
		last = en
		return false
	})
	return last, err
}

func auditKey(seq uint64) string { return fmt.Sprintf("%016x", seq) }
