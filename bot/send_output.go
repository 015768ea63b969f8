package bot

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/slack-go/slack"

	"alsbot/runs"
)

const (
	maxPiece    = 3500      // code points of output in one message
	maxPieces   = 3         // messages; longer output becomes a file
	maxFile     = 100 << 20 // bytes; of still longer output, the file has both ends
	endBytes    = 64 << 10  // of each end
	maxAttempts = 3         // failed attempts, after which a message says so instead
)

// errMeasured stops measuring output that is longer than any file.
var errMeasured = errors.New("longer than what is shown")

// outputMeter measures cleaned output and keeps its start.
type outputMeter struct {
	size int64
	head bytes.Buffer
}

func (m *outputMeter) Write(p []byte) (int, error) {
	m.head.Write(p[:min(len(p), endBytes-m.head.Len())])
	if m.size += int64(len(p)); m.size > maxFile {
		return 0, errMeasured
	}
	return len(p), nil
}

// sendOutput posts a run's output into the thread of its message: a few
// messages, or a file.
func (s *sender) sendOutput(ctx, long context.Context, q *channelQueue, msg *message) error {
	r, _, err := s.engine.Load(ctx, msg.run)
	if err != nil {
		return err
	}
	at, err := s.threadOf(ctx, r)
	if err != nil {
		return err
	}
	if at.TS == "" {
		s.log.Info("output is not shown: its run has no message in Slack", "run", r.ID)
		return nil
	}
	var m outputMeter
	err = s.copyOutput(ctx, r.ID, &m)
	if err != nil && !errors.Is(err, errMeasured) {
		return s.postUnreadable(ctx, long, q, at, r, err)
	}
	text := strings.Trim(m.head.String(), "\n")
	switch {
	case strings.TrimSpace(text) == "" && m.size < endBytes:
		err = nil
	case m.size < endBytes && len(pieces(text)) <= maxPieces:
		err = s.postPieces(ctx, long, q, at, r, pieces(text), "")
	default:
		err = s.uploadOutput(ctx, long, q, at, r, &m)
	}
	if t := classify(err); t.fate == refused {
		s.log.Error("Slack does not take the output of a run", "run", r.ID, "channel", at.Channel, "code", t.code, "next", channelAdvice(t.code))
		err = nil
	}
	if err == nil {
		delete(q.counts, r.ID)
		delete(q.counts, "file "+r.ID)
	}
	return err
}

// postUnreadable posts that the output can't be read from the store, after
// several attempts: the channel's other messages wait behind it.
func (s *sender) postUnreadable(ctx, long context.Context, q *channelQueue, at messageRef, r runs.Run, why error) error {
	tries := "read " + r.ID
	if q.counts[tries]++; ctx.Err() != nil || q.counts[tries] < maxAttempts {
		return why
	}
	s.log.Error("the output of a run cannot be read", "run", r.ID, "error", why)
	if err := s.waitForRate(ctx, q, methodPost); err != nil {
		return err
	}
	m := textMessage(s.cleaner, fmt.Sprintf("The output of run %s cannot be read on alsbot's host: %v. `run %s` shows how it ended.", r.ID, why, r.ID))
	_, err := s.client.post(long, at.Channel, at.TS, m, metadata{run: r.ID, kind: string(runs.TellOutput)})
	if classify(err).fate == refused {
		err = nil
	}
	if err == nil {
		delete(q.counts, tries)
	}
	return err
}

// threadOf returns the thread that belongs to a run. Without a TS there is
// none.
func (s *sender) threadOf(ctx context.Context, r runs.Run) (messageRef, error) {
	at, _, err := s.index.find(ctx, runKey(r.ID))
	if err != nil || at.TS == "" {
		return messageRef{}, err
	}
	if channel, thread := s.runDestination(ctx, r); channel == at.Channel && thread != "" {
		at.TS = thread // a reply can't have a thread of its own
	}
	return at, nil
}

// copyOutput writes all output of a run, cleaned.
func (s *sender) copyOutput(ctx context.Context, run string, w io.Writer) error {
	c := &cleanWriter{cleaner: s.cleaner, to: w}
	if err := s.engine.WriteOutput(ctx, run, c); err != nil {
		return err
	}
	return c.Close()
}

