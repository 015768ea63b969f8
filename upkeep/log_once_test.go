package upkeep_test

import (
	"fmt"
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

// Nodes that are gone for good are tried again every 10 minutes, and the log
// says so once of each.
func TestANodeThatIsGoneIsLoggedOnce(t *testing.T) {
	t.Parallel()
	log := &enginetest.Log{}
	enginetest.Simulated(t, &config.Config{}, slog.New(slog.NewTextHandler(log, nil)), func(tx store.Tx) error {
		for i, node := range []string{"10.0.0.1", "10.0.0.1", "10.0.0.2", "10.0.0.2"} {
			r := runs.Run{ID: fmt.Sprintf("r%d", i), State: runs.Succeeded, Cluster: als.Cluster{Name: "gone"},
				Steps: []runs.StepRecord{{ID: fmt.Sprintf("r%d-1", i), Sent: true, Step: als.Step{Name: "one", Node: node}}}}
			if i%2 == 1 {
				r.State, r.Settled = runs.Lost, &runs.Decision{}
			}
			if err := enginetest.Records.Put(tx, r.ID, r); err != nil {
				return err
			}
			if err := tx.Put("leftovers", r.ID, []byte("{}")); err != nil {
				return err
			}
		}
		return nil
	}, func(*enginetest.Rig) { time.Sleep(3 * time.Hour) })
	if warned := log.Lines("WARN"); len(warned) != 2 || !strings.Contains(warned[0], "node=10.0.0.1") || !strings.Contains(warned[1], "node=10.0.0.2") {
		t.Errorf("%d warnings in three hours, e.g. %q", len(warned), warned[:min(len(warned), 5)])
	}
}
