package faults

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"alsbot/crashpoint"
	"alsbot/runs"
)

// place is a named place at which the bot dies on its nth pass.
type place struct {
	name string
	n    int
}

// places returns all places that a changing run passes: the first commits of
// its life one by one, and everything else at least twice.
func places() []place {
	var all []place
	add := func(times int, names ...string) {
		for _, name := range names {
			for n := range times {
				all = append(all, place{name, n + 1})
			}
		}
	}
	add(10, crashpoint.BeforeCommit, crashpoint.AfterCommit)
	add(2, crashpoint.BeforeBlob, crashpoint.AfterBlob, crashpoint.BeforeSend, crashpoint.AfterSend, crashpoint.AfterReply, crashpoint.MidTail)
	add(1, crashpoint.ExitSeen)
	add(3, crashpoint.BeforePost, crashpoint.AfterPost, crashpoint.AfterAck)
	return all
}

// crashed kills the bot at each named place during a run and starts it again. A
// trial is a run. The test requests it again until it is accepted, like a
// person who gets no answer.
func crashed(t *testing.T, r *report) {
	binary := buildCrashing(t)
	all := places()
	if r.n == 1 { // the short profile takes every third place
		var some []place
		for i := 0; i < len(all); i += 3 {
			some = append(some, all[i])
		}
		all = some
	}
	work := make(chan place)
	var wg sync.WaitGroup
	var mu sync.Mutex
	died, repeats := map[string]int{}, 0
	for range 4 {
		h := newTestbed(t, options{binary: binary, oracle: oracle{Min: 150 * time.Millisecond, Max: 400 * time.Millisecond, Bytes: 8 << 10}})
		wg.Go(func() {
			for p := range work {
				dead, again, err := h.crashAt(p)
				if err != nil {
					err = fmt.Errorf("%s#%d: %w", p.name, p.n, err)
				}
				r.trial(err)
				mu.Lock()
				if dead {
					died[p.name]++
				}
				repeats += again
				mu.Unlock()
			}
		})
	}
	for range r.n {
		for _, p := range all {
			work <- p
		}
	}
	close(work)
	wg.Wait()
	deaths := 0
	for _, p := range all {
		if died[p.name] == 0 {
			t.Errorf("the bot never died at %s", p.name)
		}
	}
	for _, n := range died {
		deaths += n
	}
	r.figure("%d points, %d deaths, %d messages told twice", len(all), deaths, repeats)
}

// crashAt runs one trial. It returns whether the bot died, and how many
// messages of the run there were too many.
func (h *testbed) crashAt(p place) (dead bool, again int, err error) {
	if _, err := h.tryStart(); err != nil {
		return false, 0, err
	}
	h.kill() // the first commits of a new store are not under test
	_, err = h.tryStart(fmt.Sprintf("ALSBOT_CRASH=%s#%d", p.name, p.n))
	id := ""
	if err == nil {
		id, _ = h.tryAsk(0) // the bot may die before it answers
	}
	for until := time.Now().Add(allowed(8 * time.Second)); h.running() && time.Now().Before(until); time.Sleep(10 * time.Millisecond) {
		if id == "" {
			continue
		}
		if r, err := h.run(id); err == nil && r.State.Final() && h.allSent() {
			time.Sleep(200 * time.Millisecond) // for what comes after its last message
			break
		}
	}
	dead = !h.running()
	h.kill()
	if _, err := h.tryStart(); err != nil {
		return dead, 0, err
	}
	defer h.kill()
	if id == "" {
		if id, err = h.accepted(); err != nil {
			return dead, 0, err
		}
	}
	return h.judge(id, p, dead)
}

// allSent reports whether the outbox is empty.
func (h *testbed) allSent() bool {
	figures, err := h.get("/metrics")
	return err == nil && bytes.Contains(figures, []byte("\nalsbot_outbox_rows 0\n"))
}

// accepted returns the run that is on record though no one got an answer or, if
// there is none, a new one.
func (h *testbed) accepted() (string, error) {
	b, err := h.get("/runs?n=1")
	if err != nil {
		return "", err
	}
	var newest []runs.Run
	if err := json.Unmarshal(b, &newest); err != nil {
		return "", err
	}
	if len(newest) == 1 && newest[0].ID != h.newest {
		return newest[0].ID, nil
	}
	return h.tryAsk(0)
}

// judge is verify, but it accepts a second message where the bot died between
// Slack's answer and its own record of it.
func (h *testbed) judge(id string, p place, dead bool) (bool, int, error) {
	h.newest = id
	r, err := h.checkRun(id)
	if err != nil {
		return dead, 0, err
	}
	n, err := h.countMessages(r)
	between := p.name == crashpoint.AfterPost || p.name == crashpoint.BeforeCommit // the commit may be the one that records the message
	if err == nil && n != 1 && (!between || n > 2) {
		err = fmt.Errorf("run %s has %d messages", id, n)
	}
	return dead, n - 1, err
}

// The shipped program can't be told to die.
func TestReleaseHasNoCrashPoints(t *testing.T) {
	marks := []string{"ALSBOT_CRASH", crashpoint.BeforeCommit, crashpoint.AfterReply, "alsbot/crashpoint.Point"}
	shipped, err := os.ReadFile(buildBot(t))
	must(t, err)
	crashing, err := os.ReadFile(buildCrashing(t))
	must(t, err)
	for _, mark := range marks {
		if bytes.Contains(shipped, []byte(mark)) {
			t.Errorf("alsbot as it is shipped knows %s", mark)
		}
		if !bytes.Contains(crashing, []byte(mark)) {
			t.Errorf("alsbot with crash points does not know %s: this test proves nothing", mark)
		}
	}
}
