package runs_test

import (
	"strings"
	"testing"

	"alsbot/jobs/enginetest"
	"alsbot/runs"
	"alsbot/store"
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
		for i := range v {
			bad := append([]byte{}, v...)
			bad[i] ^= 1
			put := func(b []byte) {
				if err := h.Store.Update(t.Context(), func(tx store.Tx) error { return tx.Put("audit", k, b) }); err != nil {
					t.Fatal(err)
				}
			}
			put(bad)
			if _, err := runs.VerifyAudit(t.Context(), h.Store, runs.AuditHead{}); err == nil || !strings.Contains(err.Error(), "alsbot snapshot FILE") {
				t.Fatalf("a changed byte %d of entry %s was not noticed: %s", i, k, bad)
			}
			put(v)
		}
	}
}
