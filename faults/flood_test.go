package faults

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"alsbot/sim/workspace"
)

const (
	floodRate   = 500 // commands a second
	floodUsers  = 50
	floodChange = 50 // every fiftieth command changes a cluster
	floodSide   = 8
)

// flood types commands as fast as Slack delivers them at worst. Every fiftieth
// requests a change. Of the fifty people ten are operators, and exactly their
// requests are accepted. A trial is a command.
func flood(t *testing.T, r *report) {
	health := freeAddr(t)
	var people []workspace.User
	for i := range floodUsers {
		people = append(people, workspace.User{ID: floodUser(i), Name: fmt.Sprintf("flood%02d", i)})
	}
	h := newTestbed(t, options{clusters: floodSide, http: true, people: people, oracle: oracle{Min: 20 * time.Millisecond, Max: 100 * time.Millisecond, Bytes: 1 << 10},
		change: func(yaml string) string {
			return strings.Replace(yaml, `admin: {listen: "127.0.0.1:0"`, `admin: {listen: "`+health+`"`, 1)
		}})
	var operators []string
	for i := range floodUsers / 5 {
		operators = append(operators, floodUser(i*5))
	}
	must(t, h.slack.SetGroupMembers("S0OPS", operators...))
	h.start()
	f := &floodgate{h: h, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256}, Timeout: patience}}
	must(t, f.send(0).err) // looks rights up once
	over := make(chan struct{})
	var watch sync.WaitGroup
	var slowest time.Duration
	watch.Go(func() { slowest = f.watch(health, over) })
	answers := f.open(r.n)
	close(over)
	watch.Wait()
	var took []time.Duration
	var accepted []string
	busy := 0
	for _, a := range answers {
		took = append(took, a.took)
		if a.busy {
			busy++
		}
		if a.run != "" {
			accepted = append(accepted, a.run)
		}
		r.trial(a.err)
	}
	for _, id := range accepted {
		if err := h.verify(id); err != nil {
			r.trial(err)
		}
	}
	n, err := h.oracle.begun()
	if err == nil && n != len(accepted)+1 {
		err = fmt.Errorf("%d changes were accepted and %d begun", len(accepted)+1, n)
	}
	if err != nil {
		r.trial(err)
	}
	memory := resident(h.bot.Process.Pid) >> 10
	r.atMost("answered p99", percentile(took, 99), time.Second)
	r.atMost("/healthz at most", slowest, 100*time.Millisecond)
	r.figure("%d changes accepted, %d commands told to come back, %d MiB resident", len(accepted), busy, memory)
	if memory > 300 {
		t.Errorf("%d MiB resident", memory)
	}
}

func floodUser(i int) string { return fmt.Sprintf("U0FLOOD%02d", i%floodUsers) }

type floodgate struct {
	h      *testbed
	client *http.Client
}

// floodResult is the result of one command.
type floodResult struct {
	took time.Duration
	run  string // accepted
	busy bool
	err  error
}

// open sends n commands at the rate, whatever happens to the earlier ones.
func (f *floodgate) open(n int) []floodResult {
	all := make([]floodResult, n)
	var wg sync.WaitGroup
	began := time.Now()
	for i := range n {
		time.Sleep(time.Until(began.Add(time.Duration(i) * time.Second / floodRate)))
		wg.Go(func() { all[i] = f.send(i + 1) })
	}
	wg.Wait()
	return all
}

// send types the i-th command and judges its answer.
func (f *floodgate) send(i int) (g floodResult) {
	user := floodUser(i / floodChange)
	text := []string{"runs", "help", "clusters", "whoami"}[i%4]
	change := i%floodChange == 0
	if change {
		text = fmt.Sprintf("patch update @c%d", i/floodChange%floodSide)
	}
	answer, took, err := f.post(fmt.Sprintf("%d.flood", i), user, text)
	g = floodResult{took: took, err: err, busy: strings.Contains(answer, "more to do than it can take")}
	if g.err != nil || g.busy {
		return g
	}
	g.run, err = runIn(answer)
	operator := i/floodChange%5 == 0
	switch {
	case change && operator:
		g.err = err
	case g.run != "":
		g.err = fmt.Errorf("%q of %s made run %s", text, user, g.run)
	case change && !strings.Contains(answer, "operator role"):
		g.err = fmt.Errorf("%q of %s is answered %q", text, user, answer)
	case answer == "":
		g.err = fmt.Errorf("%q is not answered", text)
	}
	return g
}

// post sends a command as Slack does, signed.
func (f *floodgate) post(trigger, user, text string) (answer string, took time.Duration, err error) {
	body := []byte(url.Values{
		"team_id": {"T0SIM"}, "channel_id": {channelOf(0)}, "user_id": {user}, "command": {"/als"}, "text": {text},
		"trigger_id": {trigger}, "response_url": {f.h.slack.URL() + "/commands/none"},
	}.Encode())
	stamp := strconv.FormatInt(time.Now().Unix(), 10)
	mac := hmac.New(sha256.New, []byte("faults-signing-secret"))
	_, _ = fmt.Fprintf(mac, "v0:%s:%s", stamp, body)
	req, err := http.NewRequest(http.MethodPost, "http://"+f.h.listen+"/slack/commands", bytes.NewReader(body))
	if err != nil {
		return "", 0, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("X-Slack-Request-Timestamp", stamp)
	req.Header.Set("X-Slack-Signature", "v0="+hex.EncodeToString(mac.Sum(nil)))
	began := time.Now()
	resp, err := f.client.Do(req)
	if err != nil {
		return "", time.Since(began), err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	took = time.Since(began)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = errors.New(resp.Status)
	}
	return string(b), took, err
}

// watch asks for the bot's health until over is closed, and returns the slowest
// answer's time.
func (f *floodgate) watch(addr string, over chan struct{}) (slowest time.Duration) {
	for {
		select {
		case <-over:
			return slowest
		case <-time.After(50 * time.Millisecond):
		}
		began := time.Now()
		resp, err := f.client.Get("http://" + addr + "/healthz")
		if err != nil || resp.StatusCode != http.StatusOK {
			f.h.t.Errorf("/healthz: %v %v", resp, err)
			return patience
		}
		_ = resp.Body.Close()
		slowest = max(slowest, time.Since(began))
	}
}
