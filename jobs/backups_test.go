package jobs_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"alsbot/config"
	"alsbot/runs"
	"alsbot/store"
	"alsbot/upkeep/enginetest"
)

// An export to a path that another one had makes that one's archive be gone.
func TestSamePathReplaces(t *testing.T) {
	t.Parallel()
	v := enginetest.NewVault(t, config.Keep{})
	file := v.Cluster.Path(enginetest.Filesystem, "/mnt/nas/same.tgz")
	first := v.Export("export cluster " + file)
	second := v.Export("export cluster " + file)
	if b := v.Archive(first.Run); b.Gone == "" || b.Good() {
		t.Errorf("the first one: %+v", b)
	}
	if b := v.Archive(second.Run); b.Gone != "" || !b.Good() || b.Node != enginetest.Filesystem || b.Begun.IsZero() {
		t.Errorf("the second one: %+v", b)
	}
	v.Until(v.Run("U0DAN", "backups verify "+first.Run), runs.Failed)
	v.Until(v.Run("U0DAN", "backups verify "+second.Run), runs.Succeeded)
}

// With retention off archives become many in years: they are still listed, and
// each can be read again.
func TestManyArchives(t *testing.T) {
	t.Parallel()
	h := enginetest.New(t, nil)
	now := time.Now().UTC()
	if err := h.Store.Update(t.Context(), func(tx store.Tx) error {
		for i := range 4000 {
			at := now.Add(time.Duration(-i) * time.Hour)
			b := runs.Backup{Run: fmt.Sprintf("a%d", i), Operation: "export cluster", Cluster: "prod", Path: "/mnt/nas/helion-export-prod-" + at.Format("20060102T150405Z.tgz"),
				Node: "10.0.0.11", Size: 5 << 30, SHA256: strings.Repeat("0123456789abcdef", 4), Verdict: "verified", Begun: at, At: at}
			if err := (store.Bucket[runs.Backup]{Name: "backups"}).Put(tx, "prod/"+at.Format("20060102T150405.000000000Z"), b); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if r := h.Until(h.Run("U0DAN", "backups"), runs.Succeeded); !strings.HasPrefix(r.Verdict.Summary, "4000 archives") || !strings.Contains(r.Verdict.Report, "and 3970 older") {
		t.Errorf("the list: %s\n%s", r.Verdict.Summary, r.Verdict.Report)
	}
	if r := h.Until(h.Run("U0DAN", "backups verify a3999"), runs.Failed); !strings.Contains(r.Verdict.Summary, "Gone: there is no") {
		t.Errorf("the oldest: %s", r.Verdict.Summary)
	}
}
