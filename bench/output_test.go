package bench_test

import (
	"fmt"
	"io"
	"testing"
	"time"

	"alsbot/sim/scene"
)

const (
	gib    = 1 << 30
	prints = `yes "$(date) the quick brown fox jumps over the lazy dog" | head -c 1073741824`
)

// output measures 1 GiB from a node into the store, as a read and as a durable
// command, beside a bare session that discards it.
func output(b *testing.B, f *figures) {
	h := furnish(b, f.bin, "socket", standIn(b, "case $1 in version | restart) "+prints+" ;; esac\nexec kato \"$@\"\n"))
	h.start()
	h.ended(h.ask(scene.Prod, "status")) // warm up
	grew := func(command string) (int64, time.Duration) {
		before, _ := memory(b, h.cmd)
		forget(b, h.cmd)
		began := time.Now()
		id := h.ask(scene.Prod, command)
		if state := h.ended(id); state != "succeeded" {
			b.Fatalf("%s has %s", command, state)
		}
		took := time.Since(began)
		_, peak := memory(b, h.cmd)
		return peak - before, took
	}
	read, readTook := grew("version")
	durable, durableTook := grew("restart dea --node 10.0.0.12")

	session, err := bareSSH(b, h.scene.Cluster).NewSession()
	must(b, err)
	pipe, err := session.StdoutPipe()
	must(b, err)
	began := time.Now()
	must(b, session.Start(prints))
	n, err := io.Copy(io.Discard, pipe)
	must(b, err)
	least := time.Since(began)
	if n != gib {
		b.Fatal("the node printed", n)
	}
	speed := func(d time.Duration) string { return fmt.Sprintf("%.0f MB/s", gib/1e6/d.Seconds()) }
	f.row("1 GiB printed by a read: memory growth", fmt.Sprintf("%d MiB", read/mib), "64 MiB", float64(read)/(64*mib), 1, atMost)
	f.row("1 GiB printed by a durable command: memory growth", fmt.Sprintf("%d MiB", durable/mib), "64 MiB", float64(durable)/(64*mib), 1, atMost)
	f.row("1 GiB printed by a read, on disk; limit is SSH into nothing", speed(readTook), speed(least), ratio(least, readTook), 0, atLeast)
	f.row("1 GiB printed by a durable command, on disk", speed(durableTook), speed(least), ratio(least, durableTook), 0, atLeast)
}

// ended polls alsbot until a run has ended.
func (h *house) ended(id string) (state string) {
	h.b.Helper()
	for until := time.Now().Add(patience); ; {
		var r struct {
			State string
			Ended time.Time
		}
		h.get("/runs/"+id, &r)
		if !r.Ended.IsZero() {
			return r.State
		}
		if time.Now().After(until) {
			h.b.Fatalf("run %s has not ended: %s\n%s", id, r.State, h.log.String())
		}
		time.Sleep(20 * time.Millisecond)
	}
}
