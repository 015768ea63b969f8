package runs_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"alsbot/runs"
	"alsbot/store"
	"alsbot/upkeep/enginetest"
)

func TestAuditChain(t *testing.T) {
	h := enginetest.New(t, nil)
	h.Until(h.Run("U0DAN", "version"), runs.Succeeded)
	v, err := runs.VerifyAudit(t.Context(), h.Store, runs.AuditHead{})
	if err != nil || v.Entries < 3 {
		t.Fatalf("%d entries, %v", v.Entries, err)
	}
	keys := map[string][]byte{}
	err = h.Store.View(t.Context(), func(tx store.Tx) error {
		return tx.Scan("audit", "", "", false, func(k string, v []byte) bool { keys[k] = v; return true })
	})
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range keys {
		put := func(b []byte) { update(h, func(tx store.Tx) error { return tx.Put("audit", k, b) }) }
		for i := range v {
			bad := append([]byte{}, v...)
			bad[i] ^= 1
			put(bad)
			if _, err := runs.VerifyAudit(t.Context(), h.Store, runs.AuditHead{}); err == nil || !strings.Contains(err.Error(), "alsbot snapshot FILE") {
				t.Fatalf("a changed byte %d of entry %s was not noticed: %s", i, k, bad)
			}
		}
		put(v)
	}
}

// chained returns a rig with a few entries, and their export.
func chained(t *testing.T) (h *enginetest.Rig, lines []string) {
	t.Helper()
	h = enginetest.New(t, nil)
	id := h.Run("U0DAN", "version")
	h.Until(id, runs.Succeeded)
	h.UntilEnded(id)
	return h, exported(h)
}

