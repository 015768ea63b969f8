package runs

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"alsbot/store"
)

var audit = store.Bucket[Entry]{Name: "audit"} // sequence

// Entry is one link in the hash chain of the audit log.
type Entry struct {
	Seq    uint64    `json:"seq"`
	At     time.Time `json:"at"`
	By     Principal `json:"by"`
	Action string    `json:"action"` // asked, a state, approved, rejected, paused, …
	Run    string    `json:"run,omitempty"`
	Detail string    `json:"detail,omitempty"`
	Prev   string    `json:"prev"` // Hash of the entry before; "" for the first
	Hash   string    `json:"hash"` // SHA-256, in hex, of this entry without Hash
}

func (en Entry) sum() (string, error) {
	en.Hash = ""
	b, err := json.Marshal(en)
	if err != nil {
		return "", fmt.Errorf("hashing audit entry %d: %w", en.Seq, err)
	}
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:]), nil
}

// Record appends to the audit log, in the transaction of what it records.
func Record(tx store.Tx, by Principal, action, run, detail string) error {
	en := Entry{Seq: 1, At: time.Now().UTC().Round(0), By: by, Action: action, Run: run, Detail: detail}
	err := audit.Scan(tx, store.Range{Reverse: true}, func(_ string, last Entry) bool {
		en.Seq, en.Prev = last.Seq+1, last.Hash
		return false
	})
	if err != nil {
		return err
	}
	if en.Hash, err = en.sum(); err != nil {
		return err
	}
	return audit.Put(tx, auditKey(en.Seq), en)
}

func auditKey(seq uint64) string { return fmt.Sprintf("%016x", seq) }

// VerifyAudit walks the audit log and returns how many entries it has. The
// error names the first entry that was changed, removed or inserted.
func VerifyAudit(ctx context.Context, st store.Store) (n uint64, err error) {
	var prev string
	var broken error
	err = st.View(ctx, func(tx store.Tx) error {
		return tx.Scan(audit.Name, "", "", false, func(key string, raw []byte) bool {
			n++
			prev, broken = link(n, key, raw, prev)
			return broken == nil
		})
	})
	if broken != nil {
		broken = fmt.Errorf("%w. The store was changed by something else than alsbot, or damaged. Keep it as it is (`alsbot snapshot FILE`), and hold that entry against an earlier snapshot", broken)
	}
	return n, errors.Join(err, broken)
}

// link checks one entry byte by byte and returns its hash.
func link(n uint64, key string, raw []byte, prev string) (string, error) {
	var en Entry
	if err := json.Unmarshal(raw, &en); err != nil {
		return "", fmt.Errorf("audit entry %d cannot be read: %w", n, err)
	}
	sum, err := en.sum()
	if err != nil {
		return "", err
	}
	same, err := json.Marshal(en)
	if err != nil {
		return "", fmt.Errorf("reading audit entry %d: %w", n, err)
	}
	switch {
	case en.Seq != n || key != auditKey(n):
		return "", fmt.Errorf("audit entry %d is missing: entry %d stands in its place", n, en.Seq)
	case en.Prev != prev:
		return "", fmt.Errorf("audit entry %d (%s, %s) does not follow from entry %d: one of the two was changed", n, en.Action, en.At.Format(time.RFC3339), n-1)
	case en.Hash != sum || !bytes.Equal(raw, same):
		return "", fmt.Errorf("audit entry %d (%s, %s) was changed after it was written", n, en.Action, en.At.Format(time.RFC3339))
	}
	return en.Hash, nil
}
