package bot

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/slack-go/slack"

	"alsbot/jobs"
	"alsbot/runs"
)

// sendAttachment uploads the file of a run's verdict into the run's thread. The
// bytes come from the node during the upload: alsbot keeps none of them, and
// starts again after a restart. When Slack has the file, it is deleted on the
// node. If Slack refuses it, a message says where the file is.
func (s *sender) sendAttachment(ctx, long context.Context, q *channelQueue, msg *message) error {
	r, _, err := s.engine.Load(ctx, msg.run)
	if err != nil || r.Verdict == nil || r.Verdict.File == nil {
		return err
	}
	at, err := s.threadOf(ctx, r)
	if err != nil {
		return err
	}
	if at.TS == "" {
		s.log.Info("a file stays on its node: its run has no message in Slack", "run", r.ID, "file", r.Verdict.File.Place)
		return nil
	}
	taken, err := s.uploadAttachment(ctx, long, q, at, r)
	if taken {
		msg.after = func() { s.engine.Delivered(long, r.ID) }
	}
	return err
}

// uploadAttachment uploads the file, or posts why it can't. It returns an error
// if the upload has to be tried again.
func (s *sender) uploadAttachment(ctx, long context.Context, q *channelQueue, at messageRef, r runs.Run) (taken bool, err error) {
	if !pause(ctx, s.client.pauses.left(methodUpload)) {
		return false, ctx.Err()
	}
	f := r.Verdict.File
	var lost error // why the file doesn't come from the node
	err = s.upload(ctx, at, slack.UploadFileParameters{
		Filename: f.Name, Title: f.Name, FileSize: int(f.Size),
		InitialComment: escape(fmt.Sprintf("The file of run %s, %s, SHA-256 %s", r.ID, size(f.Size), f.SHA256)),
	}, func(w io.Writer) error {
		lost = s.engine.WriteFile(ctx, r.ID, w)
		return lost
	})
	tries := "attach " + r.ID
	t := classify(err)
	switch {
	case err == nil:
		delete(q.counts, tries)
		return true, nil
	case ctx.Err() != nil, t.fate == limited:
		return false, err
	}
	q.counts[tries]++
	if errors.Is(lost, io.ErrClosedPipe) {
		lost = nil // Slack stopped reading, the node did not stop sending
	}
	var missing *jobs.NotThereError
	never := errors.As(lost, &missing) || lost == nil && t.fate == refused
	if !never && q.counts[tries] < maxAttempts {
		return false, err
	}
	delete(q.counts, tries)
	why := "Slack did not answer"
	switch {
	case lost != nil:
		why = lost.Error()
	case t.code != "":
		why = "Slack does not take it (" + t.code + ")"
	}
	s.log.Error("a run's file could not be uploaded", "run", r.ID, "file", f.Place, "error", err)
	if err := s.waitForRate(ctx, q, methodPost); err != nil {
		return false, err
	}
	m := textMessage(s.cleaner, fmt.Sprintf("The file of run %s could not be put here: %s. Look for it at %s.", r.ID, why, f.Place))
	_, err = s.client.post(long, at.Channel, at.TS, m, metadata{run: r.ID, kind: string(runs.TellFile)})
	if t := classify(err); t.fate == refused {
		s.log.Error("Slack does not take a message about a run's file", "run", r.ID, "channel", at.Channel, "code", t.code, "next", channelAdvice(t.code))
		return false, nil
	}
	return false, err
}
