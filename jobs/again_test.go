package jobs_test

import (
	"context"
	"log/slog"
	"path/filepath"
	"reflect"
	"testing"

	"alsbot/config"
	"alsbot/executor"
	"alsbot/jobs"
	"alsbot/store"
	"alsbot/upkeep/enginetest"
)

// A delivery that comes again while alsbot stops is not told that nothing was
// started: whoever hears that asks again, under another key.
func TestTheSameDeliveryWhileAlsbotStops(t *testing.T) {
	t.Parallel()
	st, err := store.OpenBolt(filepath.Join(t.TempDir(), "alsbot.db"), store.Ballast(0))
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	exec := executor.New(slog.New(slog.DiscardHandler))
	defer exec.Close()
	e, err := jobs.New(jobs.Options{
		Config: &config.Config{
			Clusters: []config.Cluster{{Name: "prod", Core: "127.0.0.1:1"}},
			Access:   config.Access{Operator: []string{"U0ANN"}},
		},
		Store: st, Executor: exec, Directory: &enginetest.Groups{}, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	ask := func(key string) jobs.Answer {
		ans, err := e.Ask(t.Context(), jobs.Ask{Key: key, By: enginetest.Slack("U0ANN"), Text: "export cluster"})
		if err != nil {
			t.Fatal(err)
		}
		return ans
	}
	first := ask("one")
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := e.Run(over); err != nil {
		t.Fatal(err)
	}
	if again := ask("one"); first.Run == "" || !reflect.DeepEqual(again, first) {
		t.Errorf("first %+v, then %+v", first, again)
	}
	if other := ask("two"); !other.Bad || other.Run != "" {
		t.Errorf("taken while it stops: %+v", other)
	}
}
