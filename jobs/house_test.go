package jobs_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"alsbot/config"
	"alsbot/jobs"
	"alsbot/store"
)

// eventually waits until what the store holds is as it should be.
func (h *house) eventually(bucket, what string, done func(tx store.Tx) (bool, error)) {
	h.t.Helper()
	changed := h.st.Watch(h.t.Context(), bucket)
	limit := time.After(safety)
	tick := time.NewTicker(100 * time.Millisecond) // for what is seen elsewhere than in the store
	defer tick.Stop()
	for {
		var ok bool
		if err := h.st.View(h.t.Context(), func(tx store.Tx) (err error) { ok, err = done(tx); return err }); err != nil {
			h.t.Fatal(err)
		}
		if ok {
			return
		}
		select {
		case <-changed:
		case <-tick.C:
		case <-limit:
			h.t.Fatalf("%s never comes", what)
		}
	}
}

// What ended longer ago than keep_runs goes, with its output and its indexes.
// What is open, lost without an acknowledgement, or has only just ended
// stays, however long ago it was asked for.
func TestRetention(t *testing.T) {
	h := newHouse(t, nil)
	made := map[string]string{}
	for _, name := range []string{"old", "lost", "just ended"} {
		made[name] = h.run("U0DAN", "version")
		h.until(made[name], jobs.Succeeded)
	}
	made["open"] = h.run("U0ANN", "patch install")
	h.until(made["open"], jobs.Awaiting)
	blob := h.until(made["old"], jobs.Succeeded).Steps[0].Blob
	runsOf := store.Bucket[jobs.Run]{Name: "runs"}
	at := store.Bucket[string]{Name: "runs.time"}
	of := store.Bucket[string]{Name: "runs.cluster"}
	h.offline(func(tx store.Tx) error {
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
				r.State = jobs.Lost
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
	h.eventually("runs", "the end of the old run", func(tx store.Tx) (bool, error) {
		_, there, err := runsOf.Get(tx, made["old"])
		return !there, err
	})
	if n, err := h.st.BlobSize(t.Context(), blob); n != 0 || err != nil {
		t.Errorf("its output is still there: %d bytes, %v", n, err)
	}
	for _, cluster := range []string{"", "prod"} {
		list, err := h.engine.Runs(t.Context(), cluster, 10)
		if err != nil || len(list) != 3 {
			t.Errorf("of %q are left: %d runs, %v", cluster, len(list), err)
		}
	}
	if _, err := jobs.VerifyAudit(t.Context(), h.st); err != nil {
		t.Error(err)
	}
}

// A schedule's ledger does not grow for ever; its newest lines stay.
func TestTheLedgerIsBounded(t *testing.T) {
	h := newHouse(t, func(c *config.Config) {
		c.Schedules = []config.Schedule{{Name: "often", Cluster: "prod", Cron: "0 0 1 1 *", Timezone: "UTC", Command: "version"}}
	})
	const kept = 20_000
	key := func(i int) string { return fmt.Sprintf("often/2020%010d", i) }
	h.offline(func(tx store.Tx) error {
		for i := range kept + 50 {
			if err := tx.Put("slots", key(i), []byte(`{"outcome":"ran"}`)); err != nil {
				return err
			}
		}
		return nil
	})
	h.eventually("slots", "the end of the oldest line", func(tx store.Tx) (bool, error) {
		v, err := tx.Get("slots", key(49))
		return v == nil, err
	})
	if err := h.st.View(t.Context(), func(tx store.Tx) error {
		v, err := tx.Get("slots", key(50))
		if v == nil {
			t.Error("more went than had to")
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// An old backup is said in the channel once a day, and counts only if it was verified.
func TestAnOldBackupIsSaid(t *testing.T) {
	h := newHouse(t, func(c *config.Config) {
		c.Clusters[0].Backup.MaxAge = 26 * time.Hour
		c.Clusters = append(c.Clusters, c.Clusters[0])
		c.Clusters[1].Name = "twin" // is looked at after prod
	})
	backupsOf := store.Bucket[jobs.Backup]{Name: "backups"}
	put := func(tx store.Tx, cluster, verdict string, age time.Duration) error {
		at := time.Now().UTC().Add(-age)
		return backupsOf.Put(tx, cluster+"/"+at.Format("20060102T150405.000000000Z"), jobs.Backup{
			Run: "abc", Operation: "export cluster", Cluster: cluster, Path: "/mnt/nas/a.tgz", Verdict: verdict, At: at})
	}
	told := func(cluster string) {
		h.eventually("warned", "the word about @"+cluster, func(tx store.Tx) (bool, error) {
			_, there, err := store.Bucket[time.Time]{Name: "warned"}.Get(tx, cluster)
			return there, err
		})
	}
	h.offline(func(tx store.Tx) error { return put(tx, "prod", "verified", 50*time.Hour) })
	told("prod")
	h.offline(func(tx store.Tx) error {
		return errors.Join(put(tx, "prod", "suspect", time.Hour), put(tx, "twin", "verified", 30*time.Hour))
	})
	told("twin")
	// What was said by a clock that was wrong keeps nothing back for a year.
	wrong := store.Bucket[time.Time]{Name: "warned"}
	h.offline(func(tx store.Tx) error { return wrong.Put(tx, "prod", time.Now().AddDate(1, 0, 0)) })
	h.eventually("warned", "another word about @prod", func(tx store.Tx) (bool, error) {
		at, _, err := wrong.Get(tx, "prod")
		return at.Before(time.Now()), err
	})
	says := h.told()
	if len(says) != 3 || !strings.Contains(says[2], "@prod") || !strings.Contains(says[0], "50h0m0s old") || !strings.Contains(says[0], "export cluster @prod") || !strings.Contains(says[1], "@twin") {
		t.Errorf("the channels hear %q", says)
	}
}

// Maintenance mode that was left on is said once, with the run that turned it
// on, also after a restart; not while a run holds it, and not in its first hour.
func TestMaintenanceModeLeftOnIsSaid(t *testing.T) {
	h := newHouse(t, nil)
	id := h.run("U0ANN", "maintenance on")
	h.until(id, jobs.Succeeded)
	runsIn := store.Bucket[jobs.Run]{Name: "runs"}
	looked := func(n int) {
		h.t.Helper()
		for limit := time.After(safety); ; {
			calls, err := h.cluster.Called("config", "get")
			if err != nil {
				h.t.Fatal(err)
			}
			if len(calls) >= n {
				return
			}
			select {
			case <-time.After(5 * time.Millisecond):
			case <-limit:
				h.t.Fatalf("%d looks, not %d", len(calls), n)
			}
		}
	}
	looked(3) // at the start, and by the run before and after
	h.restart()
	looked(4)
	h.offline(func(tx store.Tx) error {
		if v, err := tx.Get("maintenance", "prod"); v != nil || err != nil {
			t.Errorf("it is said in the first hour: %s %v", v, err)
		}
		r, _, err := runsIn.Get(tx, id)
		r.Steps[0].Ended = r.Steps[0].Ended.Add(-3 * time.Hour)
		return errors.Join(err, runsIn.Put(tx, id, r))
	})
	seen := func() {
		h.t.Helper()
		h.eventually("maintenance", "the word about maintenance mode", func(tx store.Tx) (bool, error) {
			v, err := tx.Get("maintenance", "prod")
			return v != nil, err
		})
	}
	seen()
	h.restart()
	looked(6)
	says := h.told()
	if len(says) != 1 || !strings.Contains(says[0], "run "+id+" (`maintenance on") || !strings.Contains(says[0], "maintenance off @prod") {
		t.Errorf("the channel hears %q", says)
	}
}
