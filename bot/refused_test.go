package bot_test

import (
	"log/slog"
	"strings"
	"sync"
	"testing"

	"alsbot/runs"
)

// syncBuffer is a log that several goroutines write and a test reads.
type syncBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *syncBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *syncBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// A log line about a refusal of Slack says what to do.
func TestLogSaysHowToFixRefusal(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	s.stop()
	var log syncBuffer
	s.log = slog.NewTextHandler(&log, nil)
	s.cfg.Clusters[0].Channel, s.cfg.Clusters[0].Approvals = away, away
	s.start()
	s.engine.set(t, newRun("r1", runs.Queued, away), runs.TellRun)
	s.engine.setApproval(t, newRun("r2", runs.Awaiting, away), runs.Approval{Run: "r2", Cluster: "prod", State: runs.ApprovalWaiting, Quorum: 1, Expires: asked})
	s.engine.tell(t, runs.Outgoing{Kind: runs.TellChannel, Cluster: "prod", Text: "a backup is old"})
	s.engine.tell(t, runs.Outgoing{Kind: runs.TellChannel, Cluster: "gone", Text: "a backup is old"})
	s.waitAllSent()
	for _, of := range []string{"the message of a run", "a request for approval", "a message for a cluster's channel"} {
		s.checkLogLine(log.String(), of, "/invite @alsbot", "channel="+away)
	}
	s.checkLogLine(log.String(), "has something to say and no channel", "clusters", "config")
}

// checkLogLine fails unless one line of the log has all these words.
func (s *stage) checkLogLine(log string, words ...string) {
	s.Helper()
lines:
	for line := range strings.Lines(log) {
		for _, w := range words {
			if !strings.Contains(line, w) {
				continue lines
			}
		}
		return
	}
	s.Errorf("no line of the log has all of %q:\n%s", words, log)
}
