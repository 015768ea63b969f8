package bot_test

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"alsbot/runs"
	"alsbot/sim/workspace"
	"alsbot/store"
)

func TestProgress(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	r := newRun("r1", runs.Running, prod)
	r.Started = asked
	s.engine.set(t, r, runs.TellRun)
	s.waitAllSent()
	if err := s.engine.st.WriteBlob(s.ctx, "r1", 0, []byte("installing patch 7\n")); err != nil {
		t.Fatal(err)
	}
	for range 50 {
		s.engine.progress <- "r1"
	}
	s.until("the tail is shown", func() bool { return strings.Contains(s.ws.Messages(prod)[0].Text(), "installing patch 7") })
	if n := s.ws.Calls("chat.update"); n != 1 {
		t.Errorf("%d updates for one moment", n)
	}
}

// News that arrives while a message is being sent is not in it: it is shown
// afterwards, even if nothing else happens to the run for hours.
func TestNewsDuringSendIsShownLater(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	r := newRun("r1", runs.Running, prod)
	r.Remark = "it was heard of"
	s.engine.beforeAck = func(tx store.Tx) {
		s.engine.beforeAck = nil
		r.Remark = "it is out of reach"
		if err := runsOf.Put(tx, r.ID, r); err != nil {
			t.Error(err)
		}
		s.engine.progress <- "r1"
		s.engine.progress <- "another" // when the sender takes this one, it has handled the first
		for deadline := time.Now().Add(5 * time.Second); len(s.engine.progress) > 0 && time.Now().Before(deadline); {
			runtime.Gosched()
		}
	}
	s.engine.set(t, r, runs.TellRun)
	s.waitAllSent()
	s.until("the news are shown", func() bool { return strings.Contains(s.ws.Messages(prod)[0].Text(), "out of reach") })
}

// News is shown again if Slack refused the update that had it.
func TestNewsIsShownAfterFailedUpdate(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	r := newRun("r1", runs.Running, prod)
	s.engine.set(t, r, runs.TellRun)
	s.waitAllSent()
	r.Remark = "it is out of reach"
	s.engine.set(t, r)
	s.ws.Fail("chat.update", 1, workspace.Status(500))
	s.engine.progress <- "r1"
	s.until("the news are shown", func() bool { return strings.Contains(s.ws.Messages(prod)[0].Text(), "out of reach") })
}
