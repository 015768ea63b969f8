package runs_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"alsbot/als"
	"alsbot/runs"
	"alsbot/store"
	"alsbot/upkeep/enginetest"
)

// What counts as the last backup of a cluster.
func TestLastBackup(t *testing.T) {
	h := enginetest.New(t, nil)
	now := time.Now().UTC()
	backups := store.Bucket[runs.Backup]{Name: "backups"}
	put := func(tx store.Tx, i int, cluster string, change func(*runs.Backup)) error {
		b := runs.Backup{Run: fmt.Sprint(cluster, i), Operation: "export cluster", Cluster: cluster, Path: fmt.Sprintf("/mnt/nas/%d.tgz", i), Node: "10.0.0.11",
			Verdict: "verified", At: now.Add(time.Duration(i-100) * time.Hour)}
		change(&b)
		return backups.Put(tx, cluster+"/"+b.At.Format("20060102T150405.000000000Z"), b)
	}
	asItIs := func(*runs.Backup) {}
	for i, c := range []struct {
		name   string
		newer  func(*runs.Backup) // the newer one of two
		counts bool
	}{
		{"another one", asItIs, true},
		{"read again and sound", func(b *runs.Backup) { b.Seen = als.Sound }, true},
		{"something left out", func(b *runs.Backup) { b.Contents = "--exclude-redis --exclude-harbor-data" }, true},
		{"of one node", func(b *runs.Backup) { b.Operation = "export node" }, false},
		{"of chosen contents", func(b *runs.Backup) { b.Contents = "--redis --exclude-harbor-data" }, false},
		{"suspect", func(b *runs.Backup) { b.Verdict = "suspect" }, false},
		{"failed", func(b *runs.Backup) { b.Verdict, b.Path = "failed", "" }, false},
		{"found missing", func(b *runs.Backup) { b.Seen = als.Missing }, false},
		{"found altered", func(b *runs.Backup) { b.Seen = als.Altered }, false},
		{"found damaged", func(b *runs.Backup) { b.Seen = als.Damaged }, false},
		{"replaced", func(b *runs.Backup) { b.Gone = "replaced" }, false},
		{"dated in the future", func(b *runs.Backup) { b.At = now.AddDate(10, 0, 0) }, false},
	} {
		cluster := fmt.Sprint("c", i, "x")
		if err := h.Store.Update(t.Context(), func(tx store.Tx) error {
			return errors.Join(put(tx, 1, cluster, asItIs), put(tx, 2, cluster, c.newer))
		}); err != nil {
			t.Fatal(err)
		}
		want := cluster + "1"
		if c.counts {
			want = cluster + "2"
		}
		if err := h.Store.View(t.Context(), func(tx store.Tx) error {
			last, ok, err := runs.LastBackup(tx, cluster)
			if !ok || last.Run != want {
				t.Errorf("%s: the last backup is %+v, %v", c.name, last, ok)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
}
