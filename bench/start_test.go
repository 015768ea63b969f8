package bench_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"alsbot/runs"
	"alsbot/sim/scene"
	"alsbot/store"
)

// idle measures the memory of an alsbot with no work, connected to Slack.
func idle(b *testing.B, f *figures) {
	h := furnish(b, f.bin, "socket", nil)
	h.start()
	time.Sleep(3 * time.Second) // lets the work that follows a start finish
	now, _ := memory(b, h.cmd)
	info, err := os.Stat(f.bin)
	must(b, err)
	f.row("idle memory", fmt.Sprintf("%.1f MiB", float64(now)/mib), "30 MiB", float64(now)/(30*mib), 1, atMost)
	f.row("idle memory, goal", fmt.Sprintf("%.1f MiB", float64(now)/mib), "20 MiB", float64(now)/(20*mib), 1, atMost)
	f.row("binary, stripped", fmt.Sprintf("%.1f MiB", float64(info.Size())/mib), "18 MiB", float64(info.Size())/(18*mib), 1, atMost)
}

// startUp measures from exec to ready and connected to Slack, beside a bare
// server that opens a bbolt file and listens.
func startUp(b *testing.B, f *figures) {
	var least times
	for range 7 {
		least = append(least, bareStart(b))
	}
	h := furnish(b, f.bin, "http", nil)
	h.start() // creates the store
	h.stop()
	empty := h.starts(7)
	f.row("start to ready, empty store", show(empty.median()), show(least.median()), ratio(empty.median(), least.median()), 0, atMost)
	f.row("start to ready, empty store, in all", show(empty.median()), "50 ms", ratio(empty.median(), 50*time.Millisecond), 1, atMost)

	h = furnish(b, f.bin, "http", standIn(b, saysVersion))
	h.start()
	id := h.ask(scene.Prod, "version")
	h.ended(id)
	var model runs.Run
	h.get("/runs/"+id, &model)
	h.stop()
	size := fill(b, filepath.Join(h.dir, "alsbot.db"), model)
	full := h.starts(5)
	f.row(fmt.Sprintf("start to ready, 100,000 runs (%d MiB)", size/mib), show(full.median()), "1 s", full.median().Seconds(), 1, atMost)
	h.lastRuns(f)
}

func (h *house) starts(n int) (all times) {
	for range n {
		all = append(all, h.start())
		h.stop()
	}
	return all
}

func bareStart(b *testing.B) time.Duration {
	b.Helper()
	self, err := os.Executable()
	must(b, err)
	addr := freeAddr(b)
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), limitEnv+"="+addr+" "+filepath.Join(b.TempDir(), "limit.db")+" update")
	h := &house{b: b}
	took := h.launch(cmd, "http://"+addr+"/readyz")
	end(cmd, h.gone)
	return took
}

// get sends a request to alsbot's socket, as the command line does.
func (h *house) get(path string, into any) {
	h.b.Helper()
	resp, err := h.local().Get("http://alsbot" + path)
	must(h.b, err)
	defer func() { _ = resp.Body.Close() }()
	must(h.b, json.NewDecoder(resp.Body).Decode(into))
}

// fill writes 100,000 runs like model into a store, one minute apart, with
// their indexes, three audit entries each and the place of their message. It
// returns the file's size.
func fill(b *testing.B, path string, model runs.Run) int64 {
	b.Helper()
	st, err := store.OpenBolt(path, store.Ordered(runs.Ordered...), store.Migrations(runs.Migrations()...))
	must(b, err)
	first := time.Now().Add(-many * time.Minute)
	for at := 0; at < many; at += many / 20 {
		must(b, st.Update(b.Context(), func(tx store.Tx) error {
			for i := at; i < at+many/20; i++ {
				if err := put(tx, model, i, first.Add(time.Duration(i)*time.Minute)); err != nil {
					return err
				}
			}
			return nil
		}))
	}
	must(b, st.Close())
	info, err := os.Stat(path)
	must(b, err)
	return info.Size()
}

const many = 100_000

func put(tx store.Tx, r runs.Run, i int, asked time.Time) error {
	r.ID = fmt.Sprintf("%02x%08x", rand.N(256), i)
	r.Asked, r.Started, r.Ended = asked, asked, asked.Add(time.Second)
	raw, err := json.Marshal(r)
	if err != nil {
		return err
	}
	at := asked.UTC().Format("20060102T150405.000000000Z") + "/" + r.ID
	id := []byte(`"` + r.ID + `"`)
	for _, kv := range []struct {
		bucket, key string
		value       []byte
	}{
		{"runs", r.ID, raw}, {"runs.time", at, id}, {"runs.cluster", r.Request.Cluster + "/" + at, id},
		{"messages", "run/" + r.ID, []byte(`{"channel":"C0PROD","ts":"1763800000.000100"}`)},
	} {
		if err := tx.Put(kv.bucket, kv.key, kv.value); err != nil {
			return err
		}
	}
	for k := range 3 {
		e, err := json.Marshal(runs.Entry{
			Seq: uint64(1000 + 3*i + k), At: asked, By: r.By, Action: "succeeded", Run: r.ID, Detail: r.Text,
			Prev: strings.Repeat("a", 64), Hash: strings.Repeat("b", 64),
		})
		if err != nil {
			return err
		}
		if err := tx.Put("audit", fmt.Sprintf("%016x", 1000+3*i+k), e); err != nil {
			return err
		}
	}
	return nil
}

// lastRuns measures reading and decoding the last 20 runs, beside a bare
// cursor on the same file.
func (h *house) lastRuns(f *figures) {
	b := h.b
	path := filepath.Join(h.dir, "alsbot.db")
	st, err := store.OpenBolt(path, store.Ordered(runs.Ordered...), store.Migrations(runs.Migrations()...))
	must(b, err)
	ledger := runs.NewLedger(st)
	look := func(cluster string) time.Duration {
		return timed(func() {
			list, err := ledger.Recent(b.Context(), cluster, 20)
			if err != nil || len(list) != 20 {
				b.Fatal(len(list), err)
			}
		})
	}
	all, ofOne := look(""), look("prod")
	must(b, st.Close())
	db, err := bolt.Open(path, 0o600, &bolt.Options{ReadOnly: true})
	must(b, err)
	least := timed(func() {
		must(b, db.View(func(tx *bolt.Tx) error {
			c, records := tx.Bucket([]byte("runs.time")).Cursor(), tx.Bucket([]byte("runs"))
			n := 0
			for k, v := c.Last(); k != nil && n < 20; k, v = c.Prev() {
				var id string
				var r runs.Run
				must(b, json.Unmarshal(v, &id))
				must(b, json.Unmarshal(records.Get([]byte(id)), &r))
				n++
			}
			return nil
		}))
	})
	must(b, db.Close())
	f.row("last 20 of 100,000 runs, decoded", show(all), show(least), ratio(all, least), 2, atMost)
	f.row("last 20 of one cluster's, decoded", show(ofOne), show(least), ratio(ofOne, least), 2, atMost)
}

// timed returns the median duration of many calls.
func timed(fn func()) time.Duration {
	var all times
	for range 300 {
		began := time.Now()
		fn()
		all = append(all, time.Since(began))
	}
	return all.median()
}
