package faults

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"alsbot/sim/workspace"
)

// mixed keeps a bot busy for so many seconds while Slack and the network fail
// all the time, and watches its resources. A trial is a run.
func mixed(t *testing.T, r *report) {
	const side = 4
	var p *proxy
	h := newTestbed(t, options{clusters: side, slackWaits: slackWaits, oracle: oracle{Min: 100 * time.Millisecond, Max: 2 * time.Second, Bytes: 16 << 10},
		core: func(h *testbed, addr string) string {
			p = newProxy(t, addr)
			must(t, trust(h.nodes, p.addr))
			return p.addr
		}})
	h.start()
	must(t, h.verify(h.ask(0)))
	idle, err := h.look()
	must(t, err)
	var looks []look
	var ids []string
	began := time.Now()
	end := began.Add(time.Duration(r.n) * time.Second)
	every := max(200*time.Millisecond, time.Duration(r.n)*time.Second/60)
	next := began
	for i := 0; time.Now().Before(end) || len(looks) < 9; i++ {
		if id, err := h.tryAsk(i % side); err == nil { // Slack may not reach the bot just now
			ids = append(ids, id)
		}
		_ = h.say(i%side, "/als runs") // here neither
		if i%5 == 4 {
			h.mishap(p, rand.IntN(5))
		}
		if time.Now().After(next) {
			l, err := h.look()
			must(t, err)
			looks, next = append(looks, l), time.Now().Add(every)
		}
		time.Sleep(300 * time.Millisecond)
	}
	for _, id := range ids {
		_, err := h.checkRunAndCount(id)
		r.trial(err)
	}
	r.trial(h.checkAudit())
	h.flat(r, looks)
	h.idleAgain(r, idle)
	size, live, err := h.compacted()
	must(t, err)
	r.figure("store %d KiB, compacted %d KiB", size>>10, live>>10)
	if size > 2*live+1<<20 {
		t.Errorf("the store has %d KiB, compacted it has %d KiB", size>>10, live>>10)
	}
}

// mishap causes one of the faults of every day, each over within seconds.
func (h *testbed) mishap(p *proxy, which int) {
	switch which {
	case 0:
		h.slack.CutSockets()
	case 1:
		h.slack.Fail(methodPost, 1, workspace.Status(503))
	case 2:
		h.slack.SetOutage(workspace.Outage503)
		time.Sleep(time.Second)
		h.slack.SetOutage(workspace.OutageOff)
	case 3:
		p.cut()
	case 4:
		h.slack.DuplicateDeliveries(3)
	}
}

// look is what the bot uses at one moment.
type look struct{ memory, files, goroutines int }

var goroutinesNow = regexp.MustCompile(`(?m)^go_goroutines (\d+)$`)

func (h *testbed) look() (l look, err error) {
	pid := h.bot.Process.Pid
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return l, err
	}
	// mapped pages of the store's file are not the bot's own
	_, rest, _ := strings.Cut(string(status), "RssAnon:")
	l.memory, err = strconv.Atoi(strings.Fields(rest + " ?")[0])
	if err != nil {
		return l, err
	}
	open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		return l, err
	}
	l.files = len(open)
	figures, err := h.get("/metrics")
	if err != nil {
		return l, err
	}
	m := goroutinesNow.FindSubmatch(figures)
	if m == nil {
		return l, errors.New("the metrics do not tell of goroutines")
	}
	l.goroutines, err = strconv.Atoi(string(m[1]))
	return l, err
}

// idleAgain compares what an idle bot has open with what it had before the
// load.
func (h *testbed) idleAgain(r *report, before look) {
	const spare = 20 // a socket and a connection more or less
	now := before
	began := time.Now()
	for first := true; first || time.Since(began) < patience && (now.files > before.files+spare || now.goroutines > before.goroutines+spare); first = false {
		time.Sleep(time.Second)
		var err error
		now, err = h.look()
		must(h.t, err)
	}
	r.figure("idle: %d files, before %d; %d goroutines, before %d", now.files, before.files, now.goroutines, before.goroutines)
	if now.files > before.files+spare || now.goroutines > before.goroutines+spare {
		h.t.Errorf("files grew from %d to %d, goroutines from %d to %d", before.files, now.files, before.goroutines, now.goroutines)
	}
}

// flat compares the memory in the last third of the samples with the second:
// the first is for warming up.
func (h *testbed) flat(r *report, looks []look) {
	third := len(looks) / 3
	if third < 3 {
		h.t.Fatalf("the bot was looked at %d times", len(looks))
	}
	middle := func(of func(look) int) (before, after int) {
		return median(looks[third:2*third], of), median(looks[2*third:], of)
	}
	m0, m1 := middle(func(l look) int { return l.memory })
	hours := float64(r.n) / 3 / 3600
	r.figure("%d MiB, before %d", m1>>10, m0>>10)
	// garbage that is not collected yet is no leak
	if grown := float64(m1-m0) / 1024; grown > 16+hours {
		h.t.Errorf("memory grew by %.1f MiB in %.2f h", grown, hours)
	}
}

func median(looks []look, of func(look) int) int {
	var all []int
	for _, l := range looks {
		all = append(all, of(l))
	}
	slices.Sort(all)
	return all[len(all)/2]
}

// compacted returns the size of the store's file, and the size of one with the
// same content and nothing else.
func (h *testbed) compacted() (size, live int64, err error) {
	snapshot, err := h.get("/snapshot")
	if err != nil {
		return 0, 0, err
	}
	dir := tempDir(h.t)
	from, to := filepath.Join(dir, "store"), filepath.Join(dir, "compacted")
	if err := os.WriteFile(from, snapshot, 0o600); err != nil {
		return 0, 0, err
	}
	src, err := bolt.Open(from, 0o600, &bolt.Options{ReadOnly: true})
	if err != nil {
		return 0, 0, err
	}
	dst, err := bolt.Open(to, 0o600, &bolt.Options{NoSync: true})
	if err != nil {
		return 0, 0, errors.Join(err, src.Close())
	}
	if err := errors.Join(bolt.Compact(dst, src, 1<<20), src.Close(), dst.Close()); err != nil {
		return 0, 0, err
	}
	info, err := os.Stat(to)
	if err != nil {
		return 0, 0, err
	}
	return int64(len(snapshot)), info.Size(), nil
}
