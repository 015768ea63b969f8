package jobs_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"alsbot/als"
	"alsbot/config"
	"alsbot/jobs"
	"alsbot/store"
)

// What counts as the last backup of a cluster.
func TestLastBackup(t *testing.T) {
	h := newHouse(t, nil)
	now := time.Now().UTC()
	backups := store.Bucket[jobs.Backup]{Name: "backups"}
	put := func(tx store.Tx, i int, cluster string, change func(*jobs.Backup)) error {
		b := jobs.Backup{Run: fmt.Sprint(cluster, i), Operation: "export cluster", Cluster: cluster, Path: fmt.Sprintf("/mnt/nas/%d.tgz", i), Node: "10.0.0.11",
			Verdict: "verified", At: now.Add(time.Duration(i-100) * time.Hour)}
		change(&b)
		return backups.Put(tx, cluster+"/"+b.At.Format("20060102T150405.000000000Z"), b)
	}
	asItIs := func(*jobs.Backup) {}
	for i, c := range []struct {
		name   string
		newer  func(*jobs.Backup) // the newer one of two
		counts bool
	}{
		{"another one", asItIs, true},
		{"read again and sound", func(b *jobs.Backup) { b.Seen = als.Sound }, true},
		{"something left out", func(b *jobs.Backup) { b.Contents = "--exclude-redis --exclude-harbor-data" }, true},
		{"of one node", func(b *jobs.Backup) { b.Operation = "export node" }, false},
		{"of chosen contents", func(b *jobs.Backup) { b.Contents = "--redis --exclude-harbor-data" }, false},
		{"suspect", func(b *jobs.Backup) { b.Verdict = "suspect" }, false},
		{"failed", func(b *jobs.Backup) { b.Verdict, b.Path = "failed", "" }, false},
		{"found missing", func(b *jobs.Backup) { b.Seen = als.Missing }, false},
		{"found altered", func(b *jobs.Backup) { b.Seen = als.Altered }, false},
		{"found damaged", func(b *jobs.Backup) { b.Seen = als.Damaged }, false},
		{"replaced", func(b *jobs.Backup) { b.Gone = "replaced" }, false},
		{"dated in the future", func(b *jobs.Backup) { b.At = now.AddDate(10, 0, 0) }, false},
	} {
		cluster := fmt.Sprint("c", i, "x")
		if err := h.st.Update(t.Context(), func(tx store.Tx) error {
			return errors.Join(put(tx, 1, cluster, asItIs), put(tx, 2, cluster, c.newer))
		}); err != nil {
			t.Fatal(err)
		}
		want := cluster + "1"
		if c.counts {
			want = cluster + "2"
		}
		if err := h.st.View(t.Context(), func(tx store.Tx) error {
			last, ok, err := jobs.LastBackup(tx, cluster)
			if !ok || last.Run != want {
				t.Errorf("%s: the last backup is %+v, %v", c.name, last, ok)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
}

// An export to a path that another one had makes that one's archive be gone.
func TestSamePathReplaces(t *testing.T) {
	v := newVault(t, config.Keep{})
	file := v.cluster.Path(filesystem, "/mnt/nas/same.tgz")
	first := v.export("export cluster " + file)
	second := v.export("export cluster " + file)
	if b := v.archive(first.Run); b.Gone == "" || b.Good() {
		t.Errorf("the first one: %+v", b)
	}
	if b := v.archive(second.Run); b.Gone != "" || !b.Good() || b.Node != filesystem || b.Begun.IsZero() {
		t.Errorf("the second one: %+v", b)
	}
	v.until(v.run("U0DAN", "backups verify "+first.Run), jobs.Failed)
	v.until(v.run("U0DAN", "backups verify "+second.Run), jobs.Succeeded)
}

// With retention off archives become many in years: they are still listed, and
// each can be read again.
func TestManyArchives(t *testing.T) {
	h := newHouse(t, nil)
	now := time.Now().UTC()
	if err := h.st.Update(t.Context(), func(tx store.Tx) error {
		for i := range 4000 {
			at := now.Add(time.Duration(-i) * time.Hour)
			b := jobs.Backup{Run: fmt.Sprintf("a%d", i), Operation: "export cluster", Cluster: "prod", Path: "/mnt/nas/helion-export-prod-" + at.Format("20060102T150405Z.tgz"),
				Node: "10.0.0.11", Size: 5 << 30, SHA256: strings.Repeat("0123456789abcdef", 4), Verdict: "verified", Begun: at, At: at}
			if err := (store.Bucket[jobs.Backup]{Name: "backups"}).Put(tx, "prod/"+at.Format("20060102T150405.000000000Z"), b); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if r := h.until(h.run("U0DAN", "backups"), jobs.Succeeded); !strings.HasPrefix(r.Verdict.Summary, "4000 archives") || !strings.Contains(r.Verdict.Report, "and 3970 older") {
		t.Errorf("the list: %s\n%s", r.Verdict.Summary, r.Verdict.Report)
	}
	if r := h.until(h.run("U0DAN", "backups verify a3999"), jobs.Failed); !strings.Contains(r.Verdict.Summary, "Gone: there is no") {
		t.Errorf("the oldest: %s", r.Verdict.Summary)
	}
}
