package bot

import (
	"bytes"
	"io"
)

// cleanWriter cleans output that is too long for memory. It works on whole
// lines, or on the largest pieces that cannot cut a secret in two.
type cleanWriter struct {
	cleaner cleaner
	to      io.Writer
	key     keyBlock
	buf     []byte
}

const (
	cleanChunk    = 64 << 10  // cleaned together, if it ends in a newline
	maxLineBuffer = 256 << 10 // a line is cut here
	cutOverlap    = 8 << 10   // what stays back at such a cut: longer than any secret
)

// Write takes the next bytes. The error is that of the writer below.
func (w *cleanWriter) Write(p []byte) (int, error) {
	w.buf = append(w.buf, p...)
	if len(w.buf) < cleanChunk {
		return len(p), nil
	}
	at := bytes.LastIndexByte(w.buf, '\n') + 1
	if at == 0 && len(w.buf) >= maxLineBuffer {
		at = w.safeCut()
	}
	if at == 0 {
		return len(p), nil
	}
	err := w.pass(w.buf[:at])
	w.buf = append(w.buf[:0], w.buf[at:]...)
	return len(p), err
}

// safeCut finds a place in a line without end: a blank in what is old enough,
// else any place there. Neither a control sequence nor a word is cut, as long
// as they are of a sane length.
func (w *cleanWriter) safeCut() int {
	old := w.buf[:len(w.buf)-cutOverlap]
	if at := bytes.LastIndexAny(old[len(old)-cutOverlap:], " \t,;"); at >= 0 {
		return len(old) - cutOverlap + at + 1
	}
	return len(old)
}

// Close passes on what is left.
func (w *cleanWriter) Close() error {
	err := w.pass(w.buf)
	w.buf = nil
	return err
}

func (w *cleanWriter) pass(p []byte) error {
	if len(p) == 0 {
		return nil
	}
	text := w.cleaner.secrets.maskPart(&w.key, newlines(stripANSI(string(p))))
	_, err := io.WriteString(w.to, visible(text))
	return err
}