// pieces splits cleaned text into pieces that fit into one message each,
// between lines.
func pieces(text string) []string {
	var out []string
	for text != "" {
		if utf8.RuneCountInString(text) <= maxPiece {
			return append(out, text)
		}
		piece := firstRunes(text, maxPiece)
		if i := strings.LastIndexByte(piece, '\n'); i > 0 {
			piece = piece[:i+1]
		}
		text = text[len(piece):]
		if piece = strings.TrimRight(piece, "\n"); piece != "" {
			out = append(out, piece)
		}
	}
	return out
}

// postPieces posts output as messages. After a failure it goes on with the
// first piece that Slack doesn't have.
func (s *sender) postPieces(ctx, long context.Context, q *channelQueue, at messageRef, r runs.Run, some []string, intro string) error {
	for i := q.counts[r.ID]; i < len(some); i++ {
		if err := s.waitForRate(ctx, q, methodPost); err != nil {
			return err
		}
		title := fmt.Sprintf("%sOutput of run %s", intro, r.ID)
		if len(some) > 1 {
			title += fmt.Sprintf(", part %d of %d", i+1, len(some))
		}
		m := content{
			text:   escapeTo(title+": "+s.cleaner.line(some[i]), maxLine),
			blocks: []slack.Block{preformatted(some[i])},
		}
		if intro != "" && i == 0 {
			m.blocks = append([]slack.Block{slack.NewRichTextBlock("", slack.NewRichTextSection(richText(title, nil)...))}, m.blocks...)
		}
		if _, err := s.client.post(long, at.Channel, at.TS, m, metadata{run: r.ID, kind: string(runs.TellOutput)}); err != nil {
			return err
		}
		q.counts[r.ID] = i + 1
	}
	return nil
}

// uploadOutput uploads output into the thread: all of it, or both ends. If
// files can't be uploaded, it posts the end.
func (s *sender) uploadOutput(ctx, long context.Context, q *channelQueue, at messageRef, r runs.Run, m *outputMeter) error {
	if !pause(ctx, s.client.pauses.left(methodUpload)) {
		return ctx.Err()
	}
	tail, total, err := s.engine.Output(ctx, r.ID, endBytes)
	if err != nil {
		return err
	}
	comment := fmt.Sprintf("Output of run %s, %s", r.ID, size(total))
	length, copy := m.size, func(w io.Writer) error { return s.copyOutput(ctx, r.ID, w) }
	if m.size > maxFile {
		ends := m.head.String() + fmt.Sprintf("\n\n[cut: the whole output is %s; alsbot output %s prints it]\n\n", size(total), r.ID) +
			s.cleaner.text(string(wholeLines(tail, endBytes)))
		length, copy = int64(len(ends)), func(w io.Writer) error { _, err := io.WriteString(w, ends); return err }
		comment += ", its beginning and its end"
	}
	err = s.upload(ctx, at, slack.UploadFileParameters{
		Filename:       strings.ReplaceAll(r.Request.Operation, " ", "-") + "-" + r.Request.Cluster + "-" + r.ID + ".txt",
		Title:          shorten("Output of "+r.Text, maxHeader),
		InitialComment: escape(comment),
		FileSize:       int(length),
		SnippetType:    "text",
	}, copy)
	t := classify(err)
	if t.fate == unknown {
		q.counts["file "+r.ID]++
	}
	if t.fate == refused || q.counts["file "+r.ID] >= maxAttempts {
		s.log.Error("uploading a run's output; its end is posted instead", "run", r.ID, "error", err)
		end := pieces(strings.Trim(s.cleaner.text(string(wholeLines(tail, endBytes))), "\n"))
		end = end[max(0, len(end)-1):]
		return s.postPieces(ctx, long, q, at, r, end, "The file could not be uploaded; `output "+r.ID+"` shows more. End of the ")
	}
	return err
}

// upload streams what copy writes into a file in the thread at.
func (s *sender) upload(ctx context.Context, at messageRef, file slack.UploadFileParameters, copy func(io.Writer) error) error {
	pr, pw := io.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		pw.CloseWithError(copy(pw))
	}()
	file.Reader, file.Channel, file.ThreadTimestamp = pr, at.Channel, at.TS
	err := s.client.call(ctx, methodUpload, uploadLimit, func(ctx context.Context) error {
		_, err := s.client.api.UploadFileContext(ctx, file)
		return err
	})
	pr.CloseWithError(io.ErrClosedPipe) // stops the copy if Slack did not read all of it
	<-done
	return err
}
