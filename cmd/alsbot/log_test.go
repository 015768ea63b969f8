package main

import (
	"fmt"
	"io"
	"strings"
	"testing"
)

// A log that nobody reads holds nobody up; what was lost is counted.
func TestALogThatNobodyReads(t *testing.T) {
	t.Parallel()
	r, w := io.Pipe()
	log := newLogPipe(w)
	const more = 100
	for i := range logAhead + more {
		if _, err := fmt.Fprintf(log, "line %d\n", i); err != nil {
			t.Fatal(err)
		}
	}
	all := make(chan string)
	go func() {
		b, err := io.ReadAll(r)
		if err != nil {
			t.Error(err)
		}
		all <- string(b)
	}()
	log.flush()
	if _, err := io.WriteString(log, "the last\n"); err != nil {
		t.Fatal(err)
	}
	log.flush()
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	text := <-all
	if !strings.Contains(text, "line 0\n") || !strings.Contains(text, " lines of the log were lost: no one read them\n") || !strings.HasSuffix(text, "the last\n") {
		t.Errorf("%d bytes, beginning %.80q, ending %.200q", len(text), text, text[max(0, len(text)-200):])
	}
}
