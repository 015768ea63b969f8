package jobs_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"alsbot/als"
	"alsbot/config"
	"alsbot/jobs"
	"alsbot/store"
)

// lines is a log that can be read while it is written.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) of(level string) (some []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(l.buf.String()) {
		if strings.Contains(line, "level="+level) {
			some = append(some, line)
		}
	}
	return some
}

// Nodes that are gone for good are tried again every 10 minutes, and the log
// says so once of each.
func TestANodeThatIsGoneIsLoggedOnce(t *testing.T) {
	log := &lines{}
	past(t, &config.Config{}, slog.New(slog.NewTextHandler(log, nil)), func(tx store.Tx) error {
		for i, node := range []string{"10.0.0.1", "10.0.0.1", "10.0.0.2", "10.0.0.2"} {
			r := jobs.Run{ID: fmt.Sprintf("r%d", i), State: jobs.Succeeded, Cluster: als.Cluster{Name: "gone"},
				Steps: []jobs.StepRecord{{ID: fmt.Sprintf("r%d-1", i), Sent: true, Step: als.Step{Name: "one", Node: node}}}}
			if i%2 == 1 {
				r.State, r.Settled = jobs.Lost, &jobs.Decision{}
			}
			if err := recordsOf.Put(tx, r.ID, r); err != nil {
				return err
			}
			if err := tx.Put("leftovers", r.ID, []byte("{}")); err != nil {
				return err
			}
		}
		return nil
	}, func(*jobs.Engine) { time.Sleep(3 * time.Hour) })
	if warned := log.of("WARN"); len(warned) != 2 || !strings.Contains(warned[0], "node=10.0.0.1") || !strings.Contains(warned[1], "node=10.0.0.2") {
		t.Errorf("%d warnings in three hours, e.g. %q", len(warned), warned[:min(len(warned), 5)])
	}
}

// A run that is kept by one and the same trouble is tried every few seconds,
// and the log says so once.
func TestWhatKeepsARunIsLoggedOnce(t *testing.T) {
	log := &lines{}
	cfg := &config.Config{Clusters: []config.Cluster{{Name: "prod", Core: "127.0.0.1:1", User: "helion", RunsDir: ".alsbot/runs", IdentityFile: "no such key", KnownHosts: "no such file"}}}
	step := jobs.StepRecord{ID: "r1-1", Blob: "r1-1", Sent: true, Step: als.Step{Name: "one", Node: als.Core, Argv: []string{"kato"}}}
	past(t, cfg, slog.New(slog.NewTextHandler(log, nil)), func(tx store.Tx) error {
		step.Started = time.Now()
		r := jobs.Run{ID: "r1", State: jobs.Running, Effect: als.Change, Started: step.Started, Plan: &als.Plan{}, Cluster: als.Cluster{Name: "prod"},
			Request: als.Request{Operation: "export cluster", Cluster: "prod"}, Steps: []jobs.StepRecord{step}}
		return errors.Join(recordsOf.Put(tx, "r1", r), store.Bucket[jobs.State]{Name: "runs.active"}.Put(tx, "r1", jobs.Running))
	}, func(e *jobs.Engine) {
		time.Sleep(time.Hour)
		if r, _, err := e.Get(t.Context(), "r1"); err != nil || !strings.Contains(r.Remark, "no such key") {
			t.Errorf("%v; %s: %q %s", err, r.State, r.Remark, r.Trouble)
		}
	})
	if said := log.of("ERROR"); len(said) != 1 {
		t.Errorf("%d lines in an hour, e.g. %q", len(said), said[:min(len(said), 3)])
	}
}
