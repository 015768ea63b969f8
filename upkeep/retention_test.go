package upkeep_test

import (
	"fmt"
	"testing"
	"time"

	"alsbot/config"
	"alsbot/runs"
	"alsbot/store"
	"alsbot/upkeep/enginetest"
)

// What ended longer ago than keep_runs goes, with its output and its indexes.
// What is open, lost without an acknowledgement, or has only just ended
// stays, however long ago it was asked for.
func TestRetention(t *testing.T) {
	t.Parallel()
	h := enginetest.New(t, nil)
	made := map[string]string{}
	for _, name := range []string{"old", "lost", "just ended"} {
		made[name] = h.Run("U0DAN", "version")
		h.Until(made[name], runs.Succeeded)
	}
	made["open"] = h.Run("U0ANN", "patch install")
	h.Until(made["open"], runs.Awaiting)
	blob := h.Until(made["old"], runs.Succeeded).Steps[0].Blob
	runsOf := store.Bucket[runs.Run]{Name: "runs"}
	at := store.Bucket[string]{Name: "runs.time"}
	of := store.Bucket[string]{Name: "runs.cluster"}
	h.Offline(func(tx store.Tx) error {
		long := time.Now().UTC().AddDate(-1, 0, 0).Truncate(time.Second)
		for name, id := range made {
			r, _, err := runsOf.Get(tx, id)
			if err != nil {
				return err
			}
			key := func() string { return r.Asked.UTC().Format("20060102T150405.000000000Z") + "/" + id }
			if err := at.Delete(tx, key()); err != nil {
				return err
			}
			if err := of.Delete(tx, "prod/"+key()); err != nil {
				return err
			}
			r.Asked = long
			if name == "old" || name == "lost" {
				r.Ended = long
			}
			if name == "lost" {
				r.State = runs.Lost
			}
			if err := at.Put(tx, key(), id); err != nil {
				return err
			}
			if err := of.Put(tx, "prod/"+key(), id); err != nil {
				return err
			}
			if err := runsOf.Put(tx, id, r); err != nil {
				return err
			}
		}
		return nil
	})
	h.Eventually("runs", "the end of the old run", func(tx store.Tx) (bool, error) {
		_, there, err := runsOf.Get(tx, made["old"])
		return !there, err
	})
	if n, err := h.Store.BlobSize(t.Context(), blob); n != 0 || err != nil {
		t.Errorf("its output is still there: %d bytes, %v", n, err)
	}
	for _, cluster := range []string{"", "prod"} {
		list, err := h.Ledger.Recent(t.Context(), cluster, 10)
		if err != nil || len(list) != 3 {
			t.Errorf("of %q are left: %d runs, %v", cluster, len(list), err)
		}
	}
}

// The audit log says what retention has removed, and misses nothing of it.
func TestRetentionIsInTheAuditLog(t *testing.T) {
	t.Parallel()
	h := enginetest.New(t, nil)
	old := h.Run("U0DAN", "version")
	h.Until(old, runs.Succeeded)
	h.UntilEnded(old)
	h.Config.Store.KeepRuns = -time.Hour // it is old already
	h.Restart()
	h.Eventually("runs", "the end of the old run", func(tx store.Tx) (bool, error) {
		_, there, err := runs.Get(tx, old)
		return !there, err
	})
	v, err := runs.VerifyAudit(t.Context(), h.Store, runs.AuditHead{})
	if err != nil || v.Runs != 0 {
		t.Errorf("%+v, %v", v, err)
	}
	if err := h.Store.View(t.Context(), func(tx store.Tx) error {
		list, _, err := runs.EntriesOf(tx, old, 10)
		if n := len(list); n != 4 || list[0].Action != "asked" || list[n-1].Action != "removed" || list[n-1].Cluster != "prod" {
			t.Errorf("the entries of the removed run: %+v", list)
		}
		return err
	}); err != nil {
		t.Error(err)
	}
}

// A schedule's ledger does not grow for ever; its newest lines stay.
func TestTheLedgerIsBounded(t *testing.T) {
	t.Parallel()
	h := enginetest.New(t, func(c *config.Config) {
		c.Schedules = []config.Schedule{{Name: "often", Cluster: "prod", Cron: "0 0 1 1 *", Timezone: "UTC", Command: "version"}}
	})
	const kept = 20_000
	key := func(i int) string { return fmt.Sprintf("often/2020%010d", i) }
	h.Offline(func(tx store.Tx) error {
		for i := range kept + 50 {
			if err := tx.Put("slots", key(i), []byte(`{"outcome":"ran"}`)); err != nil {
				return err
			}
		}
		return nil
	})
	h.Eventually("slots", "the end of the oldest line", func(tx store.Tx) (bool, error) {
		v, err := tx.Get("slots", key(49))
		return v == nil, err
	})
	if err := h.Store.View(t.Context(), func(tx store.Tx) error {
		v, err := tx.Get("slots", key(50))
		if v == nil {
			t.Error("more went than had to")
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}
