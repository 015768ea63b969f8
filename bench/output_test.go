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

// output: 1 GiB from a node into the store, beside a bare session that throws
// it away and one that writes it to a file.
func output(b *testing.B, f *figures) {
	h := furnish(b, f.bin, "socket", standIn(b, prints))
	h.start()
	before, _ := memory(b, h.cmd)
	forget(b, h.cmd)
	began := time.Now()
	id := h.ask(scene.Prod, "version")
	h.ended(id)
	took := time.Since(began)
	_, peak := memory(b, h.cmd)

	session, err := bareSSH(b, h.scene.Cluster).NewSession()
	must(b, err)
	pipe, err := session.StdoutPipe()
	must(b, err)
	began = time.Now()
	must(b, session.Start(prints))
	n, err := io.Copy(io.Discard, pipe)
	must(b, err)
	least := time.Since(began)
	if n != gib {
		b.Fatal("the node printed", n)
	}
	f.row("1 GiB of output: memory growth", fmt.Sprintf("%d MiB", (peak-before)/mib), "64 MiB", float64(peak-before)/(64*mib), 1, atMost)
	speed := func(d time.Duration) string { return fmt.Sprintf("%.0f MB/s", gib/1e6/d.Seconds()) }
	f.row("1 GiB of output on disk, beside bare SSH into nothing", speed(took), speed(least), ratio(least, took), 0, atLeast)
}

// ended waits until a run has ended, by asking alsbot.
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
