package bot_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"

	"alsbot/als"
	"alsbot/config"
	"alsbot/jobs"
	"alsbot/runs"
	"alsbot/sim/workspace"
)

// nodeFile is the file on a node that the engine of a stage serves.
type nodeFile struct {
	content  string
	failures []error // one for each attempt, then the file
	removed  []string
	waits    chan struct{} // if not nil: the node sends nothing until it is closed
}

func (e *engine) WriteFile(_ context.Context, _ string, w io.Writer) error {
	if e.file.waits != nil {
		<-e.file.waits
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.file.failures) > 0 {
		err := e.file.failures[0]
		e.file.failures = e.file.failures[1:]
		_, _ = io.WriteString(w, e.file.content[:len(e.file.content)/2])
		return err
	}
	_, err := io.WriteString(w, e.file.content)
	return err
}

func (e *engine) Delivered(_ context.Context, id string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.file.removed = append(e.file.removed, id)
}

func (e *engine) removed() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.file.removed)
}

// threadFiles returns the files and the text of a thread, without its first
// message.
func (s *stage) threadFiles(ts string) (files []workspace.File, text string) {
	for _, reply := range s.ws.Thread(prod, ts) {
		if reply.TS != ts {
			files = append(files, reply.Files...)
			text += reply.Text()
		}
	}
	return files, text
}

// A file goes to the person who asked, by direct message and into no channel,
// and is then deleted on its node. A file that can't be sent stays there, and a
// message in the run's thread says where.
func TestFileOfARun(t *testing.T) {
	t.Parallel()
	away := errors.New("10.0.0.10: it cannot be reached")
	for name, c := range map[string]struct {
		failures []error
		slack    string // the method that always fails
		by       runs.Principal
		says     string // the message instead of the file
	}{
		"a schedule asked":    {by: runs.Principal{Source: runs.FromSchedule, ID: "weekly"}, says: "no person in Slack asked for it. Look for it at /tmp/x.tgz on the core"},
		"an unmapped account": {by: runs.Principal{Source: runs.FromLocal, ID: "root"}, says: "no person in Slack asked for it. Look for it at"},
		"a mapped account":    {by: runs.Principal{Source: runs.FromLocal, ID: "annie"}},
		"no direct messages":  {slack: "conversations.open", says: "lacks the permission im:write"},

		"at once":                 {},
		"the node is away a time": {failures: []error{away, away}},
		"the node is away":        {failures: []error{away, away, away}, says: "10.0.0.10: it cannot be reached. Look for it at /tmp/x.tgz on the core"},
		"it has changed":          {failures: []error{&jobs.NotThereError{Place: "/tmp/x.tgz on the core"}}, says: "is not there any more as the run has made it"},
		"Slack does not take it":  {slack: "files.getUploadURLExternal", says: "Slack does not take it (missing_scope). Look for it at /tmp/x.tgz on the core"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, func(cfg *config.Config) { cfg.Admin.Users = map[string]string{"annie": ann} })
			s.engine.file = nodeFile{content: strings.Repeat("bytes\x00\xff", 30000), failures: c.failures}
			if c.slack != "" {
				s.ws.Fail(c.slack, 9, workspace.Refused("missing_scope"))
			}
			r := newRun("r1", runs.Succeeded, prod)
			if c.by.ID != "" {
				r.By = c.by
			}
			r.Verdict = &als.Verdict{Outcome: als.Succeeded, Summary: "made", File: &als.File{
				Name: "report-prod-r1.tgz", Place: "/tmp/x.tgz on the core", Node: als.Core, Size: int64(len(s.engine.file.content)), SHA256: strings.Repeat("a", 64)}}
			s.engine.set(t, r, runs.TellRun, runs.TellFile)
			s.waitAllSent()
			got, text := s.threadFiles(s.ws.Messages(prod)[0].TS)
			if c.says != "" {
				if len(got) > 0 || !strings.Contains(text, c.says) || len(s.engine.removed()) > 0 {
					t.Errorf("%d files, %v removed; the thread:\n%s", len(got), s.engine.removed(), text)
				}
				return
			}
			if len(got) > 0 {
				t.Errorf("the file is in the channel: %s", s.ws.Transcript(prod))
			}
			for _, m := range s.ws.Messages("D" + ann[1:]) {
				got, text = append(got, m.Files...), text+m.Text()
			}
			if len(got) != 1 || got[0].Name != "report-prod-r1.tgz" || string(got[0].Content) != s.engine.file.content || !strings.Contains(text, "SHA-256 aaaa") {
				t.Fatalf("%d files; the thread:\n%s", len(got), text)
			}
			s.until("the file to be removed", func() bool { return slices.Equal(s.engine.removed(), []string{"r1"}) })
		})
	}
}

// A node decides how fast its file comes. What else is to be said in the
// channel, also of other clusters, doesn't wait for it.
func TestASlowFileDelaysNothing(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	s.engine.file = nodeFile{content: "bytes", waits: make(chan struct{})}
	comes := sync.OnceFunc(func() { close(s.engine.file.waits) })
	defer comes()
	r := newRun("r1", runs.Succeeded, prod)
	r.Verdict = &als.Verdict{Outcome: als.Succeeded, Summary: "made", File: &als.File{Name: "report-prod-r1.tgz", Place: "/tmp/x.tgz on the core", Node: als.Core, Size: 5, SHA256: strings.Repeat("a", 64)}}
	s.engine.set(t, r, runs.TellRun, runs.TellFile)
	s.until("the run's message", func() bool { return len(s.ws.Messages(prod)) == 1 })
	s.engine.set(t, newRun("r2", runs.Running, prod), runs.TellRun)
	s.until("the other run's message", func() bool { return len(s.ws.Messages(prod)) == 2 })
	comes()
	s.waitAllSent()
	s.until("the file to be removed", func() bool { return slices.Equal(s.engine.removed(), []string{"r1"}) })
}
