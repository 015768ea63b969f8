package bot_test

import (
	"errors"
	"strings"
	"testing"

	"alsbot/jobs"
)

// A run whose output cannot be read is shown without it, and its channel's
// other news do not wait behind it.
func TestARunWhoseOutputCannotBeReadIsShown(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	s.engine.unreadable = errors.New("input/output error")
	s.engine.set(t, aRun("r1", jobs.Running, prod), jobs.TellRun)
	s.engine.set(t, aRun("r2", jobs.Succeeded, prod), jobs.TellRun)
	s.until("both are told", func() bool { return len(s.ws.Messages(prod)) == 2 })
	if text := s.ws.Messages(prod)[0].Text(); !strings.Contains(text, "run r1") || !strings.Contains(text, "running") {
		t.Errorf("it reads\n%s", text)
	}
}
