package jobs_test

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"alsbot/als"
	"alsbot/config"
	"alsbot/runs"
	"alsbot/store"
	"alsbot/upkeep/enginetest"
)

// A run that is kept by one and the same trouble is tried every few seconds,
// and the log says so once.
func TestWhatKeepsARunIsLoggedOnce(t *testing.T) {
	t.Parallel()
	log := &enginetest.Log{}
	cfg := &config.Config{Clusters: []config.Cluster{{Name: "prod", Core: "127.0.0.1:1", User: "helion", RunsDir: ".alsbot/runs", IdentityFile: "no such key", KnownHosts: "no such file"}}}
	step := runs.StepRecord{ID: "r1-1", Blob: "r1-1", Sent: true, Step: als.Step{Name: "one", Node: als.Core, Argv: []string{"kato"}}}
	enginetest.Simulated(t, cfg, slog.New(slog.NewTextHandler(log, nil)), func(tx store.Tx) error {
		step.Started = time.Now()
		r := runs.Run{ID: "r1", State: runs.Running, Effect: als.Change, Started: step.Started, Plan: &als.Plan{}, Cluster: als.Cluster{Name: "prod"},
			Request: als.Request{Operation: "export cluster", Cluster: "prod"}, Steps: []runs.StepRecord{step}}
		return errors.Join(enginetest.Records.Put(tx, "r1", r), store.Bucket[runs.State]{Name: "runs.active"}.Put(tx, "r1", runs.Running))
	}, func(h *enginetest.Rig) {
		time.Sleep(10 * time.Minute)
		if r, _, err := h.Ledger.Load(t.Context(), "r1"); err != nil || !strings.Contains(r.Remark, "no such key") {
			t.Errorf("%v; %s: %q %s", err, r.State, r.Remark, r.Trouble)
		}
	})
	if said := log.Lines("ERROR"); len(said) != 1 {
		t.Errorf("%d lines in ten minutes, e.g. %q", len(said), said[:min(len(said), 3)])
	}
}
