package bot_test

import (
	"errors"
	"strings"
	"testing"

	"alsbot/jobs"
)

// A run whose output can't be read is shown without it, and doesn't delay other
// messages in its channel.
func TestRunWithUnreadableOutputIsShown(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	s.engine.unreadable = errors.New("input/output error")
	s.engine.set(t, newRun("r1", jobs.Running, prod), jobs.TellRun)
	s.engine.set(t, newRun("r2", jobs.Succeeded, prod), jobs.TellRun)
	s.until("both are told", func() bool { return len(s.ws.Messages(prod)) == 2 })
	if text := s.ws.Messages(prod)[0].Text(); !strings.Contains(text, "run r1") || !strings.Contains(text, "running") {
		t.Errorf("it reads\n%s", text)
	}
}
