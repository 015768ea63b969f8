package bench_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"alsbot/sim/scene"
)

const secret = "scene-signing-secret"

// slacker sends slash commands as Slack does in HTTP mode.
type slacker struct {
	client  *http.Client
	url     string
	respond string
	n       atomic.Int64
}

func newSlacker(addr, respond string) *slacker {
	return &slacker{url: "http://" + addr + "/slack/commands", respond: respond, client: &http.Client{
		Transport: &http.Transport{MaxIdleConnsPerHost: 256}, Timeout: patience,
	}}
}

// send sends one command and returns the time to its acknowledgement.
func (s *slacker) send(text string) (time.Duration, error) {
	body := []byte(url.Values{
		"token": {"simulated"}, "team_id": {"T0SIM"}, "team_domain": {"simulated"}, "channel_id": {scene.Prod}, "channel_name": {"prod"},
		"user_id": {scene.Ann}, "user_name": {"ann"}, "command": {"/als"}, "text": {text}, "api_app_id": {"A0SIMULATED"},
		"is_enterprise_install": {"false"}, "trigger_id": {fmt.Sprintf("%d.bench", s.n.Add(1))}, "response_url": {s.respond},
	}.Encode())
	stamp := strconv.FormatInt(time.Now().Unix(), 10)
	mac := hmac.New(sha256.New, []byte(secret))
	_, _ = fmt.Fprintf(mac, "v0:%s:%s", stamp, body)
	req, err := http.NewRequest(http.MethodPost, s.url, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("X-Slack-Request-Timestamp", stamp)
	req.Header.Set("X-Slack-Signature", "v0="+hex.EncodeToString(mac.Sum(nil)))
	began := time.Now()
	resp, err := s.client.Do(req)
	if err != nil {
		return 0, err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	took := time.Since(began)
	if err != nil || resp.StatusCode != http.StatusOK || (!bytes.Contains(answer, []byte("Run `")) && !bytes.Contains(answer, []byte("taken"))) {
		return took, fmt.Errorf("no acknowledgement but %s, %s (%v)", resp.Status, answer, err)
	}
	return took, nil
}

// together sends total commands from n senders and returns the times and how
// many were acknowledged in a second.
func (s *slacker) together(b *testing.B, n, total int, rest time.Duration) (times, float64) {
	b.Helper()
	var left atomic.Int64
	left.Store(int64(total))
	var mu sync.Mutex
	var all times
	began := time.Now()
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				took, err := s.send("version")
				if err != nil {
					left.Store(0)
					b.Error(err)
					return
				}
				mu.Lock()
				all = append(all, took)
				mu.Unlock()
				if rest > 0 {
					time.Sleep(rest)
				}
			}
		})
	}
	wg.Wait()
	if b.Failed() {
		b.FailNow()
	}
	return all, float64(total) / time.Since(began).Seconds()
}

// deaf starts alsbot in HTTP mode before a cluster that does not answer: what
// is measured is the acknowledgement, not the work behind it.
func deaf(b *testing.B, f *figures) (*house, *slacker) {
	b.Helper()
	h := furnish(b, f.bin, "http", nil)
	must(b, h.scene.Cluster.Fault("hang", "accept"))
	h.start()
	return h, newSlacker(h.slack, h.scene.Workspace.URL()+"/commands/none")
}

// acknowledgement: from the signed request to its answer, with the command on
// disk. Both sides take turns, so that a busy moment hits both.
func acknowledgement(b *testing.B, f *figures) {
	bare := newSlacker(limitServer(b, "update"), "none")
	rows := newSlacker(limitServer(b, "rows"), "none")
	grouped := newSlacker(limitServer(b, "group"), "none")
	for _, n := range []int{1, 16, 64} {
		_, ours := deaf(b, f)
		var mine, theirs, same, least times
		var rate, rateUpdate, rateGroup rates
		for range 5 {
			total, rest := 20*n, time.Duration(0)
			if n == 1 {
				total, rest = 100, 2*time.Millisecond // people pause, and what follows a command takes its turn
			}
			t, r := ours.together(b, n, total, rest)
			mine, rate = append(mine, t...), append(rate, r)
			t, r = bare.together(b, n, total, rest)
			theirs, rateUpdate = append(theirs, t...), append(rateUpdate, r)
			t, _ = rows.together(b, n, total, rest)
			same = append(same, t...)
			t, r = grouped.together(b, n, total, rest)
			least, rateGroup = append(least, t...), append(rateGroup, r)
		}
		what := fmt.Sprintf("acknowledged and on disk, %d at once", n)
		if n == 1 {
			f.row(what+": median", show(mine.median()), show(theirs.median()), ratio(mine.median(), theirs.median()), 1.2, atMost)
			f.row(what+": median, beside the same rows", show(mine.median()), show(same.median()), ratio(mine.median(), same.median()), 1.2, atMost)
			continue
		}
		f.row(what+": rate, beside one commit each", persec(rate), persec(rateUpdate), rate.median()/rateUpdate.median(), 0.5, atLeast)
		f.row(what+": rate, beside commits in groups", persec(rate), persec(rateGroup), rate.median()/rateGroup.median(), 0, atLeast)
		f.row(what+": p99, beside commits in groups", show(mine.at(0.99)), show(least.at(0.99)), ratio(mine.at(0.99), least.at(0.99)), 0, atMost)
	}
}

// burst: 10,000 commands at 500 in a second.
func burst(b *testing.B, f *figures) {
	h, s := deaf(b, f)
	const total, rate = 10_000, 500
	all := make(times, total)
	tick := time.NewTicker(time.Second / rate)
	defer tick.Stop()
	var wg sync.WaitGroup
	for i := range total {
		if b.Failed() {
			break
		}
		<-tick.C
		due := time.Now()
		wg.Go(func() {
			if _, err := s.send("version"); err != nil {
				b.Error(err)
			}
			all[i] = time.Since(due)
		})
	}
	wg.Wait()
	if b.Failed() {
		b.FailNow()
	}
	_, peak := memory(b, h.cmd)
	f.row("burst of 10,000 at 500/s: p99", show(all.at(0.99)), "1 s", all.at(0.99).Seconds(), 1, atMost)
	f.row("burst of 10,000 at 500/s: memory", fmt.Sprintf("%d MiB", peak/mib), "300 MiB", float64(peak)/(300*mib), 1, atMost)
}

type rates []float64

func (r rates) median() float64 {
	t := make(times, len(r))
	for i, v := range r {
		t[i] = time.Duration(v * 1e3)
	}
	return float64(t.median()) / 1e3
}

func persec(r rates) string { return fmt.Sprintf("%.0f/s", r.median()) }
