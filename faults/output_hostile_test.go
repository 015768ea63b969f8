package faults

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"alsbot/runs"
	"alsbot/sim/workspace"
)

const ownSecret = "xoxb-faults" // of the testbed's config

// corpus returns what a hostile node prints. Nothing in forbidden may be shown,
// and nothing in markup may stand where Slack reads markup.
func corpus() (pieces, forbidden, markup []string) {
	pieces = []string{
		"a token " + ownSecret + " here\n",
		"in base64 " + base64.StdEncoding.EncodeToString([]byte("user:"+ownSecret)) + "\n",
		"in a URL http://h/?t=" + url.QueryEscape(ownSecret) + "&x=1\n",
		"in hex " + hex.EncodeToString([]byte(ownSecret)) + "\n",
		"password=hunter2hunter2\n",
		"postgres://u:s3cr3tpw@db/x\n",
		"\x1b[31mred\x1b[0m \x1b]0;title\x07 \x1b[2J\n",
		"NUL \x00 and BEL \x07 and BS \x08\n",
		"no UTF-8 \xff\xfe\xc3( \xed\xa0\x80\n",
		"<!channel> <@U0BOB> <http://evil|good>\n",
		"turned \u202e round \u2066 x\n",
	}
	forbidden = []string{
		ownSecret, hex.EncodeToString([]byte(ownSecret)), "hunter2", "s3cr3tpw", base64.StdEncoding.EncodeToString([]byte("user:" + ownSecret)),
		"\x1b", "\x00", "\x07", "\x08", "\u202e", "\u2066",
	}
	return pieces, forbidden, []string{"<!channel>", "<@U0BOB>", "<http://evil"}
}

// hostile prints each piece in two parts, cut at every byte. A trial is a run:
// the store has every byte of it, and what people see is harmless.
func hostile(t *testing.T, r *report) {
	const side = 8
	h := newTestbed(t, options{clusters: side})
	jobsDir, taken := h.installParts()
	pieces, forbidden, markup := corpus()
	step := max(1, 40/r.n) // the short profile cuts at some bytes
	n := 0
	for _, p := range pieces {
		for cut := 1; cut < len(p); cut += step {
			dir := filepath.Join(jobsDir, fmt.Sprint(n))
			must(t, os.Mkdir(dir, 0o700))
			must(t, os.WriteFile(filepath.Join(dir, "a"), []byte(p[:cut]), 0o600))
			must(t, os.WriteFile(filepath.Join(dir, "b"), []byte(p[cut:]), 0o600))
			n++
		}
	}
	h.start()
	for done := 0; done < n; done += side {
		var ids []string
		for i := range min(side, n-done) {
			id, err := h.tryAsk(i)
			if err != nil {
				r.trial(err)
				continue
			}
			ids = append(ids, id)
		}
		for _, id := range ids {
			r.trial(h.keptAsPrinted(id, taken))
		}
	}
	r.trial(h.harmless(side, forbidden, markup))
	left, err := os.ReadDir(jobsDir)
	if err != nil || len(left) > 0 {
		t.Errorf("%d of %d were not printed, %v", len(left), n, err)
	}
}

// installParts makes `kato patch update` print one of the prepared outputs.
func (h *testbed) installParts() (jobsDir, taken string) {
	h.t.Helper()
	jobsDir, taken = filepath.Join(h.dir, "parts"), filepath.Join(h.dir, "taken")
	must(h.t, os.Mkdir(jobsDir, 0o700))
	must(h.t, os.Mkdir(taken, 0o700))
	kato := filepath.Join(h.nodes.Home(h.nodes.Core), "bin", "kato")
	script := `#!/bin/sh
[ "$*" = 'patch update' ] || exec ` + kato + `.sim "$@"
run=$(readlink /proc/$$/fd/1)
run=${run%/out}
run=` + taken + `/${run##*/}
for part in ` + jobsDir + `/*; do mv "$part" "$run" 2>/dev/null && break; done
cat "$run/a"
sleep 0.3
cat "$run/b"
exit 3 # what a failed run printed is shown
`
	must(h.t, os.WriteFile(kato, []byte(script), 0o755))
	return jobsDir, taken
}

// keptAsPrinted returns an error unless every byte of a run's output is in the
// store.
func (h *testbed) keptAsPrinted(id, taken string) error {
	r, err := h.end(id)
	if err != nil {
		return err
	}
	if len(r.Steps) != 1 || r.State != runs.Succeeded && r.State != runs.Failed {
		return fmt.Errorf("run %s is %s: %s", id, r.State, r.Trouble)
	}
	a, errA := os.ReadFile(filepath.Join(taken, r.Steps[0].ID, "a"))
	b, errB := os.ReadFile(filepath.Join(taken, r.Steps[0].ID, "b"))
	got, err := h.get("/runs/" + id + "/output")
	if errA != nil || errB != nil || err != nil || string(got) != string(a)+string(b) {
		return fmt.Errorf("run %s: %q is kept, %q was printed: %w", id, got, string(a)+string(b), err)
	}
	return errors.Join(h.checkShownOnce(r), h.outputShown(r))
}

// outputShown waits until the thread of a run's message has its output.
func (h *testbed) outputShown(r runs.Run) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	ch := r.Origin.Channel
	err := h.slack.Wait(ctx, func() bool {
		return slices.ContainsFunc(h.slack.Messages(ch), func(m workspace.Message) bool {
			return m.Thread == "" && strings.Contains(m.Text(), r.ID) && len(h.slack.Thread(ch, m.TS)) > 0
		})
	})
	if err != nil {
		err = fmt.Errorf("the output of run %s is not shown:\n%s", r.ID, h.slack.Transcript(ch))
	}
	return err
}

// harmless returns an error if people can see anything forbidden, or if a
// secret was ever sent.
func (h *testbed) harmless(side int, forbidden, markup []string) error {
	seen := false
	for i := range side {
		for _, m := range h.slack.Messages(channelOf(i)) {
			all := append(h.slack.Thread(channelOf(i), m.TS), m)
			for _, m := range all {
				text := m.Fallback + "\n" + m.Text()
				for _, f := range m.Files {
					text += "\n" + string(f.Content)
				}
				seen = seen || strings.Contains(text, "a token ")
				for _, no := range forbidden {
					if strings.Contains(text, no) {
						return fmt.Errorf("%q is shown:\n%q", no, text)
					}
				}
				var blocks any
				_ = json.Unmarshal(m.Blocks, &blocks) // there may be none
				text = m.Fallback + "\n" + readAsMarkup(blocks)
				for _, no := range markup {
					if strings.Contains(text, no) {
						return fmt.Errorf("%q works in:\n%q", no, text)
					}
				}
			}
		}
	}
	if !seen {
		return fmt.Errorf("nothing of the output is shown, this proves nothing:\n%s", h.slack.Transcript(channelOf(0)))
	}
	for _, c := range h.slack.Record() {
		for name, value := range c.Params {
			for _, no := range forbidden[:5] {
				if strings.Contains(value, no) {
					return fmt.Errorf("%q was sent to %s as %s: %s", no, c.Method, name, value)
				}
			}
		}
	}
	return nil
}

// readAsMarkup returns all text in blocks that Slack reads as markup.
func readAsMarkup(v any) string {
	var b strings.Builder
	switch v := v.(type) {
	case []any:
		for _, one := range v {
			b.WriteString(readAsMarkup(one))
		}
	case map[string]any:
		if text, ok := v["text"].(string); ok && v["type"] == "mrkdwn" {
			return text + "\n"
		}
		for _, one := range v {
			b.WriteString(readAsMarkup(one))
		}
	}
	return b.String()
}