func exported(h *enginetest.Rig) []string {
	h.T.Helper()
	var b strings.Builder
	if err := runs.ExportAudit(h.T.Context(), h.Store, &b); err != nil {
		h.T.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
}

// A head that was noted is a witness: it finds a log that was cut, rewritten or
// put in the place of another, though each of them is a chain.
func TestHead(t *testing.T) {
	t.Parallel()
	h, lines := chained(t)
	heads := make([]runs.AuditHead, len(lines))
	for i, line := range lines {
		var err error
		if heads[i], err = runs.HeadOf([]byte(line)); err != nil {
			t.Fatal(err)
		}
		if _, err := runs.VerifyAudit(t.Context(), h.Store, heads[i]); err != nil {
			t.Errorf("entry %d: %v", i+1, err)
		}
	}
	last := heads[len(heads)-1]
	if v, err := verify(h); err != nil || v.Head != last || v.Entries != last.Seq {
		t.Errorf("%+v, %v", v, err)
	}
	if read, err := runs.ParseHead(last.String()); err != nil || read != last {
		t.Errorf("%v, %v", read, err)
	}
	says := func(head runs.AuditHead, text string) {
		t.Helper()
		if _, err := runs.VerifyAudit(t.Context(), h.Store, head); err == nil || !strings.Contains(err.Error(), text) || !strings.Contains(err.Error(), "alsbot snapshot FILE") {
			t.Errorf("%s: %v", head, err)
		}
	}
	says(runs.AuditHead{Seq: 1, Hash: last.Hash}, "audit entry 1 (asked, ")
	says(runs.AuditHead{Seq: last.Seq + 1, Hash: last.Hash}, "the audit log ends at entry "+strconv.FormatUint(last.Seq, 10))
	update(h, func(tx store.Tx) error { return tx.Delete("audit", fmt.Sprintf("%016x", last.Seq)) })
	says(last, "and does not have entry "+strconv.FormatUint(last.Seq, 10))
	for _, bad := range []string{"", "1", "x:" + last.Hash, "0:" + last.Hash, "-1:" + last.Hash, "1:" + last.Hash[1:], "1:" + strings.ToUpper(last.Hash), "1:" + last.Hash + " ", "99999999999999999999:" + last.Hash} {
		if _, err := runs.ParseHead(bad); err == nil || !strings.Contains(err.Error(), "write SEQ:HASH") {
			t.Errorf("%q is taken for a head: %v", bad, err)
		}
	}
}

// A log that was wholly written again is a chain, and agrees with the records
// that go with it. Only the witness knows.
func TestARewrittenLogIsFoundByItsHead(t *testing.T) {
	t.Parallel()
	h, _ := chained(t)
	v, err := verify(h)
	if err != nil {
		t.Fatal(err)
	}
	update(h, func(tx store.Tx) error {
		var keys []string
		if err := tx.Scan("audit", "", "", false, func(key string, _ []byte) bool { keys = append(keys, key); return true }); err != nil {
			return err
		}
		for _, key := range keys {
			if err := tx.Delete("audit", key); err != nil {
				return err
			}
		}
		var ids []string
		if err := runs.Latest(tx, "", func(r runs.Run) bool { ids = append(ids, r.ID); return true }); err != nil {
			return err
		}
		for range v.Entries {
			if err := runs.Record(tx, runs.System, "succeeded", ids[0], ""); err != nil {
				return err
			}
		}
		return nil
	})
	if _, err := runs.VerifyAudit(t.Context(), h.Store, v.Head); err == nil || !strings.Contains(err.Error(), "has another hash than the head given") {
		t.Errorf("with the head: %v", err)
	}
}

// An export is the whole log, one entry a line, each harmless on a terminal.
func TestExport(t *testing.T) {
	t.Parallel()
	h, _ := chained(t)
	odd := "a \u202eb\u009b31m\x1b[31m \xff\xfe <!channel>\n\u0085\u007f"
	update(h, func(tx store.Tx) error {
		for range 2500 {
			if err := runs.Note(tx, runs.Entry{By: runs.Principal{ID: odd, Handle: odd}, Action: "tested", Cluster: odd, Run: odd, Detail: odd}); err != nil {
				return err
			}
		}
		return nil
	})
	v, err := verify(h)
	if err != nil {
		t.Fatalf("text that is no UTF-8 breaks the chain: %v", err)
	}
	lines := exported(h)
	if uint64(len(lines)) != v.Entries || v.Entries < 2503 {
		t.Errorf("%d lines of %d entries", len(lines), v.Entries)
	}
	prev := ""
	for i, line := range lines {
		var en runs.Entry
		if err := json.Unmarshal([]byte(line), &en); err != nil || en.Seq != uint64(i+1) || en.Prev != prev {
			t.Fatalf("line %d: %+v, %v", i+1, en, err)
		}
		prev = en.Hash
		if strings.ContainsFunc(line, func(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 || r == 0x202e }) {
			t.Fatalf("line %d is not harmless: %q", i+1, line)
		}
		if en.Action == "tested" && en.Detail != strings.ToValidUTF8(odd, "\uFFFD") {
			t.Fatalf("line %d says something else: %q", i+1, en.Detail)
		}
	}
	if prev != v.Head.Hash {
		t.Errorf("the head is %s, the last line %s", v.Head, prev)
	}
}

// Entries of an earlier version cover no record. They stay valid, and their
// runs are counted, not blamed; what this version decides about them is
// covered again.
func TestEntriesOfAnEarlierVersion(t *testing.T) {
	t.Parallel()
	h, _ := chained(t)
	var id string
	update(h, func(tx store.Tx) error {
		return runs.Latest(tx, "", func(r runs.Run) bool { id = r.ID; return false })
	})
	var chain []byte
	prev := ""
	for i, action := range []string{"asked", "running", "succeeded"} {
		// The fields and their order are those of that version.
		type entry struct {
			Seq    uint64          `json:"seq"`
			At     string          `json:"at"`
			By     json.RawMessage `json:"by"`
			Action string          `json:"action"`
			Run    string          `json:"run,omitempty"`
			Detail string          `json:"detail,omitempty"`
			Prev   string          `json:"prev"`
			Hash   string          `json:"hash"`
		}
		en := entry{Seq: uint64(i + 1), At: "2026-11-24T10:00:00Z", By: json.RawMessage(`{"source":"slack","id":"U0DAN"}`), Action: action, Run: id, Prev: prev}
		raw, err := json.Marshal(en)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(raw)
		en.Hash = hex.EncodeToString(sum[:])
		prev = en.Hash
		if chain, err = json.Marshal(en); err != nil {
			t.Fatal(err)
		}
		update(h, func(tx store.Tx) error { return tx.Put("audit", fmt.Sprintf("%016x", en.Seq), chain) })
	}
	if v, err := verify(h); err != nil || v.Entries != 3 || v.Runs != 0 || v.Earlier != 1 {
		t.Fatalf("%+v, %v", v, err)
	}
	if _, err := h.Ledger.Transition(t.Context(), id, runs.System, func(tx store.Tx, r *runs.Run) error {
		return runs.Record(tx, runs.System, "found", r.ID, "")
	}); err != nil {
		t.Fatal(err)
	}
	if v, err := verify(h); err != nil || v.Entries != 4 || v.Runs != 1 || v.Earlier != 0 {
		t.Errorf("after a decision of this version: %+v, %v", v, err)
	}
	update(h, func(tx store.Tx) error { return tx.Put("audit", fmt.Sprintf("%016x", 2), chain) })
	if _, err := verify(h); err == nil {
		t.Error("an edited entry of the earlier version is not named")
	}
}

// What a transition or an amendment changes of what is covered always has an
// entry, whatever it says of itself; what is progress has none.
func TestNoChangeIsWithoutAnEntry(t *testing.T) {
	t.Parallel()
	h, id := installed(t)
	before, err := verify(h)
	if err != nil {
		t.Fatal(err)
	}
	amend := func(fn func(r *runs.Run)) {
		t.Helper()
		if err := h.Ledger.Amend(t.Context(), id, fn); err != nil {
			t.Fatal(err)
		}
	}
	amend(func(r *runs.Run) { r.Remark, r.Steps[0].Size = "progress", 12 })
	if v, err := verify(h); err != nil || v.Entries != before.Entries {
		t.Errorf("progress: %+v, %v", v, err)
	}
	three := 3
	amend(func(r *runs.Run) { r.Steps[0].Exit = &three })
	if _, err := h.Ledger.Transition(t.Context(), id, person("U0ANN"), func(_ store.Tx, r *runs.Run) error {
		r.Trouble = "found out later"
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if v, err := verify(h); err != nil || v.Entries != before.Entries+2 {
		t.Errorf("an exit status and a reason: %+v, %v", v, err)
	}
	got := details(t, h.Store)
	if got := got[len(got)-2:]; got[0] != "alsbot changed the exit statuses" || got[1] != "U0ANN changed the state, its times or its reason" {
		t.Errorf("%q", got)
	}
}
