package faults

import (
	"fmt"
	"net"
	"os"
	"sync"
	"testing"
	"time"
)

// slowReader takes a snapshot at a kilobyte a second while commands go on: a
// reader that holds the database open must neither let it grow nor slow it
// down. A trial is a command.
func slowReader(t *testing.T, r *report) {
	h := newTestbed(t, options{})
	h.start()
	must(t, h.verify(h.ask(0)))
	h.kill()
	must(t, h.age(2000)) // so that there is something to read
	h.start()
	base := h.answers(r)
	before := h.fileSize()
	stop := h.readSlowly()
	with := h.answers(r)
	grown := h.fileSize() - before
	stop()
	r.figure("answered p99 %v, without a reader %v; %d KiB more", percentile(with, 99).Round(time.Millisecond), percentile(base, 99).Round(time.Millisecond), grown>>10)
	if grown > before/10 {
		t.Errorf("the store grew from %d by %d bytes", before, grown)
	}
	if limit := allowed(2*percentile(base, 99) + 50*time.Millisecond); percentile(with, 99) > limit {
		t.Errorf("answered p99 %v, the limit is %v", percentile(with, 99), limit)
	}
}

// answers requests runs one after the other and returns how long the answers
// took, each of which is a commit.
func (h *testbed) answers(r *report) (took []time.Duration) {
	for range r.n {
		began := time.Now()
		id, err := h.tryAsk(0)
		took = append(took, time.Since(began))
		if err == nil {
			_, err = h.end(id)
		}
		r.trial(err)
	}
	return took
}

func (h *testbed) fileSize() int64 {
	info, err := os.Stat(h.store())
	must(h.t, err)
	return info.Size()
}

// readSlowly reads a snapshot at 1 KiB a second, until stop.
func (h *testbed) readSlowly() (stop func()) {
	h.t.Helper()
	c, err := net.Dial("unix", h.socket())
	must(h.t, err)
	_, err = fmt.Fprint(c, "GET /snapshot HTTP/1.1\r\nHost: alsbot\r\n\r\n")
	must(h.t, err)
	buf := make([]byte, 1<<10)
	_, err = c.Read(buf)
	must(h.t, err)
	quit := make(chan struct{})
	var reader sync.WaitGroup
	reader.Go(func() {
		for {
			select {
			case <-quit:
				return
			case <-time.After(time.Second):
				_, _ = c.Read(buf)
			}
		}
	})
	return func() {
		close(quit)
		reader.Wait()
		_ = c.Close()
	}
}
