package bot

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/slack-go/slack"

	"alsbot/jobs"
	"alsbot/runs"
	"alsbot/store"
)

// sendAttachment sends the file of a run's verdict to the person who asked for
// it, by direct message, and never into a channel: it can hold secrets. The
// bytes come from the node during the upload: alsbot keeps none of them, and
// starts again after a restart. When Slack has the file, it is deleted on the
// node. If it can't be sent, a message says where the file is.
func (s *sender) sendAttachment(ctx, long context.Context, q *channelQueue, msg *message) error {
	r, _, err := s.engine.Load(ctx, msg.run)
	if err != nil || r.Verdict == nil || r.Verdict.File == nil {
		return err
	}
	at, err := s.directTo(ctx, r)
	if err != nil && classify(err).fate != refused {
		return err
	}
	if err != nil {
		s.fileStays(msg, r, err)
		return nil
	}
	return s.uploadAttachment(ctx, long, q, at, msg, r)
}

// errNobody says that a run has no person in Slack whom its file could go to.
var errNobody = errors.New("no person in Slack asked for it")

// directTo returns the conversation with the person who asked for a run.
func (s *sender) directTo(ctx context.Context, r runs.Run) (messageRef, error) {
	to := r.By.ID
	if r.By.Source == runs.FromLocal {
		to = s.cfg.Admin.Users[r.By.ID]
	}
	if to == "" || r.By.Source != runs.FromSlack && r.By.Source != runs.FromLocal {
		return messageRef{}, errNobody
	}
	var at messageRef
	err := s.client.call(ctx, methodOpenDirect, callLimit, func(ctx context.Context) error {
		ch, _, _, err := s.client.api.OpenConversationContext(ctx, &slack.OpenConversationParameters{Users: []string{to}})
		if err == nil {
			at.Channel = ch.ID
		}
		return err
	})
	return at, err
}

// fileStays has it said in the run's thread that the file was not sent, and
// where it is.
func (s *sender) fileStays(msg *message, r runs.Run, cause error) {
	why := explain(cause).Error()
	if t := classify(cause); t.code == "missing_scope" {
		why = "the Slack app lacks the permission im:write, which direct messages need. `alsbot check --connect` on alsbot's host shows what to add"
	}
	f := r.Verdict.File
	s.log.Error("a run's file could not be sent", "run", r.ID, "file", f.Place, "error", cause)
	text := fmt.Sprintf("The file of run %s could not be sent: %s. Look for it at %s.", r.ID, why, f.Place)
	msg.also = func(tx store.Tx) error {
		return runs.Tell(tx, runs.Outgoing{Kind: runs.TellFollowUp, Run: r.ID, Text: text})
	}
}

// uploadAttachment uploads the file, or has it said why it can't. It returns an
// error if the upload has to be tried again.
func (s *sender) uploadAttachment(ctx, long context.Context, q *channelQueue, at messageRef, msg *message, r runs.Run) error {
	if !pause(ctx, s.client.pauses.left(methodUpload)) {
		return ctx.Err()
	}
	f := r.Verdict.File
	var lost error // why the file doesn't come from the node
	err := s.upload(ctx, at, slack.UploadFileParameters{
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
		msg.after = func() { s.engine.Delivered(long, r.ID) }
		return nil
	case ctx.Err() != nil, t.fate == limited:
		return err
	}
	q.counts[tries]++
	if errors.Is(lost, io.ErrClosedPipe) {
		lost = nil // Slack stopped reading, the node did not stop sending
	}
	var missing *jobs.NotThereError
	never := errors.As(lost, &missing) || lost == nil && t.fate == refused
	if !never && q.counts[tries] < maxAttempts {
		return err
	}
	delete(q.counts, tries)
	s.fileStays(msg, r, notSent(lost, t))
	return nil
}

// notSent says why a file was not sent. lost is why it didn't come from the
// node.
func notSent(lost error, t trouble) error {
	switch {
	case lost != nil:
		return lost
	case t.code != "":
		return errors.New("Slack does not take it (" + t.code + ")")
	}
	return errors.New("Slack did not answer") //nolint:staticcheck // a name begins it
}
