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

// What a new archive is compared with.
func TestEarlierArchives(t *testing.T) {
	h := enginetest.New(t, nil)
	now := time.Now().UTC()
	backups := store.Bucket[runs.Backup]{Name: "backups"}
	if err := h.Store.Update(t.Context(), func(tx store.Tx) (err error) {
		for i := range 20 {
			b := runs.Backup{Run: fmt.Sprint("r", i), Operation: "export cluster", Cluster: "prod", Path: "/mnt/nas/x.tgz", Node: fmt.Sprint("10.0.0.1", i%2), SHA256: fmt.Sprint(i),
				Verdict: "verified", Members: []string{"export/x"}, At: now.Add(time.Duration(i-100) * time.Hour)}
			switch i {
			case 19:
				b.Contents = "--redis"
			case 18:
				b.Verdict = "suspect"
			case 17:
				b.Gone = "replaced"
			case 16:
				b.Verdict, b.Path = "failed", ""
			}
			err = errors.Join(err, backups.Put(tx, "prod/"+runs.TimeKey(b.At), b))
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	req := als.Request{Operation: "export cluster", Cluster: "prod"}
	if got, err := h.Ledger.History(t.Context(), req, true, false); err != nil || len(got.Earlier) > 0 || len(got.Archives) == 0 || got.Archives[0].Members != nil {
		t.Errorf("without being asked for: %d, %+v, %v", len(got.Earlier), got.Archives, err)
	}
	got, err := h.Ledger.History(t.Context(), req, false, true)
	if err != nil || len(got.Earlier) != 19 || len(got.Archives) > 0 || got.Earlier[0].Run != "r19" || len(got.Sizes) != 7 {
		t.Fatalf("%d, %d, %v", len(got.Earlier), len(got.Sizes), err)
	}
	with := map[string]int{}
	for _, b := range got.Earlier {
		if b.Members != nil {
			with[b.Node]++
		}
		if b.Members != nil && (b.Run == "r19" || b.Run == "r18") {
			t.Errorf("the members of %s count", b.Run)
		}
	}
	if with["10.0.0.10"] != 7 || with["10.0.0.11"] != 7 {
		t.Errorf("members of %v", with)
	}
}
