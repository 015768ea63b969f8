package main

import (
	"fmt"
	"io"
	"sync/atomic"
	"time"
)

// logPipe writes the log to a file whose reader may be gone, or may stop
// reading: then lines are lost and counted, and the bot goes on.
type logPipe struct {
	to    io.Writer
	lines chan []byte
	lost  atomic.Int64
}

// logAhead is how many lines wait for a slow reader, and flushWait how long
// the end of the process waits for it.
const (
	logAhead  = 4096
	flushWait = 2 * time.Second
)

func newLogPipe(to io.Writer) *logPipe {
	p := &logPipe{to: to, lines: make(chan []byte, logAhead)}
	go func() {
		for line := range p.lines {
			p.write(line)
		}
	}()
	return p
}

func (p *logPipe) write(line []byte) {
	if line == nil {
		return
	}
	if n := p.lost.Swap(0); n > 0 {
		if _, err := fmt.Fprintf(p.to, "alsbot: %d lines of the log were lost: no one read them\n", n); err != nil {
			p.lost.Add(n)
		}
	}
	if _, err := p.to.Write(line); err != nil {
		p.lost.Add(1)
	}
}

// Write takes a line and never waits.
func (p *logPipe) Write(line []byte) (int, error) {
	select {
	case p.lines <- append([]byte{}, line...):
	default:
		p.lost.Add(1)
	}
	return len(line), nil
}

// flush waits a moment until what was logged is written.
func (p *logPipe) flush() {
	for until := time.Now().Add(flushWait); len(p.lines) > 0 && time.Now().Before(until); {
		time.Sleep(5 * time.Millisecond)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		select {
		case p.lines <- nil: // taken once the line before it is written
			for len(p.lines) > 0 {
				time.Sleep(time.Millisecond)
			}
		case <-time.After(flushWait):
		}
	}()
	select {
	case <-done:
	case <-time.After(flushWait):
	}
}
