package bot

import (
	"context"

	"alsbot/jobs"
)

// runKey and cardKey name what is told of a run: its message, and the card on
// which its approval is asked for.
func runKey(id string) string      { return string(jobs.TellRun) + "/" + id }
func approvalKey(id string) string { return string(jobs.TellApproval) + "/" + id }

// afresh notes, at the start, what is to be shown once more as it is: the
// cards that wait for somebody, and the messages of what is not over. Slack
// may show what this store does not know. After a snapshot was put back a
// request that waits again may stand there as approved, without its buttons,
// and nobody could approve it.
//
// It is shown as progress is: one chat.update for each message, where nothing
// else is to be told. If alsbot ends before, the next start does it.
func (s *sender) resync(ctx context.Context) {
	open, err := s.engine.UnderWay(ctx)
	if err != nil && ctx.Err() == nil {
		s.log.Error("reading what is under way; messages that show something else stay as they are until it changes", "error", err)
	}
	for _, r := range open {
		if r.State == jobs.Awaiting {
			s.markDirty(approvalKey(r.ID))
		}
		s.markDirty(runKey(r.ID))
	}
}
