package faults

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"alsbot/runs"
	"alsbot/store"
)

// botDisk fills the bot's own disk while runs go on, twice: the first time the
// ballast gives way, the second time nothing is left. The disk is a small one
// in a mount namespace of the bot's own. A trial is a run.
func botDisk(t *testing.T, r *report) {
	if os.Getuid() != 0 {
		t.Skip("a disk of the bot's own needs root")
	}
	const side = 4
	disk := tempDir(t)
	wrapper := filepath.Join(tempDir(t), "alsbot")
	must(t, os.WriteFile(wrapper, []byte("#!/bin/sh\nexec unshare -m /bin/sh -c 'mount -t tmpfs -o size=100m disk "+disk+
		" && exec "+buildBot(t)+" \"$@\"' sh \"$@\"\n"), 0o755))
	h := newTestbed(t, options{
		clusters: side, binary: wrapper, oracle: oracle{Min: 2 * time.Second, Max: 3 * time.Second, Bytes: 512 << 10},
		change: func(yaml string) string {
			at := strings.Index(yaml, "store: {path: ") + len("store: {path: ")
			return yaml[:at] + disk + "/alsbot.db" + yaml[at+strings.Index(yaml[at:], "}"):]
		},
	})
	h.start()
	inside := fmt.Sprintf("/proc/%d/root%s", h.bot.Process.Pid, disk)
	var slowest, again time.Duration
	for range r.n {
		ids := h.askAll(r, side)
		for range 2 {
			r.trial(fill(inside))
			more, took, err := h.refused(side)
			ids = append(ids, more...)
			slowest = max(slowest, took)
			r.trial(err)
		}
		time.Sleep(3 * time.Second) // there is no room to store their ends
		must(t, empty(inside))
		for _, id := range ids {
			r.trial(h.verify(id))
		}
		r.trial(h.soundSnapshot())
		began := time.Now()
		r.trial(h.takesAgain())
		again = max(again, time.Since(began))
	}
	r.atMost("refused within", slowest, time.Second)
	r.atMost("commands are taken again, after there is room, within", again, 20*time.Second)
}

// askAll requests a run in each cluster.
func (h *testbed) askAll(r *report, side int) (ids []string) {
	for i := range side {
		id, err := h.tryAsk(i)
		if err != nil {
			r.trial(err)
			continue
		}
		ids = append(ids, id)
	}
	return ids
}

// refused requests runs until one is refused because there is no room. It
// returns the runs accepted before, and how long the refusal took.
func (h *testbed) refused(side int) (ids []string, took time.Duration, err error) {
	answer := ""
	for i := range 200 {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		began := time.Now()
		ack, err := h.slack.Say(ctx, ann, channelOf(i%side), fmt.Sprintf("/als patch update @c%d", i%side))
		cancel()
		if err != nil {
			return ids, 0, err
		}
		id, no := runIn(ack.Text)
		if no == nil {
			ids = append(ids, id)
			continue
		}
		if took, answer = time.Since(began), ack.Text; strings.Contains(answer, "room") {
			return ids, took, nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return ids, took, fmt.Errorf("commands are not refused for want of room; the last answer was %q", answer)
}

// takesAgain returns an error unless a command is accepted within two minutes.
func (h *testbed) takesAgain() error {
	var last error
	for until := time.Now().Add(2 * time.Minute); time.Now().Before(until); time.Sleep(time.Second) {
		id, err := h.tryAsk(0)
		if err == nil {
			return h.verify(id)
		}
		last = err
	}
	return fmt.Errorf("there is room again, and still: %w", last)
}

// soundSnapshot returns an error unless every page of a snapshot of the store
// is sound.
func (h *testbed) soundSnapshot() error {
	b, err := h.get("/snapshot")
	if err != nil {
		return err
	}
	path := filepath.Join(tempDir(h.t), "snapshot.db")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		return err
	}
	st, err := store.OpenBolt(path, store.Ballast(0), store.Migrations(runs.Migrations()...))
	if err != nil {
		return err
	}
	return st.Close()
}
