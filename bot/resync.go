package bot

import (
	"context"

	"alsbot/runs"
)

// runKey and approvalKey return the keys of a run's message and of its approval
// request.
func runKey(id string) string      { return string(runs.TellRun) + "/" + id }
func approvalKey(id string) string { return string(runs.TellApproval) + "/" + id }

// resync marks, at the start, the messages to show again as they are: approval
// requests that are open, and runs that have not ended. Slack may show what
// this store doesn't know. After a restored snapshot, a request that waits
// again may show as approved in Slack, without buttons, and no one could
// approve it.
//
// The messages are shown as progress is: one chat.update each, where nothing
// else is to be sent. If alsbot stops before that, the next start does it.
func (s *sender) resync(ctx context.Context) {
	open, err := s.engine.UnderWay(ctx)
	if err != nil && ctx.Err() == nil {
		s.log.Error("reading what is under way; messages that show something else stay as they are until it changes", "error", err)
	}
	for _, r := range open {
		if r.State == runs.Awaiting {
			s.markDirty(approvalKey(r.ID))
		}
		s.markDirty(runKey(r.ID))
	}
}
