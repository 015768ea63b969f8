package upkeep_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"alsbot/config"
	"alsbot/runs"
	"alsbot/store"
	"alsbot/upkeep/enginetest"
)

// An old backup is said in the channel once a day, and counts only if it was verified.
func TestAnOldBackupIsSaid(t *testing.T) {
	t.Parallel()
	h := enginetest.New(t, func(c *config.Config) {
		c.Clusters[0].Backup.MaxAge = 26 * time.Hour
		c.Clusters = append(c.Clusters, c.Clusters[0])
		c.Clusters[1].Name = "twin" // is looked at after prod
	})
	backupsOf := store.Bucket[runs.Backup]{Name: "backups"}
	put := func(tx store.Tx, cluster, verdict string, age time.Duration) error {
		at := time.Now().UTC().Add(-age)
		return backupsOf.Put(tx, cluster+"/"+at.Format("20060102T150405.000000000Z"), runs.Backup{
			Run: "abc", Operation: "export cluster", Cluster: cluster, Path: "/mnt/nas/a.tgz", Verdict: verdict, At: at})
	}
	told := func(cluster string) {
		h.Eventually("warned", "the word about @"+cluster, func(tx store.Tx) (bool, error) {
			_, there, err := store.Bucket[time.Time]{Name: "warned"}.Get(tx, cluster)
			return there, err
		})
	}
	h.Offline(func(tx store.Tx) error { return put(tx, "prod", "verified", 50*time.Hour) })
	told("prod")
	h.Offline(func(tx store.Tx) error {
		return errors.Join(put(tx, "prod", "suspect", time.Hour), put(tx, "twin", "verified", 30*time.Hour))
	})
	told("twin")
	// What was said by a clock that was wrong keeps nothing back for a year.
	wrong := store.Bucket[time.Time]{Name: "warned"}
	h.Offline(func(tx store.Tx) error { return wrong.Put(tx, "prod", time.Now().AddDate(1, 0, 0)) })
	h.Eventually("warned", "another word about @prod", func(tx store.Tx) (bool, error) {
		at, _, err := wrong.Get(tx, "prod")
		return at.Before(time.Now()), err
	})
	says := h.Posted()
	if len(says) != 3 || !strings.Contains(says[2], "@prod") || !strings.Contains(says[0], "50h0m0s old") || !strings.Contains(says[0], "export cluster @prod") || !strings.Contains(says[1], "@twin") {
		t.Errorf("the channels hear %q", says)
	}
}
