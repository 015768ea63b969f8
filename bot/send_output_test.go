package bot_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"alsbot/runs"
	"alsbot/sim/workspace"
)

// threadContent returns what a thread shows beside its first message, and how
// many messages and files that is.
func (s *stage) threadContent(ts string) (shown string, pieces, files int) {
	for _, r := range s.ws.Thread(prod, ts) {
		if r.TS == ts {
			continue
		}
		for _, f := range r.Files {
			shown += string(f.Content)
			files++
		}
		if len(r.Files) == 0 {
			shown += r.Text() + "\n"
			pieces++
		}
	}
	return shown, pieces, files
}

func TestOutput(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		output      string
		pieces, max int
		file        bool
	}{
		"short":  {output: "Patches installed\n<!channel> *x* ```\n", pieces: 1},
		"longer": {output: strings.Repeat("a line of output that says nothing\n", 250), pieces: 3},
		"long":   {output: strings.Repeat("a line of output that says nothing\n", 20000), file: true},
		"none":   {output: " \n"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, nil)
			if err := s.engine.st.WriteBlob(s.ctx, "r1", 0, []byte(c.output)); err != nil {
				t.Fatal(err)
			}
			s.engine.set(t, newRun("r1", runs.Succeeded, prod), runs.TellRun, runs.TellOutput)
			s.waitAllSent()
			shown, pieces, files := s.threadContent(s.ws.Messages(prod)[0].TS)
			if pieces != c.pieces || (files == 1) != c.file {
				t.Errorf("%d messages and %d files:\n%.500s", pieces, files, shown)
			}
			if got, want := strings.Fields(shown), strings.Fields(c.output); fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("shown is %.300q", shown)
			}
		})
	}
}

// Output that the store can't return is reported in words and delays nothing
// else in its channel.
func TestUnreadableOutputIsReported(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	s.engine.set(t, newRun(".r1", runs.Failed, prod), runs.TellRun, runs.TellOutput) // no valid name of a blob
	s.engine.set(t, newRun("r2", runs.Running, prod), runs.TellRun)
	s.waitAllSent()
	if all := s.ws.Transcript(prod); !strings.Contains(all, "cannot be read") || !strings.Contains(all, "run r2") {
		t.Errorf("people see:\n%s", all)
	}
}

func TestOutputWhereFilesAreRefused(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	s.ws.Fail("files.getUploadURLExternal", 9, workspace.Refused("missing_scope"))
	if err := s.engine.st.WriteBlob(s.ctx, "r1", 0, []byte(strings.Repeat("noise\n", 5000)+"the end\n")); err != nil {
		t.Fatal(err)
	}
	s.engine.set(t, newRun("r1", runs.Succeeded, prod), runs.TellRun, runs.TellOutput)
	s.waitAllSent()
	thread := s.ws.Thread(prod, s.ws.Messages(prod)[0].TS)
	last := thread[len(thread)-1].Text()
	if !strings.Contains(last, "the end") || !strings.Contains(last, "output r1") {
		t.Errorf("the thread ends in\n%s", last)
	}
}

// A run whose output can't be read is shown without it, and doesn't delay other
// messages in its channel.
func TestRunWithUnreadableOutputIsShown(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	s.engine.unreadable = errors.New("input/output error")
	s.engine.set(t, newRun("r1", runs.Running, prod), runs.TellRun)
	s.engine.set(t, newRun("r2", runs.Succeeded, prod), runs.TellRun)
	s.until("both are told", func() bool { return len(s.ws.Messages(prod)) == 2 })
	if text := s.ws.Messages(prod)[0].Text(); !strings.Contains(text, "run r1") || !strings.Contains(text, "running") {
		t.Errorf("it reads\n%s", text)
	}
}
