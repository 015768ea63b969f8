package faults

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// damagedStore starts alsbot on damaged copies of a store. A trial is a copy.
func damagedStore(t *testing.T, r *report) {
	h := newTestbed(t, options{})
	h.start()
	must(t, h.verify(h.ask(0)))
	h.kill()
	must(t, h.age(1000))
	raw, err := os.ReadFile(h.store())
	must(t, err)
	// The file grows in advance; damage to unused pages proves little.
	raw = raw[:(len(bytes.TrimRight(raw, "\x00"))+4095)/4096*4096]

	seeds := make(chan int)
	var wg sync.WaitGroup
	var mu sync.Mutex
	refused, longest := 0, time.Duration(0)
	for range 4 {
		lane := newDamageLane(h)
		wg.Go(func() {
			for seed := range seeds {
				what, bad := spoil(raw, rand.New(rand.NewPCG(uint64(seed), 18)))
				began := time.Now()
				no, err := lane.try(bad, raw)
				if err != nil {
					err = fmt.Errorf("copy %d (%s): %w", seed, what, err)
				}
				r.trial(err)
				mu.Lock()
				longest = max(longest, time.Since(began))
				if no {
					refused++
				}
				mu.Unlock()
			}
		})
	}
	for seed := range r.n {
		seeds <- seed
	}
	close(seeds)
	wg.Wait()
	r.figure("%d refused, the others sound enough to work with", refused)
	r.atMost("each at most", longest, 15*time.Second) // checking a small file may take 10
	if refused < r.n/3 {
		t.Errorf("only %d of %d were refused: this proves little", refused, r.n)
	}
}

// spoil damages a copy as disks, copies and people do.
func spoil(raw []byte, r *rand.Rand) (string, []byte) {
	const page = 4096
	b := bytes.Clone(raw)
	p := r.IntN(len(b)/page) * page
	switch r.IntN(5) {
	case 0:
		for range 1 + r.IntN(8) {
			b[r.IntN(len(b))] ^= 1 << r.IntN(8)
		}
		return "bits", b
	case 1: // where the structure is
		b[p+r.IntN(64)] ^= 1 << r.IntN(8)
		return "head of a page", b
	case 2:
		clear(b[p : p+page])
		return "zeroed page", b
	case 3:
		return "cut", b[:r.IntN(len(b))]
	}
	q := r.IntN(len(b)/page) * page
	copy(b[p:p+page], raw[q:q+page])
	copy(b[q:q+page], raw[p:p+page])
	return "swapped pages", b
}

// damageLane is a directory with a config for a bot of its own.
type damageLane struct {
	h                     *testbed
	config, store, socket string
}

func newDamageLane(h *testbed) *damageLane {
	h.t.Helper()
	dir := tempDir(h.t)
	l := &damageLane{h: h, config: filepath.Join(dir, "config.yaml"), store: filepath.Join(dir, "it's alsbot.db"), socket: filepath.Join(dir, "alsbot.sock")}
	yaml := strings.NewReplacer(h.store(), `"`+l.store+`"`, h.socket(), l.socket).Replace(h.yaml())
	must(h.t, os.WriteFile(l.config, []byte(yaml), 0o600))
	return l
}

// try starts alsbot on a damaged copy. It either refuses the copy in words,
// with status 4, and leaves it unchanged, or it works. The test then types the
// command that alsbot shows, which must help.
func (l *damageLane) try(bad, sound []byte) (refused bool, err error) {
	if err := os.WriteFile(l.store, bad, 0o600); err != nil {
		return false, err
	}
	_ = os.Remove(l.store + ".head") // of the copy before
	status, said, err := l.serve()
	if err != nil {
		return false, err
	}
	for _, sign := range []string{"panic:", "goroutine ", "fatal error", "SIGSEGV", "SIGBUS", "unexpected fault"} {
		if strings.Contains(said, sign) {
			return false, fmt.Errorf("status %d, and the terminal shows\n%s", status, said)
		}
	}
	if status == working {
		return false, nil
	}
	after, err := os.ReadFile(l.store)
	switch {
	case err != nil:
		return true, err
	case status != 4:
		return true, fmt.Errorf("status %d: %s", status, said)
	case !bytes.Equal(after, bad):
		return true, errors.New("the file was changed")
	}
	return true, l.restore(said, sound)
}

var restoreCommand = regexp.MustCompile(`(?m)^\s*(cp SNAPSHOT .* && mv .*)$`)

// restore types what the message says.
func (l *damageLane) restore(said string, sound []byte) error {
	m := restoreCommand.FindStringSubmatch(said)
	if m == nil {
		return fmt.Errorf("no command to restore a snapshot in: %s", said)
	}
	snapshot := filepath.Join(filepath.Dir(l.store), "snapshot")
	if err := os.WriteFile(snapshot, sound, 0o600); err != nil {
		return err
	}
	if out, err := exec.Command("sh", "-c", strings.ReplaceAll(m[1], "SNAPSHOT", snapshot)).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", m[1], err, out)
	}
	now, err := os.ReadFile(l.store)
	if err == nil && !bytes.Equal(now, sound) {
		err = fmt.Errorf("%s did not put the snapshot back", m[1])
	}
	return err
}

// working is the status of a bot that has started.
const working = -1

// serve starts the bot and returns its status and its output. If the bot
// answers at its socket, serve kills it and returns working.
func (l *damageLane) serve() (status int, said string, err error) {
	_ = os.Remove(l.socket) // of the last bot, if there was one
	var out bytes.Buffer
	bot := exec.Command(l.h.opts.binary, "serve", "--config", l.config)
	bot.Env, bot.Stdout, bot.Stderr = environ(), &out, &out
	if err := bot.Start(); err != nil {
		return 0, "", err
	}
	gone := make(chan error, 1)
	go func() { gone <- bot.Wait() }()
	for until := time.Now().Add(patience); time.Now().Before(until); {
		select {
		case <-gone:
			return bot.ProcessState.ExitCode(), out.String(), nil
		case <-time.After(5 * time.Millisecond):
		}
		c, err := net.Dial("unix", l.socket)
		if err != nil {
			continue
		}
		_ = c.Close()
		_ = bot.Process.Kill() // it may have ended
		<-gone
		return working, out.String(), nil
	}
	_ = bot.Process.Kill()
	<-gone
	return 0, "", errors.New("it neither works nor ends: " + out.String())
}
