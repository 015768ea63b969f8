package bot

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/slack-go/slack"

	"alsbot/runs"
	"alsbot/store"
)

// sendPlan uploads the whole plan of a request into the thread of the request.
// Only what Slack has surely taken counts: then the request's message gets its
// Approve button. Until then the message says why it has none, and sendPlan
// tries again, as long as the request is open.
func (s *sender) sendPlan(ctx, long context.Context, _ *channelQueue, msg *message) error {
	r, a, err := s.engine.Load(ctx, msg.run)
	if err != nil || a == nil || !openRequest(r, *a) || a.Unshown == "" {
		return err // no one waits for it any more
	}
	at, _, err := s.index.find(ctx, approvalKey(r.ID))
	if err != nil || at.TS == "" {
		return err // a message that is posted later asks again
	}
	if !pause(ctx, s.client.pauses.left(methodUpload)) {
		return ctx.Err()
	}
	text := planFile(s.cleaner, r, *a)
	err = s.upload(ctx, at, slack.UploadFileParameters{
		Filename:       "plan-" + r.ID + ".txt",
		Title:          shorten("The whole plan of run "+r.ID, maxHeader),
		InitialComment: escape("The whole plan of run " + r.ID + ", plan " + digestPrefix(a.Digest) + ". Read it before you approve."),
		FileSize:       len(text),
		SnippetType:    "text",
	}, func(w io.Writer) error { _, err := io.WriteString(w, text); return err })
	if err == nil {
		msg.also = func(tx store.Tx) error { return recordFiled(tx, r.ID, at) }
		return nil
	}
	if ctx.Err() != nil {
		return err
	}
	return s.planRefused(long, r, err)
}

// planRefused records why the file isn't there, and returns an error that makes
// the sender try again. Slack's refusal of a file must not look like its refusal
// of alsbot's token, which would take the bot out of service.
func (s *sender) planRefused(ctx context.Context, r runs.Run, refusal error) error {
	t := classify(refusal)
	if t.fate == limited {
		return refusal
	}
	why := "Slack did not answer"
	if t.code != "" {
		why = codeAdvice(t.code)
	}
	err := s.st.Update(ctx, func(tx store.Tx) error {
		changed, err := runs.SetShown(tx, r.ID, fmt.Sprintf(textPlanRefused, why), false)
		if err != nil || !changed {
			return err
		}
		return runs.Tell(tx, runs.Outgoing{Kind: runs.TellApproval, Run: r.ID})
	})
	return errors.Join(fmt.Errorf("the file with the plan of run %s: %v", r.ID, refusal), err) //nolint:errorlint // see above
}

// recordFiled records that the message at has the whole plan in its thread. A
// message that has taken its place meanwhile gets a file of its own.
func recordFiled(tx store.Tx, run string, at messageRef) error {
	now, _, err := messages.Get(tx, approvalKey(run))
	if err != nil || now != at {
		return err
	}
	if _, err := runs.SetShown(tx, run, "", true); err != nil {
		return err
	}
	return runs.Tell(tx, runs.Outgoing{Kind: runs.TellApproval, Run: run})
}

// planFile returns the file with everything that an approval of the run binds.
func planFile(c cleaner, r runs.Run, a runs.Approval) string {
	var b strings.Builder
	row := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%s: %s\n", name, value)
		}
	}
	row("Run", r.ID)
	row("Command", r.Text)
	row("Cluster", "@"+a.Cluster)
	row("Requested by", r.By.Name())
	row("Reason", r.Request.Reason)
	row("Replaces run", r.Replaces)
	row("What changed", r.Changed)
	row("Digest", a.Digest)
	if r.Plan != nil {
		b.WriteString(r.Plan.Whole() + "\n")
	}
	return c.text(b.String())
}
