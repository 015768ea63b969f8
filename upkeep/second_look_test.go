package upkeep_test

import (
	"strings"
	"testing"
	"time"

	"alsbot/runs"
	"alsbot/store"
	"alsbot/upkeep/enginetest"
)

// fall sets the state of the core's router.
func fall(h *enginetest.Rig, state string) {
	h.T.Helper()
	if err := h.Cluster.SetRole(h.Cluster.Core, "router", state); err != nil {
		h.T.Fatal(err)
	}
}

// A role that falls after a restart that had worked is told in the run's
// thread, and kept with the run.
func TestARoleThatFallsAfterARestartIsTold(t *testing.T) {
	t.Parallel()
	h := enginetest.New(t, nil)
	id := h.Run("U0ANN", "restart router")
	h.Until(id, runs.Awaiting)
	h.Press("U0BOB", id, true)
	h.Until(id, runs.Succeeded)
	h.UntilEnded(id)
	fall(h, "FATAL")
	due := store.Bucket[time.Time]{Name: "second.looks"}
	h.Offline(func(tx store.Tx) error {
		at, planned, err := due.Get(tx, id)
		if !planned || time.Until(at) > 31*time.Second {
			t.Errorf("planned: %t, at %s", planned, at)
		}
		if err != nil {
			return err
		}
		return due.Put(tx, id, time.Now().Add(-time.Second))
	})
	h.Eventually("second.looks", "the second look", func(tx store.Tx) (bool, error) {
		_, planned, err := due.Get(tx, id)
		return !planned, err
	})
	r := h.Until(id, runs.Succeeded)
	if r.LookedAgain == nil || !strings.Contains(r.LookedAgain.Text, "router") || !strings.Contains(r.LookedAgain.Text, "FATAL") {
		t.Errorf("kept with the run: %+v", r.LookedAgain)
	}
	rows, err := h.Ledger.Outbox(t.Context(), 1000)
	if err != nil {
		t.Fatal(err)
	}
	told := 0
	for _, row := range rows {
		if row.Kind == runs.TellFollowUp && row.Run == id && row.Text == r.LookedAgain.Text {
			told++
		}
	}
	if told != 1 {
		t.Errorf("told %d times", told)
	}
}

// A second look says nothing where all is well, and nothing of a cluster that
// another run has begun to change.
func TestASecondLookThatFindsNothingSaysNothing(t *testing.T) {
	t.Parallel()
	h := enginetest.New(t, nil)
	due := store.Bucket[time.Time]{Name: "second.looks"}
	restart := func() string {
		id := h.Run("U0ANN", "restart router")
		h.Until(id, runs.Awaiting)
		h.Press("U0BOB", id, true)
		h.Until(id, runs.Succeeded)
		return id
	}
	first := restart()
	last := restart() // changes what the first look would say
	fall(h, "FATAL")
	h.Offline(func(tx store.Tx) error { return due.Put(tx, first, time.Now().Add(-time.Second)) })
	h.Eventually("second.looks", "the second look", func(tx store.Tx) (bool, error) {
		_, planned, err := due.Get(tx, first)
		return !planned, err
	})
	fall(h, "RUNNING")
	h.Offline(func(tx store.Tx) error { return due.Put(tx, last, time.Now().Add(-time.Second)) })
	h.Eventually("second.looks", "the second look", func(tx store.Tx) (bool, error) {
		_, planned, err := due.Get(tx, last)
		return !planned, err
	})
	for _, id := range []string{first, last} {
		if r := h.Until(id, runs.Succeeded); r.LookedAgain != nil {
			t.Errorf("%+v", r.LookedAgain)
		}
	}
}
