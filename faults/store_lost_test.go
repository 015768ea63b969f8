package faults

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"alsbot/runs"
)

// harms are what happens to a store's file under the running bot. older is a
// copy from before the last run.
var harms = []struct {
	name string
	do   func(store, older string) error
}{
	{"removed", func(store, _ string) error { return os.Remove(store) }},
	{"moved away", func(store, _ string) error { return os.Rename(store, store+".moved") }},
	{"replaced by an older one", func(store, older string) error {
		return errors.Join(exec.Command("cp", older, store+".copy").Run(), os.Rename(store+".copy", store))
	}},
	{"an older one copied over it", func(store, older string) error { return exec.Command("cp", older, store).Run() }},
	{"cut to nothing", func(store, _ string) error { return os.Truncate(store, 0) }},
	{"cut in the middle", func(store, _ string) error { return os.Truncate(store, 3*4096) }},
	{"filled with noise", func(store, _ string) error {
		return exec.Command("dd", "if=/dev/urandom", "of="+store, "bs=4096", "count=8", "conv=notrunc").Run()
	}},
}

// lostWords are in the log once for each lost store.
const lostWords = "the store is not the one that was opened"

// lostStore takes the store's file away from the running bot. A trial is one
// such harm: the next command is refused in words, the bot is not ready and
// stays up, and no later start takes an older store for the present one.
func lostStore(t *testing.T, r *report) {
	h := newTestbed(t, options{})
	var slowest time.Duration
	for i := range r.n {
		harm := harms[i%len(harms)]
		h.start()
		must(t, h.keep("older"))
		must(t, h.verify(h.ask(0)))
		must(t, h.keep("present"))
		must(t, h.headIsKept())
		took, err := h.harmed(harm.do, i%2 == 1)
		slowest = max(slowest, took)
		_, _ = h.stop() // its status says that something is wrong
		err = errors.Join(err, h.olderIsRefused())
		if err != nil {
			err = fmt.Errorf("%s: %w", harm.name, err)
		}
		r.trial(err)
		must(t, exec.Command("cp", h.dir+"/present", h.store()).Run())
	}
	h.start() // what was right is taken at once
	r.trial(h.verify(h.ask(0)))
	r.atMost("noticed without a command within", slowest, 5*time.Second)
	if log := h.lastLog(64 << 20); strings.Contains(log, "goroutine ") || strings.Contains(log, "panic") {
		t.Error("there is a stack trace in the log")
	}
}

// keep takes a snapshot into a file beside the store.
func (h *testbed) keep(name string) error {
	b, err := h.get("/snapshot")
	if err != nil {
		return err
	}
	return os.WriteFile(h.dir+"/"+name, b, 0o600)
}

// headIsKept waits until the file beside the store names the newest entry of the
// audit log: it may lag by a second.
func (h *testbed) headIsKept() error {
	for began := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		b, err := h.get("/audit")
		if err != nil {
			return err
		}
		var found runs.Verified
		if err := json.Unmarshal(b, &found); err != nil {
			return err
		}
		kept, err := os.ReadFile(h.store() + ".head")
		if strings.TrimSpace(string(kept)) == found.Head.String() {
			return err
		}
		if time.Since(began) > allowed(5*time.Second) {
			return fmt.Errorf("the head beside the store is %s, the log's is %s", kept, found.Head)
		}
	}
}

// harmed does a harm and returns how long it was until the log said so. A
// command that is typed, at once or later, must be refused, and nothing begin.
func (h *testbed) harmed(do func(store, older string) error, later bool) (took time.Duration, err error) {
	begun, err := h.oracle.begun()
	if err != nil {
		return 0, err
	}
	said := strings.Count(h.lastLog(64<<20), lostWords)
	if err := do(h.store(), h.dir+"/older"); err != nil {
		return 0, err
	}
	notice := func() error {
		for began := time.Now(); strings.Count(h.lastLog(64<<20), lostWords) == said; time.Sleep(10 * time.Millisecond) {
			if took = time.Since(began); took > allowed(20*time.Second) {
				return errors.New("the log does not say what became of the store")
			}
		}
		return nil
	}
	acts := []func() error{h.isRefused, notice}
	if later {
		slices.Reverse(acts)
	}
	for _, act := range acts {
		if err := act(); err != nil {
			return took, err
		}
	}
	if !h.running() {
		return took, errors.New("the bot has ended")
	}
	if now, err := h.oracle.begun(); err != nil || now != begun {
		return took, fmt.Errorf("%d commands began, %w", now-begun, err)
	}
	return took, nil
}

// isRefused types a command, which must be refused because of the store.
func (h *testbed) isRefused() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	ack, err := h.slack.Say(ctx, ann, channelOf(0), "/als patch update @c0")
	if err != nil {
		return err
	}
	if id, no := runIn(ack.Text); no == nil {
		return fmt.Errorf("run %s was accepted", id)
	}
	if !strings.Contains(ack.Text, "store") {
		return fmt.Errorf("the command is answered %q", ack.Text)
	}
	return nil
}

// olderIsRefused starts alsbot on the older copy, which lacks what it has told.
func (h *testbed) olderIsRefused() error {
	if err := exec.Command("cp", h.dir+"/older", h.store()).Run(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), allowed(15*time.Second))
	defer cancel()
	bot := exec.CommandContext(ctx, h.opts.binary, "serve", "--config", h.config)
	bot.Env = environ()
	bot.WaitDelay = time.Second
	out, err := bot.CombinedOutput()
	var ended *exec.ExitError
	if !errors.As(err, &ended) || ended.ExitCode() != 4 || !strings.Contains(string(out), "--accept-restored") {
		return fmt.Errorf("an older store: %v: %s", err, out)
	}
	return nil
}
